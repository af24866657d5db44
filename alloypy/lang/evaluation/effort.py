"""Limits an evaluation: its steps, and its bytes of text.

Short expressions can ask for any amount of work: texts that double, products of arrays, paths that descend.
Code counts its work here before doing it, and is stopped when the limit is reached.

    with allowed(Effort(STEPS, BYTES)):
        ...             # spend(1) for each value, make(len(text)) for each text

Nothing is counted if no limit has been set.
"""

from __future__ import annotations

import threading

STEPS = 1_000_000
"""Values that one evaluation may read and make: a few seconds of work."""

BYTES = 32 << 20
"""Bytes of text that one evaluation may make."""

SHORT_STEPS = 10_000
SHORT_BYTES = 1 << 20
"""Limits of an evaluation that others wait for: a few hundredths of a second."""


class Exhausted(Exception):
    """An evaluation has reached its limit; the text says which one."""


class Effort:
    """The steps and bytes that an evaluation may still take."""

    __slots__ = ("_bytes", "_steps", "bytes_left", "final", "steps_left")

    def __init__(self, steps: int = STEPS, size: int = BYTES, *, final: bool = True) -> None:
        self._steps = self.steps_left = steps
        self._bytes = self.bytes_left = size
        self.final = final

    def spend(self, steps: int) -> None:
        """Count steps. Raises Exhausted."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise Exhausted(f"evaluation takes more than {self._steps} steps; split or simplify it")

    def make(self, size: int) -> None:
        """Count bytes of text, which take time too. Raises Exhausted."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise Exhausted(f"evaluation makes more than {self._bytes} bytes of text; build shorter texts")


class _Current(threading.local):
    effort: Effort | None = None


_current = _Current()


def current() -> Effort | None:
    """This thread's current effort; None if nothing is limited."""
    return _current.effort


def spend(steps: int = 1) -> None:
    """Count steps of the current evaluation. Raises Exhausted."""
    effort = _current.effort
    if effort is not None:
        effort.spend(steps)


def make(size: int) -> None:
    """Count bytes of text that the current evaluation is about to make. Raises Exhausted."""
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


class allowed:  # noqa: N801 -- used like a function
    """Limit what is evaluated inside the `with` by `effort`, instead of any outer limit."""

    __slots__ = ("_effort", "_outer")

    def __init__(self, effort: Effort) -> None:
        self._effort = effort
        self._outer: Effort | None = None

    def __enter__(self) -> Effort:
        self._outer, _current.effort = _current.effort, self._effort
        return self._effort

    def __exit__(self, *_: object) -> None:
        _current.effort = self._outer
