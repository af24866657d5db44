"""The server's side of an HTTP/1.1 connection, which carries one request after the other.

What arrives goes to the `HeadReader`, then to the body of the current request; what has to wait goes to the
`Backlog`. Every phase has its timeout. Applications are called as in ASGI, with the extension of `body`.
Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.5, 3.9.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from alloypy.net.deadline import Deadline
from alloypy.net.server.body import BodyBroken, BodyStalled, OverBudget
from alloypy.net.server.config import ServerConfig, ServerState
from alloypy.net.server.exchange import Connection, Exchange
from alloypy.net.server.http1.backlog import Backlog
from alloypy.net.server.http1.bodies import Body, ChunkedBody, CountedBody, Receiver
from alloypy.net.server.http1.hangup import Departure
from alloypy.net.server.http1.head import Refused
from alloypy.net.server.http1.head_reader import Data, HeadReader
from alloypy.net.server.http1.large_body import LargeBody
from alloypy.net.server.http1.response import ResponseWriter
from alloypy.net.server.http1.scope import connection_scope
from alloypy.net.server.http1.sending_side import SendingSide, refuse
from alloypy.net.server.http1.turns import turns_of
from alloypy.net.server.misdirected import TLS_HANDSHAKE
from alloypy.net.server.offers import Offer
from alloypy.net.server.request import Request

_READ_BYTES: Final = 64 << 10
_STEPS_PER_VISIT: Final = 100  # of `Turns`: the cost of looking at a request, however short it is

# One buffer for all connections: what is read into it is processed before the next read.
_shared: Final = bytearray(_READ_BYTES)
_shared_view: Final = memoryview(_shared)


class HttpProtocol(asyncio.BufferedProtocol, Connection, Receiver):
    """One connection.

    transport: None once the connection is lost.
    """

    # Without slots, Python takes twice as long to find attributes once there are more than thirty.

    __slots__ = (
        "_app",
        "_backlog",
        "_body",
        "_budget",
        "_current",
        "_draining",
        "_ended",
        "_heads",
        "_idle_timeout",
        "_logger",
        "_loop",
        "_patience",
        "_plain",
        "_read_timeout",
        "_response",
        "_scope_base",
        "_sending",
        "_state",
        "_strangers",
        "_turns",
        "_write_timeout",
        "transport",
    )

    def __init__(self, config: ServerConfig, state: ServerState) -> None:
        self._app = config.app
        self._read_timeout, self._write_timeout, idle, stall = config.timeouts
        self._idle_timeout = idle or self._read_timeout
        self._budget = config.budget
        self._logger = config.logger
        self._strangers = config.strangers
        self._state = state
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self._plain = True  # without TLS
        self._scope_base: dict[str, Any] = {}

        self._heads = HeadReader(config.budget, config.max_header_bytes)
        self._current: Exchange | None = None  # the request that is being received or answered
        self._response: ResponseWriter | None = None  # to the current request
        self._body: Body | None = None  # of the current request, until it has arrived
        self._turns = turns_of(self._loop)
        self._backlog = Backlog(config.budget, self._turns, self._go_on)
        self._ended = False  # nothing more is read as requests
        self._draining = False

        self._patience = Deadline(self._loop, self._timed_out)  # for the client's next move
        self._sending = SendingSide(self._loop, stall)

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._backlog.open(self.transport)
        self._state.connections.add(self)
        self._plain = not transport.get_extra_info("sslcontext")
        self._scope_base = connection_scope(transport, plain=self._plain)
        self._patience.set(self._read_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._ended = True
        # Nothing may be left to the cycle collector: it would keep what has been received.
        self._patience.end()
        self._sending.end()
        self._stop_receiving()
        exchange, self._current = self._current, None
        if exchange is not None:
            exchange.lose()
        self._heads.close()
        self._backlog.close()
        self._response = self.transport = None

    def get_buffer(self, sizehint: int) -> memoryview:
        room = None if self._body is None else self._body.room
        return _shared_view if room is None else room

    def buffer_updated(self, nbytes: int) -> None:
        body = self._body
        if body is not None and body.room is not None:
            body.received(nbytes)
        elif not self._ended:
            self._take(_shared, nbytes)

    def eof_received(self) -> bool:
        exchange = self._current
        if exchange is None or exchange.over:
            return False
        if not exchange.complete:
            exchange.fail(BodyBroken, "unexpected EOF")
        self.end_reading()
        exchange.end()
        # The answer can still be sent, but not over TLS.
        return self._plain

    def pause_writing(self) -> None:
        self._sending.pause(self.transport)

    def resume_writing(self) -> None:
        self._sending.resume()

    # Parsing what arrives

    def _take(self, data: Data, end: int) -> None:
        """Parse what has arrived, up to where something has to wait."""
        if self._backlog.rest:  # reading is paused, but TLS had more
            self._keep(bytes(data[:end]))
            return
        at = 0
        while at < end and not self._ended:
            exchange = self._current
            if exchange is None:
                at = self._take_head(data, at, end)
            elif self._body is None:
                if self._response is not None and self._response.keep_alive:
                    self._keep(bytes(data[at:end]))
                return
            else:
                at = self._body.take(data, at, end)
                if at < end and not exchange.complete:
                    self._keep(bytes(data[at:end]))
                    return
        exchange = self._current
        if exchange is None or exchange.complete or exchange.wants_all:
            return
        if exchange.pending > _READ_BYTES:
            self._backlog.pause()

    def _take_head(self, data: Data, at: int, end: int) -> int:
        """Take a head or part of one; returns where it ends, or where the body ends that came with it."""
        heads = self._heads
        begun = heads.fed
        try:
            stop = heads.feed(data, at, end)
            if stop:
                return self._begin(data, stop, end)
        except Refused as refusal:
            self._refuse(refusal, first=-1 if heads.fed else data[at])
            return end
        if not begun and heads.fed:
            self._patience.set(self._read_timeout)
        return end

    def _begin(self, data: Data, at: int, end: int) -> int:
        """Begin the request whose head is complete; returns where its body ends, `at` if not yet here."""
        transport = self.transport
        if transport is None:
            return end
        scope, length, expects_continue, stays, held = self._heads.take(self._scope_base)
        method: str = scope["method"]
        response = self._response = ResponseWriter(
            transport,
            scope["http_version"],
            method == "HEAD",
            stays and not self._draining,
        )
        exchange = Exchange(self, response, self._budget, scope, length, expects_continue)
        exchange.held = held
        if self._write_timeout > 0:
            exchange.write_by = self._loop.time() + self._write_timeout
        self._current = exchange
        exchange.begin(self._loop, self._app, self._logger, self._state.tasks)
        if length is None:
            self._body = ChunkedBody(self, exchange, self._backlog, self._turns)
        elif length <= end - at and (not length or exchange.hold(length)):
            stop = at + length
            body = bytes(_shared_view[at:stop]) if data is _shared else bytes(data[at:stop])
            if length:
                self._heads.count_body(body)
            exchange.arrive(body)
            return stop
        else:
            self._body = CountedBody(self, exchange, length, self._heads)
        self._patience.set(self._read_timeout)
        return at

    def _keep(self, rest: bytes) -> None:
        """Keep bytes that have to wait, and pause reading."""
        if not rest or self._ended or self._backlog.keep(rest):
            return
        if self._current is not None:
            if not self._current.complete:
                self._current.fail(OverBudget, "too many bytes in flight")
            self.end_reading()

    def _go_on(self) -> None:
        """It is our turn to parse what was kept."""
        transport, backlog = self.transport, self._backlog
        if self._ended or transport is None:
            return
        self._turns.spend(_STEPS_PER_VISIT)
        if isinstance(self._body, ChunkedBody):
            left = self._body.departure(transport, plain=self._plain)
            if left is not Departure.NONE:
                self.abort() if left is Departure.BROKEN else self.eof_received()
                return
        rest = backlog.drop()
        self._take(rest, len(rest))
        exchange = self._current
        if backlog.rest or self._ended or (self._body is not None and self._body.waits):
            return
        if exchange is None or exchange.pending <= _READ_BYTES or exchange.wants_all:
            backlog.read_on()

    # What requests and their bodies call

    def want_body(self, request: Request) -> None:
        """Keep reading; a large body of known length now bypasses the parser, which would copy it."""
        if request is not self._current or request.complete or self._ended:
            return
        length = request.length
        if (
            request.wants_all
            and length is not None
            and length - request.received > _READ_BYTES
            and not isinstance(self._body, LargeBody)
        ):
            self._heads.skip_body()
            large = self._body = LargeBody(self, request, length, self._budget, self._backlog, self._patience)
            large.begin()
        if self._body is None or not self._body.waits:
            self._backlog.read_on()

    def give_up(self, request: Request) -> None:
        """The rest of the body is no longer wanted."""
        if request is self._current and isinstance(self._body, LargeBody):
            self._end_body()
            if self._response is not None:
                self._response.keep_alive = False

    def body_done(self, request: Request) -> None:
        """The body has arrived."""
        self._body = None
        request.finish_body()
        if request.over:
            self._next()

    def end_reading(self) -> None:
        """Read nothing more; the connection ends with the answer."""
        self._ended = True
        self._stop_receiving()
        if self._response is not None:
            self._response.keep_alive = False

    def extend(self, request: Request, seconds: float) -> None:
        """Give the request `seconds` from now to be read and answered."""
        request.write_by = self._loop.time() + seconds
        if not request.complete:
            self._patience.set(seconds)

    # What an exchange calls

    def takes_more(self, exchange: Exchange) -> bool:
        """Whether an answer can be written now: without waiting, and before the write timeout."""
        return not self._sending.full and self._loop.time() <= exchange.write_by

    async def writable(self, exchange: Exchange) -> bool:
        """Wait until the transport takes more; False if the exchange's write timeout comes first."""
        in_time = await self._sending.wait(exchange.write_by)
        return in_time and self.transport is not None  # the client may have left meanwhile

    def response_done(self, exchange: Exchange) -> None:
        """The response has been written completely: go on to the next request, or close."""
        response = self._response
        if response is None or not response.keep_alive or self._ended:
            self._close(linger=not exchange.complete or bool(self._backlog.rest))
        elif exchange.complete:
            self._next()
        else:
            exchange.discards = True
            self._backlog.read_on()

    def drop(self, exchange: Exchange) -> None:
        """End the exchange without an answer, which ends the connection."""
        self.abort()

    # What the server calls

    def drain(self) -> None:
        """Answer the requests received so far, then close."""
        self._draining = True
        if self._response is not None:
            self._response.keep_alive = False

    def close_if_idle(self) -> bool:
        """Close the connection unless a request is being received or answered; returns whether it did."""
        idle = self._current is None and self.transport is not None and not self.transport.is_closing()
        if idle:
            self.close()
        return idle

    def close(self) -> None:
        """Close once everything written has been sent."""
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Drop the connection immediately."""
        if self.transport is not None:
            self.transport.abort()

    # From one request to the next, and to the end

    def _next(self) -> None:
        """Go on to the next request of this connection."""
        self._current = self._response = None
        self._patience.set(self._idle_timeout)
        backlog = self._backlog
        if backlog.rest or backlog.paused:
            backlog.read_on()

    def _refuse(self, refusal: Refused, *, first: int) -> None:
        """Answer a request that cannot be read, and close. first: its first byte if that failed, else -1."""
        if refusal.reason:
            if first == TLS_HANDSHAKE and self._plain:
                self._strangers.tell(self._scope_base["server"], tls=True)
            self._logger.debug("malformed HTTP request", extra={"fields": {"reason": refusal.reason}})
        self._ended = True
        if self.transport is not None:
            refuse(self.transport, refusal)
            self._close(linger=True)

    def _close(self, *, linger: bool) -> None:
        """Close; with `linger`, give a client that is still sending time to read the answer."""
        if self.transport is None:
            return
        self._ended = True
        self._stop_receiving()
        if self._sending.close(self.transport, linger=linger):
            self._backlog.read_on()

    def _stop_receiving(self) -> None:
        """Release everything received that the application does not hold."""
        self._backlog.drop()
        self._heads.forget()
        self._end_body()

    def _end_body(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.end()

    def _timed_out(self) -> None:
        exchange = self._current
        if exchange is None or exchange.over:
            self.abort()
        elif not exchange.complete:  # otherwise the client has done its part
            exchange.fail(BodyStalled, "i/o timeout")
            self.end_reading()


HTTP1 = Offer("http/1.1", HttpProtocol)
