"""The debug information of alloypy.queue: what waits, and what has become of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from alloypy.runtime.contract.component import Flow, Table
from alloypy.schema.fields import attribute, block, export, exports

if TYPE_CHECKING:
    from alloypy.components.own.delivering.courier import Courier
    from alloypy.components.own.delivering.metrics import QueueMetrics
    from alloypy.components.own.delivering.store import Store


@exports
class DestinationStatus:
    """What has become of the profiles for a destination: on disk over restarts, in Kafka since the start."""

    name: str = export(doc="The component that profiles are delivered to.")
    works: bool = export(doc="Whether it takes profiles, as far as known.")
    waiting: int = export(doc="Profiles that wait.")
    waiting_bytes: int = export(doc="Their size.")
    oldest_seconds: float = export(doc="How long the oldest of them has waited.")
    in_flight: int = export(doc="Deliveries in progress.")
    window: int = export(doc="How many may be in progress.")
    delivered: int = export(doc="Profiles that it has taken.")
    dropped: int = export(doc="Profiles that the queue has given up.")
    dead_letters: int | None = attribute(
        default=None, doc="Profiles that it refuses for good, and that are kept.", shown=True
    )
    last_error: str = attribute(default="", doc="Why a profile was last not delivered, since the start.")
    last_error_seconds: float = attribute(default=0.0, doc="How long ago that was.")


@exports
class DebugInfo:
    """What the queue holds."""

    disk_bytes: int | None = attribute(default=None, doc="Bytes on the disk, for a queue there.", shown=True)
    problem: str = attribute(default="", doc="Why profiles are not taken.")
    destinations: tuple[DestinationStatus, ...] = block(
        name="destination", default=(), doc="Each destination.", shown=True
    )


def debug_info(log: Store | None, couriers: Iterable[Courier], problem: str) -> DebugInfo:
    """The state of a queue. log: None while it is not open."""
    if log is None:
        return DebugInfo(problem=problem)
    destinations = tuple(map(_status, couriers))
    return DebugInfo(disk_bytes=log.disk_bytes, problem=log.fault, destinations=destinations)


def _status(courier: Courier) -> DestinationStatus:
    behind, counts = courier.cursor.behind, courier.cursor.counts
    problem, seconds = courier.problem
    return DestinationStatus(
        name=courier.cursor.destination,
        works=not courier.fails,
        waiting=behind.records,
        waiting_bytes=behind.bytes,
        oldest_seconds=round(courier.age(behind.oldest), 1),
        in_flight=courier.in_flight,
        window=courier.window,
        delivered=counts.delivered,
        dropped=sum(counts.dropped.values()),
        dead_letters=courier.cursor.dead_letters,
        last_error=problem,
        last_error_seconds=round(seconds, 1) if problem else 0.0,
    )


def flow(metrics: QueueMetrics) -> Flow:
    """What has come and gone since the start. What is left still waits."""
    rejected = sum(metrics.rejected.values())
    left, lost = 0, rejected
    for courier in metrics.couriers.values():
        now, before = courier.cursor.counts, courier.before
        left += now.delivered - before.delivered
        lost += sum(now.dropped.values()) - sum(before.dropped.values())
        lost += max(0, now.dead - before.dead)  # dead letters may wait again
    return Flow("profiles", metrics.stored + rejected, left, lost)


def tables(couriers: Iterable[Courier], since: str) -> Sequence[Table]:
    """What waits for each destination, and what has become of the rest. since: when it is counted from."""
    counted = "Waiting", "Oldest", "Delivered", "Dropped", "Dead letters"
    columns = ("Destination", "State", *counted, "Last error")
    rows = []
    for each in map(_status, couriers):
        state = "takes profiles" if each.works else "fails; tried again after pauses"
        oldest = f"{each.oldest_seconds:,.0f} s" if each.waiting else "-"
        dead = "-" if each.dead_letters is None else each.dead_letters
        error = f"{each.last_error_seconds:,.0f} s ago: {each.last_error}" if each.last_error else "-"
        counts = each.waiting, oldest, each.delivered, each.dropped, dead
        rows.append((each.name, state, *counts, error))
    return (Table(f"Destinations, counted {since}", columns, rows),)
