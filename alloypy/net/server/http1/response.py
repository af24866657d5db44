"""The head of a response: how it frames its body, and whether the connection stays.

Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.9.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from alloypy.net.http_status import status_line

Header: TypeAlias = tuple[bytes, bytes]

_canonical_names: dict[bytes, bytes] = {}


class ResponseHead(NamedTuple):
    """A response's head as written, without its date and the empty line, and what it promises."""

    written: bytes
    chunked: bool
    keep_alive: bool


def head_of(
    status: int, headers: Iterable[Header], version: str, to_head: bool, keep_alive: bool
) -> ResponseHead:
    """The head of a response. to_head: it answers a HEAD request."""
    lines = []
    chunked = framed = False
    for name, value in headers:
        if name == b"content-length":
            framed = True
            # Go says nothing of a body that a HEAD would not have had anyway.
            if status in (204, 304) or (value == b"0" and to_head):
                continue
        elif name == b"connection" and value.lower() == b"close":
            keep_alive = False
            continue
        lines.append((name, value))
    if not framed and status not in (204, 304):
        if version == "1.1":
            chunked = True
            lines.append((b"transfer-encoding", b"chunked"))
        else:
            keep_alive = False
    if not keep_alive and version == "1.1":
        lines.append((b"connection", b"close"))
    elif keep_alive and version == "1.0":
        lines.append((b"connection", b"keep-alive"))
    return ResponseHead(status_line(status, version) + header_lines(lines), chunked, keep_alive)


cached_head = lru_cache(maxsize=256)(head_of)
"""`head_of` for successes, which look the same time after time; of others clients can make any number."""


def header_lines(headers: Iterable[Header]) -> bytes:
    """Header fields as they are written. Raises ValueError for a value with line ends."""
    lines: list[bytes] = []
    for name, value in headers:
        if b"\r" in value or b"\n" in value:
            raise ValueError("a header value must not hold line ends")
        written = _canonical_names.get(name)
        if written is None:
            written = b"-".join(part.capitalize() for part in name.split(b"-"))
            if len(_canonical_names) < 256:
                _canonical_names[name] = written
        lines += (written, b": ", value, b"\r\n")
    return b"".join(lines)
