"""Checking units for `alloypy validate`: a file, or the *.alloy files of a directory taken together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from alloypy.check.configuration import Beyond, check_files
from alloypy.check.imports import Files, Location
from alloypy.check.scope import Language
from alloypy.cli.files.named_paths import STDIN
from alloypy.cli.files.text_files import binary_fault
from alloypy.cli.streams import InputError, read_stdin
from alloypy.files import read_regular
from alloypy.graph.admission import Gate
from alloypy.graph.codes import OUT_OF_SCOPE, UNKNOWN_COMPONENT
from alloypy.syntax.codes import BAD_ENCODING, NO_FILES, UNREADABLE
from alloypy.syntax.config_files import (
    ConfigReadError,
    config_source,
    module_path,
    parse_config,
    read_config,
)
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import File

_BOM = b"\xef\xbb\xbf"


class Judgement(NamedTuple):
    """How units are judged.

    language: what components there are. gate: which of them are let in.
    environ: values that the environment will have; a variable not in it is not guessed.
    stdin_name: what the unit on standard input is called.
    told: all of the environment, where it is known.
    """

    language: Language
    gate: Gate
    environ: Mapping[str, str]
    stdin_name: str = "<stdin>"
    told: Mapping[str, str] | None = None


class Outcome(NamedTuple):
    """What a check of one unit found.

    path: as on the command line; files: how many were read. The diagnostics show no secrets, neither in
    their words nor in the lines of their sources.
    """

    path: str
    diagnostics: tuple[Diagnostic, ...]
    files: int

    @property
    def failed(self) -> bool:
        """Whether anything found is an error."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


def check_unit(path: str, judgement: Judgement) -> Outcome:
    """Check the unit at `path`; never raises for what is wrong with it."""
    name = judgement.stdin_name if path == STDIN else path
    try:
        sources = _read_stdin(name) if path == STDIN else read_config(path)
    except InputError as error:
        return Outcome(name, (Diagnostic(None, str(error), UNREADABLE),), 0)
    except ConfigReadError as error:
        text = f"{error.path}: {error}" if error.path not in {"", name} else str(error)
        return Outcome(name, (Diagnostic(None, text, UNREADABLE),), 0)
    if not sources:
        return Outcome(name, (nothing_in(path, "; --recursive looks into those below it"),), 0)
    faults = [fault for fault in map(_encoding_fault, sources) if fault is not None]
    if faults:
        return Outcome(name, _shown(faults), len(sources))
    found = check_sources(sources, module_path(name), judgement)
    if any(each.code in {OUT_OF_SCOPE, UNKNOWN_COMPONENT} for each in found):
        from alloypy.cli.files.neighbours import with_neighbours

        found = with_neighbours(name, found)
    return Outcome(name, _shown(found), len(sources))


def nothing_in(directory: str, further: str = "") -> Diagnostic:
    """The warning about a directory where nothing can be checked. further: what else to say."""
    message = f"nothing to check: no *.alloy files in {directory}{further}"
    return Diagnostic(None, message, NO_FILES, Severity.WARNING)


def _read_stdin(name: str) -> list[Source]:
    return [config_source(name, read_stdin())]


def check_sources(sources: Sequence[Source], directory: str, judgement: Judgement) -> Sequence[Diagnostic]:
    """What is wrong in the files of one configuration, with hints.

    directory: what `module_path` holds.
    """
    try:
        files = parse_config(sources)
    except DiagnosticsError as error:
        from alloypy.check.advice.forms import forms_of
        from alloypy.syntax.repairs.hints import hinted as syntax_hinted

        return syntax_hinted(error.diagnostics, form_of=forms_of(judgement.language))
    modules = _Modules()
    check = partial(_check, judgement=judgement, directory=directory, modules=modules)
    try:
        found = check(files)
    except DiagnosticsError as error:
        return error.diagnostics
    if not any(each.severity is Severity.ERROR or each.fix for each in found):
        return found
    from alloypy.check.advice.hints import Again, hinted

    def again(changed: Source) -> Sequence[Diagnostic]:
        own = [changed if source.name == changed.name else source for source in sources]
        return check(parse_config(own), changed=changed)

    size = modules.size + sum(len(source.data) for source in sources)
    return hinted(found, files, judgement.language, Again(again, size))


class _Modules:
    """What modules in files hold, read once. size: in bytes."""

    def __init__(self) -> None:
        self.size = 0
        self._known: dict[str, list[Source] | None] = {}

    def read(self, path: str, changed: Source | None) -> list[Source] | None:
        """The sources at a path; one of them may have been changed."""
        if path not in self._known:
            self._known[path] = _read_module(path)
            self.size += sum(len(source.data) for source in self._known[path] or ())
        sources = self._known[path]
        if sources is None or changed is None:
            return sources
        return [changed if source.name == changed.name else source for source in sources]


def _check(
    files: Sequence[File],
    judgement: Judgement,
    directory: str,
    modules: _Modules,
    changed: Source | None = None,
) -> list[Diagnostic]:
    """changed: the content of a module in place of what its file holds."""
    reading = configuration_files(directory)._replace(read=lambda path: modules.read(path, changed))
    beyond = Beyond(judgement.environ, reading, judgement.told)
    checked = check_files(files, judgement.language, judgement.gate, beyond)
    return [*checked.found, *checked.missed]


def _shown(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    if not diagnostics:
        return ()
    from alloypy.check.masking import MASK

    return tuple(map(MASK.masked, diagnostics))


def configuration_files(directory: str) -> Files:
    """Access to the modules in files of a configuration in that directory."""
    return Files(_read_module, directory, _locate)


def _read_module(path: str) -> list[Source] | None:
    try:
        return read_config(path, read_regular)
    except ConfigReadError as error:
        # What is there and is no text that a configuration may be is told where it is imported.
        return [Source(error.path, b"\xff")] if error.path else None


def _locate(path: str) -> Location:
    return Location(os.path.realpath(path), module_path(path))


def _encoding_fault(source: Source) -> Diagnostic | None:
    """What Alloy says to a file that is not UTF-8; it does not look further into one with a UTF-8 mark.

    A file that is no text has one fault in all.
    """
    binary = binary_fault(source)
    if binary is not None:
        return binary
    if source.data.startswith(_BOM):
        return None
    try:
        source.data.decode()
    except UnicodeDecodeError as error:
        span = Span(source, error.start, error.start)
        return Diagnostic(span, "unknown encoding for config", BAD_ENCODING, hint="the file must be UTF-8")
    return None
