"""What becomes of tries to deliver to one destination: what it takes is noted, what it refuses judged."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence, Sized
from typing import NamedTuple

from alloypy.components.own.delivering.messages import (
    Stored,
    Unreadable,
    deliver,
    labels_of,
    profile_of,
    stored_in,
    words_of,
)
from alloypy.components.own.delivering.pace import Pace, Pauses
from alloypy.components.own.delivering.publishing import Publisher
from alloypy.components.own.delivering.quarantine import GUILTY, Quarantine
from alloypy.components.own.delivering.reports import Reports
from alloypy.components.own.delivering.store import Cursor
from alloypy.components.own.delivering.suspects import Suspects
from alloypy.components.own.delivering.undertaker import Undertaker
from alloypy.components.own.delivering.verdict import Verdict, verdict
from alloypy.histogram import Histogram
from alloypy.profiles.model import DeliveryError
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.queueing.record import Record

WAIT_SECONDS = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
"""The bounds of the histogram of times from storing to delivery."""

_NOTING_SECONDS = 0.01
"""How long deliveries wait to be noted together while others are in progress."""


class Surroundings(NamedTuple):
    """What a courier needs of its component.

    clock: returns seconds of a clock that is never set. now: returns nanoseconds of the log's clock.
    publisher: tells those who watch what becomes of profiles.
    quarantine: of the queue.
    """

    logger: logging.Logger
    clock: Callable[[], float]
    now: Callable[[], int]
    publisher: Publisher
    quarantine: Quarantine


class Outcomes:
    """What becomes of tries, and whether the destination works.

    out: the deliveries in progress. changed: called when more may be tried than before. failed: called when
    the destination has not taken a record that it may take later.
    suspects: those that are set aside until their next try.
    undertaker: makes dead letters of what the destination refuses.
    tries: by outcome, since the start. delivered_bytes: likewise. waited: seconds from storing to delivery.
    """

    def __init__(
        self,
        cursor: Cursor,
        pace: Pace,
        pauses: Pauses,
        surroundings: Surroundings,
        out: Sized,
        changed: Callable[[], object],
        failed: Callable[[], object],
    ) -> None:
        self._cursor = cursor
        self._pace = pace
        self._clock, self._now = surroundings.clock, surroundings.now
        self._logger = surroundings.logger
        self._publisher = surroundings.publisher
        self._out = out
        self._changed, self._tell_failed = changed, failed
        self.reports = Reports(cursor.destination, surroundings.logger, self._clock)
        self.suspects = Suspects()
        self.undertaker = Undertaker(
            cursor, self.reports, surroundings.publisher, self._clock, pauses, changed
        )
        self.tries: Counter[str] = Counter()
        self.delivered_bytes = 0
        self.waited = Histogram(WAIT_SECONDS)
        self._passed = 0
        self._delivered: list[Record] = []
        self._noting: asyncio.TimerHandle | None = None

    @property
    def unnoted(self) -> int:
        """Deliveries that are not noted yet."""
        return len(self._delivered)

    def use(self, pauses: Pauses) -> None:
        """Take new settings."""
        self.undertaker.pauses = pauses

    def forget(self, seqs: Sequence[int]) -> None:
        """Records that wait for another try have been dropped by others."""
        for seq in seqs:
            self.suspects.forget(seq)
        self.undertaker.forget(seqs)

    async def deliver(self, record: Record, receiver: ProfilesReceiver, epoch: int) -> None:
        """Try to deliver a record, and see to what comes of it. epoch: of the pace when the try begins."""
        try:
            stored = stored_in(record)
        except Unreadable as reason:
            self.reports.given_up("damaged", {}, str(reason))
            self._settle(record, "damaged")
            return
        if record.crashes and self._cursor.ends(record.place).alone >= GUILTY:
            words = "the process ended while it was being delivered"
            await self.undertaker.bury(record, stored, "crash", words)
            return
        try:
            await deliver(stored, receiver)
        except DeliveryError as error:
            await self._failed(record, stored, error.kept(), epoch)
        except Exception as error:
            self._logger.error("a receiver failed", exc_info=error)
            await self._failed(record, stored, DeliveryError("internal error", retry=True), epoch)
        else:
            self._taken(record)

    def _taken(self, record: Record) -> None:
        self._passed += 1
        self.suspects.forget(record.place.seq)  # or it would be tried again before it is noted
        self.waited.observe(max(0, self._now() - record.received_at) / 1e9)
        self._delivered.append(record)
        if len(self._out) == 1 or not self._pace.is_wide or len(self.suspects):
            asyncio.get_running_loop().call_soon(self.note)
        elif self._noting is None:
            self._noting = asyncio.get_running_loop().call_later(_NOTING_SECONDS, self._note_late)

    def _note_late(self) -> None:
        self._noting = None
        self.note()

    def note(self) -> None:
        """Note what has been delivered since the last time."""
        if not self._delivered:
            return
        records, self._delivered = self._delivered, []
        self._cursor.done(*[record.place for record in records])
        self._cursor.flush()
        self.tries["taken"] += len(records)
        self.delivered_bytes += sum([record.size for record in records])
        before = self._pace.window, self._pace.is_open
        self._answered(len(records))
        if before != (self._pace.window, self._pace.is_open) or len(self.suspects):
            self._changed()  # what is not yet due may be tried now, or more at a time

    def _answered(self, count: int = 1) -> None:
        """The destination works: it has taken so many records, or refused one for good."""
        if self._pace.is_open:
            self.suspects.release(self._clock())
        for _ in range(count):
            self._pace.passed()
        self.reports.works()

    async def _failed(self, record: Record, stored: Stored, error: DeliveryError, epoch: int) -> None:
        found = verdict(error)
        self.tries[found.name.lower()] += 1
        words = words_of(error, stored)
        if found is Verdict.RECORD:
            self._answered()
            await self._bury(record, stored, words)
        elif found is Verdict.TOO_OLD:
            self._give_up(record, stored, "too_old", words)
            self._settle(record, "too_old")
            self._answered()
        else:
            await self._not_taken(record, stored, error, epoch, busy=found is Verdict.BUSY)

    async def _not_taken(
        self, record: Record, stored: Stored, error: DeliveryError, epoch: int, *, busy: bool
    ) -> None:
        """The destination did not take a record that it may take later."""
        now, words = self._clock(), words_of(error, stored)
        suspect = self.suspects.failed(record, now, self._passed, self.undertaker.pauses, error.pause)
        if self._cursor.failed(record.place):
            self._give_up(record, stored, "age", words)
            self.suspects.forget(record.place.seq)
        elif suspect.is_poison(now, self._passed):
            await self._bury(record, stored, words)
        if self._passed == suspect.passed:  # nothing else has passed since it first failed
            self._pace.failed(epoch, busy=busy, wanted=error.pause)
            self.reports.fails(words)
        self._tell_failed()

    async def _bury(self, record: Record, stored: Stored, words: str) -> None:
        """Make a record a dead letter that the destination refuses for good."""
        self.suspects.forget(record.place.seq)
        await self.undertaker.bury(record, stored, "refused", words)

    def _give_up(self, record: Record, stored: Stored, reason: str, words: str) -> None:
        """Tell people that a record is dropped. words: the destination's."""
        if reason == "too_old":
            self.reports.too_old((self._now() - record.received_at) / 1e9, labels_of(stored), words)
        else:
            self.reports.given_up(reason, labels_of(stored), words)
        if self._publisher.events.wanted:
            self._publisher.given_up(profile_of(stored), self._cursor.destination, reason, words)

    def _settle(self, record: Record, reason: str) -> None:
        """Drop a record."""
        self.suspects.forget(record.place.seq)
        self._cursor.drop(record.place, reason)
