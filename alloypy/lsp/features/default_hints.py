"""Defaults that an upgrade to the newest version of Alloy would change, as `alloypy upgrade` names them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from alloypy.catalog.versions import Version
    from alloypy.syntax.tree import File


class Change(NamedTuple):
    """A default that changes. offset: just after the brace that opens the block, in its section.

    text: in short. words: the change in a sentence.
    """

    offset: int
    text: str
    words: str


@lru_cache(4)
def changes_from(version: Version) -> Callable[[File], tuple[Change, ...]]:
    """What finds the changes in a section for configurations of a version; kept, so that its results are."""

    def find(file: File) -> tuple[Change, ...]:
        from alloypy.syntax.diagnostics import DiagnosticsError
        from alloypy.syntax.parser import parse_file

        try:
            return tuple(_changes(parse_file(file.source), version))
        except DiagnosticsError:
            return ()

    return find


def _changes(file: File, version: Version) -> list[Change]:
    """The changes for a section that can be parsed. Raises DiagnosticsError."""
    from alloypy.catalog.versions import timeline
    from alloypy.check.configuration import NOTHING
    from alloypy.check.versions.findings import Rank
    from alloypy.check.versions.upgrade import Upgrade, touched
    from alloypy.graph.admission import Gate
    from alloypy.schema.stability import Stability

    upgrade = Upgrade(version, timeline().newest, Gate(Stability.EXPERIMENTAL, True))
    if upgrade.start.index >= upgrade.end.index:
        return []
    found = touched([file], upgrade, NOTHING)
    return [
        Change(each.span.end + 1, _short(each.subject, each.message), each.message)
        for finding in found.findings
        for each in (finding, *finding.further)
        if each.rank is Rank.DEFAULT and each.span is not None and each.span.end is not None
    ]


def _short(subject: str, message: str) -> str:
    """`honor_metadata: default true, from 1.11.0 on false`."""
    change = message.partition(": ")[2].partition(": ")[0]
    return f"{subject}: {change.rstrip('.')}"
