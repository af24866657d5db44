"""Where the characters of a string are in the file that holds its literal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from alloypy.schema.faults import Characters
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Array, Expression, Literal, Object, Paren

_PIECE = re.compile(rb"\\(?:x..|u.{4}|U.{8}|[0-7]{3}|.)|[^\\]", re.DOTALL)


def place_in_value(
    value: Expression, within: Sequence[int | str], at: Characters | None, source: Source
) -> Span:
    """The place of characters of a string in the value of an attribute.

    within: indexes and keys that lead to the string. It ends at the last part that is written out in the
    file: a string that an expression makes has no places, so the whole expression is meant.
    """
    node = _written(value)
    for key in within:
        inner = _part(node, key)
        if inner is None:
            return Span(source, node.start, node.end)
        node = _written(inner)
    if at is None or not (isinstance(node, Literal) and node.kind == "STRING"):
        return Span(source, node.start, node.end)
    return _place(node, at, source)


def _written(node: Expression) -> Expression:
    while isinstance(node, Paren):
        node = node.inner
    return node


def _part(node: Expression, key: int | str) -> Expression | None:
    if isinstance(node, Array) and isinstance(key, int):
        return node.elements[key] if key < len(node.elements) else None
    if isinstance(node, Object):
        return next((field.value for field in reversed(node.fields) if field.name == key), None)
    return None


def _place(literal: Literal, at: Characters, source: Source) -> Span:
    """The bytes of the characters; the byte after them if there are none, which may be the closing quote."""
    starts = list(_character_starts(source.data[literal.start : literal.end + 1]))
    start = literal.start + starts[min(at.start, len(starts) - 1)]
    end = literal.start + starts[min(at.end, len(starts) - 1)] - 1
    return Span(source, start, max(start, end))


def _character_starts(written: bytes) -> Iterator[int]:
    """The offset of each character of the value in the literal, and then that of the closing quote."""
    inner, raw = written[1:-1], written.startswith(b"`")
    value, offsets = bytearray(), []
    for offset, piece in _raw_bytes(inner) if raw else _pieces(inner):
        value += piece
        offsets += [1 + offset] * len(piece)
    at = 0
    for character in value.decode("utf-8", "surrogateescape"):
        yield offsets[at]
        at += len(character.encode("utf-8", "surrogateescape"))
    yield len(written) - 1


def _raw_bytes(inner: bytes) -> Iterator[tuple[int, bytes]]:
    """The bytes of a raw string with their offsets; its carriage returns are not part of the value."""
    for offset in range(len(inner)):
        byte = inner[offset : offset + 1]
        if byte != b"\r":
            yield offset, byte


def _pieces(inner: bytes) -> Iterator[tuple[int, bytes]]:
    """The bytes that each byte or escape sequence stands for, with the offset of the piece."""
    for match in _PIECE.finditer(inner):
        piece = match.group()
        if len(piece) <= 2:  # every simple escape is one byte of value
            yield match.start(), b"." if len(piece) == 2 else piece
        elif piece[1:2] in b"uU":
            yield match.start(), chr(int(b"0x" + piece[2:], 0)).encode("utf-8", "surrogatepass")
        else:
            digits, base = (piece[2:], 16) if piece[1:2] == b"x" else (piece[1:], 8)
            number = int(digits, base)
            yield match.start(), bytes([number & 0xFF])
