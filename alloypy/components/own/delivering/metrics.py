"""The metrics of alloypy.queue.

For each destination: stored = delivered + dropped + dead letters + waiting. On disk over restarts; in Kafka
since the start of the process, with the dead letters that it has made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from alloypy.families import Family, counter, counters, gauges, histograms

if TYPE_CHECKING:
    from alloypy.components.own.delivering.courier import Courier
    from alloypy.components.own.delivering.store import AnyHome, Store

_D = ("destination",)
_SINCE = ", over restarts; in Kafka since the start."
"""One process may have queues of both kinds, and a metric has one help."""

_REASONS = ("full", "no_space", "too_large", "write_error", "broker", "closed")
"""Why profiles are not taken. All are shown from the start, so that the first time counts as an increase."""


class QueueMetrics:
    """Collects the metrics; `home`, `log` and `couriers`, by destination, are those in use.

    stored, stored_bytes: records and bytes taken since the start. rejected: by reason. start_seconds: how
    long the log in use took to open.
    """

    def __init__(self) -> None:
        self.home: AnyHome | None = None
        self.log: Store | None = None
        self.couriers: dict[str, Courier] = {}
        self.stored = 0
        self.stored_bytes = 0
        self.rejected = Counter(dict.fromkeys(_REASONS, 0))
        self.start_seconds = 0.0

    def collect(self) -> Iterator[Family]:
        """The families with their current values."""
        yield counter("alloypy_queue_taken_total", "Records taken since the start.", self.stored)
        yield counter(
            "alloypy_queue_stored_bytes_total",
            "Bytes of the records taken since the start.",
            self.stored_bytes,
        )
        yield counters(
            "alloypy_queue_rejected_total",
            "Profiles that were not taken.",
            ("reason",),
            {(reason,): count for reason, count in self.rejected.items()},
        )
        started: dict[tuple[str, ...], float] = {} if self.log is None else {(): self.start_seconds}
        yield gauges("alloypy_queue_start_seconds", "Time that it took to open the queue.", (), started)
        if self.home is not None:
            yield from self.home.families(self.log)
        yield from _of_couriers([*self.couriers.values()])


def _of_couriers(couriers: Sequence[Courier]) -> Iterator[Family]:
    counts = {each.cursor.destination: each.cursor.counts for each in couriers}
    behind = {each.cursor.destination: each.cursor.behind for each in couriers}
    dead = {
        each.cursor.destination: each.cursor.dead_letters
        for each in couriers
        if each.cursor.dead_letters is not None
    }
    oldest = {each.cursor.destination: each.age(behind[each.cursor.destination].oldest) for each in couriers}

    def by_name(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
        return {(name,): value for name, value in values.items()}

    for name, documentation, values in (
        ("records", "Records that wait.", {name: each.records for name, each in behind.items()}),
        ("bytes", "Bytes of the records that wait.", {name: each.bytes for name, each in behind.items()}),
        ("oldest_age_seconds", "Age of the oldest record that waits.", oldest),
        ("dead_letter_records", "Dead letters that are kept; in Kafka by all machines.", dead),
        (
            "dead_letter_pending_records",
            "Records refused for good that wait, because they cannot be kept as dead letters yet.",
            {e.cursor.destination: len(e.undertaker) for e in couriers},
        ),
        ("in_flight", "Deliveries in progress.", {e.cursor.destination: e.in_flight for e in couriers}),
        ("window", "Deliveries that may be in progress.", {e.cursor.destination: e.window for e in couriers}),
        (
            "circuit_open",
            "1 while the destination fails, and profiles wait for it.",
            {e.cursor.destination: e.fails for e in couriers},
        ),
    ):
        yield gauges(f"alloypy_queue_{name}", documentation, _D, by_name(values))
    for name, documentation, values in (
        ("stored_total", f"Records stored for it{_SINCE}", {n: e.stored for n, e in counts.items()}),
        ("delivered_total", f"Records it has taken{_SINCE}", {n: e.delivered for n, e in counts.items()}),
    ):
        yield counters(f"alloypy_queue_{name}", documentation, _D, by_name(values))
    outcomes = {each.cursor.destination: each.outcomes for each in couriers}
    sent = {name: each.delivered_bytes for name, each in outcomes.items()}
    documentation = "Bytes of the records it has taken since the start."
    yield counters("alloypy_queue_delivered_bytes_total", documentation, _D, by_name(sent))
    dropped: dict[tuple[str, ...], float] = {
        (name, reason): count for name, each in counts.items() for reason, count in each.dropped.items()
    }
    yield counters("alloypy_queue_dropped_total", f"Records given up{_SINCE}", (*_D, "reason"), dropped)
    tries: dict[tuple[str, ...], float] = {
        (name, outcome): count for name, each in outcomes.items() for outcome, count in each.tries.items()
    }
    yield counters("alloypy_queue_tries_total", "Tries to deliver.", (*_D, "outcome"), tries)
    waited = [((name,), each.waited.buckets(), each.waited.total) for name, each in outcomes.items()]
    yield histograms("alloypy_queue_wait_seconds", "Time from storing to delivery.", _D, waited)
