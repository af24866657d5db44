"""A set of numbers, kept as spans: small as long as what is missing in it is little."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator


class Spans:
    """A set of numbers. count: how many."""

    __slots__ = ("_ends", "_starts", "count")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.count = 0

    def add(self, first: int, last: int) -> int:
        """Add `first` to `last`; returns how many of them were new."""
        starts, ends = self._starts, self._ends
        if ends and first == ends[-1] + 1:  # the usual case
            ends[-1] = last
            self.count += last + 1 - first
            return last + 1 - first
        low = bisect_right(ends, first - 2)  # the first span that touches or overlaps the new one
        high = bisect_right(starts, last + 1)  # one past the last that does
        if low == high:
            starts.insert(low, first)
            ends.insert(low, last)
            new = last - first + 1
        else:
            begin, end = min(first, starts[low]), max(last, ends[high - 1])
            had = sum(map(int.__sub__, ends[low:high], starts[low:high])) + high - low
            starts[low:high] = [begin]
            ends[low:high] = [end]
            new = end - begin + 1 - had
        self.count += new
        return new

    def discard(self, number: int) -> bool:
        """Take a number out; returns whether it was there."""
        at = bisect_right(self._starts, number) - 1
        if at < 0 or number > self._ends[at]:
            return False
        first, last = self._starts[at], self._ends[at]
        left = [(a, b) for a, b in ((first, number - 1), (number + 1, last)) if a <= b]
        self._starts[at : at + 1] = [a for a, _ in left]
        self._ends[at : at + 1] = [b for _, b in left]
        self.count -= 1
        return True

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._starts, number) - 1
        return at >= 0 and number <= self._ends[at]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(list(self._starts), list(self._ends), strict=True)

    @property
    def highest(self) -> int:
        """The highest number in it; 0 if there is none."""
        return self._ends[-1] if self._ends else 0

    def covers(self, first: int, last: int) -> bool:
        """Whether all from `first` to `last` are in it."""
        at = bisect_right(self._starts, first) - 1
        return at >= 0 and last <= self._ends[at]

    def missing_from(self, number: int) -> int:
        """The first number from `number` on that is not in it."""
        if self._ends and number > self._ends[-1]:  # the usual case
            return number
        at = bisect_right(self._starts, number) - 1
        return self._ends[at] + 1 if at >= 0 and number <= self._ends[at] else number

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The spans between `first` and `last` that are not in it."""
        found = []
        at = self.missing_from(first)
        while at <= last:
            following = bisect_right(self._starts, at)
            until = self._starts[following] - 1 if following < len(self._starts) else last
            found.append((at, min(until, last)))
            at = self.missing_from(min(until, last) + 1)
        return found
