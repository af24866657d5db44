"""A connection of the admin server: uvicorn's, with the limits that an exposed port needs.

uvicorn's `HttpToolsProtocol` parses requests, calls the application and writes answers. This class adds
a deadline for a request that does not arrive, one for an answer that is not read, limits on heads and on
pipelined requests, refusals in Go's words, and answers for clients that have closed their sending side.
docs/design.md says what remains unlimited.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import time
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from alloypy.net.deadline import Deadline
from alloypy.net.http_status import status_line
from alloypy.net.server.config import MAX_HEADER_BYTES
from alloypy.net.server.date import date_line, http_date
from alloypy.net.server.http1.head import HEAD_TOO_LARGE, Refused, read_head, read_target
from alloypy.net.server.http1.unread import Unread
from alloypy.net.server.misdirected import TLS_HANDSHAKE

if TYPE_CHECKING:
    from alloypy.services.admin.messages import ASGI, Receive, Scope, Send
    from alloypy.services.admin.uvicorn_config import AdminConfig

_SLICE = 16 << 10  # bytes given to the parser in one call, which limits the requests pipelined
_MOST_WAITING = 1 << 20  # bytes held until an answer is sent: TLS may deliver more after reading is paused
_LINE_OVERHEAD = 100  # bytes counted for a header line in addition to its own
_LINGER_SECONDS = 0.5  # time for a client to read a refusal before its connection is closed
_LEFT = {"type": "http.disconnect"}
_APOLOGY = {
    "type": "http.response.start",
    "status": 500,
    "headers": [(b"content-length", b"0"), (b"connection", b"close")],
}


class Connection(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: AdminConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger: logging.Logger = config.log
        self.access_log = False
        self._application = cast("ASGI", config.loaded_app)
        self.app = cast("Any", self._serve)
        self._strangers = config.strangers
        self._request_seconds = config.timeouts.read
        self._deadline = Deadline(self.loop, self._timed_out)  # for the client to complete a request
        self._unread = Unread(self.loop, config.timeouts.stall)
        self._head_bytes = -1  # of the head being received; below 0 between heads
        self._rest = b""  # received, and waiting for earlier requests to be answered
        self._ended = False  # no more requests are read
        self._silent = False  # the client has closed its sending side
        self._owed: Refused | None = None  # to be sent after the answers to earlier requests
        self._answering: RequestResponseCycle | None = None
        self._farewell: asyncio.TimerHandle | None = None

    # What the event loop calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Makes pause_writing report every answer that is not read. At 0, uvloop's TLS would start paused.
        transport.set_write_buffer_limits(high=1, low=0)
        self._deadline.set(self._request_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._ended = True
        self._unset_keepalive_if_required()
        self._deadline.end()
        self._unread.close()
        if self._farewell is not None:
            self._farewell.cancel()
        self._rest = b""
        self.pipeline.clear()
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()
        self._let_go()

    def _let_go(self) -> None:
        """Drop what came, and what refers to this connection: the cycle collector may be long in coming."""
        self.app = cast("Any", None)
        self.cycle = cast("Any", None)
        self.scope = cast("Any", None)
        self._answering = self._owed = self._farewell = None
        self.headers = []
        self.url = b""

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        if not self._rest:
            self._take(data)
        elif len(self._rest) + len(data) <= _MOST_WAITING:
            self._rest += data
        else:
            self.abort()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        self._silent = True
        if self.is_idle or self.scheme == "https":
            self._ended = True
            return None
        if not self._rest:
            self._end_with_the_last()
        if self._answering is not None:
            self._answering.message_event.set()
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.watch(self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.close()

    # What the server calls

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered; one whose head is incomplete does not count."""
        return not self.pipeline and (self.cycle is None or self.cycle.response_complete)

    def drain(self) -> None:
        """Answer the requests received so far, then close."""
        self.shutdown()

    def close_if_idle(self) -> bool:
        """Close the connection unless a request is being answered; whether it was closed."""
        idle = self.is_idle and not self.transport.is_closing()
        if idle:
            self.transport.close()
        return idle

    def close(self) -> None:
        """Close once everything written has been sent."""
        self.transport.close()

    def abort(self) -> None:
        """Drop the connection immediately."""
        self._ended = True
        self.transport.abort()

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._deadline.set(self._request_seconds)

    def on_headers_complete(self) -> None:
        too_large = self._head_is_too_large(0)
        self._head_bytes = -1
        try:
            if too_large:
                raise Refused(431, HEAD_TOO_LARGE)
            _, _, closes = read_head(self.headers, self.parser.get_http_version())
            path, raw_path, query, _ = read_target(self.url)
        except Refused as refusal:
            self._owed = refusal
            raise
        self.url = b"/"  # uvicorn's own parser fails on long and unusual targets
        self.server_state.default_headers = [(b"date", http_date(int(time())).encode("ascii"))]
        super().on_headers_complete()
        self.scope["path"], self.scope["raw_path"], self.scope["query_string"] = path, raw_path, query
        if closes or self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._deadline.set(0)

    # Between requests

    def _take(self, data: bytes) -> None:
        """Give the parser what was received, until something has to wait."""
        for at in range(0, len(data), _SLICE):
            self._feed(data[at : at + _SLICE])
            if self._ended or self.transport.is_closing():
                return
            if self.pipeline:
                self._rest = data[at + _SLICE :]
                self.flow.pause_reading()
                return

    def _feed(self, part: bytes) -> None:
        begins = self._head_bytes < 0
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
            self._deadline.set(self._request_seconds)
        try:
            self.parser.feed_data(part)
        except httptools.HttpParserUpgrade:
            self._ended = True  # Go ignores the offer; here the connection ends after the answer
        except httptools.HttpParserError as reason:
            if begins and part[0] == TLS_HANDSHAKE and self.scheme == "http":
                self._strangers.tell(cast("tuple[str, int] | None", self.server), tls=True)
            self.logger.debug("malformed HTTP request", extra={"fields": {"reason": str(reason)}})
            self._refuse(self._owed or Refused(400, "400 Bad Request"))
        if self._head_bytes >= 0 and self._head_is_too_large(len(part)):
            self._refuse(Refused(431, HEAD_TOO_LARGE))

    def _head_is_too_large(self, more: int) -> bool:
        """Add `more` bytes to the head being received; whether it is too large now."""
        self._head_bytes += more
        return self._head_bytes + _LINE_OVERHEAD * len(self.headers) > MAX_HEADER_BYTES

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._unread.watch(self.transport)
            return
        if self._head_bytes >= 0:  # the next request has begun meanwhile: its deadline counts
            self._unset_keepalive_if_required()
        if self.is_idle:
            self._proceed()

    def _proceed(self) -> None:
        """All requests so far are answered: go on with what has arrived meanwhile."""
        if self._owed is not None:
            self._send_refusal(self._owed)
            return
        rest, self._rest = self._rest, b""
        if rest:
            self._take(rest)
            if self._silent and not self._rest:
                self._end_with_the_last()

    def _end_with_the_last(self) -> None:
        """All that the client had to say is with the parser: the last answer ends the connection."""
        self._ended = True
        if self._owed is None:
            self.cycle.keep_alive = False
            if self.is_idle:
                self.transport.close()

    def _timed_out(self) -> None:
        if self.is_idle:
            self.abort()
        else:  # only the body is missing, and nobody needs it
            self.cycle.keep_alive = False

    # Refusals

    def _refuse(self, refusal: Refused) -> None:
        """Refuse a request that cannot be read, once earlier ones are answered, and close."""
        self._ended = True
        self._rest = b""
        self._owed = refusal
        if self.is_idle:
            self._send_refusal(refusal)

    def _send_refusal(self, refusal: Refused) -> None:
        text = str(refusal)
        head = status_line(refusal.status, "1.1", text.partition(": ")[2])
        kind = b"Content-Type: text/plain; charset=utf-8\r\n" if text else b"Content-Length: 0\r\n"
        self.transport.write(head + kind + b"Connection: close\r\n" + date_line() + b"\r\n" + text.encode())
        self._unset_keepalive_if_required()
        with contextlib.suppress(OSError):  # the client may already be gone
            if self.transport.can_write_eof():
                self.transport.write_eof()
        # Closing now would reset the connection, and a client that is still sending would lose the answer.
        self._farewell = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    # The application

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one request; if it fails, log the error and answer it with 500."""
        cycle: RequestResponseCycle = cast("Any", receive).__self__
        self._answering = cycle

        async def heard() -> Any:
            message = _LEFT if self._silent else await receive()
            return _LEFT if self._silent else message

        try:
            await self._application(scope, heard, send)
        except asyncio.CancelledError:  # the server is stopping
            self._drop(cycle)
        except Exception:
            self.logger.exception("request handler failed", extra={"fields": {"path": scope["path"]}})
            if cycle.response_started:
                self._drop(cycle)
            else:
                await send(_APOLOGY)
                await send({"type": "http.response.body", "body": b""})

    def _drop(self, cycle: RequestResponseCycle) -> None:
        """Hang up in the middle of an answer, without uvicorn reporting it."""
        cycle.disconnected = True
        self.transport.abort()
