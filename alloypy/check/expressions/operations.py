"""The results of operations on partly known values, and the errors that are certain.

`alloypy.lang.evaluation` does the same for actual values.
Source: docs/spec/SYNTAX.md, section 5.
"""

from __future__ import annotations

from alloypy.check.expressions.shapes import ANYTHING, BOOL, NUMBER, Shape, exactly
from alloypy.lang import texts
from alloypy.lang.evaluation.operators import misused, operand_of
from alloypy.lang.values import Kind

_UNDECIDED = frozenset({"", Kind.CAPSULE})
"""A capsule may be an optional secret, which counts as a string if it is not secret."""


class MisuseError(Exception):
    """An operation is certain to fail. operand: the position of the operand at fault; the text says why."""

    def __init__(self, operand: int, message: str) -> None:
        super().__init__(message)
        self.operand = operand


def demanded(kind: str, shape: Shape, operand: int = 0) -> Shape:
    """The value, which must be of the kind. Raises MisuseError if it cannot be."""
    if shape.kind not in {"", kind}:
        raise MisuseError(operand, texts.should_be(kind, shape.kind))
    return shape


def unary(op: str, value: Shape) -> Shape:
    """The result of `op value`. Raises MisuseError."""
    kind = operand_of(op)
    demanded(kind, value)
    return Shape(kind)


def binary(op: str, left: Shape, right: Shape) -> Shape:
    """The result of `left op right`. Raises MisuseError."""
    if op in {"==", "!="}:
        return BOOL
    for operand, shape in enumerate((left, right)):
        wrong = None if shape.kind in _UNDECIDED else misused(op, shape.kind)
        if wrong is not None:
            raise MisuseError(operand, wrong)
    kinds = {left.kind, right.kind}
    if not kinds & _UNDECIDED:
        demanded(left.kind, right, operand=1)
    if op in {"/", "%"} and right.is_exact and right.value == 0:
        raise MisuseError(1, texts.DIVIDED_BY_ZERO)
    if op in {"||", "&&", "<", ">", "<=", ">="}:
        return BOOL
    if op != "+":
        return NUMBER
    return Shape(left.kind) if len(kinds) == 1 and Kind.CAPSULE not in kinds else ANYTHING


def field(holder: Shape, name: str) -> Shape:
    """The value of a field; if the field does not exist, it may be anything. Raises MisuseError."""
    if not holder.kind:
        return ANYTHING
    if not holder.is_object:
        raise MisuseError(0, texts.no_fields(name, holder.kind))
    return holder.part(name) if holder.names is not None and name in holder.names else ANYTHING


def index(holder: Shape, key: Shape) -> Shape:
    """The result of `holder[key]`. Raises MisuseError."""
    if not holder.kind:
        return ANYTHING
    if holder.kind == Kind.ARRAY:
        return _element(holder, key)
    if not holder.is_object:
        raise MisuseError(0, texts.no_parts(holder.kind))
    demanded(Kind.STRING, key, operand=1)
    if holder.names is None or not key.is_exact:
        return ANYTHING
    return holder.part(key.value) if key.value in holder.names else exactly(None)


def _element(holder: Shape, key: Shape) -> Shape:
    demanded(Kind.NUMBER, key, operand=1)
    if holder.length is None or not key.is_exact:
        return ANYTHING
    position = int(key.value)
    if not 0 <= position < holder.length:
        raise MisuseError(1, texts.out_of_range(position, holder.length))
    return holder.part(position)
