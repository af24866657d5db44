"""Delivers what is stored to one destination, at the destination's pace."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from alloypy.components.own.delivering.outcomes import Outcomes, Surroundings
from alloypy.components.own.delivering.pace import Pace, Pauses
from alloypy.components.own.delivering.quarantine import GUILTY, HARMLESS_SECONDS, SUSPECTED
from alloypy.components.own.delivering.store import Cursor
from alloypy.components.own.delivering.suspects import MOST_ASIDE, SECONDS, TRIES
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.queueing.record import Record

_OTHERS_SECONDS = 1.0
"""How long a destination that fails waits for a record that has not been tried, if there are any."""


class Limits(NamedTuple):
    """How much is delivered at a time. drain: seconds for deliveries in progress when it stops."""

    deliveries: int
    bytes: int
    pauses: Pauses
    drain: float


class Courier:
    """Delivers to one destination.

    receiver: the destination; may be replaced at any time. before: what had become of its records until this
    courier began. outcomes: what has become of its tries.
    """

    def __init__(
        self, cursor: Cursor, receiver: ProfilesReceiver, limits: Limits, surroundings: Surroundings
    ) -> None:
        self.cursor = cursor
        self.receiver = receiver
        self.before = cursor.counts
        self._limits = limits
        self._clock, self._now = surroundings.clock, surroundings.now
        self._quarantine = surroundings.quarantine
        self._pace = Pace(limits.deliveries, limits.pauses, self._clock)
        self._changed = asyncio.Event()
        self._out: dict[int, Record] = {}
        self._out_bytes = 0
        self._ends: dict[int, asyncio.Future[None]] = {}
        self._idle: list[asyncio.Future[Record]] = []
        self._patience: asyncio.Timeout | None = None
        self._was_aside = False
        self.outcomes = Outcomes(
            cursor,
            self._pace,
            limits.pauses,
            surroundings,
            self._out,
            self._changed.set,
            self._lose_patience,
        )
        self.undertaker, self._suspects = self.outcomes.undertaker, self.outcomes.suspects
        cursor.watch(self.outcomes.forget)

    @property
    def in_flight(self) -> int:
        """Deliveries in progress."""
        return len(self._out)

    @property
    def deliveries(self) -> list[asyncio.Future[None]]:
        """The ends of the deliveries in progress."""
        return [self._end(seq) for seq in self._out]

    @property
    def window(self) -> int:
        """Deliveries that may be in progress."""
        return self._pace.window

    @property
    def fails(self) -> bool:
        """Whether records wait because the destination takes nothing, as far as known."""
        return self._pace.is_open and self.cursor.behind.records > 0

    @property
    def is_held_up(self) -> bool:
        """Whether nothing is delivered because refused records fill the memory, as the disk takes none."""
        return self.undertaker.bytes >= self._limits.bytes

    @property
    def problem(self) -> tuple[str, float]:
        """Why a profile was last not delivered, "" if all were, and how many seconds ago that was."""
        reports = self.outcomes.reports
        return reports.problem, self._clock() - reports.noted_at

    def age(self, received_at: int | None) -> float:
        """Seconds since a record was received, at a time of the log in nanoseconds; 0 if there is none."""
        return 0.0 if received_at is None else max(0, self._now() - received_at) / 1e9

    def use(self, limits: Limits) -> None:
        """Take new settings."""
        self._limits = limits
        self._pace.use(limits.deliveries, limits.pauses)
        self.outcomes.use(limits.pauses)
        self._changed.set()

    async def run(self) -> None:
        """Deliver until cancelled; then deliveries in progress may end, within the time for that."""
        try:
            await self._run()
        finally:
            self.outcomes.note()

    async def _run(self) -> None:
        workers: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as group:
            begin = partial(self._begin, group, workers)
            burying = group.create_task(self.undertaker.run())
            try:
                while True:
                    await self._start(await self._turn(), begin)
            except asyncio.CancelledError:
                if self._out:
                    await asyncio.wait(self.deliveries, timeout=self._limits.drain)
                for task in (burying, *workers):
                    task.cancel()
                raise

    async def _start(self, records: list[Record], begin: Callable[[Record], None]) -> None:
        """Begin to deliver records, in order: together, unless one of them may be what ends the process."""
        is_usual = not any(record.crashes for record in records)
        for some in [records] if is_usual else [[record] for record in records]:
            if some[0].crashes and self.cursor.ends(some[0].place).all >= SUSPECTED:
                await self._deliver_alone(some[0], begin)
                continue
            waiting = some
            if self._quarantine.is_closed:
                await self._quarantine.opened()
                waiting = [record for record in some if self.cursor.held(record.place)]
            if self.outcomes.unnoted + len(self._out) + len(waiting) > self._pace.window:
                self.outcomes.note()  # after a crash no more than a window is delivered twice
            self.cursor.tried(*[record.place for record in waiting])
            for record in waiting:
                begin(record)

    def _begin(self, group: asyncio.TaskGroup, workers: list[asyncio.Task[None]], record: Record) -> None:
        """Have a worker deliver a record: one that is idle, or another one."""
        self._out[record.place.seq] = record
        self._out_bytes += record.size
        if self._idle:
            self._idle.pop().set_result(record)
        else:
            workers.append(group.create_task(self._work(record)))

    async def _work(self, record: Record) -> None:
        """Deliver one record after the other."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self.outcomes.deliver(record, self.receiver, self._pace.epoch)
            except asyncio.CancelledError:
                self.cursor.back(record.place)
                raise
            finally:
                self._over(record)
            waiter: asyncio.Future[Record] = loop.create_future()
            self._idle.append(waiter)
            record = await waiter

    def _over(self, record: Record) -> None:
        """The delivery of a record has ended."""
        seq = record.place.seq
        del self._out[seq]
        self._out_bytes -= record.size
        self._changed.set()
        if seq in self._ends:
            self._ends.pop(seq).set_result(None)

    def _end(self, seq: int) -> asyncio.Future[None]:
        """Done when the delivery of a record ends."""
        return self._ends.setdefault(seq, asyncio.get_running_loop().create_future())

    async def _deliver_alone(self, record: Record, begin: Callable[[Record], None]) -> None:
        """Deliver a record that may be what ends the process, so that it alone can be the reason."""
        async with self._quarantine.alone():
            if self.cursor.held(record.place) is None:
                return
            if self.cursor.ends(record.place).alone < GUILTY:
                self.cursor.tried(record.place, is_alone=True)
                if not await self.cursor.noted(record.place):
                    return
            begin(record)
            end = self._end(record.place.seq)
            await asyncio.wait([end], timeout=HARMLESS_SECONDS)
            if not end.done():
                self.cursor.survived(record.place)

    async def _turn(self) -> list[Record]:
        """The next records to try, once they may be tried."""
        while True:
            pause = self._pace.wait()
            if pause or not self._has_room():
                if self.is_held_up:
                    self.outcomes.reports.held_up()
                await self._change(pause or None)
                continue
            seconds = None
            if len(self._suspects):
                is_others_turn = self._is_others_turn()
                aside = None if is_others_turn else self._aside()
                self._was_aside = aside is not None
                if aside is not None:
                    return [aside]
                due = self._suspects.next_due(self._out)
                seconds = None if due is None else max(0.0, due - self._clock())
                if self._waits_for_suspects():
                    await self._change(seconds)
                    continue
                if is_others_turn:
                    seconds = _OTHERS_SECONDS
            records = self._ready()
            if records:
                return records
            record = await self._fresh(seconds)
            if record is not None:
                return [record, *self._ready(record)]

    def _ready(self, *firsts: Record) -> list[Record]:
        """The next records that may be tried at once, together with `firsts`."""
        room = self._pace.window - len(self._out) - len(firsts)
        size = self._limits.bytes - self._bytes - sum([record.size for record in firsts])
        return self.cursor.ready(room, max(1, size)) if room > 0 and (size > 0 or not firsts) else []

    async def _fresh(self, seconds: float | None) -> Record | None:
        """The next record that has not been tried; None after so many seconds, or when a delivery fails."""
        try:
            async with asyncio.timeout(seconds) as self._patience:
                return await self.cursor.next()
        except TimeoutError:
            return None
        finally:
            self._patience = None

    def _has_room(self) -> bool:
        if not self._out:
            return not self.is_held_up
        return len(self._out) < self._pace.window and self._bytes < self._limits.bytes

    @property
    def _bytes(self) -> int:
        """The bytes of the records in memory that count."""
        return self._out_bytes + self.undertaker.bytes

    async def _change(self, seconds: float | None) -> None:
        """Wait until a delivery ends or the settings change, at most so many seconds."""
        self._changed.clear()
        if seconds is None:
            await self._changed.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _aside(self) -> Record | None:
        """The record set aside whose turn it is."""
        at_once = len(self._suspects) >= MOST_ASIDE and self._pace.is_open
        return self._suspects.due(self._clock(), self._out, at_once=at_once)

    def _is_others_turn(self) -> bool:
        """Whether another record is tried before one set aside: one that never passes must block nothing."""
        if not self._pace.is_open or not self._was_aside or self._waits_for_suspects():
            return False
        return self.cursor.behind.records > len(self._suspects) + len(self.undertaker)

    def _waits_for_suspects(self) -> bool:
        """Whether nothing else begins: for the order, until they seem never to pass, or to bound memory."""
        if len(self._suspects) >= MOST_ASIDE and self._suspects.bytes >= self._limits.bytes:
            return True
        if self._limits.deliveries > 1:
            return False
        return not self._suspects.are_tried_enough(self._clock(), TRIES, SECONDS)

    def _lose_patience(self) -> None:
        """A delivery has failed: a record that has not been tried is waited for no longer."""
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())
