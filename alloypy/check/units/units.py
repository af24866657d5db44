"""Checks units: a file, or all *.alloy files of a directory together.

Callers can choose how files are read, so that unsaved texts can be checked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alloypy.check.configuration import Context, check_files, has_errors
from alloypy.check.findings import no_pause
from alloypy.check.lint import MARK, is_of_rule
from alloypy.check.modules.imports import Files, Location
from alloypy.check.scope import Language
from alloypy.files import read_regular
from alloypy.graph.admission import Gate
from alloypy.graph.codes import OUT_OF_SCOPE, UNKNOWN_COMPONENT
from alloypy.schema import texts
from alloypy.syntax.codes import BAD_ENCODING, NO_FILES, UNREADABLE
from alloypy.syntax.config_files import (
    ConfigReadError,
    module_path,
    parse_config,
    read_config,
)
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source, Span
from alloypy.syntax.text_files import UNKNOWN_ENCODING, binary_fault, not_utf8_at
from alloypy.syntax.tree import File

if TYPE_CHECKING:
    from alloypy.catalog.versions import Version

_MOST_NEIGHBOURS = 200
_UNKNOWN = frozenset({UNKNOWN_COMPONENT, texts.CODES["unknown attribute"], texts.CODES["unknown block"]})


class CheckOptions(NamedTuple):
    """How units are checked.

    language: which components exist. gate: which of them are permitted.
    environ: variables that the environment will have; the values of all others are unknown.
    full_environ: the whole environment, if known.
    selected: the codes of the selected lint rules; None for the default selection.
    ignored: codes of other warnings that are left out. ignored_in: returns the codes that are left out in a
    file; None if there are none.
    pause: called between the steps of a check; what it raises ends the check.
    """

    language: Language
    gate: Gate
    environ: Mapping[str, str]
    full_environ: Mapping[str, str] | None = None
    selected: frozenset[str] | None = None
    ignored: frozenset[str] = frozenset()
    ignored_in: Callable[[str], frozenset[str]] | None = None
    pause: Callable[[], None] = no_pause


class Reading(NamedTuple):
    """How files are read.

    unit: returns the sources of the unit at a path; raises ConfigReadError. module: returns those of a
    module, None if there is nothing to read. locate: returns the location of a path. beside: returns the
    other *.alloy files in the directory of a file, each with its name there.
    """

    unit: Callable[[str], list[Source]]
    module: Callable[[str], list[Source] | None]
    locate: Callable[[str], Location]
    beside: Callable[[str], Iterable[Source]]


def _read_module(path: str) -> list[Source] | None:
    try:
        return read_config(path, read_regular)
    except ConfigReadError as error:
        # A file that exists but is not a text in UTF-8 is reported where it is imported.
        return [Source(error.path, b"\xff")] if error.path else None


def _locate(path: str) -> Location:
    return Location(os.path.realpath(path), module_path(path))


def _beside(path: str) -> Iterator[Source]:
    own = Path(path)
    try:
        files = sorted(own.parent.glob("*.alloy")) if own.is_file() else []
    except (OSError, ValueError):
        return
    for file in [each for each in files if each.name != own.name][:_MOST_NEIGHBOURS]:
        try:
            yield Source(file.name, read_regular(str(file)))
        except (OSError, ValueError):
            continue


DISK = Reading(read_config, _read_module, _locate, _beside)
"""Reads files from the disk."""


class Outcome(NamedTuple):
    """What a check of one unit found.

    path: as it was given; files: how many were read. The diagnostics show no secrets, neither in
    their messages nor in the lines of their sources.
    """

    path: str
    diagnostics: tuple[Diagnostic, ...]
    files: int

    @property
    def failed(self) -> bool:
        """Whether anything found is an error."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)

    def without(self, ignored: frozenset[str]) -> Outcome:
        """The outcome without ignored warnings; an error stays, whatever its code."""
        if not ignored:
            return self
        kept = (d for d in self.diagnostics if d.severity is Severity.ERROR or d.code not in ignored)
        return self._replace(diagnostics=tuple(kept))


def check_unit(path: str, options: CheckOptions, reading: Reading = DISK) -> Outcome:
    """Check the unit at `path`; never raises for a faulty unit."""
    try:
        sources = reading.unit(path)
    except ConfigReadError as error:
        return unreadable(path, f"{error.path}: {error}" if error.path not in {"", path} else str(error))
    if not sources:
        return Outcome(path, (nothing_in(path),), 0)
    return check_texts(path, sources, options, reading)


def check_texts(
    name: str, sources: Sequence[Source], options: CheckOptions, reading: Reading = DISK
) -> Outcome:
    """Check a unit whose sources are given. name: its path, even if there is no such file."""
    faults = encoding_faults(sources)
    if faults:
        return Outcome(name, _shown(faults), len(sources))
    found = check_sources(sources, module_path(name), options, reading)
    if any(each.code in {OUT_OF_SCOPE, UNKNOWN_COMPONENT} for each in found):
        from alloypy.check.units.neighbours import with_neighbours

        found = with_neighbours(found, lambda: reading.beside(name))
    return Outcome(name, _shown(found), len(sources))


def unreadable(name: str, text: str) -> Outcome:
    """The outcome of a unit that cannot be read."""
    return Outcome(name, (Diagnostic(None, text, UNREADABLE),), 0)


def nothing_in(directory: str, further: str = "") -> Diagnostic:
    """The warning about a directory in which nothing can be checked. further: appended to its message."""
    message = f"nothing to check: no *.alloy files in {directory}{further}"
    return Diagnostic(None, message, NO_FILES, Severity.WARNING)


def check_sources(
    sources: Sequence[Source], directory: str, options: CheckOptions, reading: Reading = DISK
) -> Sequence[Diagnostic]:
    """The diagnostics of the files of one configuration, with hints.

    directory: the value of `module_path`.
    """
    try:
        files = parse_config(sources)
    except DiagnosticsError as error:
        from alloypy.check.advice.forms import forms_of
        from alloypy.syntax.repairs.foreign import TO_CHECK, without_yaml
        from alloypy.syntax.repairs.hints import hinted as syntax_hinted

        found = without_yaml(error.diagnostics, TO_CHECK)
        return syntax_hinted(found, form_of=forms_of(options.language))
    modules = _Modules(reading)
    check = partial(_check, options=options, directory=directory, modules=modules)
    try:
        found = _wanted(check(files), files, options)
    except DiagnosticsError as error:
        return error.diagnostics
    if not any(each.severity is Severity.ERROR or (each.fix and not is_of_rule(each)) for each in found):
        return found
    return _advised(found, sources, files, options, check, modules)


def _advised(
    found: Sequence[Diagnostic],
    sources: Sequence[Source],
    files: Sequence[File],
    options: CheckOptions,
    check: Callable[..., Sequence[Diagnostic]],
    modules: _Modules,
) -> Sequence[Diagnostic]:
    """The diagnostics with hints: what mends them, and since or until when Alloy has what is refused."""
    check = partial(check, options=options._replace(selected=frozenset()))
    from alloypy.check.advice.hints import Again, hinted

    def again(changed: Source) -> Sequence[Diagnostic]:
        own = [changed if source.name == changed.name else source for source in sources]
        return check(parse_config(own), changed=changed)

    size = modules.size + sum(len(source.data) for source in sources)
    advised = hinted(found, files, options.language, Again(again, size))
    language = options.language
    dated = partial(_is_dated, version=language.version)
    if not language.has_history or not any(map(dated, advised)):
        return advised
    from alloypy.check.advice.since import explained

    return explained(advised, files, language.version, dated)


def _is_dated(fault: Diagnostic, version: Version | None) -> bool:
    """Whether the history of Alloy may explain a fault; in main only what does not exist any more."""
    return fault.severity is Severity.ERROR and (version is not None or fault.code in _UNKNOWN)


def _wanted(found: list[Diagnostic], files: Sequence[File], options: CheckOptions) -> list[Diagnostic]:
    """The diagnostics without warnings that are not selected, ignored, or suppressed by a comment."""
    complete = not has_errors(found)
    selected, ignored = options.selected, options.ignored
    if selected is not None:
        found = [each for each in found if each.code in selected or not is_of_rule(each)]
    if ignored:
        found = [each for each in found if each.severity is Severity.ERROR or each.code not in ignored]
    sources = {each.span.source for each in found if each.span is not None}
    if any(MARK in source.data for source in sources.union(file.source for file in files)):
        from alloypy.check.lint import default_codes
        from alloypy.check.lint.suppression import Judged, suppressed

        ran = default_codes() if selected is None else selected
        found = suppressed(found, files, Judged(ran, complete, options.full_environ is not None))
    return found if options.ignored_in is None else list(_not_ignored(found, options.ignored_in))


def _not_ignored(
    found: Iterable[Diagnostic], ignored_in: Callable[[str], frozenset[str]]
) -> Iterator[Diagnostic]:
    """The diagnostics without warnings that are ignored in their files."""
    known: dict[str, frozenset[str]] = {}
    for each in found:
        if each.severity is Severity.WARNING and each.span is not None:
            name = each.span.source.name
            if name not in known:
                known[name] = ignored_in(name)
            if each.code in known[name]:
                continue
        yield each


def context_of(directory: str, options: CheckOptions, reading: Reading = DISK) -> Context:
    """What a check of a unit in `directory` (the value of `module_path`) may use beyond its own texts."""
    files = _Modules(reading).files(directory, None)
    return Context(options.environ, files, options.full_environ, options.selected, options.pause)


class _Modules:
    """The content of modules in files, read once. size: in bytes."""

    def __init__(self, reading: Reading) -> None:
        self.size = 0
        self._reading = reading
        self._known: dict[str, list[Source] | None] = {}

    def files(self, directory: str, changed: Source | None) -> Files:
        """Access to modules for a configuration in `directory`; `changed` replaces one of them."""
        return Files(lambda path: self._read(path, changed), directory, self._reading.locate)

    def _read(self, path: str, changed: Source | None) -> list[Source] | None:
        if path not in self._known:
            self._known[path] = self._reading.module(path)
            self.size += sum(len(source.data) for source in self._known[path] or ())
        sources = self._known[path]
        if sources is None or changed is None:
            return sources
        return [changed if source.name == changed.name else source for source in sources]


def _check(
    files: Sequence[File],
    options: CheckOptions,
    directory: str,
    modules: _Modules,
    changed: Source | None = None,
) -> list[Diagnostic]:
    """changed: replaces the source of that name in a module."""
    reading = modules.files(directory, changed)
    context = Context(options.environ, reading, options.full_environ, options.selected, options.pause)
    checked = check_files(files, options.language, options.gate, context)
    return [*checked.as_alloy, *checked.further]


def _shown(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    if not diagnostics:
        return ()
    from alloypy.check.masking import MASK

    return tuple(map(MASK.masked, diagnostics))


def encoding_faults(sources: Iterable[Source]) -> list[Diagnostic]:
    """Alloy's faults for files that are not UTF-8."""
    return [fault for fault in map(_encoding_fault, sources) if fault is not None]


def _encoding_fault(source: Source) -> Diagnostic | None:
    """Alloy's fault for a file that is not UTF-8; a binary file has one fault in total."""
    binary = binary_fault(source)
    if binary is not None:
        return binary
    at = not_utf8_at(source.data)
    if at is None:
        return None
    return Diagnostic(Span(source, at, at), UNKNOWN_ENCODING, BAD_ENCODING, hint="the file must be UTF-8")
