"""Semantic tokens as the protocol writes them: five numbers for each, relative to the token before."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.positions import Encoding, Lines
from alloypy.lsp.features.kinds import KINDS

if TYPE_CHECKING:
    from alloypy.catalog.catalog import Catalog
    from alloypy.syntax.tree import File

_FIELDS = 5
_IN_LINE = re.compile(rb"[^\r\n]+")


class Encoded(NamedTuple):
    """The tokens of a section. numbers: as on the wire, the first token relative to the section's beginning.

    line: that of the last token, from the section's first line on.
    """

    numbers: array[int]
    line: int


def numbers_of(
    document: Document, language: Catalog, encoding: Encoding, lines: range | None = None
) -> array[int]:
    """The tokens of a text. lines: leave out all that is in other lines."""
    numbers: array[int] = array("I")
    last = 0
    make = _maker(language, encoding)
    for section in document.sections:
        base = document.lines.position(section.start, encoding).line
        if lines is not None and base >= lines.stop:
            break
        encoded = section.kept(make)
        part = encoded.numbers
        if lines is not None:
            part, shift = _within(part, lines.start - base, lines.stop - base)
            base += shift
        if part:
            first = part[0] + base
            numbers.append(first - last)
            numbers += part[1:]
            last = first + sum(part[_FIELDS::_FIELDS])
    return numbers


def changed(before: array[int], after: array[int]) -> tuple[int, int, array[int]] | None:
    """The part that differs: where it begins, how many numbers of `before` it has, the new ones.

    None if nothing differs.
    """
    if before == after:
        return None
    start = _alike(before, after) // _FIELDS * _FIELDS
    ends = before[start:][::-1], after[start:][::-1]
    same = _alike(*ends) // _FIELDS * _FIELDS
    return start, len(before) - start - same, after[start : len(after) - same]


def _alike(one: array[int], other: array[int]) -> int:
    """The number of elements at the beginning in which two arrays agree."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _within(numbers: array[int], start: int, stop: int) -> tuple[array[int], int]:
    """The tokens in some lines, relative to a later line, and how much later that is."""
    line, first, skipped = 0, None, 0
    end = len(numbers)
    for at in range(0, len(numbers), _FIELDS):
        line += numbers[at]
        if line >= stop:
            end = at
            break
        if first is None and line >= start:
            first, skipped = at, line
    if first is None:
        return array("I"), 0
    part = numbers[first:end]
    if part:
        part[0] = 0
    return part, skipped


@lru_cache(8)
def _maker(language: Catalog, encoding: Encoding) -> Callable[[File], Encoded]:
    """What encodes the tokens of a section; the same object each time, so that its results are kept."""

    def make(file: File) -> Encoded:
        from alloypy.lsp.features.colouring import colours

        kinds = {kind: number for number, kind in enumerate(KINDS)}
        data, lines = file.source.data, Lines(file.source.data)
        numbers: array[int] = array("I")
        line = column = 0
        for start, stop, kind, marks in colours(file, language):
            for begin, end in _lines_of(data, start, stop):
                at = lines.position(begin, encoding)
                length = end - begin
                if not data.isascii():
                    length = lines.position(end, encoding).character - at.character
                character = at.character - (column if at.line == line else 0)
                numbers.extend((at.line - line, character, length, kinds[kind], int(marks)))
                line, column = at
        return Encoded(numbers, line)

    return make


def _lines_of(data: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The parts of a token in each of its lines, because most clients know no token of several lines."""
    for found in _IN_LINE.finditer(data, start, stop):
        yield found.span()
