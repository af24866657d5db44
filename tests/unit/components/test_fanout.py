"""Passing profiles to several receivers: which ones are awaited, and how failures are reported."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest

from alloypy.components.pyroscope.fanout import Fanout, Relay
from alloypy.profiles.model import MOST_TOLD, DeliveryError, DeliveryErrors, Failures, IngestProfile, Push
from alloypy.profiles.receiver import ProfilesReceiver
from tests.support.receiving import LogLines
from tests.support.sending import ingest, push

pytestmark = pytest.mark.anyio


class Child(ProfilesReceiver):
    """Accepts profiles after a number of turns of the loop, or raises."""

    def __init__(self, error: Exception | None = None, turns: int = 0) -> None:
        self.taken: list[Any] = []
        self.tasks: list[Any] = []
        self._error = error
        self._turns = turns

    async def append(self, push: Push) -> None:
        await self._take(push)

    async def append_ingest(self, profile: IngestProfile) -> None:
        await self._take(profile)

    async def _take(self, what: Any) -> None:
        self.tasks.append(asyncio.current_task())
        for _ in range(self._turns):
            await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        self.taken.append(what)


def fanout(*children: Child) -> tuple[Fanout, LogLines]:
    logger, log = logging.Logger("fanout"), LogLines()
    logger.addHandler(log)
    return Fanout(children, logger), log


async def test_all_take_it_and_all_are_waited_for() -> None:
    children = [Child(turns=turns) for turns in (3, 0, 1)]
    hands, _ = fanout(*children)
    given = push(), ingest()
    assert not await hands.push(given[0])
    assert not await hands.ingest(given[1])
    assert [child.taken for child in children] == [list(given)] * 3


async def test_one_child_is_called_in_the_callers_task() -> None:
    child = Child()
    hands, _ = fanout(child)
    await hands.push(push())
    await hands.ingest(ingest())
    assert child.tasks == [asyncio.current_task()] * 2


@pytest.mark.parametrize("kind", ["push", "ingest"])
async def test_those_that_fail_are_reported_in_the_order_of_time(kind: str) -> None:
    first, second, several = (
        DeliveryError("a"),
        DeliveryError("b"),
        DeliveryErrors([DeliveryError("c")] * 2, 7),
    )
    taking = Child(turns=1)
    hands, log = fanout(
        Child(second, 4), taking, Child(ValueError("hush"), 2), Child(first), Child(several, 3)
    )
    missed = await (hands.push(push()) if kind == "push" else hands.ingest(ingest()))
    assert [(one.child, [str(error) for error in one.errors], one.more) for one in missed] == [
        (3, ["a"], 0),
        (2, ["internal error"], 0),
        (4, ["c", "c"], 7),
        (0, ["b"], 0),
    ]
    assert len(taking.taken) == 1
    assert [line for line in log.lines if "hush" in line] == log.lines
    assert len(log.lines) == 1


async def test_a_call_finishes_with_the_children_it_began_with() -> None:
    before, after = Child(turns=2), Child()
    hands, _ = fanout(before)
    delivering = asyncio.ensure_future(hands.push(push()))
    hands.children = (after,)
    await delivering
    assert (len(before.taken), len(after.taken)) == (1, 0)


async def test_nobody_is_no_failure() -> None:
    assert not await fanout()[0].push(push())


class Raw(bytearray):
    """Can be watched."""


@pytest.mark.parametrize("count", [1, 2])
async def test_an_error_holds_no_profile(count: int) -> None:
    hands, _ = fanout(*(Child(DeliveryError("a")) for _ in range(count)))
    gc.collect()
    gc.disable()
    try:
        body = Raw(b"raw")
        watch = weakref.ref(body)
        missed = await hands.ingest(ingest(body=(body,)))  # type: ignore[arg-type]
        del body
        assert len(missed) == count
        assert watch() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("errors", "retry", "pause"),
    [
        ([DeliveryError("a")], False, 0.0),
        ([DeliveryError("a", retry=True, pause=3.0)], True, 3.0),
        ([DeliveryError("a"), DeliveryError("b", retry=True)], True, 0.0),
        ([DeliveryError("a", retry=True, pause=3.0), DeliveryError("b", retry=True, pause=2.0)], True, 3.0),
        (
            [DeliveryErrors([DeliveryError("a", series=0), DeliveryError("b", series=1, retry=True)])],
            True,
            0.0,
        ),
    ],
)
async def test_whether_a_retry_helps_goes_through(
    errors: list[DeliveryError], retry: bool, pause: float
) -> None:
    relay = Relay([Child(error) for error in errors], logging.Logger("relay"))
    for call in (lambda: relay.append(push()), lambda: relay.append_ingest(ingest())):
        with pytest.raises(DeliveryError) as failed:
            await call()
        assert (failed.value.retry, failed.value.pause) == (retry, pause)


def test_whether_a_retry_helps_depends_on_all_series_though_not_all_are_reported() -> None:
    failures = Failures()
    for position in range(3 * MOST_TOLD):
        failures.add(DeliveryError("a", series=position))
    assert not failures.error().retry
    failures.add(DeliveryError("b", series=99, retry=True, pause=5.0))
    error = failures.error()
    assert isinstance(error, DeliveryErrors)
    assert not any(each.retry for each in error.errors)
    assert (error.retry, error.pause) == (True, 5.0)
