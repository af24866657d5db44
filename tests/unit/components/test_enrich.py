"""pyroscope.enrich: which target a profile has, which labels it gets, what an update changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alloypy.components.pyroscope.enrich import Arguments, Enrich, Exports, indexed
from alloypy.lang.targets import OddTarget, Target
from alloypy.profiles.model import DeliveryError
from alloypy.runtime.contract.component import BuildError, Metrics
from alloypy.runtime.contract.events import Events, Relabelled
from tests.support.metrics import metric
from tests.support.profiles import series_contents
from tests.support.receiving import Collected, component_options
from tests.support.sending import ingest, push

pytestmark = pytest.mark.anyio

H1 = Target({"host": "h1", "team": "core", "empty": ""}, {"team": "group", "zone": "eu"})
H2 = Target({"host": "h2"})


def arguments(*targets: Target, to: Sequence[Any] = (), **given: Any) -> Arguments:
    given = {"target_match_label": "host", "forward_to": tuple(to), **given}
    return Arguments(targets=targets or (H1, H2), **given)


@pytest.mark.parametrize(
    ("given", "labels", "after"),
    [
        (arguments(), {"a": "1", "host": "h1"}, {"a": "1", "host": "h1", "team": "core", "zone": "eu"}),
        (arguments(), {"host": "h1", "team": "x"}, {"host": "h1", "team": "core", "zone": "eu"}),
        (arguments(), {"empty": "x", "host": "h1"}, {"host": "h1", "team": "core", "zone": "eu"}),
        (arguments(labels_to_copy=("empty", "zone", "zone", "absent")), {"empty": "x", "host": "h1"},
         {"empty": "x", "host": "h1", "zone": "eu"}),
        (arguments(profiles_match_label="node"), {"node": "h2"}, {"host": "h2", "node": "h2"}),
        (arguments(target_match_label="zone", profiles_match_label="z"), {"z": "eu"},
         {"host": "h1", "team": "core", "z": "eu", "zone": "eu"}),
        (arguments(H2, Target({"host": "h2", "b": "1"}), Target({"host": "h2", "c": "2"})), {"host": "h2"},
         {"c": "2", "host": "h2"}),
        (arguments(Target({"host": "h", "a": "1", "__name__": "n"})), {"host": "h", "z": "2"},
         {"__name__": "n", "a": "1", "host": "h", "z": "2"}),
    ],
)  # fmt: skip
async def test_labels_of_the_target_are_added_in_order(
    given: Arguments, labels: Mapping[str, str], after: Mapping[str, str]
) -> None:
    index = await indexed(given)
    assert list(index.enriched(labels).items()) == list(after.items())


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        (arguments(), {"host": "h3"}),
        (arguments(), {"host": "H1"}),
        (arguments(), {"host": "h1 "}),
        (arguments(), {"a": "1"}),
        (arguments(), {}),
        (arguments(target_match_label=""), {"host": "h1"}),
        (arguments(Target({"host": ""}), Target({"a": "1"})), {"host": ""}),
    ],
)  # fmt: skip
async def test_others_keep_their_labels(given: Arguments, labels: Mapping[str, str]) -> None:
    index = await indexed(given)
    assert index.enriched(labels) is labels


class Enriching:
    """A running pyroscope.enrich."""

    def __init__(self, component: Enrich, exports: list[Exports], metrics: Metrics) -> None:
        self.component = component
        self.exports = exports
        self.metrics = metrics

    @property
    def receiver(self) -> Any:
        return self.exports[-1].receiver

    async def update(self, given: Arguments) -> None:
        assert await self.component.prepare_update(given) == self.exports[-1]
        await self.component.update(given)


@asynccontextmanager
async def enriching(given: Arguments, **options: Any) -> AsyncIterator[Enriching]:
    exports: list[Exports] = []
    metrics = Metrics()
    made = component_options(metrics, logging.getLogger("test"), set_exports=exports.append, **options)
    component = Enrich(made, given)
    await component.prepare()
    running = asyncio.create_task(component.run())
    await asyncio.sleep(0)
    try:
        yield Enriching(component, exports, metrics)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_both_ways_in_are_enriched_and_bodies_stay_as_they_are() -> None:
    child = Collected()
    async with enriching(arguments(to=[child])) as enrich:
        sent = push({"host": "h1"}, {"host": "h3"})
        await enrich.receiver.append(sent)
        (received,) = child.pushes
        assert [dict(one.labels) for one in received.series] == [
            {"host": "h1", "team": "core", "zone": "eu"},
            {"host": "h3"},
        ]
        bodies = [samples for _, samples, _ in series_contents(sent.series)]
        assert [samples for _, samples, _ in series_contents(received.series)] == bodies
        profile = ingest(labels={"host": "h2"})
        await enrich.receiver.append_ingest(profile)
        assert list(child.ingests[0].body) == list(profile.body)
        assert child.ingests[0].labels == {"host": "h2"}
        assert metric(enrich.metrics.collect(), "pyroscope_forwarded_entries_total") == 2


async def test_an_update_changes_targets_and_receivers_but_not_the_receiver() -> None:
    one, two = Collected(), Collected()
    async with enriching(arguments(to=[one])) as enrich:
        receiver = enrich.receiver
        await enrich.update(arguments(Target({"node": "h1", "x": "1"}), to=[two], target_match_label="node"))
        assert enrich.receiver is receiver
        await receiver.append(push({"node": "h1"}, {"host": "h1"}))
    assert one.pushes == []
    assert [dict(each.labels) for each in two.pushes[0].series] == [{"node": "h1", "x": "1"}, {"host": "h1"}]


async def test_errors_of_receivers_reach_the_caller_and_an_exited_one_refuses() -> None:
    def fail(_: object) -> None:
        raise DeliveryError("no")

    async with enriching(arguments(to=[Collected(fail)])) as enrich:
        with pytest.raises(DeliveryError, match="no"):
            await enrich.receiver.append(push({"host": "h1"}))
    with pytest.raises(DeliveryError, match="has exited"):
        await enrich.receiver.append(push({"host": "h1"}))


async def test_what_has_changed_is_published() -> None:
    events = Events()
    async with enriching(arguments(to=[Collected()]), events=events) as enrich:
        with events.subscribe() as subscription:
            await enrich.receiver.append(push({"host": "h1"}, {"host": "h3"}))
            await enrich.receiver.append_ingest(ingest(labels={"host": "h1"}))
            taken = [noted.event for noted in subscription.take().events]
    assert len(taken) == 2
    for event in taken:
        assert isinstance(event, Relabelled)
        assert (event.before["host"], event.labels["zone"]) == ("h1", "eu")


async def test_a_label_that_is_no_text_is_refused() -> None:
    odd = OddTarget({"host": "h", "a": ""}, "a", [1])
    with pytest.raises(BuildError, match='label "a" of a target is an array'):
        Enrich(component_options(Metrics(), logging.getLogger("test")), arguments(odd))


async def test_many_targets_are_indexed() -> None:
    targets = [Target({"host": f"h{n}", "n": str(n)}) for n in range(10_000)]
    index = await indexed(arguments(*targets))
    assert index.enriched({"host": "h9999"}) == {"host": "h9999", "n": "9999"}


async def test_a_label_set_that_comes_again_gets_the_same_result() -> None:
    child = Collected()
    async with enriching(arguments(to=[child])) as enrich:
        labels = {"host": "h1"}
        for _ in range(2):
            await enrich.receiver.append(push(labels))
        first, second = (each.series[0].labels for each in child.pushes)
        assert first is second
        await enrich.update(arguments(Target({"host": "h1", "x": "1"}), to=[child]))
        await enrich.receiver.append(push(labels))
    assert child.pushes[2].series[0].labels == {"host": "h1", "x": "1"}
