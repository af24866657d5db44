"""Faults and findings of configurations: the same as `alloypy validate` reports, for what is open."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Set
from typing import TYPE_CHECKING, NamedTuple

from alloypy.files import FileFingerprint, fingerprint
from alloypy.lsp.documents.limits import TooLargeError
from alloypy.lsp.workspace.interrupting import pause
from alloypy.lsp.workspace.workspace import Workspace
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

if TYPE_CHECKING:
    from alloypy.check.units.units import CheckOptions

DEPRECATED = frozenset({"ALY0807", "ALY0901", "ALY0964"})
"""Findings about what should not be used any more."""
UNNECESSARY = frozenset({"ALY0903", "ALY0911", "ALY0912", "ALY0913", "ALY0940"})
"""Findings about what nothing uses."""


class Judgement(NamedTuple):
    """What is found in one configuration.

    name: of the file or directory. files: the paths of its files. found: by the paths of files, which may be
    those of imported modules; a file without findings is in it, too. read: every path that was looked at.
    disk: what the closed ones among them were on the disk; None if there was nothing. options: how it was
    checked.
    problem: why it is not checked; "" if it is.
    """

    name: str
    files: tuple[str, ...]
    found: dict[str, tuple[Diagnostic, ...]]
    read: frozenset[str]
    disk: dict[str, FileFingerprint | None]
    options: CheckOptions
    problem: str = ""

    def looked_at(self, path: str) -> bool:
        """Whether a change of the text at a path may change what is found."""
        return looked_at(path, self.read)


def looked_at(path: str, read: Set[str]) -> bool:
    """Whether a text is one of those that were read, or in a directory that was."""
    return path in read or os.path.dirname(path) in read  # noqa: PTH120


def units_of(workspace: Workspace, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The configurations of some files: the names and what they consist of."""
    return {workspace.unit_name(path): workspace.unit_of(path) for path in paths}


def is_current(workspace: Workspace, judgement: Judgement) -> bool:
    """Whether nothing has changed in the settings and on the disk that a judgement depends on."""
    options = workspace.checking(judgement.files[0])
    if options is not judgement.options and options != judgement.options:
        return False
    return all(
        known == _on_disk(path) for path, known in judgement.disk.items() if path not in workspace.open
    )


def judge(workspace: Workspace, name: str, files: tuple[str, ...], read: set[str]) -> Judgement:
    """Check one configuration. Never raises for a faulty one; raises Interrupted when it is cancelled.

    workspace: must not change meanwhile. read: takes the paths that are looked at, before they are.
    """
    from alloypy.check.units.units import check_unit

    pause()
    disk: dict[str, FileFingerprint | None] = {}
    reading = workspace.reading

    def note(path: str) -> None:
        read.add(path)
        if path not in workspace.open and path not in disk:
            disk[path] = _remembered(path)

    def module(path: str) -> list[Source] | None:
        pause()
        note(path)
        sources = reading.module(path)
        for source in sources or ():
            note(source.name)
        return sources

    def beside(path: str) -> Iterator[Source]:
        directory = os.path.dirname(path)  # noqa: PTH120
        note(directory)
        for source in reading.beside(path):
            note(os.path.join(directory, source.name))  # noqa: PTH118
            yield source

    for path in files:
        note(path)
    options = workspace.checking(files[0])
    seen = reading._replace(module=module, beside=beside)
    try:
        outcome = check_unit(name, options._replace(pause=pause), seen).without(options.ignored)
    except TooLargeError as error:
        return Judgement(name, files, dict.fromkeys(files, ()), frozenset(read), disk, options, str(error))
    found: dict[str, list[Diagnostic]] = {path: [] for path in files}
    for each in sorted(outcome.diagnostics, key=_place):
        found.setdefault(each.span.source.name if each.span is not None else files[0], []).append(each)
    listed = {path: tuple(each) for path, each in found.items()}
    return Judgement(name, files, listed, frozenset(read), disk, options)


def _on_disk(path: str) -> FileFingerprint | None:
    try:
        return fingerprint(path)
    except (OSError, ValueError):
        return None


def _remembered(path: str) -> FileFingerprint | None:
    """What is on the disk; if a further change might not show, something that never is there."""
    found = _on_disk(path)
    return found if found is None or found.is_settled else found._replace(ctime_ns=-1)


def _place(found: Diagnostic) -> tuple[str, int, bool]:
    """The order of the command line: by place, errors first."""
    span = found.span
    return (
        span.source.name if span is not None else "",
        span.start if span is not None else -1,
        found.severity is not Severity.ERROR,
    )
