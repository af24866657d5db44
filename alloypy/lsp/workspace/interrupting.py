"""Work that can be given up: what takes long calls `pause` now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable

_CURRENT = threading.local()


class Interrupted(Exception):
    """Nobody wants the result of this work any more."""


def pause() -> None:
    """Raises Interrupted when the work of this thread was cancelled."""
    wanted: Callable[[], bool] | None = getattr(_CURRENT, "wanted", None)
    if wanted is not None and not wanted():
        raise Interrupted


def interruptible(wanted: Callable[[], bool] | None) -> None:
    """Say how `pause` finds out, in this thread, whether its work is still wanted."""
    _CURRENT.wanted = wanted
