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
from functools import lru_cache
from urllib.parse import unquote_plus

from alloypy.profiles.model import Buffer

_GZIP = b"\x1f\x8b"
_TAG = bytes((9 << 3,))
"""The tag of `Profile.time_nanos`."""

_FIELD_BYTES = 10
"""Of the tag and of a time until the year 2262."""

_MEMBER_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01" + struct.pack(
    "<HH", _FIELD_BYTES, _FIELD_BYTES ^ 0xFFFF
)
_MEMBER = struct.Struct(f"<{len(_MEMBER_HEAD)}s{_FIELD_BYTES}sII")
"""A member of a gzip file whose content is a time, not compressed."""

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
        first = self._clock()
        if first <= self._last:
            first = self._last + 1
        self._last = first + count - 1
        return first


def time_prefix(profile: Buffer, moment: int) -> bytes:
    """Bytes to put before a pprof, so that it has this time unless it has one of its own.

    The last value of a field counts, and members of gzip files are read as one: so nothing is decoded.
    moment: Unix nanoseconds.
    """
    low = moment & 0xFFFFFFF
    low = low & 0x7F | (low & 0x3F80) << 1 | (low & 0x1FC000) << 2 | (low & 0xFE00000) << 3 | 0x80808080
    field = _TAG + low.to_bytes(4, "little") + _high_groups(moment >> 28)
    if profile[:2] != _GZIP:
        return field
    return _MEMBER.pack(_MEMBER_HEAD, field, zlib.crc32(field), _FIELD_BYTES)


@lru_cache(maxsize=1)
def _high_groups(high: int) -> bytes:
    """The last five groups of seven bits of a time; they change four times a second."""
    return bytes([*(high >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21)), high >> 28 & 0x7F])


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
