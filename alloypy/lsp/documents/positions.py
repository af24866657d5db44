"""Offsets in a text, and the positions that editors use instead.

A position is a line and a column from 0; the column counts units of an encoding that client and server have
agreed on. Lines end with LF, CR LF or CR, as the protocol says; Alloy and `Source` only know LF.
Source: Language Server Protocol 3.17, "Position".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from enum import Enum
from itertools import accumulate
from typing import NamedTuple

_LONG = 1000
_LINE_END = re.compile(rb"\r\n|\n|\r")
_LONGEST = 4
"""The most bytes of a character in UTF-8."""
_SURROGATE = re.compile("\udced[\udca0-\udcbf][\udc80-\udcbf]")
"""A lone surrogate as `_decoded` reads its three bytes."""
_STAND_IN = "\ufffd"
"""Takes as much as a surrogate: three bytes of UTF-8, and one unit of UTF-16."""


class Encoding(Enum):
    """What the column of a position counts."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


class Position(NamedTuple):
    """A place in a text: line and column from 0."""

    line: int
    character: int


class Lines:
    """The lines of a text in UTF-8, for converting between offsets in bytes and positions."""

    __slots__ = ("_ascii", "_data", "_ends", "_last", "_starts")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._ascii = data.isascii()
        self._last = (Encoding.UTF8, 0, 0, 0)
        if b"\r" not in data:  # the usual case, in a third of the time
            sizes = map(len, data.split(b"\n"))
            self._ends = [end + number for number, end in enumerate(accumulate(sizes))]
            self._starts = [0, *(end + 1 for end in self._ends[:-1])]
            return
        self._starts = [0]
        self._ends = []
        for found in _LINE_END.finditer(data):
            self._ends.append(found.start())
            self._starts.append(found.end())
        self._ends.append(len(data))

    def offset(self, position: Position, encoding: Encoding) -> int:
        """The offset of a position; one after the end of its line or of the text is moved to that end."""
        line = max(position.line, 0)
        if line >= len(self._starts):
            return len(self._data)
        start, end = self._starts[line], self._ends[line]
        if self._ascii:
            return min(end, start + max(position.character, 0))
        return start + _bytes_of(self._data[start:end], max(position.character, 0), encoding)

    def position(self, offset: int, encoding: Encoding) -> Position:
        """The position of an offset; one inside of a line's end is moved to before it."""
        offset = min(max(offset, 0), len(self._data))
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        stop = min(offset, self._ends[line])
        if self._ascii or encoding is Encoding.UTF8:
            return Position(line, stop - start)
        if stop - start > _LONG:
            return Position(line, self._units_in_long(start, stop, encoding))
        return Position(line, _units_of(self._data[start:stop], encoding))

    def _units_in_long(self, start: int, stop: int, encoding: Encoding) -> int:
        """The units of a part of a long line, counted from the place that was asked for before."""
        counted, since, at, units = self._last
        inside = self._data[at : at + 1] and self._data[at] & 0xC0 == 0x80
        if counted is not encoding or since != start or at > stop or inside:
            at, units = start, 0
        units += _units_of(self._data[at:stop], encoding)
        self._last = encoding, start, stop, units
        return units


def _bytes_of(line: bytes, units: int, encoding: Encoding) -> int:
    """The number of bytes that `units` units take; inside a character, the bytes up to its beginning."""
    if units >= len(line):  # no encoding has more units than UTF-8
        return len(line)
    if encoding is Encoding.UTF8:
        return _beginning(line, units)
    if line.isascii():
        return units
    at = 0
    for character in _decoded(line):
        units -= 2 if encoding is Encoding.UTF16 and character > "\uffff" else 1
        if units < 0:
            break
        at += len(_encoded(character))
    return at


def _beginning(line: bytes, at: int) -> int:
    """Where the character begins that an offset is inside of; the offset itself if it is inside of none."""
    if line[at] & 0xC0 == 0x80:
        for start in range(max(at - _LONGEST + 1, 0), at):
            if len(_encoded(_decoded(line[start : start + _LONGEST])[0])) > at - start:
                return start
    return at


def _units_of(text: bytes, encoding: Encoding) -> int:
    if encoding is Encoding.UTF8 or text.isascii():
        return len(text)
    characters = _decoded(text)
    if encoding is Encoding.UTF32:
        return len(characters)
    return len(characters) + sum(character > "\uffff" for character in characters)


def _decoded(text: bytes) -> str:
    """The characters of a text, each byte that belongs to none as one of its own.

    Clients may send lone surrogates, which are one character; files may have any bytes. What a part of a text
    is read as does not depend on the rest of it.
    """
    characters = text.decode("utf-8", "surrogateescape")
    return _SURROGATE.sub(_STAND_IN, characters) if "\udced" in characters else characters


def _encoded(character: str) -> bytes:
    """The bytes that were read as a character, or as many others."""
    return character.encode("utf-8", "surrogateescape")
