"""Gives profiles without a time of their own the time at which they were received.

A server dates such a profile when it arrives there. After an outage that is wrong, and each time it is sent
again it becomes another profile: a server recognises a copy only by an equal time in the same series, to the
nanosecond. So the time is fixed once, and no two profiles get the same one.

Source: how Pyroscope reads `from` and `until` (its `attime` package) and `time_nanos` of a pprof.
"""

from __future__ import annotations

import re
import struct
import time
import zlib
from collections.abc import Callable
from urllib.parse import unquote_plus

from alloypy.profiles.model import Buffer

_GZIP = b"\x1f\x8b"
_TIME_NANOS = 9 << 3
"""The tag of `Profile.time_nanos`."""

_DIGITS = re.compile(r"\d+", re.ASCII)
_OFFSET = re.compile(r"(\d*)(\D*)", re.ASCII)
_IGNORED = str.maketrans("", "", "_, ")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MOST_DIGITS = 18
_MOST_NANOSECONDS = (1 << 63) - 1
_UNITS = (
    ("s", 1),
    ("mon", 3600 * 24 * 30),
    ("M", 3600 * 24 * 30),
    ("min", 60),
    ("m", 60),
    ("h", 3600),
    ("d", 3600 * 24),
    ("w", 3600 * 24 * 7),
    ("y", 3600 * 24 * 365),
)


class Moments:
    """Times of reception, Unix nanoseconds; no two are equal, even if the clock is set back.

    clock: returns Unix nanoseconds.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._last = 0

    def take(self, count: int = 1) -> int:
        """The first of `count` times, one nanosecond apart."""
        first = max(self._clock(), self._last + 1)
        self._last = first + count - 1
        return first


def time_prefix(profile: Buffer, moment: int) -> bytes:
    """Bytes to put before a pprof, so that it has this time unless it has one of its own.

    The last value of a field counts, and members of gzip files are read as one: so nothing is decoded.
    moment: Unix nanoseconds.
    """
    field = _field(moment)
    return _stored_member(field) if bytes(profile[:2]) == _GZIP else field


def _field(moment: int) -> bytes:
    encoded = bytearray((_TIME_NANOS,))
    while moment > 0x7F:
        encoded.append(moment & 0x7F | 0x80)
        moment >>= 7
    encoded.append(moment)
    return bytes(encoded)


def _stored_member(content: bytes) -> bytes:
    """A member of a gzip file with a short content, not compressed."""
    size = len(content)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01"
    return (
        head
        + struct.pack("<HH", size, size ^ 0xFFFF)
        + content
        + struct.pack("<II", zlib.crc32(content), size)
    )


def freeze_query(query: str, moment: int) -> str:
    """The query of an /ingest request with absolute times.

    `from` is added if it is missing, and so is `until`; those relative to the time of arrival become
    relative to `moment`. Absolute times stay as they are.
    """
    pieces = query.split("&") if query else []
    missing = {"from", "until"}
    for number, piece in enumerate(pieces):
        name, _, value = piece.partition("=")
        if name in missing and _is_read(piece):  # the first one counts
            missing.discard(name)
            frozen = absolute(unquote_plus(value), moment)
            if frozen is not None:
                pieces[number] = f"{name}={frozen}"
    pieces += [f"{name}={moment}" for name in sorted(missing)]
    return "&".join(pieces)


def _is_read(piece: str) -> bool:
    """Whether a server reads a piece of a query, rather than skipping it."""
    return ";" not in piece and _BAD_ESCAPE.search(piece) is None


def absolute(text: str, moment: int) -> int | None:
    """A time of a query in Unix nanoseconds, if it depends on the time of arrival; None if it does not."""
    text = text.strip().translate(_IGNORED)
    if _DIGITS.fullmatch(text):
        return None
    for sign in "+-":
        _, found, offset = text.partition(sign)
        if found:
            nanoseconds = moment + (1 if sign == "+" else -1) * _seconds(offset) * 1_000_000_000
            return min(max(nanoseconds, 0), _MOST_NANOSECONDS)
    return moment


def _seconds(offset: str) -> int:
    total = 0
    for digits, unit in _OFFSET.findall(offset):
        factor = next((seconds for name, seconds in _UNITS if unit.startswith(name)), 0)
        total += int(digits[:_MOST_DIGITS] or 0) * factor
    return total
