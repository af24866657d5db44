"""Work that clients can split as finely as they like, spread over the turns of the event loop.

All connections of a loop share one allowance per turn; connections that need more than is left continue in
later turns, one after the other. So a turn takes no longer, however many such clients there are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

PER_TURN: Final = 20_000
"""Steps per turn of the event loop; a step takes about half a microsecond."""

PER_VISIT: Final = 4_000
"""Steps that one connection may take before the next one's turn."""


class Turns:
    """The allowance of one event loop, and the connections that wait for it."""

    __slots__ = ("_left", "_scheduled", "_waiting")

    def __init__(self) -> None:
        self._left = PER_TURN
        self._scheduled = False
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def steps(self) -> int:
        """How many steps may be taken now: 0 once those of this turn are used up."""
        return 0 if self._left <= 0 else min(self._left, PER_VISIT)

    def spend(self, steps: int) -> None:
        """Steps have been taken."""
        self._left -= steps
        self._schedule()

    def wait(self, go_on: Callable[[], None]) -> None:
        """Have `go_on` called in a turn that has steps left; unless it is done, it must spend some."""
        self._waiting.append(go_on)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        """Begin a new turn: those that have been waiting come first."""
        self._scheduled = False
        self._left = PER_TURN
        try:
            while self._waiting and self._left > 0:
                self._waiting.popleft()()
        finally:
            if self._waiting or self._left < PER_TURN:
                self._schedule()


_turns: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Turns]] = WeakKeyDictionary()


def turns_of(loop: asyncio.AbstractEventLoop) -> Turns:
    """The turns that the connections of a loop share."""
    turns = _turns.get(loop)
    if turns is None:
        turns = _turns[loop] = Turns()
    return turns
