"""What all discovery components share: when targets are exported, kept and replaced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alloypy.components.discovery import shell
from alloypy.components.discovery.refresh import RefreshError, RefreshMetrics, refresh_loop
from alloypy.components.discovery.shell import (
    Change,
    Collection,
    Discoverer,
    DiscoveryComponent,
    Exports,
    Findings,
    Group,
)
from alloypy.families import Family
from alloypy.lang.go.duration import Duration
from alloypy.runtime.contract.component import Metrics
from alloypy.schema.fields import arguments, attribute
from tests.support.metrics import metric
from tests.support.receiving import LogLines, component_options
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


@arguments
class Arguments:
    """Arguments of the component under test."""

    name: str = attribute(default="", doc="Of the discoverer.")


class Scripted(Discoverer):
    """A discoverer that the test drives."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: Findings | None = None
        self.fails: asyncio.Event = asyncio.Event()

    async def run(self, found: Findings) -> None:
        self.found = found
        await self.fails.wait()
        raise ZeroDivisionError("a bug")

    def collect(self) -> Iterator[Family]:
        yield Family(f"made_{self.name}", "", "gauge", [])


class Discovered(DiscoveryComponent[Arguments]):
    """The component under test. made: its discoverers."""

    def __init__(self, *given: Any) -> None:
        self.made: list[Scripted] = []
        super().__init__(*given)

    def discoverer(self, arguments: Arguments) -> Discoverer:
        self.made.append(Scripted(arguments.name))
        return self.made[-1]

    async def settings(self, name: str) -> None:
        """A reload with other arguments."""
        await self.prepare_update(Arguments(name=name))
        await self.update(Arguments(name=name))

    async def running(self, number: int = 0) -> Findings:
        """What the discoverer of this number reports to, once it runs."""
        await until(lambda: len(self.made) > number and self.made[number].found is not None)
        found = self.made[number].found
        assert found is not None
        return found


class Exported(list[Exports]):
    """All exports so far."""

    def addresses(self) -> list[str]:
        return [target.own["__address__"] for target in self[-1].targets]


@asynccontextmanager
async def discovered(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Discovered, Exported]]:
    """A component that publishes every 20 ms."""
    monkeypatch.setattr(shell, "PUBLISH_SECONDS", 0.02)
    seen = Exported()
    options = component_options(Metrics(), logging.getLogger("test"), set_exports=seen.append)
    component = Discovered(options, Arguments())
    await component.prepare()
    running = asyncio.create_task(component.run())
    try:
        yield component, seen
    finally:
        running.cancel()
        await asyncio.wait([running])


def group(source: str, *addresses: str, **labels: str) -> Group:
    return Group(source, [{"__address__": each} for each in addresses], labels)


async def test_groups_are_added_replaced_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with discovered(monkeypatch) as (component, seen):
        assert seen[0].targets == ()
        found = await component.running()
        found([group("one", "a", "b"), group("two", "c")])
        await until(lambda: seen.addresses() == ["a", "b", "c"])
        found([group("one", "d")])
        await until(lambda: seen.addresses() == ["d", "c"])
        found([group("one"), group("never seen")])
        await until(lambda: seen.addresses() == ["c"])


async def test_what_changes_often_is_exported_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    async with discovered(monkeypatch) as (component, seen):
        monkeypatch.setattr(shell, "PUBLISH_SECONDS", 0.2)
        found = await component.running()
        for number in range(50):
            found([group("one", f"a{number}")])
            await asyncio.sleep(0)
        await until(lambda: seen.addresses() == ["a49"])
        assert len(seen) <= 3


async def test_targets_stay_after_an_update_until_the_new_discoverer_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with discovered(monkeypatch) as (component, seen):
        (await component.running())([group("one", "a"), group("two", "b")])
        await until(lambda: seen.addresses() == ["a", "b"])
        await component.settings("second")
        found = await component.running(1)
        found.failed("cannot reach it")
        await asyncio.sleep(0.1)
        assert seen.addresses() == ["a", "b"]
        health = component.health()
        assert health is not None
        assert health.message == "cannot reach it"
        found([group("one", "a")])
        found.well()
        await until(lambda: seen.addresses() == ["a"])
        assert component.health() is None


async def test_an_answer_without_groups_removes_the_old_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    async with discovered(monkeypatch) as (component, seen):
        (await component.running())([group("one", "a")])
        await until(lambda: seen.addresses() == ["a"])
        await component.settings("second")
        (await component.running(1))([])
        await until(lambda: seen.addresses() == [])


async def test_what_was_found_just_before_an_update_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    async with discovered(monkeypatch) as (component, seen):
        monkeypatch.setattr(shell, "PUBLISH_SECONDS", 60.0)
        found = await component.running()
        await asyncio.sleep(0.05)
        found([group("one", "a")])
        await component.settings("second")
        await until(lambda: seen.addresses() == ["a"])


async def test_an_update_that_is_not_made_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with discovered(monkeypatch) as (component, seen):
        found = await component.running()
        await component.prepare_update(Arguments(name="refused"))
        found([group("one", "a")])
        await until(lambda: seen.addresses() == ["a"])
        assert component.made[1].found is None
        assert [family.name for family in component.collect()] == ["made_"]


async def test_the_newest_of_several_failures_shows_until_each_has_ended() -> None:
    found = Findings()
    found.failed("first", "one")
    await asyncio.sleep(0.01)
    found.failed("second", "two")

    def shown() -> str:
        health = found.health()
        return "" if health is None else health.message

    assert shown() == "second"
    found.well("two")
    assert shown() == "first"
    found.well("two")
    found.well("one")
    assert shown() == ""


async def test_a_bug_of_a_discoverer_ends_the_run_with_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    options = component_options(Metrics(), logging.getLogger("test"))
    component = Discovered(options, Arguments())
    component.made[0].fails.set()
    with pytest.raises(ZeroDivisionError):
        await component.run()


def test_equal_targets_stay_the_same_objects() -> None:
    before = Collection().changed(Change({"one": group("one", "a", "b", x="1")}), Collection())
    same = before.changed(Change({"one": group("one", "new", "b", "a", x="1")}), before)
    assert same.targets[1] is before.targets[1]
    assert same.targets[2] is before.targets[0]
    other = before.changed(Change({"one": group("one", "a", x="2")}), before)
    assert other.targets[0] is not before.targets[0]
    assert dict(other.targets[0].labels) == {"__address__": "a", "x": "2"}


@pytest.mark.parametrize("many", [10, 2_000])
async def test_many_targets_are_exported_like_few(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with discovered(monkeypatch) as (component, seen):
        (await component.running())([group("one", *map(str, range(many)))])
        await until(lambda: len(seen[-1].targets) == many)


async def refreshing(
    answers: Sequence[Callable[[], Sequence[Group]]],
) -> tuple[Findings, RefreshMetrics, LogLines]:
    """What is left when a refresh loop has had these answers."""
    left = list(answers)
    done = asyncio.Event()

    async def refresh() -> Sequence[Group]:
        if not left:
            done.set()
            await asyncio.Event().wait()
        return left.pop(0)()

    log = LogLines()
    logger = logging.Logger("test")
    logger.addHandler(log)
    found, metrics = Findings(), RefreshMetrics("http")
    options = component_options(Metrics(), logger)
    loop = asyncio.create_task(refresh_loop(Duration(10_000_000), refresh, metrics, found, options))
    await done.wait()
    loop.cancel()
    await asyncio.wait([loop])
    return found, metrics, log


def refused() -> Sequence[Group]:
    raise RefreshError("no way")


async def test_a_failed_refresh_keeps_the_groups_and_shows() -> None:
    found, metrics, log = await refreshing([lambda: [group("one", "a")], refused])
    assert list(found.take().groups) == ["one"]
    health = found.health()
    assert health is not None
    assert health.message == "Unable to refresh target groups: no way"
    assert [line for line in log.lines if "no way" in line]
    families = list(metrics.collect())
    labels = {"mechanism": "http", "config": ""}
    assert metric(families, "prometheus_sd_refresh_failures_total", **labels) == 1
    assert metric(families, "prometheus_sd_refresh_duration_seconds_count", **labels) == 2
    assert metric(families, "prometheus_sd_refresh_duration_histogram_seconds_count", mechanism="http") == 2


async def test_a_refresh_that_succeeds_ends_the_failure() -> None:
    found, metrics, _ = await refreshing([refused, list])
    assert found.health() is None
    assert found.answered
    assert metric(list(metrics.collect()), "prometheus_sd_refresh_failures_total") == 1


def test_quantiles_are_those_of_the_durations() -> None:
    metrics = RefreshMetrics("dns")
    for number in range(1, 101):
        metrics.observe(number / 100)
    families = list(metrics.collect())
    name = "prometheus_sd_refresh_duration_seconds"
    assert [metric(families, name, quantile=q) for q in ("0.5", "0.9", "0.99")] == [0.5, 0.9, 0.99]
