"""pyroscope.enrich: adds the labels of a target to the profiles that come from it.

Source: docs/spec/PYROSCOPE.md, section 7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from alloypy.components.pyroscope.fanout import Relay
from alloypy.families import Family
from alloypy.lang.targets import Target
from alloypy.profiles.model import DeliveryError, IngestProfile, Labels, Push, Series
from alloypy.profiles.receiver import DebugInfoClient, ProfilesReceiver
from alloypy.profiles.remembered import LabelMemory
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import (
    BuildError,
    Component,
    Flow,
    Options,
    Registration,
    Stability,
    UpdateError,
)
from alloypy.runtime.contract.events import Relabelled
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, export, exports
from alloypy.threads import WORK

_MANY = 500
_WORK_SECONDS = 30.0


@arguments(rules="pyroscope.enrich")
class Arguments:
    """Arguments of pyroscope.enrich."""

    targets: tuple[Target, ...] = attribute(doc="Targets whose labels are added.")
    target_match_label: str = attribute(doc="Label of the targets that is compared.")
    profiles_match_label: str = attribute(
        default="", doc="Label of the profiles that is compared; by default that of the targets."
    )
    labels_to_copy: tuple[str, ...] = attribute(default=(), doc="Labels to add; all if empty.")
    forward_to: tuple[ProfilesReceiver, ...] = attribute(doc="Receivers for the profiles.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@exports
class Exports:
    """Exports of pyroscope.enrich."""

    receiver: ProfilesReceiver = export(doc="Receiver that adds labels and forwards profiles.")


class Index(NamedTuple):
    """Finds the target of a profile by one label. Frozen, so that what belongs together changes together.

    label: of the profiles. targets: by the value of their label; the last of several with the same wins.
    copied: the labels to add, all if empty.
    """

    label: str
    targets: Mapping[str, Target] = MappingProxyType({})
    copied: Sequence[str] = ()

    def enriched(self, labels: Labels) -> Labels:
        """The labels of a profile with those of its target; the same object if it has none."""
        value = labels.get(self.label)
        target = self.targets.get(value) if value else None
        if target is None:
            return labels
        if self.copied:
            found = ((name, target.get(name)) for name in self.copied)
            merged = {**labels, **{name: value for name, value in found if value}}
        else:
            merged = {**labels, **target.group, **target.own}
        return {name: merged[name] for name in sorted(merged) if merged[name]}


async def indexed(given: Arguments) -> Index:
    """The index for some arguments. Raises TimeoutError if no thread has time for many targets."""
    label = given.target_match_label

    def work() -> Mapping[str, Target]:
        found = {}
        for target in given.targets:
            value = target.get(label)
            if value:
                found[value] = target
        return found

    many = len(given.targets) > _MANY
    targets = await WORK.run(work, _WORK_SECONDS) if many else work()
    return Index(given.profiles_match_label or label, targets, given.labels_to_copy)


class Receiver(ProfilesReceiver):
    """The exported receiver; index and children change with the arguments."""

    __slots__ = ("_enriched", "_events", "exited", "fanout", "id")
    concrete = "enrich.Component"

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self.id = options.id
        self.use(Index(""))
        self.fanout = Relay(arguments.forward_to, options.logger)
        self.exited = False
        self._events = options.events
        self.component = options.global_id

    def use(self, index: Index) -> None:
        """Find targets in this index from now on.

        A label set that comes again gets the same result, which the receivers that it is passed to recognise.
        """
        self._enriched: Callable[[Labels], Labels] = LabelMemory(index.enriched).get

    async def append(self, push: Push) -> None:
        """Add labels to every series, and forward them all. Raises DeliveryError."""
        if self.exited:
            raise self._ended(push.series)
        enriched = self._enriched
        changed = [one.with_labels(enriched(one.labels)) for one in push.series]
        if self._events.wanted:
            self._publish(push.series, changed)
        await self.fanout.append(push.with_series(changed))

    async def append_ingest(self, profile: IngestProfile) -> None:
        """Add labels to an /ingest profile, and forward it. Raises DeliveryError."""
        if self.exited:
            raise self._ended((profile,))
        labels = self._enriched(profile.labels)
        if self._events.wanted and labels is not profile.labels:
            self._events.publish(Relabelled(self.component, labels, profile.body, profile.labels))
        await self.fanout.append_ingest(profile.with_labels(labels))

    def debug_info_clients(self) -> Sequence[DebugInfoClient]:
        """The clients of all receivers in `forward_to`."""
        return self.fanout.debug_info_clients()

    def stores(self) -> Sequence[str]:
        """What stores profiles behind `forward_to`."""
        return self.fanout.stores()

    def collect(self) -> Iterator[Family]:
        """The metrics of forwarding."""
        return self.fanout.families()

    def _ended(self, profiles: Sequence[Series | IngestProfile]) -> DeliveryError:
        reason = f"{self.id} has exited"
        if self._events.wanted:
            self._events.publish_failures(self.component, profiles, reason)
        return DeliveryError(reason, retry=True)

    def _publish(self, before: Sequence[Series], after: Sequence[Series]) -> None:
        """Publish what has got other labels."""
        changed = [
            Relabelled(self.component, new.labels, new.body, old.labels)
            for old, new in zip(before, after, strict=True)
            if new.labels is not old.labels
        ]
        self._events.publish_each(changed, len(changed))


class Enrich(Component[Arguments, Exports]):
    """Adds labels to profiles on their way."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        _check(arguments, BuildError)
        self._options = options
        self._arguments = arguments
        self._receiver = Receiver(options, arguments)
        self._prepared = Index("")
        options.set_exports(Exports(receiver=self._receiver))

    async def prepare(self) -> None:
        """Index the targets and register the metrics. Raises BuildError."""
        try:
            self._receiver.use(await indexed(self._arguments))
        except TimeoutError as error:
            raise BuildError(f"the targets cannot be indexed: {error}") from None
        self._options.metrics().register(self._receiver)

    async def run(self) -> None:
        """Wait to be cancelled; profiles are enriched in their callers' tasks."""
        try:
            await asyncio.Event().wait()
        finally:
            self._receiver.exited = True

    def flow(self) -> Flow:
        return self._receiver.fanout.flow("requests")

    async def prepare_update(self, arguments: Arguments) -> Exports:
        """Index the new targets. Raises UpdateError."""
        _check(arguments, UpdateError)
        try:
            self._prepared = await indexed(arguments)
        except TimeoutError as error:
            raise UpdateError(f"the targets cannot be indexed: {error}") from None
        return Exports(receiver=self._receiver)

    async def update(self, arguments: Arguments) -> None:
        """Use the index that `prepare_update` has made, and the new receivers."""
        self._receiver.use(self._prepared)
        self._receiver.fanout.children = tuple(arguments.forward_to)


def _check(arguments: Arguments, error: type[BuildError | UpdateError]) -> None:
    for fault in faults_of(arguments):
        raise error(fault.message)


registration = Registration("pyroscope.enrich", Stability.EXPERIMENTAL, Arguments, Exports, Enrich)
