"""Long work without holding up the event loop: in a thread, or with a pause now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from alloypy.lang.evaluation.effort import SHORT_BYTES, SHORT_STEPS, Effort, Exhausted, allowed
from alloypy.threads import WORK

T = TypeVar("T")

WORK_SECONDS = 120.0
"""How long one parsing, one graph or one evaluation may take in a thread."""

SMALL_BYTES = 16 << 10
"""Bytes of configuration that are read where others wait for it."""

_BREATH_SECONDS = 0.01


class Pace:
    """Lets others have their turn during a load, a wave of evaluations or a long answer."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def breathe(self) -> None:
        """To be awaited between two steps; gives way when the last time is 10 ms ago."""
        if time.monotonic() - self._since >= _BREATH_SECONDS:
            await asyncio.sleep(0)
            self._since = time.monotonic()


async def computed(work: Callable[[], T], size: int) -> T:
    """The result of pure work over `size` bytes of configuration. Raises what it raises, and TimeoutError."""
    return work() if size <= SMALL_BYTES else await WORK.run(work, WORK_SECONDS)


async def evaluated(work: Callable[[], T]) -> T:
    """The result of an evaluation: at once when it is short, else from a thread.

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
