"""Work that can be given up, and that lets more urgent work go first: what takes long calls `pause`."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Interrupted(Exception):
    """Nobody wants the result of this work any more."""


class _Current(threading.local):
    """What `pause` calls in this thread; None for nothing."""

    step: Callable[[], None] | None = None


_CURRENT = _Current()


def pause() -> None:
    """Wait while more urgent work is done. Raises Interrupted when the work of this thread was cancelled."""
    if _CURRENT.step is not None:
        _CURRENT.step()


def interruptible(step: Callable[[], None] | None) -> None:
    """Say what `pause` does in this thread; `step` raises Interrupted."""
    _CURRENT.step = step
