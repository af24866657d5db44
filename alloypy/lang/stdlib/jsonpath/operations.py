"""The operators and functions of filter equations.

Source: docs/spec/SYNTAX.md, section 5, `json_path`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alloypy.lang.evaluation.effort import make
from alloypy.lang.go.regexp import Regexp, parse_search_regexp
from alloypy.lang.numbers import wrap_int
from alloypy.lang.stdlib.jsonpath.path import NOTHING


class SearchError(ValueError):
    """A path cannot be applied to this document."""


LOGIC: dict[str, Callable[[bool, bool], bool]] = {
    "&&": lambda left, right: left and right,
    "||": lambda left, right: left or right,
    "!": lambda left, right: not left,
}
"""Operators on booleans."""


def _is_number(side: Any) -> bool:
    return isinstance(side, int | float) and not isinstance(side, bool)


def _equal(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        return float(left) == float(right) if type(left) is not type(right) else bool(left == right)
    for kind, name in ((list, "[]interface {}"), (dict, "map[string]interface {}")):
        if isinstance(left, kind) and isinstance(right, kind):
            raise SearchError(f"runtime error: comparing uncomparable type {name}")
    return type(left) is type(right) and bool(left == right)


def _unequal(left: Any, right: Any) -> bool:
    """Whether two values differ; to the library, a float differs only from whole numbers."""
    if isinstance(left, float) and (isinstance(right, bool) or not isinstance(right, int)):
        return False
    return not _equal(left, right)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(left: Any, right: Any) -> bool:
        if _is_number(left) and _is_number(right):
            same = type(left) is type(right)
            return compare(left, right) if same else compare(float(left), float(right))
        if isinstance(left, str) and isinstance(right, str):
            return compare(_data(left), _data(right))
        return False

    return compared


def _data(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _calculated(calculate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def calculated(left: Any, right: Any) -> Any:
        if not (_is_number(left) and _is_number(right)):
            return NOTHING
        if isinstance(left, float) or isinstance(right, float):
            return calculate(float(left), float(right))
        return wrap_int(calculate(left, right))

    return calculated


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        make(len(left) + len(right))
        return left + right
    return _calculated(lambda one, other: one + other)(left, right)


def _divide(left: Any, right: Any) -> Any:
    if not (_is_number(left) and _is_number(right)) or right == 0:
        return NOTHING
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return wrap_int(quotient if (left < 0) == (right < 0) else -quotient)
    return float(left) / float(right)


def _is_in(left: Any, right: Any) -> bool:
    """Whether a list contains a value; kinds of numbers matter: 1 is not in [1.0]."""
    return isinstance(right, list) and any(type(left) is type(item) and _equal(left, item) for item in right)


def _is_empty(left: Any, right: Any) -> bool:
    return isinstance(right, bool) and isinstance(left, str | list | dict) and right == (not left)


def _exists(left: Any, right: Any) -> bool:
    return isinstance(right, bool) and right == (left is not NOTHING)


def _length(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        return len(_data(left))
    return len(left) if isinstance(left, list | dict) else NOTHING


def _matches(left: Any, right: Any) -> bool:
    pattern = right if isinstance(right, Regexp) else _compiled(right)
    return isinstance(left, str) and pattern is not None and pattern.matches(left)


def _match(left: Any, right: Any) -> Any:
    """Match an expression against the whole text."""
    if not isinstance(left, str) or not isinstance(right, str) or not right:
        return NOTHING
    anchored = right if right[0] == "^" else "^" + right
    pattern = _compiled(anchored if anchored[-1] == "$" else anchored + "$")
    return NOTHING if pattern is None else pattern.matches(left)


def _search(left: Any, right: Any) -> Any:
    if not isinstance(left, str) or not isinstance(right, str) or not right:
        return NOTHING
    pattern = _compiled(right)
    return NOTHING if pattern is None else pattern.matches(left)


def _compiled(text: Any) -> Regexp | None:
    try:
        return parse_search_regexp(text) if isinstance(text, str) else None
    except ValueError:
        return None


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": _equal,
    "!=": _unequal,
    "<": _compared(lambda left, right: left < right),
    ">": _compared(lambda left, right: left > right),
    "<=": _compared(lambda left, right: left <= right),
    ">=": _compared(lambda left, right: left >= right),
    "+": _add,
    "-": _calculated(lambda left, right: left - right),
    "*": _calculated(lambda left, right: left * right),
    "/": _divide,
    "in": _is_in,
    "empty": _is_empty,
    "has": _exists,
    "exists": _exists,
    "~=": _matches,
    "length": _length,
    "match": _match,
    "search": _search,
}
"""Operators on values; the value of an impossible operation is NOTHING."""
