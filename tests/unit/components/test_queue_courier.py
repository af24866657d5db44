"""How deliveries from a queue are noted: few times for many, and never so late that a crash repeats many."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alloypy.components.own.delivering import outcomes as module
from alloypy.components.own.delivering.courier import Courier, Limits
from alloypy.components.own.delivering.messages import push_message
from alloypy.components.own.delivering.outcomes import Surroundings
from alloypy.components.own.delivering.pace import Pauses
from alloypy.components.own.delivering.publishing import Publisher
from alloypy.components.own.delivering.quarantine import Quarantine
from alloypy.profiles.model import IngestProfile, Push, RawSample, Series
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.queueing.cursor import Cursor
from alloypy.queueing.log import Log
from alloypy.queueing.record import Place
from alloypy.queueing.settings import LogSettings
from alloypy.runtime.contract.events import Events
from tests.support.waiting import until

WINDOW = 4
NEVER = 3600.0


class Slow(ProfilesReceiver):
    """Takes a profile when it is told to."""

    def __init__(self) -> None:
        self.component = "slow"
        self.begun: list[asyncio.Event] = []

    async def append(self, push: Push) -> None:
        self.begun.append(may_end := asyncio.Event())
        await may_end.wait()

    async def append_ingest(self, profile: IngestProfile) -> None:
        raise NotImplementedError


class Noted:
    """A cursor that keeps, in `noted`, how many records were noted each time."""

    def __init__(self, cursor: Cursor, noted: list[int]) -> None:
        self._cursor = cursor
        self._noted = noted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def done(self, *places: Place) -> None:
        self._noted.append(len(places))
        self._cursor.done(*places)


class Delivering:
    """A courier at work. noted: how many records were noted each time."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.receiver = Slow()
        self.noted: list[int] = []
        cursor: Any = Noted(log.cursor("a"), self.noted)
        around = Surroundings(
            logging.Logger("test"), time.monotonic, log.now, Publisher(Events(), "queue"), Quarantine(list)
        )
        limits = Limits(WINDOW, 1 << 20, Pauses(0.1, 1.0, random.random), 5.0)
        self.courier = Courier(cursor, self.receiver, limits, around)

    async def put(self, count: int) -> None:
        """Store profiles, and wait until they are being delivered."""
        expected = len(self.receiver.begun) + count
        message = push_message(Series({"service_name": "shop"}, (RawSample(b"profile"),)), (), 1)
        await asyncio.gather(*(self.log.put(*message) for _ in range(count)))
        await until(lambda: len(self.receiver.begun) == expected)

    async def end(self, *numbers: int) -> None:
        """Let deliveries end, one in each turn of the loop."""
        for number in numbers:
            left = self.courier.in_flight - 1
            self.receiver.begun[number].set()
            await until(partial(self._has_left, left))

    def _has_left(self, count: int) -> bool:
        return self.courier.in_flight == count


@asynccontextmanager
async def delivering(path: Path) -> AsyncIterator[Delivering]:
    log = await Log.open(str(path), settings=LogSettings(min_free=0), destinations=["a"])
    world = Delivering(log)
    running = asyncio.create_task(world.courier.run())
    yield world
    running.cancel()
    for event in world.receiver.begun:
        event.set()
    await asyncio.wait([running])
    assert log.cursor("a").counts.waiting == 0
    await log.close()


@pytest.mark.anyio
async def test_deliveries_that_end_one_after_the_other_are_noted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_NOTING_SECONDS", NEVER)
    async with delivering(tmp_path) as world:
        await world.put(WINDOW)
        await world.end(2, 0, 3)
        assert world.noted == []
        await world.end(1)
        await until(lambda: world.noted == [WINDOW])


@pytest.mark.anyio
async def test_no_more_than_a_window_is_delivered_and_not_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_NOTING_SECONDS", NEVER)
    async with delivering(tmp_path) as world:
        await world.put(WINDOW)
        await world.end(0, 1)
        await world.put(2)
        assert world.noted == [2]
        await world.end(2)
        await world.put(1)
        assert world.noted == [2, 1]


@pytest.mark.anyio
async def test_a_delivery_is_noted_before_long_while_others_take_their_time(tmp_path: Path) -> None:
    async with delivering(tmp_path) as world:
        await world.put(WINDOW)
        await world.end(0)
        await until(lambda: world.noted == [1])


@pytest.mark.anyio
async def test_what_has_been_delivered_when_it_stops_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_NOTING_SECONDS", NEVER)
    async with delivering(tmp_path) as world:
        await world.put(WINDOW)
        await world.end(0)
        assert world.noted == []
