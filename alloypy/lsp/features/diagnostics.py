"""Faults and findings of configurations: the same as `alloypy validate` reports, for what is open."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Set
from typing import TYPE_CHECKING, NamedTuple

from alloypy.files import FileFingerprint, fingerprint
from alloypy.lsp.documents.limits import TooLargeError
from alloypy.lsp.workspace.imports import located
from alloypy.lsp.workspace.interrupting import pause
from alloypy.lsp.workspace.workspace import Workspace
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

if TYPE_CHECKING:
    from alloypy.check.modules.imports import Location
    from alloypy.check.units.units import CheckOptions, Reading

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
    noting = _Noting(workspace, os.path.dirname(files[0]), read)  # noqa: PTH120
    for path in files:
        noting.note(path)
    options = workspace.checking(files[0])
    try:
        outcome = check_unit(name, options._replace(pause=pause), noting.reading).without(options.ignored)
    except TooLargeError as error:
        nothing = dict.fromkeys(files, tuple[Diagnostic, ...]())
        return Judgement(name, files, nothing, frozenset(read), noting.disk, options, str(error))
    found: dict[str, list[Diagnostic]] = {path: [] for path in files}
    for each in sorted(outcome.diagnostics, key=_place):
        found.setdefault(each.span.source.name if each.span is not None else files[0], []).append(each)
    listed = {path: tuple(each) for path, each in found.items()}
    return Judgement(name, files, listed, frozenset(read), noting.disk, options)


class _Noting:
    """Reads what a check asks for, and notes what that is.

    directory: of the configuration. read: takes the paths. disk: what the closed texts were on the disk.
    """

    def __init__(self, workspace: Workspace, directory: str, read: set[str]) -> None:
        self.disk: dict[str, FileFingerprint | None] = {}
        self._workspace = workspace
        self._directory = directory
        self._read = read
        self._inner = workspace.reading

    @property
    def reading(self) -> Reading:
        """How the check reads."""
        return self._inner._replace(module=self._module, locate=self._locate, beside=self._beside)

    def note(self, path: str) -> None:
        """A text is looked at."""
        self._read.add(path)
        if path not in self._workspace.open and path not in self.disk:
            self.disk[path] = _remembered(path)

    def _located(self, path: str) -> str:
        return located(self._workspace, path, self._directory)

    def _locate(self, path: str) -> Location:
        return self._inner.locate(path)._replace(identity=os.path.realpath(self._located(path)))

    def _module(self, path: str) -> list[Source] | None:
        pause()
        path = self._located(path)
        self.note(path)
        sources = self._inner.module(path)
        for source in sources or ():
            self.note(source.name)
        return sources

    def _beside(self, path: str) -> Iterator[Source]:
        directory = os.path.dirname(path)  # noqa: PTH120
        self.note(directory)
        for source in self._inner.beside(path):
            self.note(os.path.join(directory, source.name))  # noqa: PTH118
            yield source


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
