"""Places in the units of other tools, whose columns count UTF-16 code units; ours count bytes."""

from __future__ import annotations

from typing import NamedTuple

from alloypy.syntax.source import Source, Span

_BOM = b"\xef\xbb\xbf"


class Region(NamedTuple):
    """A range of lines and columns, from 1, in UTF-16 code units; the end is exclusive, None for a point."""

    line: int
    column: int
    end_line: int | None
    end_column: int | None


def region(span: Span) -> Region:
    """The range of `span`."""
    line, column = position(span.source, span.start)
    if span.end is None:
        return Region(line, column, None, None)
    # A range may end inside a character of several bytes, which then belongs to it.
    end_line, end_column = position(span.source, span.end + 1)
    return Region(line, column, end_line, max(end_column, column + 1) if end_line == line else end_column)


def position(source: Source, offset: int) -> tuple[int, int]:
    """The line of an offset, and its column in UTF-16 code units."""
    line, column = source.position(offset)
    start = offset - column + 1
    before = source.data[start:offset]
    if start == 0:
        before = before.removeprefix(_BOM)
    # Continuation bytes add nothing; characters of four bytes take two units.
    units = sum((byte & 0xC0 != 0x80) + (byte >= 0xF0) for byte in before)
    return line, units + 1
