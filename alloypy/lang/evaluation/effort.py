"""How much an evaluation may do: steps, and bytes of text.

Expressions are short and can ask for any amount of work: texts that double, products of arrays, paths
that descend. What does the work counts it here before it is done, and is stopped at what is allowed.

    with allowed(Effort(STEPS, BYTES)):
        ...             # spend(1) for each value, make(len(text)) for each text

Nothing is counted where nobody has set a limit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

STEPS = 1_000_000
"""Values looked at and made in one evaluation: some seconds of work."""

BYTES = 32 << 20
"""Bytes of text made in one evaluation."""

SHORT_STEPS = 10_000
SHORT_BYTES = 1 << 20
"""What one evaluation may do where others wait for it: some hundredths of a second."""


class Exhausted(Exception):
    """An evaluation has spent its effort; the text says on what."""


class Effort:
    """What is left of the steps and bytes that an evaluation may take."""

    __slots__ = ("_bytes", "_steps", "bytes_left", "final", "steps_left")

    def __init__(self, steps: int = STEPS, size: int = BYTES, *, final: bool = True) -> None:
        self._steps = self.steps_left = steps
        self._bytes = self.bytes_left = size
        self.final = final

    def spend(self, steps: int) -> None:
        """Count steps. Raises Exhausted."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise Exhausted(f"evaluation takes more than {self._steps} steps; split it up, or do less in it")

    def make(self, size: int) -> None:
        """Count bytes of text, which take time too. Raises Exhausted."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise Exhausted(f"evaluation makes more than {self._bytes} bytes of text; make less of it")


class _Current(threading.local):
    effort: Effort | None = None


_current = _Current()


def current() -> Effort | None:
    """The effort that counts in this thread, None when nothing is limited."""
    return _current.effort


def spend(steps: int = 1) -> None:
    """Count steps of the evaluation that goes on. Raises Exhausted."""
    effort = _current.effort
    if effort is not None:
        effort.spend(steps)


def make(size: int) -> None:
    """Count text that the evaluation is about to make. Raises Exhausted."""
    effort = _current.effort
    if effort is not None:
        effort.make(size)


def weigh(value: object) -> None:
    """Count every part of a value, as often as it occurs. Raises Exhausted."""
    effort = _current.effort
    waiting: list[object] = [value]
    while effort is not None and waiting:
        part = waiting.pop()
        if isinstance(part, dict | list):
            effort.spend(len(part))
            waiting.extend(part.values() if isinstance(part, dict) else part)


@contextmanager
def allowed(effort: Effort) -> Iterator[Effort]:
    """Let `effort` count for what is evaluated inside, whatever counts outside."""
    outer, _current.effort = _current.effort, effort
    try:
        yield effort
    finally:
        _current.effort = outer
