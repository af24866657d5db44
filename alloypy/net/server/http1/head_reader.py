"""The heads of the requests on one connection: parsed one at a time, and bounded.

The parser gets one head at a time, up to its last byte. So a request is parsed only when the one before it
has been answered, bodies are framed by us, and what has to wait is kept as it arrived.
Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.9.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import httptools

from alloypy.net.server.body import ORIGIN
from alloypy.net.server.budget import ByteBudget
from alloypy.net.server.http1.head import HEAD_TOO_LARGE, Refused, read_head, read_target

_LINE_OVERHEAD_BYTES: Final = 100  # of memory for a header line, beyond its own bytes
_FREE_HEAD_BYTES: Final = 8 << 10  # heads up to this size are not counted as held
_END_OF_HEAD: Final = b"\r\n\r\n"

Data: TypeAlias = bytes | bytearray

Begun: TypeAlias = tuple[dict[str, Any], int | None, bool, bool, int]
"""A request whose head is complete.

Its ASGI scope; the length of its body, None = chunked; whether the client waits for a 100; whether the
connection may stay open afterwards; and the bytes held for the head. A plain tuple, because one is
made for each request.
"""


class HeadReader:
    """Reads heads, and counts large ones as held.

    fed: bytes of the current head that have arrived.
    """

    __slots__ = (
        "_budget",
        "_complete",
        "_headers",
        "_held",
        "_max_bytes",
        "_parser",
        "_stale",
        "_stays",
        "_tail",
        "_url",
        "fed",
    )

    def __init__(self, budget: ByteBudget, max_bytes: int) -> None:
        self._budget = budget
        self._max_bytes = max_bytes
        self._parser: Any = httptools.HttpRequestParser(self)
        self._stale = False  # the parser has not seen the body: the next head needs a new one
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self.fed = 0
        self._tail = b""  # the last bytes of the current head
        self._held = 0
        self._complete = False
        self._stays = False

    # What the parser calls

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._complete = True
        self._stays = self._parser.should_keep_alive()  # later the parser has forgotten

    # What the connection calls

    def feed(self, data: Data, at: int, end: int) -> int:
        """Take more of a head; returns where it ends, or 0 if the end has not arrived. Raises Refused."""
        if self.fed:
            stop = self._end_of_head(data, at, end)
        else:
            while data[at] in _END_OF_HEAD:  # empty lines before a request
                at += 1
                if at == end:
                    return 0
            stop = data.find(_END_OF_HEAD, at, end) + 4
            if stop < 4:
                stop = 0
        if self._stale:
            self._parser = httptools.HttpRequestParser(self)
            self._stale = False
        try:
            self._parser.feed_data(data[at : stop or end])
        except httptools.HttpParserUpgrade:
            self._stale = True  # Go ignores the offer to upgrade, but the parser stops here
        except httptools.HttpParserCallbackError:
            raise
        except httptools.HttpParserError as reason:
            raise self._malformed(str(reason)) from None
        self.fed += (stop or end) - at
        if self._complete != (stop > 0):
            raise self._malformed("the head ends elsewhere")
        if not stop:
            self._tail = (self._tail + data[max(at, end - 3) : end])[-3:]
            self._hold()
        elif self._held or self.fed + _LINE_OVERHEAD_BYTES * len(self._headers) > _FREE_HEAD_BYTES:
            self._hold()
        return stop

    def take(self, base: dict[str, Any]) -> Begun:
        """The request whose head is complete; nothing of it is kept here. Raises Refused.

        base: a scope with all keys, and the values that all requests have in common.
        """
        version = self._parser.get_http_version()
        length, expects_continue, closes = read_head(self._headers, version)
        scope = base.copy()
        scope["http_version"] = version
        scope["method"] = self._parser.get_method().decode("ascii")
        scope["path"], scope["raw_path"], scope["query_string"], origin = read_target(self._url)
        scope["headers"] = self._headers
        if origin:
            scope[ORIGIN] = origin
        if length is None:
            self._stale = True
        held = self._held
        self._held = self.fed = 0
        self._url = self._tail = b""
        self._headers = []
        self._complete = False
        return scope, length, expects_continue, self._stays and not closes, held

    def count_body(self, part: bytes | memoryview) -> None:
        """Let the parser count the body's bytes, so that it knows where the next head begins."""
        if not self._stale:
            self._parser.feed_data(part)

    def skip_body(self) -> None:
        """The rest of the body bypasses the parser."""
        self._stale = True

    def forget(self) -> None:
        """Forget the part of a head that has arrived."""
        self._url = self._tail = b""
        self._headers = []
        self.fed = 0
        self._complete = False
        self._budget.give_back(self._held)
        self._held = 0

    def close(self) -> None:
        """Read no more. Drops the parser, which refers to us: so neither waits for the cycle collector."""
        self.forget()
        self._parser = None

    def _end_of_head(self, data: Data, at: int, end: int) -> int:
        """Where a head ends that began in earlier data; 0 if its end is not in `data`."""
        tail = self._tail
        found = (tail + data[at : min(at + 3, end)]).find(_END_OF_HEAD)
        if found >= 0:
            return at + found + 4 - len(tail)
        found = data.find(_END_OF_HEAD, at, end)
        return found + 4 if found >= 0 else 0

    def _hold(self) -> None:
        """Bound the head, and count it as held, with its lines' overhead. Raises Refused."""
        size = self.fed + _LINE_OVERHEAD_BYTES * len(self._headers)
        if size > self._max_bytes:
            raise Refused(431, HEAD_TOO_LARGE)
        if not self._budget.take(size - self._held):
            raise Refused(503, "503 Service Unavailable")
        self._held = size

    def _malformed(self, reason: str) -> Refused:
        """The refusal of a head that cannot be parsed."""
        if self._complete:  # it may be a transfer coding that we can name
            try:
                read_head(self._headers, self._parser.get_http_version())
            except Refused as better:
                return Refused(better.status, str(better), reason)
        return Refused(400, "400 Bad Request", reason)
