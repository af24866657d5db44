"""Faults and findings of configurations: the same as `alloypy validate` reports, for what is open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from alloypy.lsp.workspace.interrupting import pause
from alloypy.lsp.workspace.workspace import Workspace
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

DEPRECATED = frozenset({"ALY0807", "ALY0964"})
"""Findings about what should not be used any more."""
UNNECESSARY = frozenset({"ALY0903", "ALY0911", "ALY0912", "ALY0913", "ALY0940"})
"""Findings about what nothing uses."""


class Judgement(NamedTuple):
    """What is found in one configuration.

    name: of the file or directory. files: the paths of its files. found: by the paths of files, which may be
    those of imported modules; a file without findings is in it, too. read: every path that was looked at.
    """

    name: str
    files: tuple[str, ...]
    found: dict[str, tuple[Diagnostic, ...]]
    read: frozenset[str]


def units_of(workspace: Workspace, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The configurations of some files: the names and what they consist of."""
    return {workspace.unit_name(path): workspace.unit_of(path) for path in paths}


def judge(workspace: Workspace, name: str, files: tuple[str, ...]) -> Judgement:
    """Check one configuration. workspace: must not change meanwhile. Never raises for a faulty one."""
    from alloypy.check.units.units import check_unit

    pause()
    read: set[str] = set(files)
    reading = workspace.reading

    def module(path: str) -> list[Source] | None:
        pause()
        read.add(path)
        sources = reading.module(path)
        read.update(source.name for source in sources or ())
        return sources

    options = workspace.checking(files[0])._replace(pause=pause)
    outcome = check_unit(name, options, reading._replace(module=module)).without(options.ignored)
    found: dict[str, list[Diagnostic]] = {path: [] for path in files}
    for each in sorted(outcome.diagnostics, key=_place):
        found.setdefault(each.span.source.name if each.span is not None else files[0], []).append(each)
    return Judgement(name, files, {path: tuple(each) for path, each in found.items()}, frozenset(read))


def _place(found: Diagnostic) -> tuple[str, int, bool]:
    """The order of the command line: by place, errors first."""
    span = found.span
    return (
        span.source.name if span is not None else "",
        span.start if span is not None else -1,
        found.severity is not Severity.ERROR,
    )
