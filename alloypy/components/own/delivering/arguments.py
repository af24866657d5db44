"""The arguments of alloypy.queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from alloypy.components.own.delivering.kafka_arguments import KafkaArguments
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.lang.go.units import parse_possible_size
from alloypy.lang.types import TextType
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.rules import faults_of
from alloypy.schema.choices import choice
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, export, exports

HOUR = 3600 * SECOND
_KIB, _MIB, _GIB = (1 << power for power in (10, 20, 30))


def _size(size: int) -> str:
    """A size as a configuration writes it."""
    for unit, scale in (("GiB", _GIB), ("MiB", _MIB), ("KiB", _KIB)):
        if size and size % scale == 0:
            return f"{size // scale}{unit}"
    return f"{size}B"


SIZE = TextType("units.Base2Bytes", parse_possible_size, zero=0, format=_size)
WHEN_FULL = choice(
    "WhenFull", "reject", "drop_oldest", error="unrecognized when_full %q, expected reject or drop_oldest"
)
SYNC = choice("Sync", "always", "interval", error="unrecognized sync %q, expected always or interval")


@arguments(rules="alloypy.queue/disk")
class DiskArguments:
    """Arguments of `disk`."""

    path: str = attribute(
        default="",
        doc="Directory of the queue; by default `queue` in the component's directory of --storage.path.",
    )
    sync: Annotated[str, SYNC] = attribute(
        default="always",
        doc="When a profile counts as stored: `always` once it is on the disk, `interval` once written, "
        "which survives the end of the process, but not a loss of power.",
    )
    sync_interval: Duration = attribute(
        default=Duration(SECOND // 5), doc="Time between two writes to the disk, for `interval`."
    )
    segment_size: Annotated[int, SIZE] = attribute(
        default=16 * _MIB, doc="Size of a file; at most an eighth of max_size is used."
    )
    min_free: Annotated[int, SIZE] = attribute(
        default=_GIB, doc="Space that is left to others: nothing is taken when the file system has less."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments(rules="alloypy.queue/delivery")
class DeliveryArguments:
    """Arguments of `delivery`, which hold for each destination."""

    max_in_flight: int = attribute(
        default=128,
        doc="Deliveries at a time. A server that answers in half a second takes twice as many profiles "
        "per second; 1 keeps the order of arrival.",
    )
    max_bytes_in_flight: Annotated[int, SIZE] = attribute(
        default=32 * _MIB, doc="Bytes of profiles that are being delivered."
    )
    min_backoff_period: Duration = attribute(
        default=Duration(SECOND // 2), doc="Shortest pause after a destination has failed."
    )
    max_backoff_period: Duration = attribute(
        default=Duration(30 * SECOND), doc="Longest pause between tries while a destination fails."
    )
    drain_timeout: Duration = attribute(
        default=Duration(20 * SECOND),
        doc="Time for deliveries in progress when the queue stops; the rest stays.",
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments(rules="alloypy.queue/dead_letter")
class DeadLetterArguments:
    """Arguments of `dead_letter`."""

    max_size: Annotated[int, SIZE] = attribute(
        default=64 * _MIB, doc="Space for profiles that a destination refuses for good; 0 keeps none."
    )
    max_age: Duration = attribute(
        default=Duration(72 * HOUR), doc="Time after which they are deleted; 0 for never."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments(rules="alloypy.queue")
class Arguments:
    """Arguments of alloypy.queue."""

    forward_to: tuple[ProfilesReceiver, ...] = attribute(
        doc="Receivers that profiles are delivered to, each at its own pace."
    )
    max_size: Annotated[int, SIZE] = attribute(default=4 * _GIB, doc="Space for all profiles that wait.")
    max_age: Duration = attribute(
        default=Duration(24 * HOUR),
        doc="Time after which a profile is given up, once it could not be delivered; 0 for never.",
    )
    when_full: Annotated[str, WHEN_FULL] = attribute(
        default="reject", doc="What gives way when there is no space: new profiles (`reject`), or the oldest."
    )
    disk: DiskArguments | None = block(default=None, doc="Where profiles are stored on disk.")
    kafka: KafkaArguments | None = block(
        default=None, doc="Stores profiles in Kafka instead, for several machines."
    )
    delivery: DeliveryArguments = block(default=DeliveryArguments(), doc="How profiles are delivered.")
    dead_letter: DeadLetterArguments = block(
        default=DeadLetterArguments(), doc="What becomes of profiles that a destination refuses for good."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@exports
class Exports:
    """Exports of alloypy.queue."""

    receiver: ProfilesReceiver = export(
        doc="Receiver that stores profiles; they count as delivered when they are stored."
    )
