"""Keeps the C library from returning large blocks to the kernel after every profile.

Getting a page from the kernel costs more than receiving what goes into it. Blocks are returned
when no more profiles arrive. Only glibc can be told to do so; elsewhere nothing is done.
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
"""Seconds after the start before this begins: until then the process has more urgent work."""


def share_one_pool() -> None:
    """Have all threads take memory from one pool; otherwise each keeps a pool of its own.

    Call it before the first thread starts: the C library reads its limit only then.
    """
    library = glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, 1)


async def keep_large_blocks(budget: ByteBudget, idle: float = _IDLE_SECONDS) -> None:
    """Keep freed blocks for reuse until cancelled; return them after `idle` seconds without a request."""
    await asyncio.sleep(min(idle, _START_SECONDS))
    library = glibc()
    if library is None:
        return
    # Free memory between blocks in use is not returned: where memory is short, large blocks are kept apart.
    library.mallopt(_M_MMAP_THRESHOLD, min(_LARGEST_KEPT_BYTES, budget.limit // 64))
    # Kept blocks come on top of held bytes, and caches and connections need room as well.
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
    """Functions of the C library that take and return ints, without the 240 kB that `ctypes` adds."""

    def __init__(self) -> None:
        import _ctypes

        self._handle = _ctypes.dlopen(cast("str", None), 0)  # None: the libraries that the process has loaded
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
