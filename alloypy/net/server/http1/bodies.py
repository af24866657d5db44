"""Bodies of requests as they arrive: of known length, or in chunks.

Source: docs/spec/PYROSCOPE.md, section 3.9.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from alloypy.net.server.body import BodyMalformed, OverBudget
from alloypy.net.server.http1.backlog import Backlog
from alloypy.net.server.http1.chunks import Chunks, Malformed
from alloypy.net.server.http1.hangup import Departure, departure, unread
from alloypy.net.server.http1.head_reader import Data, HeadReader
from alloypy.net.server.http1.turns import Turns
from alloypy.net.server.request import Request


class Receiver(Protocol):
    """What a body asks of its connection."""

    __slots__ = ()

    def body_done(self, request: Request) -> None:
        """The body has arrived."""

    def end_reading(self) -> None:
        """Nothing more can be read; the connection ends with the answer."""


class Body(Protocol):
    """A body that has not arrived completely.

    room: the buffer that the connection fills with the next bytes; None = they are passed to `take`.
    waits: nothing can be taken at the moment.
    """

    __slots__ = ()

    @property
    def room(self) -> memoryview | None: ...

    @property
    def waits(self) -> bool: ...

    def take(self, data: Data, at: int, end: int) -> int:
        """Take `data[at:end]`, or its beginning; returns where it stopped. The rest has to wait."""

    def received(self, count: int) -> None:
        """`count` bytes have been written to the beginning of the room."""

    def end(self) -> None:
        """Nothing more will be received."""


class _Read(Body):
    """The common part of bodies that have no buffer of their own to read into."""

    __slots__ = ("_receiver", "_request")

    room: memoryview | None = None
    waits = False

    def __init__(self, receiver: Receiver, request: Request) -> None:
        self._receiver = receiver
        self._request = request

    def received(self, count: int) -> None:
        """There is no room, so this is never called."""

    def end(self) -> None:
        """There is nothing to release."""

    def _add(self, part: bytes | memoryview) -> bool:
        """Pass on the next part; False if nothing more may be read."""
        request = self._request
        if request.discards or request.failed:
            request.received += len(part)
        elif request.hold(len(part)):
            request.add(part)
        else:
            request.fail(OverBudget, "too many bytes in flight")
            self._receiver.end_reading()
            return False
        return True


class CountedBody(_Read):
    """A body of known length."""

    __slots__ = ("_heads", "_length")

    def __init__(self, receiver: Receiver, request: Request, length: int, heads: HeadReader) -> None:
        super().__init__(receiver, request)
        self._length = length
        self._heads = heads

    def take(self, data: Data, at: int, end: int) -> int:
        """Take what belongs to the body; returns the offset where it ends."""
        request = self._request
        stop = min(end, at + self._length - request.received)
        part = memoryview(data)[at:stop]
        self._heads.count_body(part)
        if self._add(part) and request.received == self._length:
            self._receiver.body_done(request)
        return stop


class ChunkedBody(_Read):
    """A body in chunks; parsing many small ones is spread over several turns of the event loop."""

    __slots__ = ("_backlog", "_chunks", "_looked_ahead", "_turns")

    def __init__(self, receiver: Receiver, request: Request, backlog: Backlog, turns: Turns) -> None:
        super().__init__(receiver, request)
        self._backlog = backlog
        self._turns = turns
        self._chunks = Chunks()
        self._looked_ahead = False  # at the client's last bytes

    def take(self, data: Data, at: int, end: int) -> int:
        """Take as many chunks as there are steps for; returns the offset where it stopped."""
        request, chunks = self._request, self._chunks
        try:
            at = chunks.feed(data, at, end, self._turns.steps)
        except Malformed as reason:
            request.fail(BodyMalformed, str(reason))
            self._receiver.end_reading()
            return end
        self._turns.spend(chunks.steps)
        goes_on = True
        if content := chunks.content():
            goes_on = self._add(content)
        request.announce(chunks.announced)
        if chunks.done and goes_on:
            self._receiver.body_done(request)
        elif at < end and goes_on:
            self._backlog.wait_for_turn()
        return at

    def departure(self, transport: asyncio.Transport, *, plain: bool) -> Departure:
        """Whether the client has left in the middle of the body: the rest is then not worth parsing.

        Also NONE if it has stopped sending but the body may be complete with what has arrived.
        plain: without TLS.
        """
        left = departure(transport)
        if left is not Departure.ENDED:
            return left
        if self._looked_ahead or not plain:
            return Departure.NONE
        self._looked_ahead = True
        rest = self._backlog.rest + unread(transport)
        self._turns.spend(len(rest) >> 10)
        return Departure.NONE if self._chunks.may_end(rest) else left
