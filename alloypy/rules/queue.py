"""Rules of alloypy.queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.rules.forms import at_least, not_empty, positive
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_LEAST_SIZE = 1 << 20
_LEAST_SEGMENT = 64 << 10
_LARGEST_SEGMENT = 1 << 30
_LONGEST_SYNC = 60 * 1_000_000_000


def _not_negative(name: str) -> Rule:
    return at_least(name, 0, f"{name} must not be negative")


def backoff(body: View) -> Iterator[Fault]:
    """The longest pause is not shorter than the shortest."""
    if body.get("max_backoff_period") < body.get("min_backoff_period"):
        yield Fault("max_backoff_period", "max_backoff_period must not be less than min_backoff_period")


def segment_size(body: View) -> Iterator[Fault]:
    """Files are neither so small that there are thousands, nor so large that space is never freed."""
    if not _LEAST_SEGMENT <= body.get("segment_size") <= _LARGEST_SEGMENT:
        yield Fault("segment_size", "segment_size must be between 64KiB and 1GiB")


def sync_interval(body: View) -> Iterator[Fault]:
    """The time that a loss of power may cost is short."""
    if not 0 < body.get("sync_interval") <= _LONGEST_SYNC:
        yield Fault("sync_interval", "sync_interval must be greater than 0 and at most 1m")


BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "alloypy.queue": (
        not_empty("forward_to", "forward_to must name at least one receiver"),
        at_least("max_size", _LEAST_SIZE, "max_size must be at least 1MiB"),
        _not_negative("max_age"),
    ),
    "alloypy.queue/disk": (segment_size, sync_interval, _not_negative("min_free")),
    "alloypy.queue/delivery": (
        positive("max_in_flight"),
        positive("max_bytes_in_flight"),
        positive("min_backoff_period"),
        backoff,
        _not_negative("drain_timeout"),
    ),
    "alloypy.queue/dead_letter": (_not_negative("max_size"), _not_negative("max_age")),
}
"""Rules by component and inner blocks."""
