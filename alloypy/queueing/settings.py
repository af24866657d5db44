"""The settings of a log, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alloypy.queueing.errors import QueueError

_LEAST_SEGMENT = 64 << 10
_LEAST_SEGMENTS = 4
"""The space that is freed at once is a segment: it must be a small part of the whole."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How much a log may hold, and when a record counts as stored. Raises QueueError.

    max_size: bytes of all files of records.
    max_age: seconds after which a record is given up once a try to deliver it has failed; 0 = never.
    when_full: what happens when every destination is behind: `reject` new records, or `drop_oldest`.
    sync: `always`: a record is stored when fdatasync has returned; `interval`: when it has been written,
        which survives the end of the process, but not the loss of power.
    sync_interval: seconds between two syncs in the latter case.
    gathering: the most seconds that a batch waits for others before it is synced; 0 = not at all.
    segment_size: bytes of one file, at most an eighth of max_size.
    min_free: bytes that stay free on the file system.
    memory: bytes of fresh records kept in memory, so that they need not be read again.
    dead_letter_size: bytes of dead letters for each destination, the oldest make room; 0 = none are kept.
    dead_letter_age: seconds; 0 = for ever.
    """

    max_size: int = 4 << 30
    max_age: float = 24 * 3600.0
    when_full: Literal["reject", "drop_oldest"] = "reject"
    sync: Literal["always", "interval"] = "always"
    sync_interval: float = 0.2
    gathering: float = 0.005
    segment_size: int = 16 << 20
    min_free: int = 1 << 30
    memory: int = 32 << 20
    dead_letter_size: int = 64 << 20
    dead_letter_age: float = 72 * 3600.0

    def __post_init__(self) -> None:
        least = _LEAST_SEGMENT * _LEAST_SEGMENTS
        if self.max_size < least:
            raise QueueError(f"max_size must be at least {least} bytes")
        if not _LEAST_SEGMENT <= self.segment_size <= 1 << 30:
            raise QueueError(f"segment_size must be from {_LEAST_SEGMENT} bytes to 1 GiB")
        if self.sync == "interval" and not 0 < self.sync_interval <= 60:
            raise QueueError("sync_interval must be greater than 0 and at most 60 seconds")
        for name in ("max_age", "min_free", "memory", "dead_letter_size", "dead_letter_age"):
            if getattr(self, name) < 0:
                raise QueueError(f"{name} must not be negative")

    @property
    def segment_bytes(self) -> int:
        """The size at which a file is ended: small enough that freeing one leaves most of the queue."""
        return max(_LEAST_SEGMENT, min(self.segment_size, self.max_size // 8))
