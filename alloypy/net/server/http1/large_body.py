"""A large body of known length, received straight into its buffer, bypassing the parser.

It asks the byte budget for all its bytes in one claim, waits for its turn, and loses it when nothing arrives.
Source: docs/spec/PYROSCOPE.md, section 3.9.
"""

from __future__ import annotations

from typing import Final

from alloypy.net.deadline import Deadline
from alloypy.net.server.body import OverBudget
from alloypy.net.server.budget import ByteBudget, Claim
from alloypy.net.server.http1.backlog import Backlog
from alloypy.net.server.http1.bodies import Body, Receiver
from alloypy.net.server.http1.head_reader import Data
from alloypy.net.server.request import Request

FIRST_ROOM_BYTES: Final = 256 << 10
"""Bytes that a body gets without waiting for its turn."""

_BUFFER_GROWTH: Final = 32  # times what has arrived


class LargeBody(Body):
    """The rest of a request's body.

    patience: the client's time to send, which is stopped while the body waits for its turn.
    room: where the next bytes go; None while the body waits for its turn, or once it has failed.
    """

    __slots__ = (
        "_backlog",
        "_budget",
        "_claim",
        "_length",
        "_patience",
        "_receiver",
        "_request",
        "_time_left",
        "room",
    )

    def __init__(
        self,
        receiver: Receiver,
        request: Request,
        length: int,
        budget: ByteBudget,
        backlog: Backlog,
        patience: Deadline,
    ) -> None:
        self._receiver = receiver
        self._request = request
        self._length = length
        self._budget = budget
        self._backlog = backlog
        self._patience = patience
        self._claim: Claim | None = None
        self._time_left = 0.0  # the client's remaining seconds, while its time is stopped
        self.room: memoryview | None = None

    @property
    def waits(self) -> bool:
        """Whether its turn has not come."""
        return self._claim is not None and self._claim.waits

    def begin(self) -> None:
        """Make room for the first bytes, or wait for it."""
        self._make_room()

    def take(self, data: Data, at: int, end: int) -> int:
        """Take bytes that arrived in another buffer, as far as there is room; returns where it stopped."""
        view = memoryview(data)
        while at < end and (room := self.room) is not None:
            count = min(len(room), end - at)
            room[:count] = view[at : at + count]
            at += count
            self.received(count)
        return at

    def received(self, count: int) -> None:
        """`count` bytes have been written to the beginning of the room."""
        request, room = self._request, self.room
        if room is None:
            return
        request.received += count
        if self._claim is not None:
            self._budget.came(self._claim, count)
        if count < len(room):
            self.room = room[count:]
        elif request.received < self._length:
            self._make_room()
        else:
            self.end()
            self._receiver.body_done(request)

    def end(self) -> None:
        """Nothing more will be received: the body is complete, or no longer wanted."""
        self.room = None
        claim, self._claim = self._claim, None
        if claim is not None:
            self._budget.end(claim)

    def _make_room(self) -> None:
        """Make room in proportion to what has arrived: a length that is only announced gets none."""
        self.room = None
        request, length = self._request, self._length
        size = min(length, max(request.received * _BUFFER_GROWTH, FIRST_ROOM_BYTES))
        if size > FIRST_ROOM_BYTES and self._claim is None:
            if size < length and request.received < FIRST_ROOM_BYTES:
                size = FIRST_ROOM_BYTES
            else:
                left = length - request.received
                self._claim = self._budget.claim(left, request.held, self._go_on, self._lose_turn)
                if self._claim.waits:
                    self._wait()
                    return
        more = size - request.received
        if self._claim is not None:
            self._budget.came(self._claim, FIRST_ROOM_BYTES)  # the room so far has been filled
        if not request.hold(more):
            request.fail(OverBudget, "too many bytes in flight")
            self._receiver.end_reading()
            return
        self.room = request.enlarge(size)
        if self._claim is not None:
            self._budget.settle(self._claim, more)

    def _wait(self) -> None:
        """Read nothing until its turn has come; the client's time to send is stopped.

        A client that leaves meanwhile is noticed only then; the budget's patience bounds that time.
        """
        self._time_left = self._patience.stop()
        self._backlog.pause()

    def _go_on(self) -> None:
        """Its turn has come: continue, if the body is still wanted."""
        if self._claim is not None and not self._claim.waits:
            self._patience.set(self._time_left)
            self._make_room()
            self._backlog.read_on()

    def _lose_turn(self) -> tuple[int, int]:
        """Nothing arrived and others wait: release the room, and wait again; see `budget.Lose`."""
        request = self._request
        self.room = None
        request.give_back(request.shrink())
        self._wait()
        return self._length - request.received, request.held
