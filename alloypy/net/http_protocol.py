"""HTTP/1.1 as the receivers speak it: a protocol class in the shape of uvicorn's.

It differs from uvicorn's own in what profiles need: a large body is received straight into one
buffer, every phase has its timeout, headers and held bytes are bounded, trailers can be sent, and
malformed requests are answered in Go's words. An application is spoken to in ASGI, with the
extensions that `body` names. Source: PYROSCOPE spec sections 3.3, 3.5, 3.9.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import httptools

from alloypy.net.body import App, BodyBroken, BodyStalled, ClientLeft, OverBudget
from alloypy.net.budget import Claim
from alloypy.net.deadline import Deadline
from alloypy.net.http_exchange import Exchange
from alloypy.net.http_head import Refused, read_head, read_target
from alloypy.net.http_status import status_line
from alloypy.net.unread import Unread

if TYPE_CHECKING:
    from alloypy.net.server import ServerConfig, ServerState

_READ_SIZE = 256 << 10
_GROWTH = 32
_FREE_HEADER_BYTES = 16 << 10
_MOST_OVERHEAD = 1 << 20
_LINGER = 0.5

# One buffer for all connections: what is read into it is parsed before anybody reads again.
_shared = bytearray(_READ_SIZE)
_shared_view = memoryview(_shared)


class HttpProtocol(asyncio.BufferedProtocol):
    """One connection. The arguments are those that uvicorn gives its protocol classes."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any] | None = None,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._app: App = config.loaded_app
        self._timeouts = config.timeouts
        self._max_header_bytes = config.max_header_bytes
        self._budget = config.budget
        self._logger: logging.Logger = config.logger
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._scope_base: dict[str, Any] = {}

        self._parser = self._new_parser()
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._fed = 0  # bytes of the present head, or of chunk framing and trailers
        self._in_head = True
        self._ended = False  # nothing more is read as requests
        self._deaf = False  # what the parser says is not for us
        self._room: memoryview | None = None  # where a large body goes on, past the parser
        self._claim: Claim | None = None  # to the rest of that body

        self._receiving: Exchange | None = None  # the last request whose head is complete
        self._current: Exchange | None = None  # the request that is being answered
        self._waiting: deque[Exchange] = deque()
        self._read_paused = False
        self._draining = False

        self._turn = Deadline(self._loop, self._timed_out)  # of the client to make its next move
        self._time_left = 0.0  # of that turn, while it stands still
        self._writable: asyncio.Event | None = None
        self._unread = Unread(self._loop, config.timeouts.stall)  # what the client leaves of its answer

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
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
        self._turn.set(self._timeouts.read)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._ended = True
        self._turn.close()
        self._unread.close()
        if self._writable is not None:
            self._writable.set()
        for exchange in (self._current, self._receiving, *self._waiting):
            if exchange is not None:
                exchange.lose(ClientLeft("client disconnected"))
        self._drop_waiting()
        self._room = None
        self._transport = None

    def get_buffer(self, sizehint: int) -> memoryview:
        return _shared_view if self._room is None else self._room

    def buffer_updated(self, nbytes: int) -> None:
        if self._room is not None:
            self._received_raw(nbytes)
        elif not self._ended:
            self._feed(_shared_view[:nbytes])

    def eof_received(self) -> bool:
        exchange = self._receiving
        if exchange is None or exchange.over:
            return False
        if not exchange.complete:
            exchange.fail(BodyBroken("unexpected EOF"))
        self._ended = True
        exchange.keep_alive = False
        exchange.end()
        if self._current is not None:
            self._current.end()
        # The answer can still go out, but not over TLS.
        return bool(self._scope_base["scheme"] == "http")

    def pause_writing(self) -> None:
        self._writable = asyncio.Event()
        self._unread.watch(self._transport)

    def resume_writing(self) -> None:
        self._unread.close()
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._deaf:
            return
        self._url = b""
        self._headers = []
        self._in_head = True
        self._fed = 0
        if self._current is None:
            self._turn.set(self._timeouts.read)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head and not self._deaf:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._ended or self._deaf:
            return
        try:
            exchange = self._exchange()
        except Refused as refusal:
            self._refuse(refusal)
            return
        self._receiving = exchange
        if self._current is None:
            self._start(exchange)
        else:
            self._waiting.append(exchange)
            self._pause_reading()

    def on_body(self, body: bytes) -> None:
        exchange = self._receiving
        if self._ended or exchange is None or exchange.discards:
            return
        if self.hold(exchange, len(body)):
            exchange.add(body)
        else:
            self._over_budget(exchange)

    def on_message_complete(self) -> None:
        exchange = self._receiving
        if self._ended or exchange is None or (exchange.length != 0 and self._parser.should_upgrade()):
            return
        exchange.finish_body()
        if exchange is self._current:
            self._turn.set(0)
            if exchange.over:
                self._next()

    # What the exchange calls

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport, until the connection is lost."""
        return self._transport

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
        if exchange is not self._receiving or exchange.complete or self._ended:
            return
        if exchange.wants_all and exchange.length is not None:
            left = exchange.length - exchange.received
            if left > _READ_SIZE // 4:
                self._make_room(exchange, exchange.length)
                if self._claim is not None and self._claim.waits:
                    return
        self._resume_reading()

    def give_up(self, exchange: Exchange) -> None:
        """The rest of the body is not wanted any more."""
        claim, self._claim = self._claim, None
        if claim is not None:
            self._budget.settle(claim, claim.count)
            # The parser has not seen all of what came: it would not find the next request.
            exchange.keep_alive = False

    def response_done(self, exchange: Exchange) -> None:
        """The response is written completely."""
        exchange.over = True
        if not exchange.keep_alive or self._ended:
            self._close(linger=not exchange.complete)
        elif exchange.complete:
            self._next()
        else:
            exchange.discards = True
            self._resume_reading()

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
        return self._transport is not None  # the client may have left meanwhile

    def extend(self, exchange: Exchange, seconds: float) -> None:
        """Give the request `seconds` from now to be read and answered."""
        exchange.write_by = self._loop.time() + seconds
        if not exchange.complete:
            self._turn.set(seconds)

    def abort(self) -> None:
        """Drop the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    # What the server calls

    def shutdown(self) -> None:
        """Answer what has been asked, then close (uvicorn's name for it)."""
        self._draining = True
        for exchange in (self._current, self._receiving):
            if exchange is not None:
                exchange.keep_alive = False

    def close_if_idle(self) -> None:
        """Close the connection unless a request is being received or answered."""
        if self._current is None and self._transport is not None:
            self._transport.close()

    # Inner workings

    def _new_parser(self) -> Any:
        parser = httptools.HttpRequestParser(self)
        # What follows a request with `Connection: close` is ignored, as in Go.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _feed(self, data: memoryview) -> None:
        exchange = self._receiving
        before = exchange.received if exchange is not None else 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade()
            if rest := data[upgrade.args[0] :]:
                self._feed(rest)
            return
        except httptools.HttpParserCallbackError:
            raise
        except httptools.HttpParserError as reason:
            self._malformed(str(reason))
            return
        if self._ended or self._transport is None:
            return
        if self._in_head:
            self._count_head(len(data))
        elif (receiving := self._receiving) is not None and not receiving.complete:
            if receiving is exchange and receiving.length is None:
                self._count_overhead(receiving, len(data) - (receiving.received - before))
            if receiving.pending > _READ_SIZE // 4 and not receiving.wants_all:
                self._pause_reading()

    def _ignore_upgrade(self) -> None:
        """Go takes no notice of an offered upgrade, but the parser leaves such a request's body unread.

        A new parser reads it, after a head with the same framing that nobody listens to.
        """
        self._parser = self._new_parser()
        exchange = self._receiving
        if exchange is None or exchange.complete:
            return
        framing = (
            "Transfer-Encoding: chunked" if exchange.length is None else f"Content-Length: {exchange.length}"
        )
        self._deaf = True
        self._parser.feed_data(f"POST / HTTP/1.1\r\n{framing}\r\n\r\n".encode("ascii"))
        self._deaf = False

    def _received_raw(self, count: int) -> None:
        exchange, room = self._receiving, self._room
        if exchange is None or room is None or exchange.length is None:
            return
        exchange.received += count
        if count < len(room):
            self._room = room[count:]
        elif exchange.received < exchange.length:
            self._make_room(exchange, exchange.length)
        else:
            self._room = None
            # The parser still waits for this body: the next request needs a new one.
            self._parser = self._new_parser()
            self.on_message_complete()

    def _make_room(self, exchange: Exchange, length: int) -> None:
        """Room for more of a body, in proportion to what has come: an announcement alone gets none."""
        self._room = None
        size = min(length, max(exchange.received * _GROWTH, _READ_SIZE))
        if size > _READ_SIZE and self._claim is None:
            if size < length and exchange.received < _READ_SIZE:
                size = _READ_SIZE
            elif self._waits_for_turn(exchange, length):
                return
        more = size - exchange.received
        if not self.hold(exchange, more):
            self._over_budget(exchange)
            return
        self._room = exchange.enlarge(size)
        if self._claim is not None:
            self._budget.settle(self._claim, more)
            if size == length:
                self._claim = None

    def _waits_for_turn(self, exchange: Exchange, length: int) -> bool:
        """Claim the rest of a body that is really coming; whether it has to wait for its turn.

        Nothing is read while it waits, so that a client who leaves is seen only when its turn has come,
        which the budget's patience bounds. Its time to send stands still.
        """
        go_on = partial(self._go_on, exchange, length)
        self._claim = self._budget.claim(length - exchange.received, exchange.held, go_on)
        if self._claim.waits:
            self._time_left = self._turn.stop()
            self._pause_reading()
        return self._claim.waits

    def _go_on(self, exchange: Exchange, length: int) -> None:
        """The turn of a body that waited has come, if anybody still wants it."""
        if self._claim is not None and exchange is self._receiving and not self._ended:
            self._turn.set(self._time_left)
            self._make_room(exchange, length)
            self._resume_reading()

    def _over_budget(self, exchange: Exchange) -> None:
        exchange.fail(OverBudget("too many bytes in flight"))
        self._end_reading(exchange)

    def _count_head(self, count: int) -> None:
        """Bound a head that is not complete; hold what is more than usual."""
        self._fed += count
        if self._fed > self._max_header_bytes:
            self._refuse(Refused(431, "431 Request Header Fields Too Large"))
        elif self._fed > _FREE_HEADER_BYTES and self._budget.held + self._fed > self._budget.limit:
            self._refuse(Refused(503, "503 Service Unavailable"))

    def _count_overhead(self, exchange: Exchange, count: int) -> None:
        """Bound chunk framing and trailers, which are read but not kept."""
        self._fed += count
        if self._fed > _MOST_OVERHEAD + 8 * exchange.received:
            exchange.fail(BodyBroken("chunked encoding has too much overhead"))
            self._end_reading(exchange)

    def _malformed(self, reason: str) -> None:
        if self._ended:
            return
        exchange = self._receiving
        if not self._in_head and exchange is not None and not exchange.complete:
            exchange.fail(BodyBroken("invalid byte in chunk length"))
            self._end_reading(exchange)
            return
        self._logger.debug("malformed HTTP request", extra={"fields": {"reason": reason}})
        self._refuse(Refused(400, "400 Bad Request"))

    def _end_reading(self, exchange: Exchange) -> None:
        self._ended = True
        self._room = None
        exchange.keep_alive = False

    def _exchange(self) -> Exchange:
        """The request whose head is complete. Raises Refused."""
        if self._fed > self._max_header_bytes // 2:
            size = len(self._url) + sum(len(name) + len(value) for name, value in self._headers)
            if size > self._max_header_bytes:
                raise Refused(431, "431 Request Header Fields Too Large")
        version = self._parser.get_http_version()
        length, expects_continue = read_head(self._headers, version)
        path, raw_path, query = read_target(self._url)
        scope = {
            **self._scope_base,
            "http_version": version,
            "method": self._parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self._headers,
        }
        exchange = Exchange(self, scope, length, expects_continue)
        # A parser that was offered an upgrade wants no next request; we take no notice of the offer.
        stays = self._parser.should_keep_alive() or (version == "1.1" and self._parser.should_upgrade())
        exchange.keep_alive = stays and not self._draining
        if self._timeouts.write > 0:
            exchange.write_by = self._loop.time() + self._timeouts.write
        return exchange

    def _start(self, exchange: Exchange) -> None:
        self._current = exchange
        # With a name, for asyncio would make one up.
        exchange.task = self._loop.create_task(exchange.run(self._app, self._logger), name="request")
        self._state.tasks.add(exchange.task)

    def _next(self) -> None:
        """Turn to the next request of this connection."""
        self._current = None
        if self._waiting:
            exchange = self._waiting.popleft()
            self._start(exchange)
            if not exchange.complete:
                self._turn.set(self._timeouts.read)
        else:
            begun = self._in_head
            self._turn.set(self._timeouts.read if begun else self._timeouts.idle or self._timeouts.read)
        if not self._waiting:
            self._resume_reading()

    def _drop_waiting(self) -> None:
        for exchange in self._waiting:
            self.app_done(exchange)
        self._waiting.clear()

    def _refuse(self, refusal: Refused) -> None:
        """Answer a request that cannot be read, and close."""
        self._ended = True
        if self._transport is None:
            return
        text = str(refusal)
        head = status_line(refusal.status, "1.1", text.partition(": ")[2])
        kind = b"Content-Type: text/plain; charset=utf-8\r\n" if text else b"Content-Length: 0\r\n"
        if self._current is None:
            self._transport.write(head + kind + b"Connection: close\r\n\r\n" + text.encode())
            self._close(linger=True)
        else:
            # An earlier request is still being answered; the client gets that and a closed connection.
            self._current.keep_alive = False

    def _close(self, *, linger: bool) -> None:
        """Close; when the client is still sending, give it time to read the answer first."""
        transport = self._transport
        if transport is None:
            return
        self._ended = True
        self._drop_waiting()
        self._unread.watch(transport)
        if not linger or transport.is_closing():
            transport.close()
            return
        with contextlib.suppress(OSError):  # the client may be gone by now
            if transport.can_write_eof():
                transport.write_eof()
        self._room = None
        self._resume_reading()
        self._loop.call_later(_LINGER, transport.close)

    def _pause_reading(self) -> None:
        if not self._read_paused and self._transport is not None:
            self._read_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._read_paused and self._transport is not None:
            self._read_paused = False
            self._transport.resume_reading()

    def _timed_out(self) -> None:
        if self._transport is None:
            return
        exchange = self._receiving
        if exchange is not None and not exchange.complete and not exchange.over:
            exchange.fail(BodyStalled("i/o timeout"))
            self._end_reading(exchange)
        else:
            self._transport.abort()
