"""Durations as Go counts, writes and reads them.

Source: docs/spec/RUNTIME.md, sections 1 (flag values) and 6 (log values).
"""

from __future__ import annotations

import re
from typing import Self

SECOND = 1_000_000_000
"""Nanoseconds per second."""
MINUTE = 60 * SECOND
"""Nanoseconds per minute."""
HOUR = 60 * MINUTE
"""Nanoseconds per hour."""

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,
    "\u03bcs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_DURATION_PART = re.compile(r"([0-9]*)(\.[0-9]*)?([^0-9.]*)")
_LARGEST_INT64 = (1 << 63) - 1
_MOST_DIGITS = 19


class Duration(int):
    """A duration in nanoseconds. In expressions it is a string."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """A duration such as `1m30s` or `-1.5h`. Raises ValueError."""
        return cls(_parse(text))

    def __str__(self) -> str:
        """Go's text form, such as `1m30s`."""
        return format_duration(self)

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return int(self) / 1e9


def _parse(text: str) -> int:
    invalid = ValueError(f"time: invalid duration {_escape_bytes(text)}")
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    if not rest:
        raise invalid
    total = position = 0
    while position < len(rest):
        part = _DURATION_PART.match(rest, position)
        if part is None or not (part[1] or len(part[2] or "") > 1):
            raise invalid
        digits = part[1].lstrip("0")
        if len(digits) > _MOST_DIGITS or (whole := int(digits or "0")) > _LARGEST_INT64 + 1:
            raise invalid
        if not part[3]:
            raise ValueError(f"time: missing unit in duration {_escape_bytes(text)}")
        unit = _UNITS.get(part[3])
        if unit is None:
            raise ValueError(f"time: unknown unit {_escape_bytes(part[3])} in duration {_escape_bytes(text)}")
        total += whole * unit + _fraction((part[2] or "")[1:], unit)
        if total > _LARGEST_INT64 + 1:
            raise invalid
        position = part.end()
    if total > _LARGEST_INT64 and sign > 0:
        raise invalid
    return sign * total


def _fraction(digits: str, unit: int) -> int:
    """The nanoseconds of a fraction of `unit`, in float arithmetic as in Go; surplus digits are dropped."""
    number, scale = 0, 1.0
    for digit in digits:
        if number > _LARGEST_INT64 // 10 or number * 10 + int(digit) > _LARGEST_INT64 + 1:
            break
        number, scale = number * 10 + int(digit), scale * 10
    return int(float(number) * (float(unit) / scale))


def _escape_bytes(text: str) -> str:
    """`text` in double quotes, with every byte that is not printable ASCII escaped."""
    escaped = "".join(
        f"\\x{byte:02x}" if byte < 0x20 or byte >= 0x80 else f"\\{chr(byte)}" if byte in b'"\\' else chr(byte)
        for byte in text.encode("utf-8", "surrogateescape")
    )
    return f'"{escaped}"'


def format_duration(value: int) -> str:
    """`value` nanoseconds as Go prints a duration: `10m0s`, `1.5s`, `20.0488ms`."""
    if value == 0:
        return "0s"
    sign, value = ("-", -value) if value < 0 else ("", value)
    for unit, size in (("ns", 1), ("\u00b5s", 1_000), ("ms", 1_000_000)):
        if value < size * 1000:
            return f"{sign}{_decimal(value, size)}{unit}"
    minutes, rest = divmod(value, MINUTE)
    text = f"{_decimal(rest, SECOND)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}"
    return sign + text


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).zfill(len(str(size)) - 1).rstrip('0')}"
