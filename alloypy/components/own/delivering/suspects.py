"""Profiles that a destination does not take while it takes others.

A rate limit refuses what is larger than its burst with the same answer for ever, and a server may fail on one
profile only. Such a profile waits on its own, and after enough tries it is a dead letter.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from alloypy.components.own.delivering.pace import Pauses
from alloypy.queueing.record import Record

MOST_ASIDE = 16
"""Records that may wait on their own; while there are more, none waits longer than the destination does."""

TRIES = 20
SECONDS = 600.0
"""After this many tries over this time, while others passed, a record is given up."""


class Suspect(NamedTuple):
    """A record that failed. since: of its first failure. passed: deliveries until then. due: of its next try.

    Times are seconds of a clock that is never set.
    """

    record: Record
    tries: int
    since: float
    passed: int
    due: float

    def is_poison(self, now: float, passed: int) -> bool:
        """Whether it is the record's fault. passed: deliveries of the destination so far."""
        return self.tries >= TRIES and now - self.since >= SECONDS and passed > self.passed


class Suspects:
    """The records of one destination that have failed and wait for another try. bytes: theirs."""

    def __init__(self) -> None:
        self._aside: dict[int, Suspect] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._aside)

    def failed(self, record: Record, now: float, passed: int, pauses: Pauses, wanted: float) -> Suspect:
        """Note a failure; returns what is known of the record, which is set aside.

        wanted: seconds that the destination asked for.
        """
        known = self._aside.get(record.place.seq)
        if known is None:
            known = Suspect(record, 0, now, passed, now)
            self.bytes += record.size
        tries = known.tries + 1
        known = known._replace(tries=tries, due=now + pauses.after(tries, wanted))
        self._aside[record.place.seq] = known
        return known

    def forget(self, seq: int) -> None:
        """A record has been settled."""
        known = self._aside.pop(seq, None)
        if known is not None:
            self.bytes -= known.record.size

    def release(self, now: float) -> None:
        """The destination works again: all are due, because they probably failed for the same reason."""
        self._aside = {seq: each._replace(due=min(each.due, now)) for seq, each in self._aside.items()}

    def are_tried_enough(self, now: float, tries: int, seconds: float) -> bool:
        """Whether each has failed so often, for so long."""
        return all(each.tries >= tries and now - each.since >= seconds for each in self._aside.values())

    def due(self, now: float, out: Container[int], *, at_once: bool) -> Record | None:
        """The record whose turn it is. out: those being tried. at_once: whichever has waited longest."""
        free = [each for seq, each in self._aside.items() if seq not in out]
        first = min(free, key=lambda each: each.due, default=None)
        return first.record if first is not None and (at_once or first.due <= now) else None

    def next_due(self, out: Container[int]) -> float | None:
        """When the next one is due; None if all are being tried. out: those that are."""
        return min((each.due for seq, each in self._aside.items() if seq not in out), default=None)
