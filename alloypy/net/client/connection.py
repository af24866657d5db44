"""One HTTP/1.1 connection of our own transport: a request out, its reply in, then back to the pool.

Nothing in a reply is trusted: its head and body are bounded, and anything beyond the one expected reply
ends the connection. Source: docs/spec/PYROSCOPE.md, section 5.1.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Protocol, cast

import httptools

from alloypy.lang.secrecy import hide
from alloypy.net.client.go_errors import broken_text
from alloypy.net.client.messages import (
    MAX_HEAD_BYTES,
    Dropped,
    Exchange,
    Response,
    SendError,
    SendTimeout,
    Told,
)
from alloypy.net.deadline import Deadline
from alloypy.net.http_status import TOO_MUCH_AROUND
from alloypy.net.memory import LARGE_BYTES, large_answers
from alloypy.profiles.model import Buffer

_JOINED_BYTES: Final = 16384
"""Requests up to this many bytes are written in one piece: copying them is cheaper than gathering."""

_LARGEST_KNOWN_REPLY_BYTES: Final = 512
_MOST_KNOWN_REPLIES: Final = 256
_known_replies: Final[dict[bytes, Response]] = {}
"""Small replies that came in one piece and left their connection open, with the parser's result.

Successes are equal, byte by byte, until the clock in their Date header ticks.
"""

TOO_MUCH_HELD: Final = "too many bytes of large answers are in memory"
_AROUND_BYTES: Final = 2 * MAX_HEAD_BYTES
_AROUND_SHARE: Final = 4
_CHUNKED: Final = re.compile(rb"(?:.*,)?[ \t]*chunked[ \t]*", re.IGNORECASE | re.DOTALL)
_BROKEN: Final = "net/http: HTTP/1.x transport connection broken: "


class Keeper(Protocol):
    """What keeps connections between requests."""

    __slots__ = ()

    def release(self, connection: Connection) -> None:
        """Take back a connection that can be used again."""
        ...

    def forget(self, connection: Connection) -> None:
        """A connection has closed."""
        ...


class Connection(asyncio.Protocol, Exchange):
    """A connection to one origin.

    tls: the context it was made with, None for plain HTTP. idle_since: when it was last released, by the
    clock of `loop`.
    """

    def __init__(self, keeper: Keeper, loop: asyncio.AbstractEventLoop, tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        self.idle_since = 0.0
        self.closed = False
        self._keeper = keeper
        self.loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._told: Told | None = None
        self._deadline = Deadline(loop, self._time_out)
        self._limit = 0
        self._held = 0
        self._start_reply()

    def _start_reply(self) -> None:
        self._received = 0
        self._head_size = 0
        self._body_size = 0
        self._reason = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._head_done = False
        self._until_close = False
        self._complete = False
        self._refused = ""
        self._reusable = True
        self._status = 0

    # What the transport calls.

    async def exchange(
        self, head: bytes, chunks: Sequence[Buffer], read_limit: int, deadline: float
    ) -> Response:
        """Send a request and return its reply; at most one at a time.

        deadline: loop time. Raises SendError; the connection is then closed.
        """
        waiter: asyncio.Future[Response] = self.loop.create_future()
        told = partial(_settle, waiter)
        try:
            self.begin(head, chunks, read_limit, deadline, told)
            return await waiter
        except asyncio.CancelledError:
            # Otherwise the reply is in, and the connection may be serving another by now.
            if self._told is told:
                self.abort()
            raise
        finally:
            del waiter, told  # an error in the waiter refers to this frame, and so to what was sent

    def begin(
        self, head: bytes, chunks: Sequence[Buffer], read_limit: int, deadline: float, told: Told
    ) -> None:
        """Send a request and return; at most one at a time.

        told: called with the outcome, never before this returns. By then the connection has been released or
        closed. deadline: loop time. Raises Dropped if the connection is already closed.
        """
        transport = self._transport
        if self.closed or transport is None:
            raise Dropped("EOF")
        if self._received:
            self._start_reply()
        self._limit = read_limit
        self._told = told
        self._deadline.set_at(deadline)
        self._write(transport, head, chunks)

    @staticmethod
    def _write(transport: asyncio.Transport, head: bytes, chunks: Sequence[Buffer]) -> None:
        size = 0
        for chunk in chunks:
            size += len(chunk)
        if size <= _JOINED_BYTES:
            transport.write(b"".join((head, *chunks)))
        else:
            transport.writelines((head, *chunks))

    def abort(self) -> None:
        """Close immediately; a reply still awaited fails."""
        self._end("EOF")

    def agreed_protocol(self) -> str | None:
        """The protocol that ALPN chose; None if one of the two sides did without ALPN."""
        tls = None if self._transport is None else self._transport.get_extra_info("ssl_object")
        return None if tls is None else cast("str | None", tls.selected_alpn_protocol())

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._told is None:  # nothing was asked for
            self._close()
            return
        known = None if self._received else _known_replies.get(data)
        if known is not None and len(known.body) <= self._limit:
            self._hand_over(known, keep=True)
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._cut()
        except httptools.HttpParserError as error:
            self._malformed(error)
            return
        if self._complete:
            # Checked first: once the reply is passed on, the connection may be serving another request.
            at_once = self._reusable and self._received == len(data) <= _LARGEST_KNOWN_REPLY_BYTES
            reply = self._finish()
            if at_once:
                _remember(data, reply)
        elif self._received > MAX_HEAD_BYTES:
            self._check_bounds()

    def eof_received(self) -> None:
        self._end(broken_text(None))

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(broken_text(exc))

    # httptools callbacks

    def on_message_begin(self) -> None:
        """A second reply in the data of the first was not asked for."""
        if self._complete:
            self._reusable = False

    def on_status(self, status: bytes) -> None:
        if not self._complete:
            self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._complete or self._head_done:  # trailers are of no interest
            return
        self._head_size += len(name) + len(value) + 4
        if self._head_size <= MAX_HEAD_BYTES:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        self._status = self._parser.get_status_code()
        if 100 <= self._status < 200 and self._status != 101:
            return
        self._head_done = True
        self._until_close = self._ends_with_connection()

    def on_body(self, data: bytes) -> None:
        if self._complete:
            return
        room = self._limit - self._body_size
        if len(data) > room:
            data = data[:room]
            self._cut()
        self._body_size += len(data)
        if self._body_size > LARGE_BYTES and not self._hold(len(data)):
            return
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._complete:
            return
        if not self._head_done:  # a 1xx: the final reply is yet to come
            self._headers.clear()
            self._reason = b""
            return
        self._complete = True
        self._reusable = self._parser.should_keep_alive()

    def _hold(self, count: int) -> bool:
        """Count a part of a large body as held; without room for it, the rest is not read."""
        if not large_answers().take(count):
            self._refused = TOO_MUCH_HELD
            self._cut()
            return False
        self._held += count
        return True

    def _let_go(self) -> None:
        large_answers().give_back(self._held)
        self._held = 0

    def _cut(self) -> None:
        """Take the reply as it is: the rest is not worth reading."""
        self._reusable = False
        self._complete = True

    def _check_bounds(self) -> None:
        """Refuse long heads, and bodies of tiny chunks: each takes time, so they hold up the loop."""
        if not self._head_done:
            self._fail_head("server response headers exceeded limit")
        elif too_much_around(self._received - self._head_size, self._body_size):
            self._reusable = False
            self._finish(TOO_MUCH_AROUND)

    # Ends

    def _ends_with_connection(self) -> bool:
        if self._status in (204, 304):
            return False
        encoding: bytes | None = None
        sized = False
        for name, value in self._headers:
            if name == b"content-length":
                sized = True
            elif name == b"transfer-encoding":
                encoding = value
        return not sized if encoding is None else not _CHUNKED.fullmatch(encoding)

    def _finish(self, broken: str = "") -> Response | SendError:
        """Pass on as much of the reply as arrived; `broken` says why the rest did not."""
        outcome: Response | SendError
        broken = broken or self._refused
        if self._head_size > MAX_HEAD_BYTES:
            self._reusable = False
            outcome = SendError(_BROKEN + "server response headers exceeded limit")
        else:
            outcome = self._response(broken)
        self._hand_over(outcome, keep=self._reusable and not broken)
        return outcome

    def _hand_over(self, outcome: Response | SendError, *, keep: bool) -> None:
        """Settle the request; the connection goes back to the pool or is closed."""
        told, self._told = self._told, None
        if self._held:
            self._let_go()
        transport = self._transport
        if keep and transport is not None and not transport.get_write_buffer_size():
            self._keeper.release(self)
        else:  # also if the reply came before the whole request was sent
            self._close()
        if told is not None:
            told(outcome)

    def _response(self, broken: str) -> Response:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []  # an idle connection would keep it
        headers = [
            (name.decode("latin-1"), value.decode(errors="surrogateescape")) for name, value in self._headers
        ]
        return Response(self._status, self._reason.decode("latin-1"), headers, body, broken)

    def _end(self, why: str) -> None:
        """The connection has ended, whatever its state was."""
        if self._told is None:
            self._close()
        elif self._head_done:
            self._reusable = False
            self._finish("" if self._until_close and why == "EOF" else _unexpected(why))
        elif self._received:
            self._fail(SendError(_BROKEN + _unexpected(why)))
        else:
            self._fail(Dropped(why))

    def _fail(self, error: SendError) -> None:
        told, self._told = self._told, None
        self._close()
        if told is not None:
            told(error)

    def _fail_head(self, why: str) -> None:
        self._fail(SendError(_BROKEN + why))

    def _malformed(self, error: Exception) -> None:
        if self._complete:  # the reply is complete, what follows does not matter
            self._reusable = False
            self._finish()
        elif self._head_done:
            self._reusable = False
            self._finish(f"malformed chunked encoding: {error}")
        else:
            self._fail_head(f"malformed HTTP response: {hide(str(error))}")

    def _time_out(self) -> None:
        if self._told is None:  # what it was set for has arrived
            return
        if self._head_done:
            self._reusable = False
            self._finish(str(SendTimeout()))
        else:
            self._fail(SendTimeout())

    def _close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._let_go()
        self._parser = None  # it refers to us
        self._deadline.end()
        if self._transport is not None:
            self._transport.abort()
        self._keeper.forget(self)


def too_much_around(received: int, body: int) -> bool:
    """Whether a reply is mostly not its body. received: its bytes, without the head."""
    return received - body > _AROUND_BYTES + body // _AROUND_SHARE


def _unexpected(why: str) -> str:
    return "unexpected EOF" if why == "EOF" else why


def _remember(data: bytes, reply: Response | SendError) -> None:
    if isinstance(reply, Response):
        if len(_known_replies) >= _MOST_KNOWN_REPLIES:
            _known_replies.clear()
        _known_replies[data] = reply


def _settle(waiter: asyncio.Future[Response], outcome: Response | SendError) -> None:
    if waiter.done():
        return
    if isinstance(outcome, Response):
        waiter.set_result(outcome)
    else:
        waiter.set_exception(outcome)
