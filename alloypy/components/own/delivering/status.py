"""The debug information of alloypy.queue: what waits, and what has become of the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from alloypy.schema.fields import arguments, attribute, block

if TYPE_CHECKING:
    from alloypy.components.own.delivering.courier import Courier
    from alloypy.queueing.log import Log


@arguments
class DestinationStatus:
    """What has become of the profiles for one destination, over restarts."""

    name: str = attribute(doc="The component that profiles are delivered to.", shown=True)
    works: bool = attribute(doc="Whether it takes profiles, as far as known.", shown=True)
    waiting: int = attribute(doc="Profiles that wait.", shown=True)
    waiting_bytes: int = attribute(doc="Their size.", shown=True)
    oldest_seconds: float = attribute(doc="How long the oldest of them has waited.", shown=True)
    in_flight: int = attribute(doc="Deliveries in progress.", shown=True)
    window: int = attribute(doc="Deliveries that may be in progress.", shown=True)
    delivered: int = attribute(doc="Profiles that it has taken.", shown=True)
    dropped: int = attribute(doc="Profiles that were given up.", shown=True)
    dead_letters: int = attribute(doc="Profiles that it refuses for good.", shown=True)


@arguments
class DebugInfo:
    """What the queue holds."""

    disk_bytes: int = attribute(default=0, doc="Bytes of the files of records.", shown=True)
    problem: str = attribute(default="", doc="Why profiles are not taken.", shown=True)
    destinations: tuple[DestinationStatus, ...] = block(
        name="destination", default=(), doc="Each destination.", shown=True
    )


def debug_info(log: Log | None, couriers: Iterable[Courier], problem: str) -> DebugInfo:
    """The state of a queue. log: None while it is not open."""
    if log is None:
        return DebugInfo(problem=problem)
    facts = log.facts()
    return DebugInfo(facts.disk_bytes, facts.fault, tuple(map(_status, couriers)))


def _status(courier: Courier) -> DestinationStatus:
    behind, counts = courier.cursor.behind, courier.cursor.counts
    return DestinationStatus(
        name=courier.cursor.destination,
        works=not courier.fails,
        waiting=behind.records,
        waiting_bytes=behind.bytes,
        oldest_seconds=round(courier.oldest_age(), 1),
        in_flight=courier.in_flight,
        window=courier.window,
        delivered=counts.delivered,
        dropped=sum(counts.dropped.values()),
        dead_letters=counts.dead,
    )
