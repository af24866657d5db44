"""Whether the equation of a filter holds for a value.

Source: spec section 5, `json_path`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

from alloypy.lang.evaluation.effort import make, spend
from alloypy.lang.go.regexp import Regexp, parse_search_regexp
from alloypy.lang.numbers import wrap_int
from alloypy.lang.stdlib.jsonpath.path import GROUP, NOTHING, Equation, Root
from alloypy.lang.stdlib.jsonpath.search import SearchError, search
from alloypy.lang.values import Value


class _Found(NamedTuple):
    """What a path found; by itself it counts as true, whatever it is."""

    value: Value


def holds(equation: Equation, value: Value, document: Value) -> bool:
    """Whether the equation holds for `value`; paths that find several values are tried with each of them."""
    paths = list(_paths(equation))
    choices = [_choices(path, value, document) for path in paths]
    for choice in product(*choices):
        spend(1 + len(paths))
        found = dict(zip(map(id, paths), choice, strict=True))
        result = _evaluate(equation, found, value)
        if isinstance(result, _Found) or result is True:
            return True
    return False


def _paths(equation: Equation | None) -> Iterator[Equation]:
    """The sides that are paths, but for those that `count` wants whole."""
    if equation is None:
        return
    if equation.operation is None:
        if isinstance(equation.constant, tuple):
            yield equation
        return
    if equation.operation.name != "count":
        yield from _paths(equation.left)
    if equation.operation.operands > 1:
        yield from _paths(equation.right)


def _choices(equation: Equation, value: Value, document: Value) -> list[Any]:
    path = equation.constant
    start = document if path and isinstance(path[0], Root) else value
    found = search(path, start)
    return [_Found(item) for item in found] or [NOTHING]


def _evaluate(equation: Equation | None, found: dict[int, Any], value: Value) -> Any:
    if equation is None:
        return None
    operation = equation.operation
    if operation is None:
        return found.get(id(equation), equation.constant)
    if operation.name == "count":
        return _count(equation.left, value)
    left = _evaluate(equation.left, found, value)
    if operation is GROUP:
        return left.value if isinstance(left, _Found) else left
    if operation.name in _LOGIC:
        right = _evaluate(equation.right, found, value) if operation.operands > 1 else None
        return _LOGIC[operation.name](_truth(left), _truth(right))
    right = _evaluate(equation.right, found, value) if operation.operands > 1 else None
    return _OPERATIONS[operation.name](_plain(left), _plain(right))


def _count(argument: Equation | None, value: Value) -> Any:
    path = argument.constant if argument is not None and argument.operation is None else None
    return len(search(path, value)) if isinstance(path, tuple) else NOTHING


def _plain(side: Any) -> Any:
    return side.value if isinstance(side, _Found) else side


def _truth(side: Any) -> bool:
    return isinstance(side, _Found) or side is True


_LOGIC: dict[str, Callable[[bool, bool], bool]] = {
    "&&": lambda left, right: left and right,
    "||": lambda left, right: left or right,
    "!": lambda left, right: not left,
}


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
    """A float differs, for the library, from whole numbers only."""
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
    """Kinds of numbers matter here: 1 is not in [1.0]."""
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
    """From end to end."""
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


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
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
