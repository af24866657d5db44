"""The law of a whole queue: stored = delivered + dropped + dead letters + waiting, whatever happens to it.

Destinations that fail in every way come, go and come back; the queue moves, is started again, and is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.components.own.delivering import courier, quarantine
from alloypy.components.own.delivering.arguments import (
    Arguments,
    DeadLetterArguments,
    DeliveryArguments,
    DiskArguments,
    Exports,
)
from alloypy.components.own.queue import Queue
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.profiles.model import DeliveryError, Push, RawSample, Series
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.queueing.dead_letters import DeadLetters
from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log
from alloypy.queueing.orders import Order
from alloypy.queueing.record import Record
from alloypy.queueing.settings import LogSettings
from alloypy.runtime.contract.component import Metrics
from tests.support.counts import FULL, repeated
from tests.support.metrics import page
from tests.support.queue_law import Law, laws
from tests.support.receiving import component_options
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="queues need file locks")

IN_FLIGHT = 4
DESTINATIONS = ("a", "b", "c")
PLACES = ("one", "two")
ANSWERS = ("taken", "taken", "down", "refused", "too old", "busy", "broken", "silent")
ERRORS = {
    "down": DeliveryError("down", status=503, retry=True),
    "busy": DeliveryError("busy", status=429, retry=True, pause=0.001),
    "refused": DeliveryError("bad", status=400, code="invalid_argument"),
    "too old": DeliveryError("is outside of ingestion window (x)", status=400),
}
DELIVERY = DeliveryArguments(
    max_in_flight=IN_FLIGHT,
    min_backoff_period=Duration(SECOND // 1000),
    max_backoff_period=Duration(SECOND // 500),
    drain_timeout=Duration(SECOND // 100),
)
ORDERS = (Order("replay"), Order("drop"), Order("drop", waiting=True))
STEPS = st.one_of(
    st.tuples(st.just("send"), st.integers(1, 6), st.sampled_from([100, 100, 3000, 120_000])),
    st.tuples(st.just("send"), st.integers(1, 6), st.sampled_from([100, 100, 3000, 120_000])),
    st.tuples(st.just("answer"), st.sampled_from(DESTINATIONS), st.sampled_from(ANSWERS)),
    st.tuples(st.just("answer"), st.sampled_from(DESTINATIONS), st.sampled_from(ANSWERS)),
    st.tuples(st.just("forward"), st.sets(st.sampled_from(DESTINATIONS), min_size=1), st.just(0)),
    st.tuples(st.just("move"), st.sampled_from(PLACES), st.just(0)),
    st.tuples(st.sampled_from(["restart", "kill", "replay", "evict"]), st.just(0), st.just(0)),
    st.tuples(st.just("order"), st.sampled_from(ORDERS), st.sampled_from(["", *DESTINATIONS])),
    st.tuples(st.just("disk"), st.booleans(), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 20), st.just(0)),
)


class Destination(ProfilesReceiver):
    """Answers as told. taken: how often each profile was. refused: those it will never take."""

    def __init__(self, name: str) -> None:
        self.component = name
        self.answer = "taken"
        self.taken: Counter[bytes] = Counter()
        self.refused: set[bytes] = set()
        self.changed = asyncio.Event()

    async def append(self, push: Push) -> None:
        """Take a profile, or not."""
        profile = bytes(push.series[0].samples[0].profile)[-8:]
        await asyncio.sleep(0)
        while self.answer == "silent":
            self.changed.clear()
            await self.changed.wait()
        if self.answer == "broken":
            raise RuntimeError("a fault of the receiver")
        if self.answer in ("too old", "refused"):
            self.refused.add(profile)
        if self.answer != "taken":
            raise ERRORS[self.answer]
        self.taken[profile] += 1


class World:
    """A queue and a model of it.

    stored: what was acknowledged, by directory and destination. seen: the last counts, likewise.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.life = 0
        self.place = PLACES[0]
        self.names = {"a", "b"}
        self.all = {name: Destination(name) for name in DESTINATIONS}
        self.stored: dict[tuple[str, str], set[bytes]] = {
            (place, name): set() for place in PLACES for name in DESTINATIONS
        }
        self.seen: dict[tuple[str, str], Law] = {}
        self.away: dict[str, set[str]] = {place: set() for place in PLACES}
        self.number = 0
        self.kills = 0

    @property
    def path(self) -> Path:
        return self.folder / str(self.life) / self.place

    @property
    def arguments(self) -> Arguments:
        return Arguments(
            forward_to=tuple(self.all[name] for name in sorted(self.names)),
            max_size=1 << 20,
            disk=DiskArguments(path=str(self.path), min_free=0, segment_size=64 << 10, sync="interval"),
            delivery=DELIVERY,
            dead_letter=DeadLetterArguments(max_size=64 << 10),
        )

    async def start(self) -> None:
        """Run the queue, and wait until it is as wanted."""
        exports: list[Exports] = []
        logger = logging.Logger("queue", logging.CRITICAL)
        options = component_options(Metrics(), logger, id="alloypy.queue.q", set_exports=exports.append)
        self.queue = Queue(options, self.arguments)
        await self.queue.prepare()
        self.task = asyncio.create_task(self.queue.run())
        self.receiver = exports[-1].receiver
        await self.settled()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
        assert self.task.cancelled(), self.task.exception()

    async def settled(self) -> None:
        """Wait until the queue is open where it should be, with the right destinations."""
        await until(lambda: set(self.laws()) == self.names and self._is_in(self.path))
        for name, law in self.laws().items():
            before = self.seen.get((self.place, name))
            if before is not None and not law.stored and name in self.away[self.place]:
                self.forgotten(name, before)
        self.away[self.place] = set(DESTINATIONS) - self.names

    def forgotten(self, name: str, law: Law) -> None:
        """A destination that was away has come back, and nothing is known of it any more."""
        stored, destination = self.stored[self.place, name], self.all[name]
        assert len(stored - set(destination.taken) - destination.refused) <= law.dropped
        stored.clear()

    def _is_in(self, path: Path) -> bool:
        log: Any = self.queue._metrics.log
        return log is not None and log._loaded.directory.startswith(f"{path}/")

    def laws(self) -> dict[str, Law]:
        return laws(page(self.queue._metrics.collect()))

    def check(self) -> None:
        """The counts add up, and are those of what was acknowledged."""
        for name, law in self.laws().items():
            assert law.holds, (name, law)
            assert law.stored == len(self.stored[self.place, name]), (name, law)
            self.seen[self.place, name] = law

    async def step(self, name: str, first: Any, second: Any) -> None:
        if name == "send":
            for _ in range(first):
                await self.send(second)
                self.check()
        elif name == "answer":
            self.all[first].answer = second
            self.all[first].changed.set()
        elif name == "disk":
            DISK.is_full = first
        elif name == "wait":
            for _ in range(first):
                await asyncio.sleep(0.001)
                self.check()
        elif name in ("forward", "move"):
            if name == "forward":
                self.names = first
            else:
                self.place = first
            await self.queue.prepare_update(self.arguments)
            await self.queue.update(self.arguments)
            await self.settled()
        elif name == "kill":
            await self.kill()
        elif name == "order":
            log: Any = self.queue._metrics.log
            with contextlib.suppress(QueueError):  # it is no destination any more
                await log.obey(first._replace(destination=second))
        else:
            await self.stop()
            if name != "restart":
                await self.dead_letters(name)
            await self.start()

    async def send(self, size: int) -> None:
        self.number += 1
        profile = self.number.to_bytes(8, "big")
        series = Series({"service_name": "shop"}, [RawSample(bytes(size) + profile)])
        with contextlib.suppress(DeliveryError):  # it is full
            await self.receiver.append(Push((series,)))
            for name in self.names:
                self.stored[self.place, name].add(profile)

    async def kill(self) -> None:
        """Go on with the files as they are now; what the former life does after that is not known."""
        self.kills += 1
        before = self.folder / str(self.life)
        self.life += 1
        copied(before, self.folder / str(self.life))
        for destination in self.all.values():
            again = self.all[destination.component] = Destination(destination.component)
            again.answer = destination.answer
            again.taken, again.refused = destination.taken.copy(), destination.refused.copy()
        await self.stop()
        shutil.rmtree(before)
        await self.start()

    async def dead_letters(self, what: str) -> None:
        """Let dead letters wait again, or delete them, while the queue is stopped."""
        log = await Log.open(
            str(self.path),
            settings=LogSettings(min_free=0, max_size=1 << 20),
            destinations=sorted(self.names),
        )
        for name in log.destinations:
            numbers = await log.dead_letters(name)
            if what == "replay":
                log.replay(name, numbers)
            else:
                await log.evict(name, numbers)
        await log.close()

    async def end(self) -> None:
        """Everything works again: all that was stored has arrived, or its loss is counted."""
        DISK.is_full = False
        for destination in self.all.values():
            destination.answer = "taken"
            destination.changed.set()
        for self.place in PLACES:
            self.names = set(DESTINATIONS)
            await self.queue.prepare_update(self.arguments)
            await self.queue.update(self.arguments)
            await self.settled()
            await until(lambda: not any(law.waiting for law in self.laws().values()))
            self.check()
            for name, law in self.laws().items():
                await self.check_arrived(name, law)
        twice = sum(each.taken.total() - len(each.taken) for each in self.all.values())
        assert twice <= self.kills * IN_FLIGHT * len(DESTINATIONS)

    async def check_arrived(self, name: str, law: Law) -> None:
        destination, stored = self.all[name], self.stored[self.place, name]
        arrived = stored & set(destination.taken)
        assert law.delivered <= len(arrived)
        missing = stored - arrived
        assert len(missing) <= law.dead + law.dropped
        if not self.kills:
            # What gives way to others while it is on its way counts as dropped, and may arrive all the same.
            assert len(arrived) <= law.delivered + law.dropped


def copied(source: Path, target: Path) -> None:
    """Copy a directory without sockets; again if a thread deletes a file meanwhile."""
    while True:
        try:
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("control"))
        except shutil.Error:
            shutil.rmtree(target)
        else:
            return


@pytest.fixture(autouse=True)
def brief_quarantine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in (courier, quarantine):
        monkeypatch.setattr(module, "HARMLESS_SECONDS", 0.01)
    yield


class FullDisk:
    """A disk that takes no dead letters while it is full."""

    is_full = False


DISK = FullDisk()


@pytest.fixture(autouse=True)
def small_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    add = DeadLetters.add

    def add_unless_full(self: DeadLetters, record: Record, why: str, words: str, at: int) -> None:
        if DISK.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        add(self, record, why, words, at)

    monkeypatch.setattr(DeadLetters, "add", add_unless_full)
    yield


async def life(folder: Path, steps: list[tuple[str, Any, Any]]) -> None:
    DISK.is_full = False
    world = World(folder)
    await world.start()
    try:
        for step in steps:
            await world.step(*step)
            world.check()
        await world.end()
    finally:
        await world.stop()


SHARED = Path("/dev/shm")


@pytest.mark.timeout(1800 if FULL else 120)
@settings(max_examples=repeated(500))
@given(st.lists(STEPS, max_size=25))
def test_the_counts_add_up_whatever_happens(steps: list[tuple[str, Any, Any]]) -> None:
    with tempfile.TemporaryDirectory(dir=SHARED if SHARED.is_dir() else None) as folder:
        asyncio.run(asyncio.wait_for(life(Path(folder), steps), 30))
