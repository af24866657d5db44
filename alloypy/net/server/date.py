"""The `Date` of answers. Source: RFC 9110 sections 5.6.7, 6.6.1."""

from __future__ import annotations

from time import gmtime, time
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_second = -1
_line = b""


def date_line() -> bytes:
    """`Date: Sun, 06 Nov 1994 08:49:37 GMT` and the line end; made once a second."""
    global _second, _line
    now = int(time())
    if now != _second:
        _second, _line = now, b"Date: " + http_date(now).encode("ascii") + b"\r\n"
    return _line


def http_date(seconds: int) -> str:
    """A time since the epoch as HTTP writes it, whatever the locale."""
    year, month, day, hour, minute, second, weekday, *_ = gmtime(seconds)
    written = f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04}"
    return f"{written} {hour:02}:{minute:02}:{second:02} GMT"
