"""HTTP/1.1 as the receivers speak it: a protocol class in the shape of uvicorn's.

It differs from uvicorn's own in what profiles need: a large body is received straight into one
buffer, every phase has its timeout, headers and held bytes are bounded, trailers can be sent, and
malformed requests are answered in Go's words. An application is spoken to in ASGI, with the
extensions that `body` names. Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.5, 3.9.

The parser is given one head at a time, up to its last byte. So a request is looked at only when the one
before it is answered, the framing of bodies is ours, and what has to wait is kept as it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any, TypeAlias, cast

import httptools

from alloypy.net.deadline import Deadline
from alloypy.net.http_status import status_line
from alloypy.net.server.body import App, BodyBroken, BodyMalformed, BodyStalled, OverBudget
from alloypy.net.server.config import ServerConfig, ServerState
from alloypy.net.server.date import date_line
from alloypy.net.server.exchange import Exchange
from alloypy.net.server.http1.chunks import Chunks, Malformed
from alloypy.net.server.http1.hangup import Departure, departure, unread
from alloypy.net.server.http1.head import ORIGIN, Refused, read_head, read_target
from alloypy.net.server.http1.large_body import LargeBody
from alloypy.net.server.http1.turns import turns_of
from alloypy.net.server.http1.unread import Unread
from alloypy.net.server.misdirected import TLS_HANDSHAKE
from alloypy.net.server.offers import Offer

_READ_SIZE = 64 << 10
_LINE_OVERHEAD = 100  # bytes that a header line costs beyond its own
_FREE_HEAD = 8 << 10  # what a head may take without being counted as held
_END_OF_HEAD = b"\r\n\r\n"
_TOO_LARGE = "431 Request Header Fields Too Large"
_LINGER = 0.5
_STEPS_PER_VISIT = 100  # of `Turns`: what looking at a request costs, however short it is

_Data: TypeAlias = bytes | bytearray

# One buffer for all connections: what is read into it is looked at before anybody reads again.
_shared = bytearray(_READ_SIZE)
_shared_view = memoryview(_shared)


class HttpProtocol(asyncio.BufferedProtocol):
    """One connection. The arguments are those that uvicorn gives its protocol classes.

    transport: until the connection is lost.
    """

    # Beyond thirty attributes Python finds them in twice the time, without slots.

    __slots__ = (
        "_app",
        "_astray",
        "_budget",
        "_chunks",
        "_current",
        "_draining",
        "_ended",
        "_farewell",
        "_fed",
        "_head_complete",
        "_head_held",
        "_headers",
        "_idle_timeout",
        "_large",
        "_logger",
        "_looked_ahead",
        "_loop",
        "_max_header_bytes",
        "_parser",
        "_read_paused",
        "_read_timeout",
        "_rest",
        "_scope_base",
        "_state",
        "_stays",
        "_tail",
        "_tell_stranger",
        "_turn",
        "_turns",
        "_unread",
        "_url",
        "_waits",
        "_writable",
        "_write_timeout",
        "transport",
    )

    def __init__(
        self,
        config: ServerConfig,
        state: ServerState,
    ) -> None:
        self._app: App = config.app
        self._read_timeout, self._write_timeout, idle, stall = config.timeouts
        self._idle_timeout = idle or self._read_timeout
        self._max_header_bytes = config.max_header_bytes
        self._budget = config.budget
        self._logger: logging.Logger = config.logger
        self._tell_stranger = config.strangers.tell
        self._state = state
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self._scope_base: dict[str, Any] = {}

        self._parser: Any = httptools.HttpRequestParser(self)
        self._astray = False  # the parser has not seen the body: the next head needs a new one
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._fed = 0  # bytes of the present head
        self._tail = b""  # the last of them
        self._head_held = 0
        self._head_complete = False
        self._stays = False

        self._current: Exchange | None = None  # the request that is being received or answered
        self._chunks: Chunks | None = None  # its body, if that comes in chunks
        self._large: LargeBody | None = None  # its body, if that goes past the parser
        self._rest = b""  # what has come and has to wait
        self._turns = turns_of(self._loop)
        self._waits = False  # for a turn, to look at that
        self._looked_ahead = False  # at the last that comes
        self._ended = False  # nothing more is read as requests
        self._read_paused = False
        self._draining = False

        self._turn = Deadline(self._loop, self._timed_out)  # of the client to make its next move
        self._farewell: asyncio.TimerHandle | None = None
        self._writable: asyncio.Event | None = None
        self._unread = Unread(self._loop, stall)  # what the client leaves of its answer

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._state.connections.add(self)
        peer = transport.get_extra_info("peername")
        local = transport.get_extra_info("sockname")
        self._scope_base = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
            "root_path": "",
            "client": tuple(peer[:2]) if isinstance(peer, tuple | list) else None,
            "server": tuple(local[:2]) if isinstance(local, tuple | list) else None,
        }
        self._turn.set(self._read_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._ended = True
        # Nothing of us may be left to the cycle collector: what has been received would stay with it.
        self._turn.end()
        self._unread.close()
        if self._farewell is not None:
            self._farewell.cancel()
        if self._writable is not None:
            self._writable.set()
        self._stop_receiving()
        exchange, self._current = self._current, None
        if exchange is not None:
            exchange.lose()
        self._parser = self.transport = None

    def get_buffer(self, sizehint: int) -> memoryview:
        large = self._large
        return _shared_view if large is None or large.room is None else large.room

    def buffer_updated(self, nbytes: int) -> None:
        if self._large is not None and self._large.room is not None:
            self._large.received(nbytes)
        elif not self._ended:
            self._take(_shared, nbytes)

    def eof_received(self) -> bool:
        exchange = self._current
        if exchange is None or exchange.over:
            return False
        if not exchange.complete:
            exchange.fail(BodyBroken, "unexpected EOF")
        self.end_reading(exchange)
        exchange.end()
        # The answer can still go out, but not over TLS.
        return bool(self._scope_base["scheme"] == "http")

    def pause_writing(self) -> None:
        self._writable = asyncio.Event()
        self._unread.watch(self.transport)

    def resume_writing(self) -> None:
        self._unread.close()
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    # What the parser calls

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._head_complete = True
        self._stays = self._parser.should_keep_alive()  # later it has forgotten

    # What the exchange and its large body call

    def hold(self, exchange: Exchange, count: int) -> bool:
        """Count bytes as held for the exchange, if the budget allows."""
        if not self._budget.take(count):
            return False
        exchange.held += count
        return True

    def give_back(self, exchange: Exchange, count: int) -> None:
        """Count bytes of the body as passed on, no longer held."""
        count = min(count, exchange.held)
        self._budget.give_back(count)
        exchange.held -= count

    def want_body(self, exchange: Exchange) -> None:
        """Read on; a large body of known length no longer through the parser, which would copy it."""
        if exchange is not self._current or exchange.complete or self._ended:
            return
        length = exchange.length
        if (
            exchange.wants_all
            and length is not None
            and length - exchange.received > _READ_SIZE
            and self._large is None
        ):
            self._astray = True
            self._large = LargeBody(self, exchange, length, self._budget)
            self._large.begin()
        if self._large is None or not self._large.waits:
            self.read_on()

    def give_up(self, exchange: Exchange) -> None:
        """The rest of the body is not wanted any more."""
        if exchange is self._current and self._large is not None:
            large, self._large = self._large, None
            large.end()
            exchange.keep_alive = False

    def body_done(self, exchange: Exchange) -> None:
        """The body has arrived."""
        self._chunks = self._large = None
        exchange.finish_body()
        self._turn.set(0)
        if exchange.over:
            self._next()

    def end_reading(self, exchange: Exchange) -> None:
        """Nothing more is read; the connection ends with the answer."""
        self._ended = True
        self._stop_receiving()
        exchange.keep_alive = False

    def stop_turn(self) -> float:
        """Let the client's time to send stand still; the seconds that are left of it."""
        return self._turn.stop()

    def begin_turn(self, seconds: float) -> None:
        """Let the client's time to send go on; 0 = no bound."""
        self._turn.set(seconds)

    def response_done(self, exchange: Exchange) -> None:
        """The response is written completely."""
        exchange.over = True
        if not exchange.keep_alive or self._ended:
            self._close(linger=not exchange.complete or bool(self._rest))
        elif exchange.complete:
            self._next()
        else:
            exchange.discards = True
            self.read_on()

    def app_done(self, exchange: Exchange) -> None:
        """The application has returned; nothing of the request is held any more."""
        self._budget.give_back(exchange.held)
        exchange.held = 0
        if exchange.task is not None:
            self._state.tasks.discard(exchange.task)
            exchange.task = None

    def takes_more(self, exchange: Exchange) -> bool:
        """Whether an answer can be written now, without waiting, and within the write timeout."""
        return self._writable is None and self._loop.time() <= exchange.write_by

    async def writable(self, exchange: Exchange) -> bool:
        """Whether the transport takes more before the exchange's write timeout."""
        if self._writable is None:
            return True
        try:
            async with asyncio.timeout_at(exchange.write_by):
                await self._writable.wait()
        except TimeoutError:
            return False
        return self.transport is not None  # the client may have left meanwhile

    def extend(self, exchange: Exchange, seconds: float) -> None:
        """Give the request `seconds` from now to be read and answered."""
        exchange.write_by = self._loop.time() + seconds
        if not exchange.complete:
            self._turn.set(seconds)

    def abort(self) -> None:
        """Drop the connection without a word."""
        if self.transport is not None:
            self.transport.abort()

    # What the server calls

    def drain(self) -> None:
        """Answer what has been asked, then close."""
        self._draining = True
        if self._current is not None:
            self._current.keep_alive = False

    def close_if_idle(self) -> bool:
        """Close the connection unless a request is being received or answered. Whether that closed it."""
        idle = self._current is None and self.transport is not None and not self.transport.is_closing()
        if idle and self.transport is not None:
            self.transport.close()
        return idle

    def close(self) -> None:
        """Close once what has been written is sent."""
        if self.transport is not None:
            self.transport.close()

    # Taking apart what comes

    def _take(self, data: _Data, end: int) -> None:
        """Take apart what has come, up to where something has to wait."""
        if self._rest:  # reading was paused, but TLS had more
            self._keep(bytes(data[:end]))
            return
        at = 0
        while at < end and not self._ended:
            exchange = self._current
            if exchange is None:
                at = self._take_head(data, at, end)
            elif exchange.complete:
                if exchange.keep_alive:
                    self._keep(bytes(data[at:end]))
                return
            elif self._chunks is not None:
                at = self._take_chunks(exchange, self._chunks, data, at, end)
                if at < end and not exchange.complete and not self._ended:
                    self._keep(bytes(data[at:end]))
                    self._wait_for_turn()
                    return
            elif self._large is not None:
                at += self._large.copy(memoryview(data)[at:end])
                if self._large is not None and self._large.room is None:
                    self._keep(bytes(data[at:end]))
                    return
            else:
                at = self._take_body(exchange, data, at, end)
        exchange = self._current
        if exchange is None or exchange.complete or exchange.wants_all:
            return
        if exchange.pending > _READ_SIZE:
            self.pause_reading()

    def _keep(self, rest: bytes) -> None:
        """Keep what has to wait, and read no more meanwhile."""
        if not rest or self._ended:
            return
        self.pause_reading()
        if self._budget.take(len(rest)):
            self._rest += rest
        elif self._current is not None:
            if not self._current.complete:
                self._current.fail(OverBudget, "too many bytes in flight")
            self.end_reading(self._current)

    def _drop_rest(self) -> bytes:
        rest, self._rest = self._rest, b""
        self._budget.give_back(len(rest))
        return rest

    def read_on(self) -> None:
        """Go on with what has been kept, or else read."""
        if self._rest:
            self._wait_for_turn()
        elif self._read_paused and self.transport is not None:
            self._read_paused = False
            self.transport.resume_reading()

    def _wait_for_turn(self) -> None:
        """Look at what has been kept after others have had their turn."""
        if not self._waits:
            self._waits = True
            self._turns.wait(self._take_rest)

    def _take_rest(self) -> None:
        self._waits = False
        if self._ended or self.transport is None:
            return
        self._turns.spend(_STEPS_PER_VISIT)
        if self._chunks is not None and self._is_left(self.transport, self._chunks):
            return
        rest = self._drop_rest()
        self._take(rest, len(rest))
        exchange = self._current
        if self._rest or self._ended or (self._large is not None and self._large.waits):
            return
        if exchange is None or exchange.pending <= _READ_SIZE or exchange.wants_all:
            self.read_on()

    def _is_left(self, transport: asyncio.Transport, chunks: Chunks) -> bool:
        """Whether the client has left in the midst of a body; what came of it is not worth taking apart."""
        left = departure(transport)
        if left is Departure.BROKEN:
            transport.abort()
            return True
        if left is Departure.NONE or self._looked_ahead or self._scope_base["scheme"] != "http":
            return False
        self._looked_ahead = True
        rest = self._rest + unread(transport)
        self._turns.spend(len(rest) >> 10)
        if chunks.may_end(rest):
            return False
        self.eof_received()
        return True

    def _take_head(self, data: _Data, at: int, end: int) -> int:
        """Give the parser more of a head, up to its end; where it stopped, or where a whole body does."""
        if self._fed:
            stop = self._end_of_head(data, at, end)
        else:
            while data[at] in _END_OF_HEAD:  # empty lines before a request
                at += 1
                if at == end:
                    return end
            stop = data.find(_END_OF_HEAD, at, end) + 4
            if stop < 4:
                stop = 0
                self._turn.set(self._read_timeout)
        if self._astray:
            self._parser = httptools.HttpRequestParser(self)
            self._astray = False
        try:
            self._parser.feed_data(data[at : stop or end])
        except httptools.HttpParserUpgrade:
            self._astray = True  # Go takes no notice of the offer, but the parser will not go on
        except httptools.HttpParserCallbackError:
            raise
        except httptools.HttpParserError as reason:
            if not self._fed and data[at] == TLS_HANDSHAKE and self._scope_base["scheme"] == "http":
                self._tell_stranger(self._scope_base["server"], tls=True)
            self._malformed(str(reason))
            return end
        self._fed += (stop or end) - at
        if self._head_complete != (stop > 0):
            self._malformed("the head ends elsewhere")
            return end
        if stop:
            return self._begin(data, stop, end)
        self._tail = (self._tail + data[max(at, end - 3) : end])[-3:]
        self._hold_head()
        return end

    def _end_of_head(self, data: _Data, at: int, end: int) -> int:
        """Where the head ends that has begun before; 0 when it does not."""
        tail = self._tail
        found = (tail + data[at : min(at + 3, end)]).find(_END_OF_HEAD)
        if found >= 0:
            return at + found + 4 - len(tail)
        found = data.find(_END_OF_HEAD, at, end)
        return found + 4 if found >= 0 else 0

    def _hold_head(self) -> bool:
        """Bound a head, and count it as held; its lines take more than their bytes."""
        size = self._fed + _LINE_OVERHEAD * len(self._headers)
        if size > self._max_header_bytes:
            self._refuse(Refused(431, _TOO_LARGE))
        elif not self._budget.take(size - self._head_held):
            self._refuse(Refused(503, "503 Service Unavailable"))
        else:
            self._head_held = size
            return True
        return False

    def _begin(self, data: _Data, at: int, end: int) -> int:
        """Begin with the request whose head is complete; where its body stops, `at` if that is not there."""
        large = self._head_held or self._fed + _LINE_OVERHEAD * len(self._headers) > _FREE_HEAD
        if large and not self._hold_head():
            return end
        try:
            exchange = self._exchange()
        except Refused as refusal:
            self._refuse(refusal)
            return end
        exchange.held, self._head_held = self._head_held, 0
        self._url = self._tail = b""
        self._headers = []
        self._fed = 0
        self._head_complete = False
        self._current = exchange
        # With a name, for asyncio would make one up.
        exchange.task = self._loop.create_task(exchange.run(self._app, self._logger), name="request")
        self._state.tasks.add(exchange.task)
        length = exchange.length
        if length is None:
            self._astray = True
            self._chunks = Chunks()
        elif length <= end - at and (not length or self._budget.take(length)):
            stop = at + length
            body = bytes(_shared_view[at:stop]) if data is _shared else bytes(data[at:stop])
            if length and not self._astray:
                self._parser.feed_data(body)  # it counts along, to see where the next head begins
            exchange.held += length
            exchange.arrive(body)
            self._turn.set(0)
            return stop
        self._turn.set(self._read_timeout)
        return at

    def _exchange(self) -> Exchange:
        """The request whose head is complete. Raises Refused."""
        version = self._parser.get_http_version()
        length, expects_continue, closes = read_head(self._headers, version)
        path, raw_path, query, origin = read_target(self._url)
        scope = {
            **self._scope_base,
            "http_version": version,
            "method": self._parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self._headers,
        }
        if origin:
            scope[ORIGIN] = origin
        exchange = Exchange(self, scope, length, expects_continue)
        exchange.keep_alive = self._stays and not closes and not self._draining
        if self._write_timeout > 0:
            exchange.write_by = self._loop.time() + self._write_timeout
        return exchange

    def _forget_head(self) -> None:
        self._url = self._tail = b""
        self._headers = []
        self._fed = 0
        self._head_complete = False
        self._budget.give_back(self._head_held)
        self._head_held = 0

    def _take_body(self, exchange: Exchange, data: _Data, at: int, end: int) -> int:
        """Take a part of a body of known length; where it stopped."""
        length = exchange.length or 0
        stop = min(end, at + length - exchange.received)
        part = memoryview(data)[at:stop]
        if not self._astray:
            self._parser.feed_data(part)  # it counts along, to see where the next head begins
        self._add(exchange, part)
        if exchange.received == length and not self._ended:
            self.body_done(exchange)
        return stop

    def _take_chunks(self, exchange: Exchange, chunks: Chunks, data: _Data, at: int, end: int) -> int:
        """Take a part of a chunked body; where it stopped."""
        try:
            at = chunks.feed(data, at, end, self._turns.steps)
        except Malformed as reason:
            exchange.fail(BodyMalformed, str(reason))
            self.end_reading(exchange)
            return end
        self._turns.spend(chunks.steps)
        if content := chunks.content():
            self._add(exchange, content)
        exchange.announce(chunks.announced)
        if chunks.done and not self._ended:
            self.body_done(exchange)
        return at

    def _add(self, exchange: Exchange, part: bytes | memoryview) -> None:
        if exchange.discards or exchange.failed:
            exchange.received += len(part)
        elif self.hold(exchange, len(part)):
            exchange.add(part)
        else:
            exchange.fail(OverBudget, "too many bytes in flight")
            self.end_reading(exchange)

    def _stop_receiving(self) -> None:
        """Let go of all that has been received and is not the application's."""
        self._drop_rest()
        self._forget_head()
        self._chunks = None
        large, self._large = self._large, None
        if large is not None:
            large.end()

    def _malformed(self, reason: str) -> None:
        self._logger.debug("malformed HTTP request", extra={"fields": {"reason": reason}})
        refusal = Refused(400, "400 Bad Request")
        if self._head_complete:  # it may be a coding that we can name
            try:
                read_head(self._headers, self._parser.get_http_version())
            except Refused as better:
                refusal = better
        self._refuse(refusal)

    # From one request to the next

    def _next(self) -> None:
        """Turn to the next request of this connection."""
        self._current = None
        self._turn.set(self._idle_timeout)
        if self._rest or self._read_paused:
            self.read_on()

    def _refuse(self, refusal: Refused) -> None:
        """Answer a request that cannot be read, and close."""
        self._ended = True
        if self.transport is None:
            return
        text = str(refusal)
        head = status_line(refusal.status, "1.1", text.partition(": ")[2])
        kind = b"Content-Type: text/plain; charset=utf-8\r\n" if text else b"Content-Length: 0\r\n"
        self.transport.write(head + kind + b"Connection: close\r\n" + date_line() + b"\r\n" + text.encode())
        self._close(linger=True)

    def _close(self, *, linger: bool) -> None:
        """Close; when the client is still sending, give it time to read the answer first."""
        transport = self.transport
        if transport is None:
            return
        self._ended = True
        self._stop_receiving()
        self._unread.watch(transport)
        if not linger or transport.is_closing():
            transport.close()
            return
        with contextlib.suppress(OSError):  # the client may be gone by now
            if transport.can_write_eof():
                transport.write_eof()
        self.read_on()
        self._farewell = self._loop.call_later(_LINGER, transport.close)

    def pause_reading(self) -> None:
        """Read nothing until `read_on`."""
        if not self._read_paused and self.transport is not None:
            self._read_paused = True
            self.transport.pause_reading()

    def _timed_out(self) -> None:
        if self.transport is None:
            return
        exchange = self._current
        if exchange is not None and not exchange.complete and not exchange.over:
            exchange.fail(BodyStalled, "i/o timeout")
            self.end_reading(exchange)
        else:
            self.transport.abort()


HTTP1 = Offer("http/1.1", HttpProtocol)
