"""The parts of a text that are parsed separately, so that a keystroke costs the time of one of them.

A section has one or more whole statements of the top level. An edit leaves the other sections as they are,
with their trees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

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
        """Its tree, with holes."""
        if not self._file:
            from alloypy.syntax.holes.parsing import parse_with_holes

            self._file.append(parse_with_holes(self.source))
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


def sections_of(source: Source, before: Sequence[Section]) -> tuple[Section, ...]:
    """The sections of a text. before: those of an earlier text, whose trees are used again."""
    if len(before) == 1 and before[0].source.data == source.data:
        return tuple(before)
    return (Section(0, source),)
