"""What listed changes say beyond the history: behaviour, requirements, and words for whole families."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alloypy.catalog.history import Breaking, History
from alloypy.catalog.versions import Version
from alloypy.check.versions import codes
from alloypy.check.versions.findings import Finding, Rank, at_first, named, with_entry
from alloypy.check.versions.listed import (
    EVEN_UNSET,
    STILL_ACCEPTED,
    Listed,
    Read,
    arguments_of,
    concerns,
    is_of_value,
    touches,
)
from alloypy.check.versions.uses import Body, Member, NodeUse, Uses
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute

_KINDS = {
    "removed": (Rank.DEPRECATED, codes.DEPRECATED, "has no effect any more"),
    "renamed": (Rank.DEPRECATED, codes.DEPRECATED, "is renamed"),
    "default": (Rank.DEFAULT, codes.DEFAULT, "has another default"),
    "requirement": (Rank.BEHAVIOUR, codes.REFUSED_VALUE, "has a new requirement"),
    "type": (Rank.BEHAVIOUR, codes.TYPE, "has another type"),
    "behaviour": (Rank.BEHAVIOUR, codes.BEHAVIOUR, "behaves differently"),
    "deprecated": (Rank.DEPRECATED, codes.DEPRECATED, "is deprecated"),
}
"""What a listed change means where the new version does not refuse it: rank, code, words."""


class Announced:
    """Finds what else the listed changes are about; after `Changes` and `Refusals`, which take theirs."""

    def __init__(self, history: History, start: Version, end: Version, listed: Listed, read: Read) -> None:
        self._history = history
        self._start = start
        self._end = end
        self._listed = listed
        self._read = read

    def find(self, uses: Uses) -> Iterator[Finding]:
        """What the listed changes say about the components, and about the language."""
        there = [use for use in uses.nodes if use.entry.present & self._end.bit]
        for entry in self._listed.entries:
            concerned = [use for use in there if concerns(entry, use)]
            if entry.component == "(modules)":
                yield from self._hidden_functions(entry, uses)
            elif entry.component == "(ottl)":
                yield from _grouped(self._ottl(entry, there))
            elif entry.component == "(targets)":
                discoveries = [use for use in there if use.name.startswith("discovery.")]
                yield from self._first_of(entry, discoveries)
            elif entry.component.startswith("(") and not entry.arguments:
                yield from self._first_of(entry, concerned)
            else:
                found = (each for use in concerned for each in self._of_use(entry, use))
                of_kind = entry.component.startswith("(") or not entry.arguments
                yield from _grouped(found) if of_kind else found

    def _of_use(self, entry: Breaking, use: NodeUse) -> Iterator[Finding]:
        if not entry.arguments:
            if entry.kind in ("behaviour", "deprecated", "default"):
                yield _finding(entry, use.head, use.bodies[0], use.name)
            return
        if entry.kind in ("removed", "renamed") and entry.id not in STILL_ACCEPTED:
            return
        told: set[int] = set()
        for path in arguments_of(entry, use):
            for body, member in self._places(entry, path, use):
                if member is not None:
                    yield from self._written(entry, member, body)
                elif id(body) not in told:
                    told.add(id(body))
                    yield _finding(entry, body.head, body, path)

    def _places(self, entry: Breaking, path: str, use: NodeUse) -> Iterator[tuple[Body, Member | None]]:
        """Where a change of a path matters: what is written, or a body that does not give it."""
        known = use.entry.path(path)
        if known is not None and not known.present & self._end.bit:
            return  # the new version refuses it
        if entry.kind == "default":
            yield from ((body, None) for body in self._without(entry, path, use))
            return
        outer, _, name = path.rpartition("/")
        for body in use.bodies:
            if body.path == outer and not self._listed.is_taken(entry, body, path):
                yield from ((body, member) for member in body.members if member.path == path)
                if entry.id in EVEN_UNSET and not body.gives(name):
                    yield body, None

    def _without(self, entry: Breaking, path: str, use: NodeUse) -> Iterator[Body]:
        """The bodies in which a changed default has an effect, unless the history has shown it."""
        known = use.entry.path(path)
        if known is None or any(self._listed.is_taken(entry, body, path) for body in use.bodies):
            return
        if known.block & self._end.bit:
            yield from (body for body in use.bodies if body.path == path)
            return
        if known.defaults and known.present & self._start.bit:
            return  # the history knows that the two versions have the same
        outer, _, name = path.rpartition("/")
        yield from (body for body in use.bodies if body.path == outer and not body.gives(name))

    def _written(self, entry: Breaking, member: Member, body: Body) -> Iterator[Finding]:
        if entry.kind == "requirement" and not is_of_value(entry):
            return  # it is about what is not given, which the history knows
        verdict = touches(entry, member.statement, body, self._read)
        if verdict is False or (entry.kind == "type" and self._has_same_type(member)):
            return
        finding = _finding(entry, member.span(body), body, member.path, member)
        if entry.kind == "requirement" and verdict:
            finding = finding._replace(rank=Rank.REFUSED)
        yield finding

    def _has_same_type(self, member: Member) -> bool:
        """Whether the history says that a type is the same in both versions."""
        known = member.history
        return known is not None and known.type_at(self._start) == known.type_at(self._end)

    def _first_of(self, entry: Breaking, uses: Sequence[NodeUse]) -> Iterator[Finding]:
        """One finding for many components, at the first of them."""
        if uses:
            yield at_first([_finding(entry, use.head, None, use.name) for use in uses])

    def _hidden_functions(self, entry: Breaking, uses: Uses) -> Iterator[Finding]:
        for node in uses.customs:
            first = node.block.name[0]
            if first in self._history.functions:
                span = Span(node.source, node.block.start, node.block.lcurly)
                yield _finding(entry, span, None, first)

    def _ottl(self, entry: Breaking, uses: Sequence[NodeUse]) -> Iterator[Finding]:
        for use in uses:
            if use.name in ("otelcol.processor.transform", "otelcol.processor.filter"):
                for body in use.bodies:
                    for member in body.members:
                        if isinstance(member.statement, Attribute):
                            yield from self._written(entry, member, body)


def _grouped(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Findings of one change: the first place of behaviour, with the number of others; others one by one."""
    behaviour: list[Finding] = []
    for each in findings:
        if each.code == codes.BEHAVIOUR:
            behaviour.append(each)
        else:
            yield each
    if behaviour:
        yield at_first(behaviour)


def _finding(
    entry: Breaking, span: Span, body: Body | None, subject: str, member: Member | None = None
) -> Finding:
    """A finding for a listed change."""
    rank, code, word = _KINDS[entry.kind]
    where = subject if body is None else named(body.node, subject)
    message = f"{where} {word} in {entry.version}"
    return with_entry(Finding(rank, code, span, subject, message, body=body, member=member), entry)
