"""Keeps the C library from giving large blocks back to the kernel after every profile.

Getting a page from the kernel costs more than receiving what goes into it. Blocks are given back
when profiles have stopped coming. Only glibc takes this advice; elsewhere nothing is done.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import cache
from typing import cast

from alloypy.net.server.budget import ByteBudget

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_KEPT_BYTES = 64 << 20
_MOST_KEPT_BYTES = 128 << 20
_M_ARENA_MAX = -8
_IDLE_SECONDS = 30.0
_START_SECONDS = 1.0
"""How long after the start this begins: until then the process has more urgent work."""


def share_one_pool() -> None:
    """Have all threads take memory from one pool; else each keeps as much in a pool of its own.

    To be called before the first thread starts: the C library looks at its limit only then.
    """
    library = glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, 1)


async def keep_large_blocks(budget: ByteBudget, idle: float = _IDLE_SECONDS) -> None:
    """Keep freed blocks for reuse until cancelled; give them back once nothing came for `idle` seconds."""
    await asyncio.sleep(min(idle, _START_SECONDS))
    library = glibc()
    if library is None:
        return
    # What is free between blocks in use is not given back: where memory is short, large ones get their own.
    library.mallopt(_M_MMAP_THRESHOLD, min(_LARGEST_KEPT_BYTES, budget.limit // 64))
    # Kept blocks come on top of what is held, and there has to be room for caches and connections.
    library.mallopt(_M_TRIM_THRESHOLD, min(_MOST_KEPT_BYTES, budget.limit // 2))
    library.malloc_trim(0)  # what only the start needed
    seen = given_back = budget.taken
    while True:
        await asyncio.sleep(idle)
        if budget.taken == seen != given_back and not budget.held:
            library.malloc_trim(0)
            given_back = seen
        seen = budget.taken


class _Library:
    """Functions of the C library that take and return ints, without `ctypes`, which is 240 kB around this."""

    def __init__(self) -> None:
        import _ctypes

        self._handle = _ctypes.dlopen(cast("str", None), 0)  # None: what the process has loaded
        self._find, self._call = _ctypes.dlsym, _ctypes.call_function

    def __getattr__(self, name: str) -> Callable[..., int]:
        try:
            address = self._find(self._handle, name)
        except OSError:
            raise AttributeError(name) from None
        return lambda *arguments: self._call(address, arguments)


@cache
def glibc() -> _Library | None:
    """The C library, if it is glibc and can be loaded."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = _Library()
    except (ImportError, AttributeError, OSError):
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
