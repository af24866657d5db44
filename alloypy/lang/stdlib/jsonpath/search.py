"""Finds the values that a path selects; the equations in its filters search in turn.

Source: docs/spec/SYNTAX.md, section 5, `json_path`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from alloypy.lang.evaluation.effort import spend
from alloypy.lang.stdlib.jsonpath.operations import LOGIC, OPERATIONS, SearchError
from alloypy.lang.stdlib.jsonpath.path import (
    GROUP,
    NOTHING,
    Child,
    Descent,
    Equation,
    Filter,
    Fragment,
    Here,
    Nth,
    Path,
    Root,
    Slice,
    Union,
    Wildcard,
)
from alloypy.lang.values import Value


def search(path: Path, document: Value) -> list[Value]:
    """All values that `path` selects, in the order of the document."""
    if not path:
        return []
    results: list[Value] = []
    _Search(path, document, results).visit(0, [document])
    return results


class _Search:
    """One search: walks the document fragment by fragment."""

    def __init__(self, path: Sequence[Fragment], document: Value, results: list[Value]) -> None:
        self._path = path
        self._document = document
        self._results = results
        self._last = len(path) - 1

    def visit(self, at: int, values: Sequence[Value]) -> None:
        """Apply the fragment at `at` to each value, and the following fragments to what it finds.

        As in the library, `..` descends only into the first of the values.
        """
        if isinstance(self._path[at], Descent):
            for value in values[:1]:
                self._descend(at, value, is_top=True)
            for value in values[1:]:
                self._after_descent(at, value, is_top=True)
            return
        for value in values:
            self._apply(at, value)

    def _apply(self, at: int, value: Value) -> None:
        fragment = self._path[at]
        spend()
        found = self._found(fragment, value, at == self._last)
        if at == self._last:
            spend(len(found))
            self._results.extend(found)
        elif isinstance(fragment, Root | Here | Filter):
            self.visit(at + 1, found)
        else:
            self.visit(at + 1, [item for item in found if isinstance(item, dict | list)])

    def _descend(self, at: int, value: Value, is_top: bool) -> None:
        """At the end of a path, take all values inside, then the value; elsewhere search the inside first."""
        inside = _members(value)
        spend(1 + len(inside))
        if at == self._last:
            self._results.extend(inside)
        for member in inside:
            if isinstance(member, dict | list):
                self._descend(at, member, is_top=False)
        self._after_descent(at, value, is_top)

    def _after_descent(self, at: int, value: Value, is_top: bool) -> None:
        if at < self._last:
            self.visit(at + 1, [value])
        elif is_top:
            self._results.append(value)

    def _found(self, fragment: Fragment, value: Value, is_last: bool) -> Sequence[Value]:
        match fragment:
            case Root():
                return [self._document]
            case Child(name):
                return list(_named(value, name))
            case Nth(number):
                return list(_indexed(value, number))
            case Wildcard():
                return _members(value)
            case Union(members):
                return list(_union(value, members))
            case Slice():
                return _sliced(value, fragment, is_last) if isinstance(value, list) else []
            case Filter(equation):
                return self._filtered(equation, value)
        return [value]

    def _filtered(self, equation: Any, value: Value) -> list[Value]:
        if value is None:
            raise SearchError("a filter cannot be applied to null")
        return [member for member in _members(value) if _holds(equation, member, self._document)]


def _members(value: Value) -> list[Value]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _named(value: Value, name: str) -> Iterator[Value]:
    if isinstance(value, dict) and name in value:
        yield value[name]


def _indexed(value: Value, index: int) -> Iterator[Value]:
    if isinstance(value, list) and -len(value) <= index < len(value):
        yield value[index]


def _union(value: Value, members: Sequence[str | int]) -> Iterator[Value]:
    for member in members:
        if isinstance(member, str):
            yield from _named(value, member)
        else:
            yield from _indexed(value, member)


def _sliced(value: list[Value], part: Slice, is_last: bool) -> list[Value]:
    start, end, step = part
    size = len(value)
    if start < 0:
        start = max(size + start, 0)
    if end < 0:
        end += size
    if step == 0 or start >= size:
        return []
    end = min(end, size)
    if step < 0:
        end = max(end, -1)
    if not is_last:
        # In the middle of a path the library steps back from the last element, and takes one too many
        # if the slice is empty and the step is longer than one.
        gap = end - start - 1 if step > 0 else start - end - 1
        count = _towards_zero(gap, abs(step))
        end = start + (count * step) + (1 if step > 0 else -1)
    return [value[index] for index in range(start, end, step)]


def _towards_zero(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)


class _Found(NamedTuple):
    """A value found by a path; without an operator it counts as true, whatever it is."""

    value: Value


def _holds(equation: Equation, value: Value, document: Value) -> bool:
    """Whether the equation holds for `value`; if a path finds several values, each of them is tried."""
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
    """The sides that are paths, except those that `count` takes whole."""
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
    if operation.name in LOGIC:
        right = _evaluate(equation.right, found, value) if operation.operands > 1 else None
        return LOGIC[operation.name](_truth(left), _truth(right))
    right = _evaluate(equation.right, found, value) if operation.operands > 1 else None
    return OPERATIONS[operation.name](_plain(left), _plain(right))


def _count(argument: Equation | None, value: Value) -> Any:
    path = argument.constant if argument is not None and argument.operation is None else None
    return len(search(path, value)) if isinstance(path, tuple) else NOTHING


def _plain(side: Any) -> Any:
    return side.value if isinstance(side, _Found) else side


def _truth(side: Any) -> bool:
    return isinstance(side, _Found) or side is True
