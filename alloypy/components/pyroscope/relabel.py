"""pyroscope.relabel: changes the labels of profiles by rules, or drops them.

Source: docs/spec/PYROSCOPE.md, section 6.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from alloypy.components.pyroscope.fanout import Relay
from alloypy.components.pyroscope.rule_counts import RuleCounts
from alloypy.components.relabel_rule import RULES_DOC, RuleArguments, relabel_rules
from alloypy.families import Family, counter, gauge
from alloypy.profiles.labels import print_labels
from alloypy.profiles.model import MOST_TOLD, DeliveryError, IngestProfile, Labels, Push, Series
from alloypy.profiles.receiver import DebugInfoClient, ProfilesReceiver
from alloypy.profiles.relabel import UNTOUCHED, Outcome, RelabelRules, dropped_by, relabel_closely
from alloypy.profiles.remembered import Memory, Room, size_of
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import (
    BuildError,
    Component,
    Flow,
    Options,
    Registration,
    Stability,
    Table,
    UpdateError,
)
from alloypy.runtime.contract.events import Dropped, Event, Relabelled
from alloypy.schema.fields import arguments, attribute, block, export, exports
from alloypy.threads import WORK

_COUNTERS = {
    "profiles_processed": "Profiles received.",
    "profiles_written": "Profiles forwarded.",
    "profiles_dropped": "Profiles that the rules dropped.",
    "cache_hits": "Label sets whose result was known.",
    "cache_misses": "Label sets whose result had to be worked out.",
}


@arguments(rules="pyroscope.relabel")
class Arguments:
    """Arguments of pyroscope.relabel."""

    forward_to: tuple[ProfilesReceiver, ...] = attribute(doc="Receivers for the profiles that are kept.")
    rules: tuple[RuleArguments, ...] = block(name="rule", default=(), doc="Rules, applied in order.")
    max_cache_size: int = attribute(
        default=10_000,
        doc="Number of label sets whose results are kept, in up to 16 MiB for all `pyroscope.relabel`.",
    )


@exports
class Exports:
    """Exports of pyroscope.relabel."""

    receiver: ProfilesReceiver = export(doc="Receiver that relabels and forwards profiles.")
    rules: RelabelRules = export(doc=RULES_DOC)


_MANY = 500
_LARGE_CHARACTERS = 32 << 10
_WORK_SECONDS = 30.0

_ROOM = Room(16 << 20)
"""The bytes that the caches of all relabel components may take together."""


class Cache:
    """The most recently used results; `None` is the result for a dropped label set.

    size: the most results. Fewer are kept if they are large; those above 16 KiB are not kept.
    counts: what the rules have done, also to profiles that do not come here.
    """

    def __init__(self, size: int, rules: RelabelRules) -> None:
        self._size = size
        self._results: Memory[tuple[tuple[str, str], ...], tuple[Labels | None, list[int]]] = Memory(_ROOM)
        self.counts = RuleCounts(rules.rules)
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._results)

    def relabel(self, labels: Labels, rules: RelabelRules) -> Labels | None:
        """The labels after the rules, or None if they drop them."""
        key = tuple(labels.items())
        known = self._results.get(key)
        if known is not None:
            self.hits += 1
            self._results.renew(key)
            result, count = known[0]
            count[0] += 1
            return result
        self.misses += 1
        result, outcome = relabel_closely(labels, rules.rules)
        count = self._count(outcome)
        count[0] += 1
        self._results.put(key, (result, count), size_of(labels) + (0 if result is None else size_of(result)))
        self._shrink()
        return result

    def add(self, outcomes: Mapping[Outcome, int]) -> None:
        """Count label sets that are not cached."""
        for outcome, number in outcomes.items():
            self._count(outcome)[0] += number

    def _count(self, outcome: Outcome) -> list[int]:
        """The count of an outcome. Clients could choose labels for ever new ones, so these are bounded."""
        if self.counts.full:
            self._results.clear()
            self.counts.fold()
        return self.counts.of(outcome)

    def resize(self, size: int) -> None:
        """Keep at most `size` results from now on."""
        self._size = size
        self._shrink()

    def begin_anew(self, rules: RelabelRules) -> None:
        """Forget everything, and count from 0, because the rules have changed."""
        self._results.clear()
        self.counts = RuleCounts(rules.rules)

    def _shrink(self) -> None:
        while len(self._results) > self._size:
            self._results.forget_oldest()


class Receiver(ProfilesReceiver):
    """The exported receiver; rules and children change with the arguments."""

    __slots__ = ("_events", "_logger", "cache", "counts", "exited", "fanout", "id", "rules")
    concrete = "relabel.Component"

    def __init__(self, options: Options, arguments: Arguments, rules: RelabelRules) -> None:
        self.id = options.id
        self.rules = rules
        self.cache = Cache(arguments.max_cache_size, rules)
        self.fanout = Relay(arguments.forward_to, options.logger)
        self.counts = dict.fromkeys(("profiles_processed", "profiles_written", "profiles_dropped"), 0)
        self.exited = False
        self._events = options.events
        self.component = options.global_id
        self._logger = options.logger

    async def append(self, push: Push) -> None:
        """Relabel every series, forward those that are kept. Raises DeliveryError."""
        series = push.series
        try:
            self._check()
            if len(series) > _MANY or any(_is_large(one.labels) for one in series):
                kept = await self._relabel_aside(series)
            else:
                kept = []
                for one in series:
                    labels = self._relabel(one.labels)
                    if labels is not None:
                        kept.append(one.with_labels(labels))
        except DeliveryError as error:
            self._publish_failure(series, error)
            raise
        if self._events.wanted:
            self._publish(series, kept)
        if kept:
            await self.fanout.append(push.with_series(kept))

    async def append_ingest(self, profile: IngestProfile) -> None:
        """Relabel and forward an /ingest profile. Raises DeliveryError."""
        try:
            self._check()
            if _is_large(profile.labels):
                kept = await self._relabel_aside((Series(profile.labels, ()),))
                labels = kept[0].labels if kept else None
            else:
                labels = self._relabel(profile.labels)
        except DeliveryError as error:
            self._publish_failure((profile,), error)
            raise
        if self._events.wanted:
            self._events.publish(self._event(profile, labels))
        if labels is not None:
            await self.fanout.append_ingest(profile.with_labels(labels))

    def debug_info_clients(self) -> Sequence[DebugInfoClient]:
        """The clients of all receivers in `forward_to`."""
        return self.fanout.debug_info_clients()

    def stores(self) -> Sequence[str]:
        """What stores profiles behind `forward_to`."""
        return self.fanout.stores()

    def collect(self) -> Iterator[Family]:
        """The metrics; Alloy's names for these counters do not end in `_total`."""
        values = {**self.counts, "cache_hits": self.cache.hits, "cache_misses": self.cache.misses}
        for name, documentation in _COUNTERS.items():
            yield counter(f"pyroscope_relabel_{name}", documentation, values[name])
        yield gauge("pyroscope_relabel_cache_size", "Label sets in the cache.", len(self.cache))
        yield from self.fanout.families()

    def _check(self) -> None:
        if self.exited:
            raise DeliveryError(f"{self.id} has exited", retry=True)

    def _relabel(self, labels: Labels) -> Labels | None:
        """The new labels; None if the profile is dropped. Rules do not apply to a profile without labels."""
        counts = self.counts
        counts["profiles_processed"] += 1
        result = self.cache.relabel(labels, self.rules) if labels else labels
        if result is None:
            counts["profiles_dropped"] += 1
            self._log_dropped(labels)
        else:
            counts["profiles_written"] += 1
        return result

    async def _relabel_aside(self, series: Sequence[Series]) -> list[Series]:
        """The series that are kept, for many or large ones: computed in a thread, and not cached.

        Raises DeliveryError if that takes too long.
        """
        rules = self.rules.rules

        def work() -> tuple[list[Series], list[Labels], Counter[Outcome]]:
            kept, dropped = [], []
            outcomes: Counter[Outcome] = Counter()
            for one in series:
                labels, outcome = (
                    relabel_closely(one.labels, rules) if one.labels else (one.labels, UNTOUCHED)
                )
                outcomes[outcome] += 1
                if labels is None:
                    dropped.append(one.labels)
                else:
                    kept.append(one.with_labels(labels))
            return kept, dropped, outcomes

        try:
            kept, dropped, outcomes = await WORK.run(work, _WORK_SECONDS)
        except TimeoutError:
            raise DeliveryError(
                f"relabeling takes longer than {_WORK_SECONDS:.0f} s", code="unavailable", retry=True
            ) from None
        self.cache.misses += len(series)
        if rules is self.rules.rules:  # and not replaced meanwhile
            self.cache.add(outcomes)
        self.counts["profiles_processed"] += len(series)
        self.counts["profiles_written"] += len(kept)
        self.counts["profiles_dropped"] += len(dropped)
        for labels in dropped[:MOST_TOLD]:
            self._log_dropped(labels)
        return kept

    def _publish(self, series: Sequence[Series], kept: Sequence[Series]) -> None:
        """Publish the outcome for each series."""
        after = {one.position: one.labels for one in kept}
        outcomes = (self._event(one, after.get(one.position)) for one in series)
        self._events.publish_each(outcomes, len(series))

    def _publish_failure(self, profiles: Sequence[Series | IngestProfile], error: DeliveryError) -> None:
        """Publish that none of these goes on."""
        if self._events.wanted:
            self._events.publish_failures(self.component, profiles, str(error))

    def _event(self, one: Series | IngestProfile, labels: Labels | None) -> Event:
        """What has become of a profile. labels: None if it was dropped."""
        if labels is None:
            rule = 0 if _is_large(one.labels) else dropped_by(one.labels, self.rules.rules)
            return Dropped(self.component, one.labels, one.body, rule)
        return Relabelled(self.component, labels, one.body, one.labels)

    def _log_dropped(self, labels: Labels) -> None:
        if self._logger.isEnabledFor(logging.DEBUG):
            fields = {"labels": print_labels(labels)}
            self._logger.debug("profile dropped by relabel rules", extra={"fields": fields})


class Relabel(Component[Arguments, Exports]):
    """Relabels profiles on their way."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        _check_size(arguments, BuildError)
        rules = relabel_rules(arguments.rules)
        self._options = options
        self._receiver = Receiver(options, arguments, rules)
        options.set_exports(Exports(receiver=self._receiver, rules=rules))

    async def prepare(self) -> None:
        """Register the metrics."""
        self._options.metrics().register(self._receiver)

    async def run(self) -> None:
        """Wait to be cancelled; profiles are relabeled in their callers' tasks."""
        try:
            await asyncio.Event().wait()
        finally:
            self._receiver.exited = True

    def flow(self) -> Flow:
        counts = self._receiver.counts
        return Flow(
            "profiles", counts["profiles_processed"], counts["profiles_written"], counts["profiles_dropped"]
        )

    def tables(self) -> Sequence[Table]:
        """What each rule has done."""
        return (self._receiver.cache.counts.table(),)

    async def prepare_update(self, arguments: Arguments) -> Exports:
        """The new exports. Raises UpdateError."""
        _check_size(arguments, UpdateError)
        return Exports(receiver=self._receiver, rules=relabel_rules(arguments.rules))

    async def update(self, arguments: Arguments) -> None:
        """Use the new rules and receivers; if the rules have changed, clear the cache."""
        receiver = self._receiver
        rules = relabel_rules(arguments.rules)
        if rules != receiver.rules:
            receiver.rules = rules
            receiver.cache.begin_anew(rules)
        receiver.cache.resize(arguments.max_cache_size)
        receiver.fanout.children = tuple(arguments.forward_to)
        self._options.set_exports(Exports(receiver=receiver, rules=rules))


def _is_large(labels: Labels) -> bool:
    """Whether rules may take so long for a label set that they should run in a thread."""
    return len(labels) > _MANY or sum(map(len, labels.values())) > _LARGE_CHARACTERS


def _check_size(arguments: Arguments, error: type[BuildError | UpdateError]) -> None:
    for fault in faults_of(arguments):
        raise error(fault.message)


registration = Registration("pyroscope.relabel", Stability.GENERALLY_AVAILABLE, Arguments, Exports, Relabel)
