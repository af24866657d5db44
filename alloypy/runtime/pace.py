"""Long work without blocking the event loop: in a thread, or with pauses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from alloypy.lang.evaluation.effort import SHORT_BYTES, SHORT_STEPS, Effort, Exhausted, allowed
from alloypy.threads import WORK

T = TypeVar("T")

WORK_SECONDS = 120.0
"""How long one parse, one graph or one evaluation may take in a thread."""

SMALL_BYTES = 16 << 10
"""Configurations of at most this many bytes are handled in the event loop, without a thread."""

_BREATH_SECONDS = 0.01


class Pace:
    """Lets other tasks run during a load, a wave of evaluations or a long answer."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def breathe(self) -> None:
        """Await this between two steps; it yields to other tasks if it last did so 10 ms ago or more."""
        if time.monotonic() - self._since >= _BREATH_SECONDS:
            await asyncio.sleep(0)
            self._since = time.monotonic()


async def computed(work: Callable[[], T], size: int) -> T:
    """The result of pure work over `size` bytes of configuration. Raises what it raises, and TimeoutError."""
    return work() if size <= SMALL_BYTES else await WORK.run(work, WORK_SECONDS)


async def evaluated(work: Callable[[], T]) -> T:
    """The result of an evaluation: in the event loop when it is short, else in a thread.

    Raises what it raises, and TimeoutError.
    """
    try:
        with allowed(Effort(SHORT_STEPS, SHORT_BYTES, final=False)):
            return work()
    except Exhausted:
        return await WORK.run(lambda: _at_length(work), WORK_SECONDS)


def _at_length(work: Callable[[], T]) -> T:
    with allowed(Effort()):
        return work()
