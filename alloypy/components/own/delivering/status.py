"""The debug information of alloypy.queue: what waits, and what has become of the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from alloypy.schema.fields import attribute, block, export, exports

if TYPE_CHECKING:
    from alloypy.components.own.delivering.courier import Courier
    from alloypy.components.own.delivering.store import Store


@exports
class DestinationStatus:
    """What has become of the profiles for one destination, over restarts."""

    name: str = export(doc="The component that profiles are delivered to.")
    works: bool = export(doc="Whether it takes profiles, as far as known.")
    waiting: int = export(doc="Profiles that wait.")
    waiting_bytes: int = export(doc="Their size.")
    oldest_seconds: float = export(doc="How long the oldest of them has waited.")
    in_flight: int = export(doc="Deliveries in progress.")
    window: int = export(doc="How many may be in progress.")
    delivered: int = export(doc="Profiles that it has taken.")
    dropped: int = export(doc="Profiles that the queue has given up.")
    dead_letters: int = export(doc="Profiles that it refuses for good.")


@exports
class DebugInfo:
    """What the queue holds."""

    disk_bytes: int = export(doc="Bytes on the disk.")
    problem: str = attribute(default="", doc="Why profiles are not taken.")
    destinations: tuple[DestinationStatus, ...] = block(
        name="destination", default=(), doc="Each destination.", shown=True
    )


def debug_info(log: Store | None, couriers: Iterable[Courier], problem: str) -> DebugInfo:
    """The state of a queue. log: None while it is not open."""
    if log is None:
        return DebugInfo(disk_bytes=0, problem=problem)
    destinations = tuple(map(_status, couriers))
    return DebugInfo(disk_bytes=log.disk_bytes, problem=log.fault, destinations=destinations)


def _status(courier: Courier) -> DestinationStatus:
    behind, counts = courier.cursor.behind, courier.cursor.counts
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
        dead_letters=counts.dead,
    )
