"""Equality of values, as `==` in expressions defines it.

Source: docs/spec/SYNTAX.md, section 5, equality.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alloypy.lang.evaluation.effort import spend
from alloypy.lang.numbers import to_int
from alloypy.lang.values import Kind, UInt, Value, kind_of, text_of


def values_equal(left: Value, right: Value) -> bool:
    """Whether two values are equal: numbers are converted to one kind; arrays and objects compare deeply."""
    spend()
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    match kind:
        case Kind.NULL:
            return True
        case Kind.NUMBER:
            return numbers_equal(left, right)
        case Kind.STRING:
            return text_of(left) == text_of(right)
        case Kind.ARRAY:
            return len(left) == len(right) and _elements_equal(left, right)
        case Kind.OBJECT:
            return _objects_equal(left, right)
        case Kind.FUNCTION:
            return False  # functions cannot be compared, not even with themselves
    return bool(left == right)


def numbers_equal(left: int | float, right: int | float) -> bool:
    """Whether two numbers are equal as one kind; unsigned and signed ones are compared as signed."""
    if isinstance(left, float) or isinstance(right, float):
        return float(left) == float(right)
    if isinstance(left, UInt) != isinstance(right, UInt):
        return to_int(left) == to_int(right)
    return left == right


def _elements_equal(left: Iterable[Value], right: Iterable[Value]) -> bool:
    # Loops, because `all` would recurse on the C stack, and values may be deep.
    for one, other in zip(left, right, strict=True):  # noqa: SIM110
        if not values_equal(one, other):
            return False
    return True


def _objects_equal(left: Mapping[str, Value], right: Mapping[str, Value]) -> bool:
    if len(left) != len(right):
        return False
    for key, value in left.items():  # noqa: SIM110
        if key not in right or not values_equal(value, right[key]):
            return False
    return True
