"""Mends a configuration for a newer version: in rounds, each change only if it causes no new error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from alloypy.check.units.fixing import fixed
from alloypy.check.units.units import DISK, CheckOptions, Reading, context_of
from alloypy.check.versions.upgrade import Touched, Upgrade, touched
from alloypy.check.versions.wanted import wanted
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source, Span


class Mended(NamedTuple):
    """The outcome.

    before, after: the texts that may change: those of the configuration, then the modules in files that it
    imports. fixes: how many findings were mended. first: what there was to say about the old texts, left:
    about the new ones.
    """

    before: list[Source]
    after: list[Source]
    fixes: int
    first: Touched
    left: Touched


def mended(sources: Sequence[Source], directory: str, upgrade: Upgrade, options: CheckOptions) -> Mended:
    """Mend a configuration whose files can be parsed. Raises DiagnosticsError as `touched` does.

    Files in the standard layout stay in it. All comments stay, those about a setting beside it.
    """
    work = _Work(len(sources), directory, upgrade, options)
    first = work.touched(sources)
    texts = [*sources, *_modules(first, sources)]
    made = fixed(texts, work.check, lambda found: bool(found.fix))
    after = [_in_layout(old, new) for old, new in zip(texts, made.sources, strict=True)]
    left = work.touched(after) if made.codes else first
    return Mended(texts, after, made.codes.total(), first, left)


class _Work:
    """Checks texts that replace those on the disk. own: how many belong to the configuration itself."""

    def __init__(self, own: int, directory: str, upgrade: Upgrade, options: CheckOptions) -> None:
        self._own = own
        self._directory = directory
        self._upgrade = upgrade
        self._options = options

    def touched(self, texts: Sequence[Source]) -> Touched:
        """What the upgrade changes for the texts. Raises DiagnosticsError."""
        modules = {text.name: text for text in texts[self._own :]}

        def module(path: str) -> list[Source] | None:
            found = DISK.module(path)
            return found and [modules.get(each.name, each) for each in found]

        reading = Reading(DISK.unit, module, DISK.locate, DISK.beside)
        context = context_of(self._directory, self._options, reading)
        files = parse_config(texts[: self._own])
        return wanted(touched(files, self._upgrade, context), files, self._options)

    def check(self, texts: Sequence[Source]) -> Sequence[Diagnostic]:
        """The findings as diagnostics with their changes; those in other files have one of their own."""
        try:
            found = self.touched(texts)
        except DiagnosticsError as error:
            return error.diagnostics
        diagnostics = [*found.others]
        for each in found.findings:
            diagnostics.append(each.diagnostic())
            for source, edits in each.fixes:
                if each.span is None or source is not each.span.source:
                    span = Span(source, edits[0].start)
                    diagnostics.append(Diagnostic(span, each.message, each.code, Severity.WARNING, fix=edits))
        return diagnostics


def _modules(found: Touched, own: Sequence[Source]) -> list[Source]:
    """The sources of imported modules that are files, and not texts in the configuration."""
    names = {source.name for source in own}
    modules: dict[str, Source] = {}
    for frame in found.checked.frames:
        for node in frame.scope.nodes:
            source = node.source
            if source.name not in names and source.name not in modules and _is_file(source):
                modules[source.name] = source
    return list(modules.values())


def _is_file(source: Source) -> bool:
    try:
        return Path(source.name).read_bytes() == source.data
    except (OSError, ValueError):
        return False


def _in_layout(old: Source, new: Source) -> Source:
    """The new text in the standard layout, if the old one is in it."""
    if new.data == old.data or format_source(old) != old.data:
        return new
    return Source(new.name, format_source(new))
