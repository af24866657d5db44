"""One HTTP request and its response: the ASGI callables an application gets.

Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.5, 3.9.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from alloypy.net.server.body import (
    ABORT,
    ANSWER,
    EXTEND_DEADLINES,
    HOLD_BYTES,
    READ_BODY,
    TAKE_BODY,
    App,
    BodyError,
    BodyTooLarge,
    ClientLeft,
    OverBudget,
)
from alloypy.net.server.date import date_line
from alloypy.net.server.http1.response import Header, cached_head, head_of, header_lines
from alloypy.profiles.model import Buffer

if TYPE_CHECKING:
    from alloypy.net.server.http1.protocol import HttpProtocol

_MOST_DISCARDED = 256 << 10

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Exchange:
    """One request and its response on a connection."""

    __slots__ = (
        "_announced",
        "_body",
        "_chunked",
        "_connection",
        "_expects_continue",
        "_failure",
        "_given",
        "_head",
        "_limit",
        "_method",
        "_scope",
        "_started",
        "_status",
        "_trailers_follow",
        "_version",
        "_waiter",
        "complete",
        "discards",
        "ended",
        "held",
        "keep_alive",
        "length",
        "lost",
        "over",
        "received",
        "task",
        "wants_all",
        "write_by",
    )

    def __init__(
        self, connection: HttpProtocol, scope: dict[str, Any], length: int | None, expects_continue: bool
    ) -> None:
        self._connection = connection
        self._method: str = scope["method"]
        self._version: str = scope["http_version"]
        self._expects_continue = expects_continue
        self._body: bytes | bytearray = b""
        self._limit = math.inf
        self._announced = length or 0  # bytes of the body as far as the client has told
        # What went wrong, not the exception itself: that holds the frames it was raised in, which hold us.
        self._failure: tuple[type[BodyError], str] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._given = False  # the application has received all of the body
        self._head: bytes | None = None
        self._started = False
        self._status = 0
        self._chunked = False
        self._trailers_follow = False
        self._scope: dict[str, Any] | None = scope
        scope["extensions"] = {
            ABORT: self._abort,
            ANSWER: self._answer,
            READ_BODY: self.read_body,
            TAKE_BODY: self.take_body,
            EXTEND_DEADLINES: self._extend,
            HOLD_BYTES: self._hold,
            "http.response.trailers": {},
        }
        self.length = length  # of the body; None = chunked
        self.received = 0
        self.held = 0
        self.complete = False  # the body has arrived
        self.discards = False  # nobody wants the rest of the body
        self.wants_all = False  # the application waits for the whole body
        self.over = False  # the response is written
        self.lost = False  # nobody is there to answer to
        self.ended = False  # the client sends nothing more: it has left, or is about to
        self.keep_alive = True
        self.write_by = math.inf
        self.task: asyncio.Task[None] | None = None  # in which it is answered

    # The request

    @property
    def pending(self) -> int:
        """Bytes of the body that have arrived and have not been asked for."""
        return len(self._body)

    def announce(self, total: int) -> None:
        """The client has told that at least so many bytes will come."""
        self._announced = total
        if total > self._limit:
            self._fail_too_large(self._limit)

    def arrive(self, body: bytes) -> None:
        """Take the whole body; nobody can have asked for it yet."""
        self._body = body
        self.received = len(body)
        self.complete = True

    def add(self, part: bytes | memoryview) -> None:
        """Take the next part of the body."""
        self.received += len(part)
        if not self._body:
            self._body = bytes(part)
        else:
            if not isinstance(self._body, bytearray):
                self._body = bytearray(self._body)
            # One growing buffer: it costs no more than what has arrived, in however small parts.
            self._body += part
        self._wake()

    def enlarge(self, size: int) -> memoryview:
        """Make the buffer of the body `size` bytes large; a view on what has not arrived."""
        larger = bytearray(size)
        larger[: self.received] = memoryview(self._body)[: self.received]
        self._body = larger
        return memoryview(larger)[self.received :]

    def finish_body(self) -> None:
        """The body is complete."""
        self.complete = True
        self._wake()

    def shrink(self) -> int:
        """Let go of the buffer beyond what has arrived; how many bytes that was."""
        before = len(self._body)
        self._body = bytearray(memoryview(self._body)[: self.received])
        return before - self.received

    def fail(self, kind: type[BodyError], reason: str) -> None:
        """The body will not arrive."""
        if self._failure is None and not self.complete:
            self._failure = kind, reason
            self._body = b""
        self._wake()

    def _fail_too_large(self, limit: float) -> None:
        self.fail(BodyTooLarge, _too_large(limit))

    @property
    def failed(self) -> bool:
        """Whether the body will not arrive."""
        return self._failure is not None

    def lose(self) -> None:
        """The connection is gone."""
        self.lost = True
        self.fail(ClientLeft, "client disconnected")

    def end(self) -> None:
        """The client has said its last word; whoever waits for its departure need not wait longer."""
        self.ended = True
        self._wake()

    async def read_body(self, limit: int, deadline: float | None) -> Buffer:
        """The whole body, at most `limit` bytes, in one buffer; see `body.READ_BODY`."""
        if not self.complete:
            async with asyncio.timeout_at(deadline):
                await self._arrival(limit)
        body = self.take_body(limit)
        if body is None:
            raise BodyTooLarge(_too_large(limit))
        return body

    def take_body(self, limit: int) -> Buffer | None:
        """The whole body if it is there; see `body.TAKE_BODY`."""
        if not self.complete or self.received > limit:
            return None
        body, self._body = self._body, b""
        return body

    async def receive(self) -> MutableMapping[str, Any]:
        """ASGI's receive: the body in parts, then the client's departure."""
        if self._expects_continue:
            self._send_continue()
        while not (self._body or self.complete or self._failure is not None):
            self._connection.want_body(self)
            await self._wait()
        if self._failure is not None:
            raise _raised(self._failure)
        if self._given:
            while not (self.lost or self.over or self.ended):
                await self._wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        self._given = self.complete
        self._connection.give_back(self, len(body))
        return {"type": "http.request", "body": bytes(body), "more_body": not self.complete}

    async def _arrival(self, limit: int) -> None:
        if self._announced > limit:
            raise BodyTooLarge(_too_large(limit))
        self._limit = limit
        self.wants_all = True
        if self._expects_continue:
            self._send_continue()
        self._connection.want_body(self)
        try:
            while not self.complete:
                if self._failure is not None:
                    raise _raised(self._failure)
                await self._wait()
        except BaseException:
            self._connection.give_up(self)
            raise

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _send_continue(self) -> None:
        self._expects_continue = False
        transport = self._connection.transport
        if transport is not None and not transport.is_closing() and not self.complete:
            transport.write(_CONTINUE)

    def _hold(self, count: int) -> None:
        if count < 0:
            self._connection.give_back(self, -count)
        elif not self._connection.hold(self, count):
            raise OverBudget("too many bytes in flight")

    def _extend(self, seconds: float) -> None:
        self._connection.extend(self, seconds)

    def _abort(self) -> None:
        self.lost = True
        self._connection.abort()

    # The response

    async def run(self, app: App, logger: logging.Logger) -> None:
        """Let the application answer, once; a fault of it becomes a 500 and a log line."""
        # The scope holds us: were it held by us any longer, both would wait for the cycle collector.
        scope, self._scope = self._scope, None
        if scope is None:
            raise RuntimeError("a request is answered once")
        try:
            await app(scope, self.receive, self.send)
            if not self.over and not self.lost:
                raise RuntimeError("the application returned without an answer")
        except asyncio.CancelledError:
            if not self.over:
                self._connection.abort()
            raise
        except BodyError:
            await self._apologise()
        except Exception:
            await self._own_up(scope["path"], logger)
        finally:
            self._body = b""
            self._connection.app_done(self)

    async def _own_up(self, path: str, logger: logging.Logger) -> None:
        """Log the fault being handled, and answer with 500; without means for either, hang up."""
        try:
            logger.exception("request handler failed", extra={"fields": {"path": path}})
            await self._apologise()
        except Exception:
            self._connection.abort()

    async def _apologise(self) -> None:
        if self._started or self.lost:
            self._connection.abort()
            return
        self._head = None
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """ASGI's send; the head is written together with the first part of the body."""
        kind = message["type"]
        if kind == "http.response.start":
            self._head = self._make_head(message["status"], message.get("headers", ()))
            self._trailers_follow = message.get("trailers", False)
        elif kind == "http.response.body":
            await self._send_body(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.trailers":
            self._send_trailers(message.get("headers", ()))
        else:
            raise RuntimeError(f"unexpected ASGI message {kind}")

    async def _send_body(self, body: bytes, more: bool) -> None:
        connection = self._connection
        transport = connection.transport
        if self.over or transport is None or self.lost:
            return
        in_time = await connection.writable(self)
        if not in_time or asyncio.get_running_loop().time() > self.write_by:
            # As Go does: the time to answer is over, whatever the answer is.
            self.lost = True
            connection.abort()
            return
        parts = []
        if self._head is not None:
            parts.append(self._head)
            self._head = None
            self._started = True
        if self._method != "HEAD" and self._status not in (204, 304):
            if not self._chunked:
                parts.append(body)
            elif body:
                parts += (b"%x\r\n" % len(body), body, b"\r\n")
            if self._chunked and not more:
                parts.append(b"0\r\n" if self._trailers_follow else b"0\r\n\r\n")
        transport.write(b"".join(parts))
        if not more and not self._trailers_follow:
            self._finish()

    def _send_trailers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        transport = self._connection.transport
        if transport is not None and not self.lost:
            if self._chunked:
                transport.write(header_lines(headers) + b"\r\n")
            self._finish()

    def _finish(self) -> None:
        self._connection.response_done(self)
        self._wake()

    def _answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Write a whole response at once, if the transport takes it now; see `body.ANSWER`."""
        connection = self._connection
        transport = connection.transport
        if self.over or transport is None or self.lost or not connection.takes_more(self):
            return False
        head = self._make_head(status, headers)
        if self._chunked or self._method == "HEAD" or status in (204, 304):
            return False
        transport.write(head + body if body else head)
        self._finish()
        return True

    def _make_head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The status line and headers; decides how the body is framed and whether to keep alive."""
        self._status = status
        keep_alive = self.keep_alive and (self.complete or self._rest_is_small())
        to_head = self._method == "HEAD"
        if status == 200 and isinstance(headers, tuple):
            given: tuple[Header, ...] = headers
            head = cached_head(status, given, self._version, to_head, keep_alive)
        else:
            head = head_of(status, headers, self._version, to_head, keep_alive)
        self.keep_alive = head.keep_alive
        self._chunked = head.chunked
        return head.written + date_line() + b"\r\n"

    def _rest_is_small(self) -> bool:
        """Whether the unread rest of the body is known, small and on its way."""
        return (
            self.length is not None
            and self.length - self.received <= _MOST_DISCARDED
            and not self._expects_continue
            and self._failure is None
        )


def _too_large(limit: float) -> str:
    return f"request body is larger than {limit} bytes"


def _raised(failure: tuple[type[BodyError], str]) -> BodyError:
    kind, reason = failure
    return kind(reason)
