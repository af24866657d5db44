"""A connection of the admin server: uvicorn's, with the bounds that a port in the open needs.

uvicorn's `HttpToolsProtocol` parses requests, calls the application and writes answers. Added are a deadline
for a request that does not come, one for an answer that is not read, bounds on heads and on pipelined
requests, Go's words for what is refused, and answers for clients that say nothing more.
docs/design.md says what is left unbounded.
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

_SLICE = 16 << 10  # bytes given to the parser at once: so many requests can be pipelined at most
_MOST_WAITING = 1 << 20  # bytes that wait for an answer to be sent, where TLS has more although nobody reads
_LINE_OVERHEAD = 100  # bytes that a header line costs beyond its own
_LINGER_SECONDS = 0.5  # for a client to read a refusal before its connection is closed
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
        self._deadline = Deadline(self.loop, self._timed_out)  # of the client to complete a request
        self._unread = Unread(self.loop, config.timeouts.stall)
        self._head_bytes = -1  # of the head that is coming; below 0 between heads
        self._rest = b""  # what has come and waits for the requests before it
        self._ended = False  # nothing more is read as requests
        self._silent = False  # the client has said that it sends nothing more
        self._owed: Refused | None = None  # after the answers before it
        self._answering: RequestResponseCycle | None = None
        self._farewell: asyncio.TimerHandle | None = None

    # What the event loop calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # So that every answer that waits for its reader is known. At 0, uvloop's TLS would begin paused.
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
        self._ended = True
        self._silent = True
        if self.is_idle or self.scheme == "https":
            return None
        self.cycle.keep_alive = False  # of the last request
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
        """Whether no request is being answered; one of which the head is not complete does not count."""
        return not self.pipeline and (self.cycle is None or self.cycle.response_complete)

    def drain(self) -> None:
        """Answer what has been asked, then close."""
        self.shutdown()

    def close_if_idle(self) -> bool:
        """Close the connection unless a request is being answered; whether that closed it."""
        idle = self.is_idle and not self.transport.is_closing()
        if idle:
            self.transport.close()
        return idle

    def close(self) -> None:
        """Close once what has been written is sent."""
        self.transport.close()

    def abort(self) -> None:
        """Drop the connection at once."""
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
        self.url = b"/"  # uvicorn's reader of targets knows neither long nor strange ones
        self.server_state.default_headers = [(b"date", http_date(int(time())).encode("ascii"))]
        super().on_headers_complete()
        self.scope["path"], self.scope["raw_path"], self.scope["query_string"] = path, raw_path, query
        if closes or self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._deadline.set(0)

    # From one request to the next

    def _take(self, data: bytes) -> None:
        """Give the parser what has come, up to where something has to wait."""
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
            self._ended = True  # Go takes no notice of the offer; here the connection ends with the answer
        except httptools.HttpParserError as reason:
            if begins and part[0] == TLS_HANDSHAKE and self.scheme == "http":
                self._strangers.tell(cast("tuple[str, int] | None", self.server), tls=True)
            self.logger.debug("malformed HTTP request", extra={"fields": {"reason": str(reason)}})
            self._refuse(self._owed or Refused(400, "400 Bad Request"))
        if self._head_bytes >= 0 and self._head_is_too_large(len(part)):
            self._refuse(Refused(431, HEAD_TOO_LARGE))

    def _head_is_too_large(self, more: int) -> bool:
        """Count so many bytes more as those of the head that is coming."""
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
            self._look_on()

    def _look_on(self) -> None:
        """All that has been asked is answered: turn to what has come meanwhile."""
        if self._owed is not None:
            self._say(self._owed)
            return
        rest, self._rest = self._rest, b""
        if rest:
            self._take(rest)

    def _timed_out(self) -> None:
        if self.is_idle:
            self.abort()
        else:  # only the body is missing, which nobody wants
            self.cycle.keep_alive = False

    # Refusals

    def _refuse(self, refusal: Refused) -> None:
        """Answer a request that cannot be read, after those before it, and close."""
        self._ended = True
        self._rest = b""
        self._owed = refusal
        if self.is_idle:
            self._say(refusal)

    def _say(self, refusal: Refused) -> None:
        text = str(refusal)
        head = status_line(refusal.status, "1.1", text.partition(": ")[2])
        kind = b"Content-Type: text/plain; charset=utf-8\r\n" if text else b"Content-Length: 0\r\n"
        self.transport.write(head + kind + b"Connection: close\r\n" + date_line() + b"\r\n" + text.encode())
        self._unset_keepalive_if_required()
        with contextlib.suppress(OSError):  # the client may be gone by now
            if self.transport.can_write_eof():
                self.transport.write_eof()
        # Closing at once would take the answer back from a client that is still sending.
        self._farewell = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    # The application

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application for one request; what goes wrong in it is told in our log, and is our answer."""
        cycle: RequestResponseCycle = cast("Any", receive).__self__
        self._answering = cycle

        async def heard() -> Any:
            message = _LEFT if self._silent else await receive()
            return _LEFT if self._silent else message

        try:
            await self._application(scope, heard, send)
        except asyncio.CancelledError:  # the server stops
            self._drop(cycle)
        except Exception:
            self.logger.exception("request handler failed", extra={"fields": {"path": scope["path"]}})
            if cycle.response_started:
                self._drop(cycle)
            else:
                await send(_APOLOGY)
                await send({"type": "http.response.body", "body": b""})

    def _drop(self, cycle: RequestResponseCycle) -> None:
        """Hang up in the midst of an answer, which is no news to uvicorn then."""
        cycle.disconnected = True
        self.transport.abort()
