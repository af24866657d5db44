"""Alloy's messages about faulty values, shared by evaluation and the static check.

Each follows the text of the expression with the value.
Source: docs/spec/SYNTAX.md, section 5, `Error text`.
"""

from __future__ import annotations

from collections.abc import Iterable

from alloypy.lang.go.text import quote
from alloypy.lang.values import Kind

NOT_CONVERTED = "secrets may not be converted into strings"
DIVIDED_BY_ZERO = "divide by zero error"

_NOT_CONVERTIBLE = "expected object or array or a capsule convertible to an object, got capsule"


def should_be(wanted: str, got: str) -> str:
    """The value has another kind than the wanted one."""
    return f"should be {wanted}, got {got}"


def wrong_capsule(wanted: str, got: str) -> str:
    """The capsule has another kind than the wanted one."""
    return f'expected capsule("{wanted}"), got capsule("{got}")'


def wrong_operand(op: str, allowed: Iterable[str], got: str) -> str:
    """The operand has a kind that the binary operator does not accept."""
    return f"should be one of [{' '.join(allowed)}] for binop {op}, got {got}"


def no_fields(name: str, kind: str) -> str:
    """The field `name` of a value that has no fields."""
    if kind == Kind.CAPSULE:
        return _NOT_CONVERTIBLE
    return f"cannot access field {quote(name)} on value of type {kind}"


def no_parts(kind: str) -> str:
    """An index of a value that has neither fields nor elements."""
    return _NOT_CONVERTIBLE if kind == Kind.CAPSULE else f"expected object or array, got {kind}"


def field_unknown(name: str) -> str:
    """A field that an object does not have."""
    return f"field {quote(name)} does not exist"


def out_of_range(position: int, length: int) -> str:
    """An index that an array does not have."""
    return f"index {position} is out of range of array with length {length}"


def wrong_count(expected: int, got: int, *, more: bool) -> str:
    """A function with too many arguments, or too few; `more`: it accepts any number beyond `expected`."""
    return f"expected {'at least ' if more else ''}{expected} args, got {got}"
