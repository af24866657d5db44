"""Histograms in plain Python, for what happens at every profile; read when metrics are collected.

Source: docs/spec/PYROSCOPE.md, sections 5.5, 6.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final

SECONDS: Final[Sequence[float]] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The bounds of Alloy's latency histograms."""


def _shortly(bound: float) -> str:
    return f"{bound:g}"


class Histogram:
    """A histogram with fixed upper bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self, write: Callable[[float], str] = _shortly) -> list[tuple[str, float]]:
        """Upper bounds, each with the number of values up to it, as the text format wants them.

        write: formats a bound.
        """
        found = []
        below = 0
        for bound, count in zip((*self.bounds, None), self.counts, strict=True):
            below += count
            found.append(("+Inf" if bound is None else write(bound), float(below)))
        return found
