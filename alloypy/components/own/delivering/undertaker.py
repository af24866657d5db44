"""Makes dead letters of what a destination refuses. What the disk does not take waits, and is tried again.

The destination gets its other records meanwhile, until what is aside takes as much memory as it may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

from alloypy.components.own.delivering.messages import Stored, labels_of, profile_of, stored_in
from alloypy.components.own.delivering.pace import Pauses
from alloypy.components.own.delivering.publishing import Publisher
from alloypy.components.own.delivering.reports import Reports
from alloypy.components.own.delivering.store import Cursor
from alloypy.os_errors import system_words
from alloypy.profiles.model import Labels
from alloypy.queueing.record import Place, Record

_LONGEST_PAUSE_SECONDS = 30.0
"""Between two tries to keep what is aside."""


class Burial(NamedTuple):
    """A record that is to become a dead letter. why: a reason of `marks.REASONS`. words: for people."""

    place: Place
    size: int
    why: str
    words: str
    labels: Labels


class Undertaker:
    """Keeps the dead letters of one destination.

    pauses: between tries to keep what is aside. bytes: of the records aside. fault: why the disk has not
    taken the last one, "" once none is aside. forgotten: called when records are not aside any more.
    """

    def __init__(
        self,
        cursor: Cursor,
        reports: Reports,
        publisher: Publisher,
        clock: Callable[[], float],
        pauses: Pauses,
        forgotten: Callable[[], object],
    ) -> None:
        self.pauses = pauses
        self.bytes = 0
        self.fault = ""
        self._cursor = cursor
        self._reports = reports
        self._publisher = publisher
        self._clock = clock
        self._forgotten = forgotten
        self._aside: dict[int, Burial] = {}
        self._failures = 0
        self._until = 0.0
        self._work = asyncio.Event()

    def __len__(self) -> int:
        """How many records are aside."""
        return len(self._aside)

    async def bury(self, record: Record, stored: Stored, why: str, words: str) -> None:
        """Make a record a dead letter, or set it aside until the disk takes it."""
        if self._cursor.held(record.place) is None:  # it was dropped meanwhile
            return
        burial = Burial(record.place, record.size, why, words, labels_of(stored))
        if self._clock() < self._until:
            self._set_aside(burial)
            return
        try:
            is_kept = await self._cursor.dead(record.place, why, words)
        except OSError as error:
            self._set_aside(burial)
            self._failed(error)
        else:
            self._buried(burial, record, is_kept=is_kept)

    def forget(self, seqs: Iterable[int]) -> None:
        """Records do not wait any more."""
        for seq in seqs:
            burial = self._aside.pop(seq, None)
            if burial is not None:
                self.bytes -= burial.size
        if not self._aside and self.fault:
            self.fault = ""
            self._failures, self._until = 0, 0.0
            self._reports.keeps()
        self._forgotten()

    async def run(self) -> None:
        """Try again to keep what is aside, until cancelled."""
        while True:
            pause = self._until - self._clock()
            if not self._aside:
                self._work.clear()
                await self._work.wait()
            elif pause > 0:
                await asyncio.sleep(pause)
            else:
                await self._try_again(next(iter(self._aside.values())))

    async def _try_again(self, burial: Burial) -> None:
        place = burial.place
        record = self._cursor.held(place)
        try:
            is_kept = record is not None and await self._cursor.dead(place, burial.why, burial.words)
        except OSError as error:
            if place.seq in self._aside:  # the next time it is the turn of another one, which may be smaller
                self._aside[place.seq] = self._aside.pop(place.seq)
            self._failed(error)
            return
        is_waiting = place.seq in self._aside
        self._failures = 0
        self.forget((place.seq,))
        if record is not None and is_waiting:
            self._buried(burial, record, is_kept=is_kept)

    def _set_aside(self, burial: Burial) -> None:
        if self._cursor.held(burial.place) is None:  # it was dropped meanwhile
            return
        self._cursor.set_aside(burial.place)
        if burial.why != "crash":  # which it must still be suspected of after the next start
            self._cursor.survived(burial.place)
        self._aside[burial.place.seq] = burial
        self.bytes += burial.size
        self._work.set()

    def _failed(self, error: OSError) -> None:
        now = self._clock()
        if now >= self._until:  # otherwise it has failed for the reason of another one
            self._failures += 1
            self._until = now + min(self.pauses.after(self._failures), _LONGEST_PAUSE_SECONDS)
        if self._aside:
            self.fault = system_words(error)
            self._reports.cannot_keep(self.fault)

    def _buried(self, burial: Burial, record: Record, *, is_kept: bool) -> None:
        self._reports.given_up(burial.why, burial.labels, burial.words)
        if self._publisher.events.wanted:
            publish = self._publisher.dead_letter if is_kept else self._publisher.given_up
            publish(profile_of(stored_in(record)), self._cursor.destination, burial.why, burial.words)
