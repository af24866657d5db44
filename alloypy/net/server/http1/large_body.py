"""A large body of known length, received past the parser, straight into its place.

It asks the byte budget for all of its bytes at once, waits for its turn, and loses it when nothing comes.
Source: docs/spec/PYROSCOPE.md, section 3.9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alloypy.net.server.body import OverBudget
from alloypy.net.server.budget import ByteBudget, Claim
from alloypy.net.server.exchange import Exchange

if TYPE_CHECKING:
    from alloypy.net.server.http1.protocol import HttpProtocol

FIRST_ROOM = 256 << 10
"""Bytes for which no body has to wait for its turn."""

_GROWTH = 32


class LargeBody:
    """What is left of the body of one exchange.

    room: where its next bytes go; None while it waits for its turn, or once it has failed.
    """

    __slots__ = ("_budget", "_claim", "_connection", "_exchange", "_length", "_time_left", "room")

    def __init__(self, connection: HttpProtocol, exchange: Exchange, length: int, budget: ByteBudget) -> None:
        self._connection = connection
        self._exchange = exchange
        self._length = length
        self._budget = budget
        self._claim: Claim | None = None
        self._time_left = 0.0  # of the client's time to send, while that stands still
        self.room: memoryview | None = None

    @property
    def waits(self) -> bool:
        """Whether its turn has not come."""
        return self._claim is not None and self._claim.waits

    def begin(self) -> None:
        """Make room for the first bytes, or wait for it."""
        self._make_room()

    def copy(self, part: memoryview) -> int:
        """Take what has come elsewhere; how many bytes there was room for."""
        room = self.room
        if room is None:
            return 0
        count = min(len(room), len(part))
        room[:count] = part[:count]
        self.received(count)
        return count

    def received(self, count: int) -> None:
        """Bytes have been written to the beginning of the room."""
        exchange, room = self._exchange, self.room
        if room is None:
            return
        exchange.received += count
        if self._claim is not None:
            self._budget.came(self._claim, count)
        if count < len(room):
            self.room = room[count:]
        elif exchange.received < self._length:
            self._make_room()
        else:
            self.end()
            self._connection.body_done(exchange)

    def end(self) -> None:
        """Nothing more is received: the body is there, or not wanted any more."""
        self.room = None
        claim, self._claim = self._claim, None
        if claim is not None:
            self._budget.end(claim)

    def _make_room(self) -> None:
        """Room in proportion to what has come: an announcement alone gets none."""
        self.room = None
        exchange, length = self._exchange, self._length
        size = min(length, max(exchange.received * _GROWTH, FIRST_ROOM))
        if size > FIRST_ROOM and self._claim is None:
            if size < length and exchange.received < FIRST_ROOM:
                size = FIRST_ROOM
            else:
                left = length - exchange.received
                self._claim = self._budget.claim(left, exchange.held, self._go_on, self._lose_turn)
                if self._claim.waits:
                    self._wait()
                    return
        more = size - exchange.received
        if self._claim is not None:
            self._budget.came(self._claim, FIRST_ROOM)  # what was there is full
        if not self._connection.hold(exchange, more):
            exchange.fail(OverBudget, "too many bytes in flight")
            self._connection.end_reading(exchange)
            return
        self.room = exchange.enlarge(size)
        if self._claim is not None:
            self._budget.settle(self._claim, more)

    def _wait(self) -> None:
        """Read nothing until its turn has come; the client's time to send stands still.

        A client who leaves meanwhile is seen only then, which the budget's patience bounds.
        """
        self._time_left = self._connection.stop_turn()
        self._connection.pause_reading()

    def _go_on(self) -> None:
        """Its turn has come, if anybody still wants it."""
        if self._claim is not None and not self._claim.waits:
            self._connection.begin_turn(self._time_left)
            self._make_room()
            self._connection.read_on()

    def _lose_turn(self) -> tuple[int, int]:
        """Nothing came, and others wait: give back the room, and wait again; see `budget.Lose`."""
        exchange = self._exchange
        self.room = None
        self._connection.give_back(exchange, exchange.shrink())
        self._wait()
        return self._length - exchange.received, exchange.held
