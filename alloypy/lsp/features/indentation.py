"""Indenting a line, or the block just closed, while it is typed; the text around need not be valid.

A line is indented by one step more than the line that opened its innermost bracket, as the formatter does,
and as far as the text before it is: nothing outside of the line or block is changed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range, TextEdit
from alloypy.lsp.features.scanning import end_of, matched
from alloypy.syntax.lexer import scan
from alloypy.syntax.source import Source
from alloypy.syntax.tokens import BINARY_OPERATORS, CLOSER_OF, Token

_BLANKS = re.compile(rb"[ \t]*")
_INDENTED = re.compile(rb"^([ \t]+)[^ \t\r\n]", re.MULTILINE)
_MOST_LOOKED_AT = 100
_CLOSERS = frozenset(CLOSER_OF.values())
_CONTINUED = BINARY_OPERATORS | {"ASSIGN"}


class Style(NamedTuple):
    """How the editor indents, for a text without any indentation. spaces: per step; 0 for a tab."""

    spaces: int = 0


TABS = Style()


class _Line(NamedTuple):
    """A line that can be indented. start, text: offsets of its first byte, and of the first after its blanks.

    wanted: what should stand between the two.
    """

    start: int
    text: int
    wanted: bytes


def indent_line(document: Document, offset: int, style: Style = TABS) -> tuple[TextEdit, ...]:
    """The change that indents the line at an offset, which was just begun."""
    section = document.section_at(offset)
    data, at = section.source.data, min(offset - section.start, len(section.source.data))
    start = data.rfind(b"\n", 0, at) + 1
    indenting = _Indenting(section.source, style)
    line = next((each for each in indenting.lines(start, at) if each.start == start), None)
    return () if line is None else tuple(_edits(document, section.start, data, [line]))


def indent_block(document: Document, offset: int, style: Style = TABS) -> tuple[TextEdit, ...]:
    """The changes that indent the lines of the block whose closing brace ends at an offset."""
    section = document.section_at(offset)
    data, at = section.source.data, offset - section.start
    indenting = _Indenting(section.source, style)
    opener = indenting.opener_of(at)
    if opener is None:
        return ()
    begin = data.find(b"\n", opener, at) + 1
    if not begin:
        return ()
    if not indenting.is_certain(opener, at):
        begin = data.rfind(b"\n", 0, at) + 1
    lines = [each for each in indenting.lines(begin, at) if data[each.text : each.text + 1] not in b"\r\n"]
    return tuple(_edits(document, section.start, data, lines))


def _edits(document: Document, base: int, data: bytes, lines: Sequence[_Line]) -> Iterator[TextEdit]:
    for line in lines:
        if data[line.start : line.text] != line.wanted:
            place = Range(document.path, base + line.start, base + line.text)
            yield TextEdit(place, line.wanted.decode())


class _Indenting:
    """The brackets of a text and what they say about the indentation of its lines."""

    def __init__(self, source: Source, style: Style) -> None:
        tokens = scan(source)
        self._data = data = source.data
        self._tokens = matched(tokens)
        self._step = _step(data, style)
        comments = ((each.start, end_of(data, each)) for group in tokens.comments for each in group)
        strings = ((each.start, each.end) for each in tokens.tokens if each.type in {"STRING", "ILLEGAL"})
        self._hidden = sorted(each for each in (*comments, *strings) if b"\n" in data[each[0] : each[1]])

    def opener_of(self, end: int) -> int | None:
        """The offset of the bracket that the one ending at `end` closes."""
        opened: list[Token] = []
        for token in self._tokens:
            if token.type in CLOSER_OF:
                opened.append(token)
            elif token.type in _CLOSERS:
                opener = opened.pop()
                if token.end == end and token.text:
                    return opener.start if opener.text else None
        return None

    def is_certain(self, start: int, end: int) -> bool:
        """Whether all brackets of a range are in the text, none of them missing."""
        return all(
            each.text or each.type not in _CLOSERS.union(CLOSER_OF)
            for each in self._tokens
            if start <= each.start < end
        )

    def lines(self, begin: int, end: int) -> Iterator[_Line]:
        """The lines from that of `begin` to that of `end` that do not begin inside of a string or comment."""
        data = self._data
        opened: list[bytes] = []  # indentation of the lines in which the open brackets are
        number, start, last = 0, 0, ""
        indentation = b""
        while start <= end:
            stop = data.find(b"\n", start)
            stop = len(data) if stop < 0 else stop + 1
            if not self._is_hidden(start):
                match = _BLANKS.match(data, start)
                text = match.end() if match is not None else start
                indentation = data[start:text]
                if start >= begin:
                    indentation = self._wanted(number, text, opened, last)
                    yield _Line(start, text, indentation)
            while number < len(self._tokens) and self._place(number) < stop:
                token = self._tokens[number]
                number += 1
                if token.type in CLOSER_OF:
                    opened.append(indentation)
                elif token.type in _CLOSERS:
                    opened.pop()
                last = token.type
            if stop == start or (stop == len(data) and not data.endswith(b"\n")):
                return
            start = stop

    def _wanted(self, number: int, text: int, opened: list[bytes], last: str) -> bytes:
        """The indentation of a line. number: of the next token; text: where the line's text begins."""
        tokens, depth = self._tokens, len(opened)
        while number < len(tokens) and not tokens[number].text and tokens[number + 1 :]:
            if self._place(number) > text:
                break
            depth -= tokens[number].type in _CLOSERS  # a missing bracket closes before the next token
            number += 1
        closes = number < len(tokens) and tokens[number].start == text and tokens[number].type in _CLOSERS
        if depth <= 0:
            return self._step if last in _CONTINUED else b""
        base = opened[depth - 1]
        if closes:
            return base
        return base + self._step * (2 if last in _CONTINUED else 1)

    def _place(self, number: int) -> int:
        """Where a token counts: one that is missing, where the next one begins."""
        token = self._tokens[number]
        while not token.text and token.type != "TERMINATOR":
            number += 1
            if number == len(self._tokens):
                return len(self._data) + 1
            token = self._tokens[number]
        return token.start

    def _is_hidden(self, at: int) -> bool:
        before = bisect_left(self._hidden, (at,)) - 1
        return before >= 0 and at < self._hidden[before][1]


def _step(data: bytes, style: Style) -> bytes:
    """One step of indentation: as the text has it, else as the editor does."""
    found = [match[1] for _, match in zip(range(_MOST_LOOKED_AT), _INDENTED.finditer(data), strict=False)]
    if not found:
        return b" " * style.spaces or b"\t"
    if any(each.startswith(b"\t") for each in found):
        return b"\t"
    return min(found, key=len)
