"""pyroscope.relabel: what it forwards, drops, remembers, counts and exports."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alloypy.components.pyroscope.relabel import Arguments, Exports, Relabel
from alloypy.components.relabel_rule import RuleArguments
from alloypy.lang.go.regexp import parse_regexp
from alloypy.profiles.model import DeliveryError, DeliveryErrors
from alloypy.runtime.contract.component import BuildError, Metrics, UpdateError
from tests.support.metrics import samples
from tests.support.profiles import contents, series_contents
from tests.support.receiving import Collected, LogLines, component_options
from tests.support.sending import LABELS, ingest, push

pytestmark = pytest.mark.anyio


class Relabeling:
    """A running pyroscope.relabel."""

    def __init__(self, component: Relabel, exports: list[Exports], registry: Metrics, log: LogLines) -> None:
        self.component = component
        self.exports = exports
        self.registry = registry
        self.log = log
        self.task = asyncio.create_task(component.run())

    @property
    def receiver(self) -> Any:
        return self.exports[-1].receiver

    async def update(self, given: Arguments) -> Exports | None:
        coming = await self.component.prepare_update(given)
        await self.component.update(given)
        return coming

    def samples(self) -> dict[str, float]:
        return {sample.name: sample.value for sample in samples(self.registry.collect())}

    def metrics(self) -> dict[str, float]:
        return {
            name.removeprefix("pyroscope_relabel_"): value
            for name, value in self.samples().items()
            if name.startswith("pyroscope_relabel_") and value
        }


@asynccontextmanager
async def relabeling(given: Arguments) -> AsyncIterator[Relabeling]:
    registry, log = Metrics(), LogLines()
    logger = logging.Logger("relabel", logging.DEBUG)
    logger.addHandler(log)
    exports: list[Exports] = []
    options = component_options(registry, logger, id="pyroscope.relabel.test", set_exports=exports.append)
    component = Relabel(options, given)
    await component.prepare()
    running = Relabeling(component, exports, registry, log)
    await asyncio.sleep(0)
    try:
        yield running
    finally:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


def rule(**fields: Any) -> RuleArguments:
    if "regex" in fields:
        fields["regex"] = parse_regexp(fields["regex"])
    return RuleArguments(**fields)


RENAME = rule(source_labels=("service_name",), target_label="service_name", replacement="new-$1")
DROP = rule(source_labels=("env",), regex="dev", action="drop")


async def test_labels_change_and_nothing_else() -> None:
    child = Collected()
    async with relabeling(Arguments(forward_to=(child,), rules=(RENAME,))) as running:
        given = push(LABELS, {**LABELS, "x": "y"}, deadline=5.0, headers=(("a", "b"),))
        await running.receiver.append(given)
        profile = ingest(content_encoding="gzip", headers=(("a", "b"),))
        await running.receiver.append_ingest(profile)
    (sent,) = child.pushes
    assert [one.labels["service_name"] for one in sent.series] == ["new-svc", "new-svc"]
    renamed = [one.with_labels(new.labels) for one, new in zip(given.series, sent.series, strict=True)]
    assert series_contents(sent.series) == series_contents(renamed)
    assert (sent.deadline, sent.headers) == (5.0, (("a", "b"),))
    (received,) = child.ingests
    assert contents(received) == {**contents(profile), "labels": received.labels, "body": [b"body"]}
    assert received.labels == {**LABELS, "service_name": "new-svc"}


async def test_dropped_profiles_are_a_success() -> None:
    child = Collected()
    async with relabeling(Arguments(forward_to=(child,), rules=(DROP,))) as running:
        dev = {**LABELS, "env": "dev"}
        await running.receiver.append(push(dev, LABELS, dev))
        await running.receiver.append(push(dev))
        await running.receiver.append_ingest(ingest(labels=dev))
        assert running.metrics() == {
            "profiles_processed": 5,
            "profiles_written": 1,
            "profiles_dropped": 4,
            "cache_hits": 3,
            "cache_misses": 2,
            "cache_size": 2,
        }
        assert any("profile dropped by relabel rules" in line for line in running.log.lines)
    assert [[one.position for one in each.series] for each in child.pushes] == [[1]]
    assert child.ingests == []


async def test_profiles_without_labels_pass_the_rules_by() -> None:
    child = Collected()
    keep = rule(source_labels=("env",), regex="prod", action="keep")
    async with relabeling(Arguments(forward_to=(child,), rules=(keep,))) as running:
        await running.receiver.append(push({}))
        assert running.metrics() == {"profiles_processed": 1, "profiles_written": 1}
    assert child.pushes[0].series[0].labels == {}


async def test_labels_that_all_go_are_forwarded_every_time() -> None:
    child = Collected()
    async with relabeling(
        Arguments(forward_to=(child,), rules=(rule(action="labeldrop", regex=".*"),))
    ) as running:
        for _ in range(3):
            await running.receiver.append_ingest(ingest())
    assert [each.labels for each in child.ingests] == [{}, {}, {}]


async def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    child = Collected()
    async with relabeling(Arguments(forward_to=(child,), rules=(RENAME,), max_cache_size=2)) as running:
        for name in ("a", "b", "a", "c", "a", "b"):
            await running.receiver.append_ingest(ingest(labels={**LABELS, "service_name": name}))
        assert running.metrics()["cache_hits"] == 2
        assert running.metrics()["cache_size"] == 2
    assert [each.labels["service_name"] for each in child.ingests] == [
        f"new-{name}" for name in ("a", "b", "a", "c", "a", "b")
    ]


async def test_an_update_changes_rules_receivers_and_cache() -> None:
    first, second = Collected(), Collected()
    async with relabeling(Arguments(forward_to=(first,), rules=(RENAME,))) as running:
        receiver = running.receiver
        await receiver.append_ingest(ingest())
        same = Arguments(forward_to=(second,), rules=(RENAME,))
        assert await running.update(same) == running.exports[0]
        await receiver.append_ingest(ingest())
        assert running.metrics()["cache_hits"] == 1
        changed = Arguments(forward_to=(second,), rules=(DROP,), max_cache_size=1)
        coming = await running.update(changed)
        assert coming == running.exports[-1] != running.exports[0]
        assert running.receiver is receiver
        assert [each.action for each in running.exports[-1].rules.rules] == ["drop"]
        assert running.metrics().get("cache_size") is None
        await receiver.append_ingest(ingest())
    assert [each.labels["service_name"] for each in first.ingests + second.ingests] == [
        "new-svc",
        "new-svc",
        "svc",
    ]


@pytest.mark.parametrize("size", [0, -1])
async def test_a_cache_needs_a_size(size: int) -> None:
    given = Arguments(forward_to=(), max_cache_size=size)
    with pytest.raises(BuildError, match="must provide a positive size"):
        async with relabeling(given):
            pass
    async with relabeling(Arguments(forward_to=())) as running:
        with pytest.raises(UpdateError, match="must provide a positive size"):
            await running.update(given)


async def test_errors_of_the_receivers() -> None:
    def fail(text: str, **details: Any) -> Collected:
        def failing(_: Any) -> None:
            raise DeliveryError(text, **details)

        return Collected(failing)

    good = Collected()
    bad, worse = fail("one", series=1), fail("two", status=422, code="invalid_argument", series=1)

    def several(_: Any) -> None:
        raise DeliveryErrors([DeliveryError("a"), DeliveryError("b", series=1)])

    async with relabeling(Arguments(forward_to=(bad, good, worse))) as running:
        with pytest.raises(DeliveryError) as caught:
            await running.receiver.append(push(LABELS, LABELS))
        error = caught.value
        assert str(error) == "2 errors occurred:\n\t* one\n\t* two\n\n"
        assert (error.status, error.code, error.series) == (422, "invalid_argument", 1)
        assert len(good.pushes) == 1
        await running.update(Arguments(forward_to=(Collected(several),)))
        with pytest.raises(DeliveryErrors) as joined:
            await running.receiver.append(push(LABELS, LABELS))
        assert [(str(each), each.series) for each in joined.value.errors] == [
            ("1 error occurred:\n\t* a\n\n", None),
            ("1 error occurred:\n\t* b\n\n", 1),
        ]

        def crash(_: Any) -> None:
            raise ZeroDivisionError

        await running.update(Arguments(forward_to=(Collected(crash), good)))
        with pytest.raises(DeliveryError, match="internal error"):
            await running.receiver.append_ingest(ingest())
        assert any("a receiver failed" in line for line in running.log.lines)
        assert len(good.ingests) == 1


async def test_samples_are_counted_when_every_receiver_has_taken_them() -> None:
    def failing(_: Any) -> None:
        raise DeliveryError("no")

    async with relabeling(Arguments(forward_to=(Collected(), Collected()))) as running:
        await running.receiver.append(push(LABELS, LABELS))
        await running.receiver.append_ingest(ingest())
        await running.update(Arguments(forward_to=(Collected(), Collected(failing))))
        with pytest.raises(DeliveryError):
            await running.receiver.append(push(LABELS))
        samples = running.samples()
        assert samples["pyroscope_forwarded_entries_total"] == 2
        assert samples["pyroscope_fanout_latency_count"] == 3


async def test_nothing_is_taken_after_the_end() -> None:
    async with relabeling(Arguments(forward_to=())) as running:
        receiver = running.receiver
        assert receiver.debug_info_clients() == []
    for profile in (receiver.append(push()), receiver.append_ingest(ingest())):
        with pytest.raises(DeliveryError, match=r"pyroscope\.relabel\.test has exited"):
            await profile
