"""What "expand selection" selects around a place, from the word up to the whole text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.documents.sections import Section
from alloypy.lsp.features.extents import label_stop, name_stop, stop_of
from alloypy.lsp.features.scanning import end_of
from alloypy.syntax.holes.parsing import is_unfinished
from alloypy.syntax.tree import (
    Access,
    Array,
    Attribute,
    Binary,
    Block,
    Call,
    Expression,
    Identifier,
    Index,
    Literal,
    Object,
    Paren,
    Statement,
    Unary,
)

_WORD = re.compile(rb"[\w\x80-\xff]+")

_MOST = 100
"""Selections inside each other; their answer nests as deeply, which not every client can read."""

_Part = tuple[int, int]


def selections(document: Document, offset: int) -> list[Range]:
    """The ranges around a place, innermost first, each inside of the next; the last one is the whole text."""
    section = document.section_at(offset)
    base = section.start
    parts = [(base + start, base + stop) for start, stop in _Around(section, offset - base).parts()]
    ranges = [(0, len(document.data))]
    for start, stop in parts:
        before = ranges[-1]
        if before[0] <= start <= offset <= stop <= before[1] and (start, stop) != before and start < stop:
            ranges.append((start, stop))
    del ranges[1:-_MOST]
    return [Range(document.path, start, stop) for start, stop in reversed(ranges)]


class _Around:
    """The parts of a section around a place, outermost first, with some that do not have the place."""

    def __init__(self, section: Section, at: int) -> None:
        self._section = section
        self._data = section.source.data
        self._at = at

    def parts(self) -> Iterator[_Part]:
        """All parts."""
        yield from self._body(self._section.file.body)
        yield from self._comments()
        for match in _WORD.finditer(self._data, self._line_start(), self._line_end()):
            if match.start() <= self._at <= match.end():
                yield match.span()

    def _line_start(self) -> int:
        return self._data.rfind(b"\n", 0, self._at) + 1

    def _line_end(self) -> int:
        found = self._data.find(b"\n", self._at)
        return found if found >= 0 else len(self._data)

    def _has(self, start: int, stop: int) -> bool:
        return start <= self._at <= stop

    def _body(self, body: Sequence[Statement]) -> Iterator[_Part]:
        inside: Sequence[Statement] | None = body
        while inside is not None:
            here = [each for each in inside if self._has(each.start, stop_of(self._data, each))]
            inside = None
            if not here:
                return
            statement = here[-1]
            yield statement.start, stop_of(self._data, statement)
            if isinstance(statement, Attribute):
                yield statement.name.start, statement.name.end + 1
                yield from self._expression(statement.value)
            else:
                yield from self._head(statement)
                if not is_unfinished(statement) and self._has(statement.lcurly + 1, statement.end):
                    yield statement.lcurly, stop_of(self._data, statement)
                    yield self._stripped(statement.lcurly + 1, statement.end)
                    inside = statement.body

    def _head(self, block: Block) -> Iterator[_Part]:
        yield block.start, label_stop(block)
        yield block.start, block.name_end + 1
        if block.label_start is not None:
            yield block.label_start, label_stop(block)
            yield block.label_start + 1, label_stop(block) - 1

    def _stripped(self, start: int, stop: int) -> _Part:
        """A range without the whitespace at its ends."""
        text = self._data[start:stop]
        begin = start + len(text) - len(text.lstrip())
        return begin, max(begin, start + len(text.rstrip()))

    def _expression(self, value: Expression) -> Iterator[_Part]:
        node: Expression | None = value
        while node is not None:
            yield node.start, stop_of(self._data, node)
            node, further = self._inside(node)
            yield from further

    def _inside(self, node: Expression) -> tuple[Expression | None, list[_Part]]:
        """The expression in another one that has the place, and further parts around that."""
        inner: list[Expression] = []
        parts: list[_Part] = []
        match node:
            case Literal(kind="STRING"):
                parts = [(node.start + 1, stop_of(self._data, node) - 1)]
            case Array():
                inner = node.elements
                parts = [self._stripped(node.start + 1, node.end)]
            case Object():
                return self._field(node)
            case Access():
                inner = [node.value]
            case Index():
                inner = [node.value, node.index]
            case Call():
                inner = [node.value, *node.args]
                parts = [self._stripped(node.lparen + 1, node.end)]
            case Unary():
                inner = [node.value]
            case Binary():
                inner = [node.left, node.right]
            case Paren():
                inner = [node.inner]
            case Identifier():
                pass
        here = [each for each in inner if self._has(each.start, stop_of(self._data, each))]
        return (here[-1] if here else None), parts

    def _field(self, node: Object) -> tuple[Expression | None, list[_Part]]:
        parts = [self._stripped(node.start + 1, node.end)]
        for field in reversed(node.fields):
            end = stop_of(self._data, field.value)
            if self._has(field.start, end):
                name = field.start, name_stop(self._data, field)
                parts += [(field.start, end), name]
                if field.quoted:
                    parts.append((name[0] + 1, name[1] - 1))
                return (field.value if self._has(field.value.start, end) else None), parts
        return None, parts

    def _comments(self) -> Iterator[_Part]:
        for group in self._section.file.comments:
            if self._has(group[0].start, end_of(self._data, group[-1])):
                yield group[0].start, end_of(self._data, group[-1])
                for comment in group:
                    yield comment.start, end_of(self._data, comment)
