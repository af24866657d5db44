"""A log and a model of it: whatever happens at whatever system call, what was stored is still there."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alloypy.queueing.errors import Full, WriteFailed
from alloypy.queueing.log import Log
from alloypy.queueing.record import Record
from alloypy.queueing.settings import LogSettings
from tests.support.counts import FULL
from tests.support.log_life import SMALL, Lives, contents, drained, lawful
from tests.support.memory_disk import Crash

STEPS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 12), st.sampled_from([10, 900, 5000, 30_000])),
    st.tuples(st.just("put"), st.integers(1, 3), st.sampled_from([70_000, 100_000])),
    st.tuples(st.just("next"), st.integers(0, 1), st.integers(1, 8)),
    st.tuples(
        st.sampled_from(["done"] * 3 + ["drop", "dead", "back", "tried", "alone", "survived", "failed"]),
        st.integers(0, 1),
        st.integers(0, 7),
    ),
    st.tuples(st.sampled_from(["replay", "replay", "evict"]), st.integers(0, 1), st.integers(1, 4)),
    st.tuples(st.sampled_from(["finish", "bury"]), st.integers(0, 1), st.integers(1, 40)),
    st.tuples(st.sampled_from(["close", "kill"]), st.just(0), st.just(0)),
    st.tuples(st.just("power"), st.just(0), st.just(0)),
    st.tuples(st.sampled_from(["kill_at", "power_at"]), st.integers(1, 60), st.just(0)),
    st.tuples(st.just("fault"), st.sampled_from([0, 1, 2, 3, 4]), st.sampled_from([errno.EIO, errno.ENOSPC])),
)
FAULTS = ("write", "sync", "truncate", "create", "rename")


class Unlucky(Exception):
    """The disk has failed twice: it has lost what was not synced, and not taken it again."""


class Model:
    """What must be true of a log.

    asked: all bodies whose put was called. stored: those whose put returned. settled: for each destination,
    those that were asked to be delivered, dropped or buried.
    """

    def __init__(self, log_settings: LogSettings) -> None:
        self.lives = Lives("a", "b", settings=log_settings)
        self.lives.open()
        self.asked: set[bytes] = set()
        self.stored: set[bytes] = set()
        self.settled: dict[str, set[bytes]] = {"a": set(), "b": set()}
        self.held: dict[str, list[Record]] = {"a": [], "b": []}
        self.next_body = 0
        self.power_is_lost = False

    @property
    def log(self) -> Log:
        assert self.lives.log is not None
        return self.lives.log

    def step(self, name: str, first: int, second: int) -> None:
        if name == "fault":
            self.lives.disk.faults.append((FAULTS[first], second))
        elif name in ("kill_at", "power_at"):
            self.power_is_lost = name == "power_at"
            self.lives.disk.crash_at = self.lives.disk.calls + first
        elif name in ("close", "kill", "power"):
            self.end(name)
        elif name == "put":
            self.put(first, second)
        else:
            self.lives.run(self.act(name, "ab"[first], second))

    def put(self, count: int, size: int) -> None:
        bodies = []
        for _ in range(count):
            self.next_body += 1
            body = self.next_body.to_bytes(4, "big") * (size // 4)
            bodies.append(body)
        self.asked.update(bodies)
        self.lives.run(self._put(bodies))

    async def _put(self, bodies: list[bytes]) -> None:
        async def one(body: bytes) -> None:
            try:
                await self.log.put(b"meta of " + body[:4], [body[:7], body[7:]])
            except (Full, WriteFailed):
                return
            self.stored.add(body)

        await asyncio.gather(*(one(body) for body in bodies))

    async def act(self, name: str, destination: str, number: int) -> None:
        held = self.held[destination]
        cursor = self.log.cursor(destination)
        if name in ("next", "finish", "bury"):
            for _ in range(number):
                if cursor.counts.waiting <= len(held):
                    break
                record = await cursor.next()
                assert contents(record) in self.asked
                assert record.meta == b"meta of " + contents(record)[:4]
                held.append(record)
            for record in [] if name == "next" else held[::-1]:
                held.remove(record)
                await self.settle("done" if name == "finish" else "dead", destination, record)
        elif name in ("replay", "evict"):
            dead = (await self.log.dead_letters(destination))[:number]
            if name == "evict":
                await self.log.evict(destination, dead)
            else:
                self.log.replay(destination, dead)
        elif held and name == "alone":
            place = held[number % len(held)].place
            cursor.tried(place, is_alone=True)
        elif held and name in ("tried", "survived", "failed"):
            getattr(cursor, name)(held[number % len(held)].place)
        elif held:
            await self.settle(name, destination, held.pop(number % len(held)))

    async def settle(self, name: str, destination: str, record: Record) -> None:
        cursor = self.log.cursor(destination)
        if name == "back":
            cursor.back(record.place)
            return
        self.settled[destination].add(contents(record))
        if name == "done":
            cursor.done(record.place)
        elif name == "drop":
            cursor.drop(record.place, "too_old")
        else:
            await self.bury(destination, record)

    async def bury(self, destination: str, record: Record) -> None:
        """Make a record a dead letter; what the disk does not take is held as before."""
        cursor = self.log.cursor(destination)
        before = cursor.counts
        try:
            await cursor.dead(record.place, "refused", "words")
        except OSError:
            assert cursor.held(record.place) is record
            assert cursor.counts == before
            self.settled[destination].discard(contents(record))
            self.held[destination].append(record)

    def end(self, how: str) -> None:
        disk = self.lives.disk
        if how == "close":
            self.lives.close()
            if self.lives.settings.sync == "interval" and self.log.facts().fault:
                raise Unlucky
        disk.faults.clear()
        self.lives.end(disk.power_loss() if how == "power" else disk.kill())
        self.held = {"a": [], "b": []}
        self.lives.open()
        self.check()

    def crashed(self) -> None:
        self.end("power" if self.power_is_lost else "kill")

    def check(self) -> None:
        """All that was stored and is not settled waits, as it was, once; and the counts add up."""
        for destination in "ab":
            self.check_law(destination)
            found = self.lives.run(drained(self.log, destination))
            self.check_law(destination)
            assert set(found) <= self.asked
            assert max(found.values(), default=0) <= 1
            lost = self.stored - set(found) - self.settled[destination]
            dropped = self.log.cursor(destination).counts.dropped
            assert len(lost) <= dropped["overflow"], (destination, len(lost))
            assert dropped["damaged"] <= len(self.asked - self.stored), dropped
            for seq in self.lives.run(self.log.dead_letters(destination)):
                letter = self.lives.run(self.log.dead_letter(destination, seq))
                assert letter is not None and contents(letter.record) in self.settled[destination]
        disk = self.lives.disk
        self.lives.close()
        self.lives.end(disk.kill())
        self.lives.open()

    def check_law(self, destination: str) -> None:
        assert lawful(self.log.cursor(destination).counts), self.log.cursor(destination).counts


MARKS_FAIL_TWICE = [("put", 3, 100_000), ("put", 1, 10), ("finish", 0, 3), ("fault", 1, errno.EIO)]
MARKS_FAIL_TWICE += [("fault", 3, errno.EIO), ("put", 3, 100_000)]
MARKS_FAIL_WITH_A_FULL_DISK = [("put", 3, 30_000), ("put", 1, 70_000), ("put", 3, 100_000), ("finish", 0, 3)]


@example(MARKS_FAIL_TWICE, "interval", "reject", Random(0))
@example(
    [*MARKS_FAIL_WITH_A_FULL_DISK, ("fault", 1, errno.EIO), ("fault", 3, errno.ENOSPC), ("put", 1, 70_000)],
    "always",
    "reject",
    Random(0),
)
@example(
    [
        *MARKS_FAIL_WITH_A_FULL_DISK,
        ("fault", 1, errno.ENOSPC),
        ("fault", 3, errno.ENOSPC),
        ("put", 1, 70_000),
    ],
    "always",
    "reject",
    Random(0),
)
@settings(max_examples=10_000 if FULL else 300)
@given(
    st.lists(STEPS, max_size=25),
    st.sampled_from(["always", "interval"]),
    st.sampled_from(["reject", "drop_oldest"]),
    st.randoms(use_true_random=False),
)
def test_what_is_stored_is_there_until_it_is_settled(steps, sync, when_full, random):
    model = Model(replace(SMALL, max_size=512 << 10, sync=sync, when_full=when_full))
    model.lives.disk.random = random
    try:
        for step in steps:
            if step[0] in ("power", "power_at") and sync == "interval":
                continue
            if sync == "interval" and model.log.facts().fault:
                return
            try:
                model.step(*step)
                for destination in "ab":
                    model.check_law(destination)
            except Crash:
                if sync == "interval" and model.lives.disk.failed_syncs:
                    return  # the process has ended before it could write again what the disk had lost
                model.crashed()
        if not model.log.facts().fault or sync == "always":
            model.end("kill")
    except Unlucky:
        return
    finally:
        model.lives.free()
