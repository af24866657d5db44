"""The law of a queue, from its metrics: what is stored is delivered, dropped, a dead letter, or waits."""

from __future__ import annotations

import re
from typing import NamedTuple


class Law(NamedTuple):
    """What has become of the records for one destination, over restarts. dead: dead letters."""

    stored: int
    delivered: int
    dropped: int
    dead: int
    waiting: int

    @property
    def holds(self) -> bool:
        """Whether the counts add up."""
        return self.stored == self.delivered + self.dropped + self.dead + self.waiting


_NAMES = ("stored_total", "delivered_total", "dropped_total", "dead_letter_records", "records")


def laws(metrics: str) -> dict[str, Law]:
    """By destination, from the text of `/metrics`; empty while the queue is not open."""
    found: dict[str, list[int]] = {}
    for at, name in enumerate(_NAMES):
        pattern = rf'^alloypy_queue_{name}\{{.*?destination="([^"]*)".*\}} (\S+)$'
        for destination, value in re.findall(pattern, metrics, re.MULTILINE):
            found.setdefault(destination, [0] * len(_NAMES))[at] += int(float(value))
    return {destination: Law(*counts) for destination, counts in found.items()}


def law(metrics: str) -> Law:
    """That of the only destination; all zero while the queue is not open."""
    found = laws(metrics)
    assert len(found) <= 1, found
    return next(iter(found.values()), Law(0, 0, 0, 0, 0))
