"""One request: receives its body as it arrives, and serves the application that asks for it.

Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.5, 3.9.
"""

from __future__ import annotations

import asyncio
import math
import mmap
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final, Protocol

from alloypy.net.http_status import body_too_large
from alloypy.net.server.body import BodyError, BodyTooLarge, ClientLeft, OverBudget
from alloypy.net.server.budget import ByteBudget
from alloypy.profiles.model import Buffer

_LARGE_BYTES: Final = 8 << 20


class Source(Protocol):
    """What a request asks of its connection."""

    __slots__ = ()

    def want_body(self, request: Request) -> None:
        """Go on receiving the body."""

    def give_up(self, request: Request) -> None:
        """The rest of the body is no longer wanted."""

    def extend(self, request: Request, seconds: float) -> None:
        """Give the request `seconds` from now to be read and answered."""


class Request:
    """A request with its body; implements that part of `body.Extension`.

    go_on: asks the client to send the body; None where the client does not wait for that.
    length: bytes of the body; None = unknown until its end. received: bytes of it so far.
    held: bytes counted against the budget. complete: the whole body has arrived.
    wants_all: the application waits for the whole body. discards: the rest of it is not wanted.
    over: it has been answered. lost: the client is gone. ended: the client sends nothing more.
    write_by: loop time by which it must be answered.
    """

    __slots__ = (
        "_announced",
        "_body",
        "_budget",
        "_failure",
        "_given",
        "_go_on",
        "_limit",
        "_source",
        "_waiter",
        "complete",
        "discards",
        "ended",
        "held",
        "length",
        "lost",
        "over",
        "received",
        "wants_all",
        "write_by",
    )

    def __init__(
        self, source: Source, budget: ByteBudget, length: int | None, go_on: Callable[[], None] | None
    ) -> None:
        self._source = source
        self._budget = budget
        self._go_on = go_on
        self._body: Buffer = b""
        self._limit = sys.maxsize
        self._announced = length or 0  # bytes of the body that the client has announced
        # What went wrong, not the exception: that refers to the frames it was raised in, and they to us.
        self._failure: tuple[type[BodyError], str] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._given = False  # the application has received all of the body
        self.length = length
        self.received = 0
        self.held = 0
        self.complete = False
        self.discards = False
        self.wants_all = False
        self.over = False
        self.lost = False
        self.ended = False
        self.write_by = math.inf

    # What the connection calls

    @property
    def pending(self) -> int:
        """Bytes of the body that have arrived and not been asked for."""
        return len(self._body)

    @property
    def failed(self) -> bool:
        """Whether the body will not arrive."""
        return self._failure is not None

    def hold(self, count: int) -> bool:
        """Count bytes as held for this request, if the budget allows."""
        if not self._budget.take(count):
            return False
        self.held += count
        return True

    def give_back(self, count: int) -> None:
        """Count bytes as no longer held."""
        count = min(count, self.held)
        self._budget.give_back(count)
        self.held -= count

    def announce(self, total: int) -> None:
        """The client has announced a body of at least `total` bytes."""
        self._announced = total
        if total > self._limit:
            self.fail(BodyTooLarge, body_too_large(self._limit))

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
            # One growing buffer: it takes no more memory than what has arrived, however small the parts.
            self._body += part
        self._wake()

    def enlarge(self, size: int) -> memoryview:
        """Enlarge the body's buffer to `size` bytes; returns a view of the part that has not arrived."""
        larger = _empty_buffer(size)
        larger[: self.received] = memoryview(self._body)[: self.received]
        self._body = larger
        return larger[self.received :]

    def shrink(self) -> int:
        """Free the buffer beyond what has arrived; returns how many bytes that freed."""
        before = len(self._body)
        self._body = bytearray(memoryview(self._body)[: self.received])
        return before - self.received

    def finish_body(self) -> None:
        """The body is complete."""
        self.complete = True
        self._wake()

    def fail(self, kind: type[BodyError], reason: str) -> None:
        """The body will not arrive."""
        if self._failure is None and not self.complete:
            self._failure = kind, reason
            self._body = b""
        self._wake()

    def end(self) -> None:
        """The client sends nothing more; an application that waits for it to leave may stop waiting."""
        self.ended = True
        self._wake()

    def lose(self) -> None:
        """The connection is gone."""
        self.lost = True
        self.fail(ClientLeft, "client disconnected")

    # What the application calls

    async def receive(self) -> MutableMapping[str, Any]:
        """ASGI's receive: the body in parts, then the client's disconnection."""
        if self._go_on is not None:
            self._ask_for_body(self._go_on)
        while not (self._body or self.complete or self._failure is not None):
            self._source.want_body(self)
            await self._wait()
        if self._failure is not None:
            raise _raised(self._failure)
        if self._given:
            while not (self.lost or self.over or self.ended):
                await self._wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        self._given = self.complete
        self.give_back(len(body))
        return {"type": "http.request", "body": bytes(body), "more_body": not self.complete}

    async def read_body(self, limit: int, deadline: float | None) -> Buffer:
        """The whole body; see `Extension.read_body`."""
        if self.complete:
            pass
        elif deadline is None:
            await self._arrival(limit)
        else:
            async with asyncio.timeout_at(deadline):
                await self._arrival(limit)
        body = self.take_body(limit)
        if body is None:
            raise BodyTooLarge(body_too_large(limit))
        return body

    def take_body(self, limit: int) -> Buffer | None:
        """The whole body if it has arrived; see `Extension.take_body`."""
        if not self.complete or self.received > limit:
            return None
        body, self._body = self._body, b""
        return body

    def extend_deadlines(self, seconds: float) -> None:
        """Give the request more time; see `Extension.extend_deadlines`."""
        self._source.extend(self, seconds)

    def hold_bytes(self, count: int) -> None:
        """Count bytes as held, or as released; see `Extension.hold_bytes`."""
        if count < 0:
            self.give_back(-count)
        elif not self.hold(count):
            raise OverBudget("too many bytes in flight")

    async def _arrival(self, limit: int) -> None:
        if self._announced > limit:
            raise BodyTooLarge(body_too_large(limit))
        self._limit = limit
        self.wants_all = True
        if self._go_on is not None:
            self._ask_for_body(self._go_on)
        self._source.want_body(self)
        try:
            while not self.complete:
                if self._failure is not None:
                    raise _raised(self._failure)
                await self._wait()
        except BaseException:
            self._source.give_up(self)
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

    def _ask_for_body(self, go_on: Callable[[], None]) -> None:
        self._go_on = None
        if not self.lost and not self.complete:
            go_on()


def _raised(failure: tuple[type[BodyError], str]) -> BodyError:
    kind, reason = failure
    return kind(reason)


def _empty_buffer(size: int) -> memoryview:
    """A buffer of `size` bytes.

    The system clears the pages of a large one as they are written to; clearing 64 MB in one go would hold
    the event loop for 20 ms or more.
    """
    return memoryview(mmap.mmap(-1, size) if size >= _LARGE_BYTES else bytearray(size))
