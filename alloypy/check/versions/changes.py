"""What changes between two versions of Alloy that accept a configuration, as the history shows it.

Where a listed change is about the same, the finding has its words.
"""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.catalog.history import History
from alloypy.catalog.versions import Version
from alloypy.check.versions import codes
from alloypy.check.versions.bounds import BoundFinder
from alloypy.check.versions.defaults import Default, changed_defaults
from alloypy.check.versions.findings import Finding, Rank, named, with_entry
from alloypy.check.versions.listed import Listed
from alloypy.check.versions.uses import Body, Member, NameUse, NodeUse, Uses
from alloypy.syntax.tree import Attribute

_SHOWN = 3
"""How many of the defaults that one listed change is about are named."""


class Changes:
    """Finds what changes. upgrade: the versions. listed: the listed changes between them."""

    def __init__(
        self,
        history: History,
        upgrade: tuple[Version, Version],
        listed: Listed,
        bounds: BoundFinder,
    ) -> None:
        self._history = history
        self._start, self._end = upgrade
        self._listed = listed
        self._bounds = bounds
        self._batches = history.timeline.first("1.13.0")

    def of(self, use: NodeUse) -> Iterator[Finding]:
        """What changes for a component or config block that the new version has."""
        yield from self._levels(use)
        yield from self._defaults(use)
        for body in use.bodies:
            for member in body.members:
                if isinstance(member.statement, Attribute):
                    yield from self._type(member, body)
                yield from self._deprecated(member, body)

    def _levels(self, use: NodeUse) -> Iterator[Finding]:
        """A stability level that changes, where the command line permits the new one."""
        if not (use.is_component or len(use.entry.stability) > 1) or not use.entry.present & self._start.bit:
            return
        old, new = use.entry.stability_at(self._start), use.entry.stability_at(self._end)
        if old != new and self._bounds.admits(new):
            message = f"{use.name} goes from {old} to {new}"
            yield Finding(Rank.NOTE, codes.STABILITY, use.head, use.name, message, body=use.bodies[0])

    def _type(self, member: Member, body: Body) -> Iterator[Finding]:
        """A type that changes, where the value is accepted or not known."""
        known = member.history
        if known is None:
            return
        old, new = known.type_at(self._start), known.type_at(self._end)
        if not old or not new or old == new or self._is_refused(member, body):
            return
        message = f"{named(body.node, member.path)} goes from type {old} to {new}"
        finding = _finding(Rank.BEHAVIOUR, codes.TYPE, message, member, body)
        yield with_entry(finding, self._listed.take(body.node, body, member.path, "type"))

    def _is_refused(self, member: Member, body: Body) -> bool:
        bounds = self._bounds.find(Uses([body.node], [], []))
        return any(not each.mask & self._end.bit and each.member is member for each in bounds)

    def _deprecated(self, member: Member, body: Body) -> Iterator[Finding]:
        known = member.history
        if known is None or known.deprecated is None or not known.present & self._end.bit:
            return
        if self._start.index < known.deprecated <= self._end.index:
            since = self._history.timeline.versions[known.deprecated].name
            message = f"{named(body.node, member.path)} is deprecated since {since}"
            finding = _finding(Rank.DEPRECATED, codes.DEPRECATED, message, member, body)
            entry = self._listed.take(body.node, body, member.path, "deprecated")
            yield with_entry(finding, entry)

    def _defaults(self, use: NodeUse) -> Iterator[Finding]:
        grouped: dict[str, list[Finding]] = {}
        for each in changed_defaults(use, self._start, self._end):
            entry = self._listed.take(use, each.body, each.path, "default")
            if entry is None and each.deprecated:
                continue
            finding = with_entry(self._default(each), entry)
            if entry is None and self._start.index < self._batches and _is_of_batch(each.path):
                continue  # the history does not know these defaults of that time
            if entry is not None and any("*" in argument for argument in entry.arguments):
                grouped.setdefault(entry.id, []).append(finding)
            else:
                yield finding
        for several in grouped.values():
            names = ", ".join(each.subject for each in several[:_SHOWN])
            more = f" and {len(several) - _SHOWN} more" if len(several) > _SHOWN else ""
            first = several[0]
            what = first.entry.what if first.entry is not None else ""
            message = f"{use.name}: the defaults of {names}{more} change in {self._end.name}: {what}"
            yield first._replace(message=message, further=tuple(several[1:]))

    def _default(self, changed: Default) -> Finding:
        old, new = changed.old or "unset", changed.new or "unset"
        where = named(changed.body.node, changed.path)
        since = f"in {self._end.name}"
        if self._start.index < self._end.index:
            since = f"from {self._history.timeline.versions[changed.since].name} on"
        message = f"{where}: default {old}, {since} {new}"
        name = changed.path.rpartition("/")[2]
        remedy = f"Set {name} = {changed.old} to keep it" if changed.old else ""
        head, path = changed.body.head, changed.path
        return Finding(Rank.DEFAULT, codes.DEFAULT, head, path, message, remedy, body=changed.body)

    def function(self, use: NameUse) -> Iterator[Finding]:
        """A function that is deprecated by the upgrade."""
        known = use.history
        if known is None or not known.deprecated & self._end.bit or known.deprecated & self._start.bit:
            return
        of_library = (each for each in self._listed.entries if each.component == "(stdlib)")
        entry = next((each for each in of_library if use.name in each.arguments), None)
        first = (known.deprecated & -known.deprecated).bit_length() - 1
        message = f"{use.name} is deprecated since {self._history.timeline.versions[first].name}"
        finding = Finding(Rank.DEPRECATED, codes.DEPRECATED, use.span, use.name, message, name=use)
        yield with_entry(finding, entry)


def _is_of_batch(path: str) -> bool:
    """Whether a setting belongs to the batch of a queue, which had the defaults of another module once."""
    return path.rpartition("/")[0].endswith("queue/batch")


def _finding(rank: Rank, code: str, message: str, member: Member, body: Body) -> Finding:
    span = member.span(body)
    return Finding(rank, code, span, member.path, message, body=body, member=member)
