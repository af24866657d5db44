"""Responses in HTTP/1.1: how the body is framed, and whether the connection stays open.

Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from alloypy.lang.go.headers import canonical_name
from alloypy.net.http_status import status_line
from alloypy.net.server.body import Header
from alloypy.net.server.date import date_line
from alloypy.net.server.exchange import Writer

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_WITHOUT_BODY: Final = (204, 304)

_canonical_names: Final[dict[bytes, bytes]] = {}


class ResponseWriter(Writer):
    """Writes the response to one request.

    to_head: it answers a HEAD request. keep_alive: whether the connection stays open afterwards.
    started: something has been written.
    """

    __slots__ = (
        "_chunked",
        "_head",
        "_no_body",
        "_to_head",
        "_trailers",
        "_transport",
        "_version",
        "keep_alive",
        "started",
    )

    def __init__(self, transport: asyncio.Transport, version: str, to_head: bool, keep_alive: bool) -> None:
        self._transport = transport
        self._version = version
        self._to_head = to_head
        self._head = b""
        self._chunked = False
        self._no_body = False
        self._trailers = False
        self.keep_alive = keep_alive
        self.started = False

    def go_on(self) -> None:
        """Tell the client to send the body it has announced."""
        if not self._transport.is_closing():
            self._transport.write(_CONTINUE)

    def start(self, status: int, headers: Iterable[Header], *, trailers: bool, whole_request: bool) -> None:
        """Make the head, which is written together with the first part of the body."""
        self._head = self._make_head(status, headers, whole_request)
        self._trailers = trailers

    def body(self, part: bytes, *, more: bool) -> bool:
        """Write a part of the body; returns whether the response is now complete."""
        parts = []
        if self._head:
            parts.append(self._head)
            self._head = b""
            self.started = True
        if not self._no_body:
            if not self._chunked:
                parts.append(part)
            elif part:
                parts += (b"%x\r\n" % len(part), part, b"\r\n")
            if self._chunked and not more:
                parts.append(b"0\r\n" if self._trailers else b"0\r\n\r\n")
        self._transport.write(b"".join(parts))
        return not more and not self._trailers

    def trailers(self, headers: Iterable[Header]) -> None:
        """Write the trailers, which complete the response; a body without chunks has no place for them."""
        if self._chunked:
            self._transport.write(header_lines(headers) + b"\r\n")

    def whole(self, status: int, headers: Sequence[Header], body: bytes, whole_request: bool) -> bool:
        """Write a response in one piece; returns False, with nothing written, if that is not possible."""
        head = self._make_head(status, headers, whole_request)
        if self._chunked or self._no_body:
            return False
        self._transport.write(head + body if body else head)
        return True

    def _make_head(self, status: int, headers: Iterable[Header], whole_request: bool) -> bytes:
        """The status line and headers; decides how the body is framed, and whether to keep alive."""
        keep_alive = self.keep_alive and whole_request
        if status == 200 and isinstance(headers, tuple):
            given: tuple[Header, ...] = headers
            head = cached_head(status, given, self._version, self._to_head, keep_alive)
        else:
            head = head_of(status, headers, self._version, self._to_head, keep_alive)
        self.keep_alive = head.keep_alive
        self._chunked = head.chunked
        self._no_body = self._to_head or status in _WITHOUT_BODY
        return head.written + date_line() + b"\r\n"


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
            # As in Go: the answer to a HEAD request does not announce an empty body.
            if status in _WITHOUT_BODY or (value == b"0" and to_head):
                continue
        elif name == b"connection" and value.lower() == b"close":
            keep_alive = False
            continue
        lines.append((name, value))
    if not framed and status not in _WITHOUT_BODY:
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
"""`head_of` for successes, which are all alike; of the others, clients could cause any number."""


def header_lines(headers: Iterable[Header]) -> bytes:
    """Header fields as they are sent. Raises ValueError for a value with line ends."""
    lines: list[bytes] = []
    for name, value in headers:
        if b"\r" in value or b"\n" in value:
            raise ValueError("a header value must not hold line ends")
        written = _canonical_names.get(name)
        if written is None:
            written = canonical_name(name.decode("latin-1")).encode("latin-1")
            if len(_canonical_names) < 256:
                _canonical_names[name] = written
        lines += (written, b": ", value, b"\r\n")
    return b"".join(lines)
