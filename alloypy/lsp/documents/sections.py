"""The parts of a text that are parsed separately, so that a keystroke costs the time of one of them.

A section has one or more whole statements of the top level. An edit leaves the other sections as they are,
with their trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from alloypy.syntax.source import Source
from alloypy.syntax.tree import File


class Section:
    """A part of a text.

    start: the offset of its first byte in the text. source: its own text; offsets in `file` count from its
    beginning.
    """

    def __init__(self, start: int, source: Source) -> None:
        self.start = start
        self.source = source

    @property
    def end(self) -> int:
        """The offset just after its last byte."""
        return self.start + len(self.source.data)

    @cached_property
    def file(self) -> File:
        """Its tree, with holes."""
        from alloypy.syntax.holes.parsing import parse_with_holes

        return parse_with_holes(self.source)


def sections_of(source: Source, before: Sequence[Section]) -> tuple[Section, ...]:
    """The sections of a text. before: those of an earlier text, whose trees are used again."""
    if len(before) == 1 and before[0].source.data == source.data:
        return tuple(before)
    return (Section(0, source),)
