"""Source text: the bytes of one configuration file and the places inside it.

Everything in alloypy names a place by byte offset into a `Source`; lines and
columns are computed only when they are shown.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class Position(NamedTuple):
    """A place for people: line and column from 1, the column counted in bytes."""

    line: int
    column: int


class Source:
    """One configuration text.

    name: the file's name in diagnostics (as given on the command line).
    data: its bytes, including a byte order mark and carriage returns.
    """

    __slots__ = ("_line_starts", "data", "name")

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data
        self._line_starts: list[int] | None = None

    @property
    def line_starts(self) -> list[int]:
        """Offsets at which lines begin; only a line feed ends a line."""
        if self._line_starts is None:
            starts = [0]
            find = self.data.find
            at = find(b"\n")
            while at >= 0:
                starts.append(at + 1)
                at = find(b"\n", at + 1)
            self._line_starts = starts
        return self._line_starts

    def line(self, offset: int) -> int:
        """The 1-based line that holds the byte at `offset`."""
        return bisect_right(self.line_starts, offset)

    def position(self, offset: int) -> Position:
        """Line and byte column of `offset`, which may be the length of the text."""
        starts = self.line_starts
        line = bisect_right(starts, offset)
        return Position(line, offset - starts[line - 1] + 1)

    def __repr__(self) -> str:
        return f"Source({self.name!r}, {len(self.data)} bytes)"


class Span(NamedTuple):
    """A range of a source: `start` and `end` are byte offsets, `end` inclusive.

    `end` is None for a diagnostic that names a point only.
    """

    source: Source
    start: int
    end: int | None = None

    @property
    def start_position(self) -> Position:
        """Line and column of the first byte."""
        return self.source.position(self.start)

    @property
    def end_position(self) -> Position | None:
        """Line and column of the last byte, or None for a point."""
        return None if self.end is None else self.source.position(self.end)

    def __str__(self) -> str:
        """`name:line:column`, or `line:column` for a source without a name."""
        line, column = self.start_position
        name = self.source.name
        return f"{name}:{line}:{column}" if name else f"{line}:{column}"
