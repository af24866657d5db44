"""Where the characters of a string are in the file that holds its literal."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.lang.string_literals import character_starts
from alloypy.schema.faults import Characters
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Array, Expression, Literal, Object, Paren


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
    starts = list(character_starts(source.data[literal.start : literal.end + 1]))
    start = literal.start + starts[min(at.start, len(starts) - 1)]
    end = literal.start + starts[min(at.end, len(starts) - 1)] - 1
    return Span(source, start, max(start, end))
