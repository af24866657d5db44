"""What a connection has received but cannot parse yet; meanwhile nothing more is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from alloypy.net.server.budget import ByteBudget
from alloypy.net.server.http1.turns import Turns


class Backlog:
    """Keeps received bytes that have to wait, and pauses the transport.

    go_on: called in a turn of the event loop that has steps left, to parse what was kept.
    rest: what was kept. paused: nothing is read.
    """

    __slots__ = ("_budget", "_go_on", "_transport", "_turns", "_waits", "paused", "rest")

    def __init__(self, budget: ByteBudget, turns: Turns, go_on: Callable[[], None]) -> None:
        self._budget = budget
        self._turns = turns
        self._go_on = go_on
        self._transport: asyncio.Transport | None = None
        self._waits = False
        self.rest = b""
        self.paused = False

    def open(self, transport: asyncio.Transport) -> None:
        """The connection has been made."""
        self._transport = transport

    def keep(self, rest: bytes) -> bool:
        """Keep bytes that have to wait, and pause reading; False if the budget does not allow it."""
        self.pause()
        if not self._budget.take(len(rest)):
            return False
        self.rest += rest
        return True

    def drop(self) -> bytes:
        """Return what was kept, and keep it no longer."""
        rest, self.rest = self.rest, b""
        self._budget.give_back(len(rest))
        return rest

    def pause(self) -> None:
        """Read nothing until `read_on`."""
        if not self.paused and self._transport is not None:
            self.paused = True
            self._transport.pause_reading()

    def read_on(self) -> None:
        """Continue with what was kept; if there is nothing, resume reading."""
        if self.rest:
            self.wait_for_turn()
        elif self.paused and self._transport is not None:
            self.paused = False
            self._transport.resume_reading()

    def wait_for_turn(self) -> None:
        """Have `go_on` called once the connections that already wait have had their turn."""
        if not self._waits:
            self._waits = True
            self._turns.wait(self._turn)

    def close(self) -> None:
        """Drop everything, `go_on` included."""
        self.drop()
        self._transport = None
        self._go_on = _nobody

    def _turn(self) -> None:
        self._waits = False
        self._go_on()


def _nobody() -> None:
    """In place of `go_on` once the backlog is closed."""
