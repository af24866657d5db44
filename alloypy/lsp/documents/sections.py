"""The parts of a text that are parsed separately, so that a keystroke costs the time of one of them.

A section has one or more whole statements of the top level. An edit leaves the other sections as they are,
with their trees.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

from alloypy.lsp.documents.limits import LARGEST_SECTION_BYTES
from alloypy.lsp.documents.splitting import Piece, groups_of, pieces_of
from alloypy.syntax.source import Source
from alloypy.syntax.tree import File

_Made = TypeVar("_Made")


class Section:
    """A part of a text.

    start: the offset of its first byte in the text. source: its own text; offsets in `file` count from its
    beginning.
    """

    def __init__(self, start: int, source: Source) -> None:
        self.start = start
        self.source = source
        self._kept: dict[Callable[[File], Any], Any] = {}
        self._file: list[File] = []

    @property
    def end(self) -> int:
        """The offset just after its last byte."""
        return self.start + len(self.source.data)

    @property
    def file(self) -> File:
        """Its tree, with holes; empty if the part is too large."""
        if not self._file:
            from alloypy.syntax.holes.parsing import parse_with_holes

            large = len(self.source.data) > LARGEST_SECTION_BYTES
            self._file.append(parse_with_holes(Source(self.source.name, b"") if large else self.source))
        return self._file[0]

    def kept(self, make: Callable[[File], _Made]) -> _Made:
        """What `make` makes of the tree; it is made once, and kept together with the tree."""
        if make not in self._kept:
            self._kept[make] = make(self.file)
        return cast("_Made", self._kept[make])

    def moved(self, start: int) -> Section:
        """The same part elsewhere in a text, with the same tree and what was made of it."""
        section = Section(start, self.source)
        section._kept, section._file = self._kept, self._file
        return section


class Sections(NamedTuple):
    """The sections of a text, and what they were made of, so that those of the next text can be like them."""

    all: tuple[Section, ...]
    pieces: tuple[Piece, ...]
    numbers: tuple[int, ...]

    def at(self, offset: int) -> Section:
        """The section at an offset, or just before it."""
        return self.all[max(0, bisect_right(self.all, offset, key=_start) - 1)]


def sections_of(source: Source, data: bytes = b"", before: Sections | None = None) -> Sections:
    """The sections of a text. data, before: an earlier text and its sections, whose trees are used again."""
    old = before.pieces if before is not None else ()
    pieces = pieces_of(source.data, data, old)
    known = {} if before is None else _by_first(before)
    made: list[Section] = []
    numbers: list[int] = []
    at = 0
    for first, after in groups_of(pieces):
        size = sum(piece.size for piece in pieces[first:after])
        section = known.get((pieces[first], pieces[after - 1]))
        if section is None or len(section.source.data) != size or section.source.name != source.name:
            section = Section(at, Source(source.name, source.data[at : at + size]))
        elif section.start != at:
            section = section.moved(at)
        made.append(section)
        numbers.append(first)
        at += size
    return Sections(tuple(made), tuple(pieces), tuple(numbers))


def _by_first(before: Sections) -> dict[tuple[Piece, Piece], Section]:
    """The sections by their first and last pieces, which are objects of their own in each text."""
    ends = (*before.numbers[1:], len(before.pieces))
    return {
        (before.pieces[first], before.pieces[end - 1]): section
        for section, first, end in zip(before.all, before.numbers, ends, strict=True)
    }


def _start(section: Section) -> int:
    return section.start
