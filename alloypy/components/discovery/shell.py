"""What all discovery components share: they collect groups of targets and export the targets every 5 seconds.

A component overrides `DiscoveryComponent.discoverer`, which makes the source of its groups.
Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from alloypy.families import Family
from alloypy.lang.targets import Target
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import BuildError, Component, Options, UpdateError
from alloypy.runtime.contract.health import Health, unhealthy
from alloypy.schema.fields import export, exports
from alloypy.threads import WORK

A = TypeVar("A")

PUBLISH_SECONDS = 5.0
"""Seconds between two changes of the exports, as in Alloy."""

_MANY = 500
_WORK_SECONDS = 30.0
_NO_LABELS: Mapping[str, str] = MappingProxyType({})


@exports
class Exports:
    """Exports of all discovery components."""

    targets: tuple[Target, ...] = export(doc="The targets found.")


class Group(NamedTuple):
    """Targets that come from one place. Whoever makes a group does not change it any more.

    source: identifies the place among those of its discoverer, such as `pod/default/x`; a later group with
        the same source replaces this one.
    targets: the labels of each target. labels: shared by all; a target's own labels win.
    """

    source: str
    targets: Sequence[Mapping[str, str]]
    labels: Mapping[str, str] = _NO_LABELS


class Change(NamedTuple):
    """New groups by source, and beginnings of sources whose old groups are dropped."""

    groups: Mapping[str, Group]
    released: tuple[str, ...] = ()


class Findings:
    """Takes what one discoverer finds, and how it fares.

    answered: whether it has been called at all. kept: beginnings of sources, see `keep`.
    """

    def __init__(self) -> None:
        self.answered = False
        self.kept: set[str] = set()
        self._new: dict[str, Group] = {}
        self._released: set[str] = set()
        self._faults: dict[str, Health] = {}

    def __call__(self, groups: Iterable[Group]) -> None:
        """Add groups, or replace those with the same source; a group without targets removes its source.

        After an update, the first call ends the use of what was found with the old arguments, so it should
        bring everything that can be found at first. It may bring nothing.
        """
        self.answered = True
        for group in groups:
            self._new[group.source] = group

    def keep(self, source: str) -> None:
        """Keep what was found with earlier arguments under sources that begin so: they cannot be read now."""
        self.kept.add(source)

    def release(self, source: str) -> None:
        """Drop what was kept under sources that begin so: they have been read, or are gone."""
        if source in self.kept:
            self.kept.discard(source)
            self._released.add(source)

    def failed(self, message: str, part: str = "") -> None:
        """Make the component unhealthy. part: what fails, if a discoverer has several parts."""
        self._faults[part] = unhealthy(message)

    def well(self, part: str = "") -> None:
        """End the failure of this part."""
        self._faults.pop(part, None)

    def health(self) -> Health | None:
        """The failure that began last; None if nothing fails."""
        return max(self._faults.values(), key=lambda each: each.time, default=None)

    def take(self) -> Change:
        """What has changed since the last call."""
        taken = Change(self._new, tuple(self._released))
        self._new, self._released = {}, set()
        return taken


class Discoverer:
    """A source of groups, made anew for each set of arguments."""

    async def check(self) -> None:
        """Read what may show that the arguments cannot work; nothing stays open. Raises BuildError."""

    async def run(self, found: Findings) -> None:
        """Find groups until cancelled, and pass them to `found`.

        Failures of the network or of files are reported by `found.failed` and in the log, not raised.
        """
        raise NotImplementedError

    def collect(self) -> Iterator[Family]:
        """Its metrics."""
        yield from ()


class _Found(NamedTuple):
    """A group and its targets."""

    group: Group
    targets: tuple[Target, ...]


class Collection:
    """All groups of a discoverer, with their targets. Frozen.

    A target that stays the same stays the same object, so that lists of targets compare quickly.
    """

    def __init__(self, found: Mapping[str, _Found] = MappingProxyType({})) -> None:
        self._found = found
        self.targets = tuple(target for each in found.values() for target in each.targets)

    def only(self, sources: Iterable[str]) -> Collection:
        """The groups whose sources begin with one of these."""
        kept = {name: each for name, each in self._found.items() if name.startswith(tuple(sources))}
        return Collection(kept)

    def changed(self, change: Change, known: Collection) -> Collection:
        """The collection after a change. known: an earlier one, whose targets are used again."""
        found = dict(self._found)
        if change.released:
            found = {name: each for name, each in found.items() if not name.startswith(change.released)}
        for source, group in change.groups.items():
            if group.targets:
                found[source] = _made(group, known._found.get(source))
            else:
                found.pop(source, None)
        return Collection(found)


def _made(group: Group, old: _Found | None) -> _Found:
    """The targets of a group; equal ones of the old group are used again."""
    own, shared = group.targets, group.labels
    if old is None or old.group.labels != shared:
        return _Found(group, tuple(Target(each, shared) for each in own))
    known = {target.own.get("__address__"): target for target in old.targets}
    made = []
    for each in own:
        target = known.get(each.get("__address__"))
        made.append(target if target is not None and target.own == each else Target(each, old.group.labels))
    return _Found(Group(group.source, own, old.group.labels), tuple(made))


class DiscoveryComponent(Component[A, Exports]):
    """Runs a discoverer and exports what it finds.

    The first export comes 5 seconds after the start, each later one 5 seconds after the one before, if
    something has changed. After an update, the targets stay until the new discoverer has answered.
    """

    def __init__(self, options: Options, arguments: A) -> None:
        _check(arguments, BuildError)
        self.options = options
        self._discoverer = self._prepared = self.discoverer(arguments)
        self._findings = Findings()
        self._collection = Collection()
        self._published = self._findings
        self._updated = asyncio.Event()
        options.set_exports(Exports(targets=()))

    def discoverer(self, arguments: A) -> Discoverer:
        """The source of groups for these arguments; opens nothing. Raises BuildError."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Check the arguments and register the metrics. Raises BuildError."""
        await self._discoverer.check()
        self.options.metrics().register(self)

    async def run(self) -> None:
        """Run the discoverer of the current arguments."""
        while True:
            self._updated.clear()
            self._findings = findings = Findings()
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(self._discoverer.run(findings)),
                        group.create_task(self._publish_often(findings)),
                    ]
                    await self._updated.wait()
                    for task in tasks:
                        task.cancel()
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from None
            await self._publish(findings)

    async def _publish_often(self, findings: Findings) -> None:
        while True:
            await asyncio.sleep(PUBLISH_SECONDS)
            await self._publish(findings)

    async def _publish(self, findings: Findings) -> None:
        """Export what has been found; before the discoverer has answered, the old targets stay."""
        new, known = findings.take(), self._collection
        continued = self._published is findings
        if not findings.answered or (continued and not any(new)):
            return
        base = known if continued else known.only(findings.kept)
        if sum(len(group.targets) for group in new.groups.values()) > _MANY:
            try:
                made = await WORK.run(lambda: base.changed(new, known), _WORK_SECONDS)
            except TimeoutError:  # no thread is free
                made = base.changed(new, known)
        else:
            made = base.changed(new, known)
        self._collection, self._published = made, findings
        self.options.set_exports(Exports(targets=made.targets))

    async def prepare_update(self, arguments: A) -> Exports | None:
        """Make a discoverer for the new arguments. Raises UpdateError."""
        _check(arguments, UpdateError)
        try:
            prepared = self.discoverer(arguments)
            await prepared.check()
        except BuildError as error:
            raise UpdateError(str(error)) from None
        self._prepared = prepared
        return None

    async def update(self, arguments: A) -> None:
        """Use the discoverer that `prepare_update` has made."""
        self._discoverer = self._prepared
        self._updated.set()

    def health(self) -> Health | None:
        """Unhealthy while the discoverer fails."""
        return self._findings.health()

    def collect(self) -> Iterator[Family]:
        """The metrics of the discoverer."""
        yield from self._discoverer.collect()


def _check(arguments: object, error: type[BuildError | UpdateError]) -> None:
    for fault in faults_of(arguments):
        raise error(fault.message)
