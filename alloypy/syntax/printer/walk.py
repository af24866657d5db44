"""The first stage of the formatter: a tree becomes texts and whitespace.

Two layouts share this walk. The plain one is Alloy's, byte for byte. The careful one is for
files that Alloy's layout harms: it knows the place of every token, so that each comment stays
between the same two tokens; it writes quoted names as the source has them, and shields the contents
of strings from alignment.

The walk keeps its own stack of pending work, so that deep nesting needs no deep recursion.

Source: docs/spec/SYNTAX.md, section 3a.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from alloypy.syntax.letters import quote
from alloypy.syntax.printer.cells import shield_in_lines
from alloypy.syntax.printer.output import BLANK, CELL, FORMFEED, INDENT, NEWLINE, UNINDENT, Output
from alloypy.syntax.source import Source
from alloypy.syntax.tree import (
    Access,
    Array,
    Attribute,
    Binary,
    Block,
    Call,
    Comment,
    Expression,
    Field,
    Identifier,
    Index,
    Literal,
    Object,
    Paren,
    Statement,
    Unary,
)

_UNKNOWN = -1

_BETWEEN_TOKENS = rb"(?: [ \t\r\n]++ | //[^\n]*+ | /\*(?s:.*?)\*/ )*+"
_TAKEN_FOR_LAYOUT = ("\t", "\v", "\f", " \n")  # by the plain layout, inside strings


class _Fold:
    """Deferred work: after a value of several lines, check that it still has several lines."""

    __slots__ = ("rows",)

    def __init__(self, rows: int) -> None:
        self.rows = rows


class _Loose:
    """Deferred work: after a text whose source line does not follow from the text before it."""

    __slots__ = ()


_LOOSE = _Loose()

_Text: TypeAlias = tuple[str, int, int]  # a text, its bytes, its offset in the source or _UNKNOWN
_Work: TypeAlias = "str | _Text | _Fold | _Loose | Statement | Expression | Field"


class Walk:
    """Writes a tree of `source` to an Output. careful: use the careful layout."""

    def __init__(self, source: Source, comments: Sequence[Sequence[Comment]], *, careful: bool) -> None:
        self.output = Output(source, comments, careful=careful)
        self._data = source.data
        self._careful = careful
        self._has_comments = bool(comments)
        self._work: list[_Work] = []
        self._steps: dict[type, Callable[[Any], None]] = {
            Attribute: self._attribute,
            Block: self._block,
            Identifier: self._identifier,
            Literal: self._literal,
            Array: self._array,
            Object: self._object,
            Field: self._field,
            Access: self._access,
            Index: self._index,
            Call: self._call,
            Unary: self._unary,
            Binary: self._binary,
            Paren: self._paren,
            _Fold: self._fold,
            _Loose: self._loose,
        }

    def body(self, statements: Sequence[Statement]) -> None:
        """Write the statements of a file."""
        self._todo(self._statements(statements))
        self._run()

    def expression(self, expression: Expression) -> None:
        """Write one expression."""
        self._work.append(expression)
        self._run()

    def _run(self) -> None:
        work, output, steps = self._work, self.output, self._steps
        while work:
            item = work.pop()
            if type(item) is str:
                output.queue += item
            elif type(item) is tuple:
                text, size, offset = item
                output.text(text, size, offset)
            else:
                steps[type(item)](item)

    def _todo(self, work: list[_Work]) -> None:
        work.reverse()
        self._work += work

    def _broken(self, start: int, end: int) -> bool:
        """Whether a line ends between two places."""
        return self._data.find(b"\n", start, end) >= 0

    def _after(self, offset: int, token: bytes) -> int:
        """The offset of `token`, the next token at or after `offset`.

        Unknown in the plain layout, or if the next token is another.
        """
        if not self._careful:
            return _UNKNOWN
        match = re.compile(_BETWEEN_TOKENS, re.VERBOSE).match(self._data, offset)
        end = offset if match is None else match.end()
        return end if self._data.startswith(token, end) else _UNKNOWN

    # Statements

    def _statements(self, statements: Sequence[Statement]) -> list[_Work]:
        work: list[_Work] = []
        line_ends = self._data.count
        previous = 0
        for statement in statements:
            start, end = statement.start, statement.end
            if work and (type(statement) is Block or line_ends(b"\n", previous, start) > 1):
                work.append(FORMFEED)
            work.append(statement)
            work.append(FORMFEED if self._broken(start, end) else NEWLINE)
            previous = end
        return work

    def _attribute(self, statement: Attribute) -> None:
        output, name, value = self.output, statement.name, statement.value
        output.text(name.name, name.end - name.start + 1, name.start)
        output.queue = CELL
        if self._broken(statement.start, statement.end):
            self._work.append(_Fold(output.rows))
        output.text("=", 1, self._after(name.end + 1, b"="))
        output.queue = BLANK
        self._work.append(value)

    def _block(self, block: Block) -> None:
        output = self.output
        if self._careful:
            self._name_parts(block)
        else:
            name = ".".join(block.name)
            output.text(name, len(name.encode()), block.start)
        if block.label_start is not None and block.label:
            output.queue = BLANK
            label, size = self._quoted(block.label, block.label_start)
            output.text(label, size, block.label_start)
        output.queue = BLANK
        output.text("{", 1, block.lcurly)
        multiline = self._broken(block.start, block.end)
        if self._has_comments and multiline != bool(block.body):
            output.doubtful = True  # its line count changes, and so does the alignment of comments around it
        work: list[_Work] = [INDENT]
        if block.body:
            work.append(FORMFEED)
            work += self._statements(block.body)
        else:
            work.append(BLANK)
        work += (UNINDENT, ("}", 1, block.end))
        self._todo(work)

    def _name_parts(self, block: Block) -> None:
        """Write a block's name part by part, so that comments in between stay there."""
        offset = block.start
        for index, part in enumerate(block.name):
            encoded = part.encode()
            if index:
                dot = self._after(offset, b".")
                self.output.text(".", 1, dot)
                offset = self._after(dot + 1, encoded)
            self.output.text(part, len(encoded), offset)
            offset += len(encoded)

    def _fold(self, fold: _Fold) -> None:
        if fold.rows == self.output.rows:
            self.output.doubtful = True  # what follows was laid out for several lines

    # Expressions

    def _identifier(self, identifier: Identifier) -> None:
        self.output.text(identifier.name, identifier.end - identifier.start + 1, identifier.start)

    def _literal(self, literal: Literal) -> None:
        text, size = literal.text, literal.end - literal.start + 1
        if text.isprintable():
            self.output.text(text, size, literal.start)
            return
        if self._careful:
            text = shield_in_lines(text)
        elif any(mark in text for mark in _TAKEN_FOR_LAYOUT):
            self.output.fragile.append(text)
        self.output.lines(text, size, literal.start)

    def _array(self, array: Array) -> None:
        self.output.text("[", 1, array.start)
        work: list[_Work] = []
        last = array.elements[-1] if array.elements else None
        previous = array.start
        for element in array.elements:
            broken = self._broken(previous, element.start)
            if broken:
                work.append(INDENT + FORMFEED)
            elif work:
                work.append(BLANK)
            work.append(element)
            if element is not last:
                work.append(self._comma(element))
            if broken:
                work.append(UNINDENT)
            previous = element.end
        if last is not None and self._broken(previous, array.end):
            work += (self._comma(last), INDENT + FORMFEED + UNINDENT)
        work.append(("]", 1, array.end))
        self._todo(work)

    def _object(self, obj: Object) -> None:
        self.output.text("{", 1, obj.start)
        work: list[_Work] = [INDENT]
        last = obj.fields[-1] if obj.fields else None
        before: Field | None = None
        previous = obj.start
        for field in obj.fields:
            if self._broken(previous, field.start):
                aligned = before is not None and not self._broken(before.value.start, before.value.end)
                work.append(NEWLINE if aligned else FORMFEED)
            elif before is not None:
                work.append(BLANK)
            work.append(field)
            if field is not last:
                work.append(self._comma(field.value))
            before, previous = field, field.end
        if last is not None and self._broken(previous, obj.end):
            work += (self._comma(last.value), FORMFEED)
        work += (UNINDENT, ("}", 1, obj.end))
        self._todo(work)

    def _field(self, field: Field) -> None:
        output, value = self.output, field.value
        if field.quoted:
            name, size = self._quoted(field.name, field.start)
            output.lines(name, size, field.start)
        else:
            size = len(field.name.encode())
            output.text(field.name, size, field.start)
        output.queue = CELL
        if self._broken(value.start, value.end):
            self._work.append(_Fold(output.rows))
        output.text("=", 1, self._after(field.start + size, b"="))
        output.queue = BLANK
        self._work.append(value)

    def _access(self, access: Access) -> None:
        value, name = access.value, access.name
        dot = self._after(value.end + 1, b".")
        work: list[_Work] = [value]
        if type(value) is Literal and value.kind == "NUMBER":
            work.append(BLANK)  # `1.x` would be a number with a point
        work += ((".", 1, dot), (name.name, name.end - name.start + 1, name.start if dot >= 0 else _UNKNOWN))
        if self._broken(value.end, name.end):
            work.append(_LOOSE)
        self._todo(work)

    def _index(self, index: Index) -> None:
        self._todo([index.value, ("[", 1, index.lbrack), index.index, ("]", 1, index.end)])

    def _call(self, call: Call) -> None:
        work: list[_Work] = [call.value, ("(", 1, call.lparen if self._careful else _UNKNOWN)]
        last = call.args[-1] if call.args else None
        previous = call.lparen
        for argument in call.args:
            broken = self._broken(previous, argument.start)
            if broken:
                work.append(FORMFEED + INDENT)
            work.append(argument)
            if argument is not last:
                work += (self._comma(argument), BLANK)
            if broken:
                work.append(UNINDENT)
            previous = argument.end
        closing = (")", 1, call.end if self._careful else _UNKNOWN)
        if not self._broken(previous, call.end):
            work.append(closing)
        elif last is not None:
            work += (self._comma(last), FORMFEED, closing, _LOOSE)
        elif self._careful:
            work.append(closing)
        else:
            self.output.spoiled = True  # Alloy's layout writes a comma here, which cannot be parsed
            work += ((",", 1, _UNKNOWN), FORMFEED, closing)
        self._todo(work)

    def _unary(self, unary: Unary) -> None:
        self.output.text(unary.op, len(unary.op), unary.start)
        self._work.append(unary.value)

    def _binary(self, binary: Binary) -> None:
        operator = (binary.op, len(binary.op), binary.op_start)
        self._work += (binary.right, BLANK, operator, BLANK, binary.left)

    def _paren(self, paren: Paren) -> None:
        careful = self._careful
        self.output.text("(", 1, paren.start if careful else _UNKNOWN)
        self._work += ((")", 1, paren.end if careful else _UNKNOWN), paren.inner)

    def _loose(self, _: _Loose) -> None:
        self.output.loosen()

    def _comma(self, element: Expression) -> _Text:
        return (",", 1, self._after(element.end + 1, b","))

    def _quoted(self, name: str, offset: int) -> tuple[str, int]:
        """How a name that the source quotes at `offset` is written, and how many bytes that takes there."""
        quoted = quote(name)
        size = len(quoted.encode())
        if size != len(name.encode()) + 2:
            # Escapes inside the quotes are part of the name; Alloy's layout escapes them again.
            if self._careful:
                size = len(name.encode()) + 2
                quoted = shield_in_lines(self._data[offset : offset + size].decode())
            else:
                self.output.spoiled = True
        return quoted, size
