"""How many bytes may be held for requests in flight, and in which order large bodies are admitted.

The bounds are alloypy's own (docs/compatibility.md). Source: docs/spec/PYROSCOPE.md, section 3.9.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

from alloypy.net.memory import quarter_of_memory

_MOST_BYTES_UNTIL_QUEUE: Final = 192 << 20
_MOST_WAIT_SECONDS: Final = 10.0
_STALL_SECONDS = 1.0
_PROGRESS_BYTES: Final = 16 << 10  # must arrive within _STALL_SECONDS


class Claim:
    """The bytes that a large body still has to take: promised to it, or waited for.

    waits: its turn has not come. `ByteBudget.claim` makes a claim, `ByteBudget.end` ends it.
    """

    __slots__ = ("came", "count", "go_on", "held", "last", "latest", "lose", "waits")

    def __init__(self, count: int, held: int, go_on: Callable[[], None], lose: Lose | None) -> None:
        self.count = count
        self.held = held
        self.go_on = go_on
        self.lose = lose
        self.waits = False
        self.latest = 0.0
        self.last = 0.0  # when it last made progress
        self.came = 0  # bytes that have arrived since then


Lose: TypeAlias = Callable[[], tuple[int, int]]
"""Takes a body's turn away: releases what was taken for bytes that have not arrived.

Returns how many bytes have yet to arrive, and how many are held.
"""


class ByteBudget:
    """A bound on the bytes held for requests in flight, shared by everything that holds some.

    limit: bytes beyond it are refused. mark: large bodies that would exceed it are admitted one after the
        other, as bytes are released; None for half of the limit, at most 192 MiB.
    patience: seconds that a body waits at most: after that only the limit counts, so that the whole limit
        can be used during an outage of a backend.
    """

    def __init__(self, limit: int, mark: int | None = None, patience: float = _MOST_WAIT_SECONDS) -> None:
        self.limit = limit
        self.mark = min(limit // 2, _MOST_BYTES_UNTIL_QUEUE) if mark is None else mark
        self.held = 0
        self.taken = 0  # in all, ever
        self._patience = patience
        self._promised = 0  # to bodies whose turn has come, but not yet taken
        self._queue: OrderedDict[Claim, None] = OrderedDict()
        self._held_in_queue = 0
        self._turns: dict[Claim, None] = {}  # bodies whose turn it is, and that can lose it
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._asking: Claim | None = None  # answered by `claim` itself, not by a call of `go_on`

    @property
    def waiting(self) -> int:
        """How many bodies wait for their turn."""
        return len(self._queue)

    def take(self, count: int) -> bool:
        """Count `count` more bytes as held, if there is room for them."""
        if self.held + count > self.limit:
            if self._turns:
                self._withdraw_stalled()
            if self.held + count > self.limit:
                return False
        self.held += count
        self.taken += count
        return True

    def give_back(self, count: int) -> None:
        """Count `count` bytes as no longer held."""
        self.held -= count
        if self._queue:
            self._admit_next()

    def claim(self, count: int, held: int, go_on: Callable[[], None], lose: Lose | None = None) -> Claim:
        """Ask for all the rest of a large body, `count` bytes: no two half-read bodies wait for each other.

        held: bytes taken for it so far. go_on: called by the event loop when its turn comes, if it has to
            wait or has lost its turn. lose: called when others wait and nothing of it has arrived for a
            second; None = it never loses its turn. A body that would exceed the limit does not wait: it can
            be refused now.
        """
        claim = Claim(count, held, go_on, lose)
        self._held_in_queue += held
        if not self._queue and (self._fits(claim) or (not self._turns and self.held + count > self.limit)):
            self._promise(claim)
            return claim
        self._asking = claim
        self._enqueue(claim)
        self._admit_next()
        if claim.waits and self._turns:
            self._withdraw_stalled()  # they ask again, after this one
            self._admit_next()
        if claim.waits and self.held + count > self.limit:
            self._leave_queue(claim)
            self._promise(claim)
        self._asking = None
        return claim

    def came(self, claim: Claim, count: int) -> None:
        """Bytes of a body whose turn it is have arrived."""
        claim.came += count
        if claim.came >= _PROGRESS_BYTES:
            claim.came = 0
            claim.last = asyncio.get_running_loop().time()

    def end(self, claim: Claim) -> None:
        """The body has arrived, or never will."""
        self._turns.pop(claim, None)
        self.settle(claim, claim.count)

    def settle(self, claim: Claim, count: int) -> None:
        """`count` of the claimed bytes have been taken, or never will be."""
        if claim.waits:
            self._leave_queue(claim)
            self._held_in_queue -= claim.held
        else:
            self._promised -= count
            claim.count -= count
        if self._queue:
            self._admit_next()

    def _fits(self, claim: Claim) -> bool:
        others = self.held - self._held_in_queue + self._promised
        # Leaves room for small profiles, so that even the largest body is admitted beside them.
        return others + min(claim.held + claim.count, self.mark - self.mark // 8) <= self.mark

    def _admit_next(self) -> None:
        while self._queue:
            first = next(iter(self._queue))
            if not self._fits(first):
                return
            self._admit(first)

    def _admit(self, claim: Claim) -> None:
        self._leave_queue(claim)
        self._promise(claim)
        if claim is not self._asking:
            # Not called from here: another request is in the middle of releasing its bytes.
            asyncio.get_running_loop().call_soon(claim.go_on)

    def _promise(self, claim: Claim) -> None:
        self._held_in_queue -= claim.held
        self._promised += claim.count
        if claim.lose is not None:
            claim.came = 0
            claim.last = asyncio.get_running_loop().time()
            self._turns[claim] = None

    def _enqueue(self, claim: Claim) -> None:
        claim.waits = True
        claim.latest = asyncio.get_running_loop().time() + self._patience
        self._queue[claim] = None
        self._set_timer()

    def _leave_queue(self, claim: Claim) -> None:
        claim.waits = False
        del self._queue[claim]
        if not self._queue and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _withdraw_stalled(self) -> None:
        """Take the turn away from bodies that make no progress: they queue again, after all others."""
        latest = asyncio.get_running_loop().time() - _STALL_SECONDS
        for claim in [each for each in self._turns if each.last <= latest]:
            lose = claim.lose
            if lose is None or claim not in self._turns:
                continue
            del self._turns[claim]
            self._promised -= claim.count
            claim.count, claim.held = lose()
            self._held_in_queue += claim.held
            self._enqueue(claim)

    def _set_timer(self) -> None:
        """Check again when the first in the queue has waited long enough, or a body may lose its turn."""
        when = min((claim.last + _STALL_SECONDS for claim in self._turns), default=math.inf)
        when = min(when, next(iter(self._queue)).latest)
        if self._timer is None or when < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = when
            self._timer = asyncio.get_running_loop().call_at(when, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer = None
        self._withdraw_stalled()
        self._admit_next()
        while self._queue:
            first = next(iter(self._queue))
            if first.latest > now:
                self._set_timer()
                return
            self._admit(first)


@cache
def process_budget() -> ByteBudget:
    """The budget of this process: a quarter of the memory it may use."""
    return ByteBudget(quarter_of_memory())
