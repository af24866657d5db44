"""What a regular expression can match, as far as its form tells.

Python parses the expressions, so whatever RE2 and Python read differently is left undecided.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from re import _constants as ops
from re import _parser as parser
from typing import Any, TypeAlias

from alloypy.rules.view import Undecided

_MOST_TEXTS = 256
_LONGEST = 10_000
"""The longest expression that is looked at, in characters."""

_DIFFERENT = re.compile(r"\[:|\{,|\\[0-9uUNZ]|\(\?[a-z]*[-muxaLU]")
"""What Python reads in another way than RE2: classes, `{,n}`, octal numbers and back references, flags."""

_Item: TypeAlias = tuple[Any, Any]
_OPPOSITES = (
    (ops.CATEGORY_DIGIT, ops.CATEGORY_NOT_DIGIT),
    (ops.CATEGORY_SPACE, ops.CATEGORY_NOT_SPACE),
    (ops.CATEGORY_WORD, ops.CATEGORY_NOT_WORD),
)


@lru_cache(maxsize=512)
def _parsed(text: str) -> Any:
    if len(text) > _LONGEST or _DIFFERENT.search(text):
        raise Undecided
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parser.parse(text, re.DOTALL)
    except (re.error, OverflowError, RecursionError):
        raise Undecided from None


def texts_of(text: str) -> frozenset[str]:
    """All texts that an expression matches as a whole. Raises Undecided unless they are few."""
    pattern = _parsed(text)
    if pattern.state.flags & re.IGNORECASE:
        raise Undecided
    items = list(pattern)
    if items and items[0] == (ops.AT, ops.AT_BEGINNING):
        del items[0]
    if items and items[-1] == (ops.AT, ops.AT_END):
        del items[-1]
    return frozenset(_texts(items))


def _texts(items: Iterable[_Item]) -> list[str]:
    made = [""]
    for item in items:
        made = ["".join(each) for each in product(made, _texts_of_item(item))]
        if len(made) > _MOST_TEXTS:
            raise Undecided
    return made


def _texts_of_item(item: _Item) -> list[str]:
    operator, value = item
    if operator is ops.LITERAL:
        return [chr(value)]
    if operator is ops.BRANCH:
        return [text for branch in value[1] for text in _texts(branch)]
    if operator is ops.SUBPATTERN and not value[1] and not value[2]:
        return _texts(value[3])
    if operator is ops.IN and all(kind is ops.LITERAL for kind, _ in value):
        return [chr(character) for _, character in value]
    if operator in {ops.MAX_REPEAT, ops.MIN_REPEAT} and value[:2] == (0, 1):
        return ["", *_texts(value[2])]
    raise Undecided


def matches_every(text: str) -> bool:
    """Whether an expression certainly matches every text as a whole."""
    try:
        return _is_every(list(_parsed(text)))
    except Undecided:
        return False


def _is_every(items: Sequence[_Item]) -> bool:
    items = [item for item in items if item not in ((ops.AT, ops.AT_BEGINNING), (ops.AT, ops.AT_END))]
    if len(items) != 1:
        return False
    operator, value = items[0]
    if operator is ops.SUBPATTERN:
        return not value[2] and _is_every(list(value[3]))
    if operator is ops.BRANCH:
        return any(_is_every(list(branch)) for branch in value[1])
    if operator in {ops.MAX_REPEAT, ops.MIN_REPEAT}:
        least, most, repeated = value
        if least == 0 and most is ops.MAXREPEAT:
            return list(repeated) == [(ops.ANY, None)]
        return least == 0 and most == 1 and _is_every(list(repeated))
    return False


def finds_in_every(text: str) -> bool:
    """Whether an expression certainly matches somewhere in every text."""
    try:
        pattern = _parsed(text)
    except Undecided:
        return False
    return pattern.getwidth()[0] == 0 and not _has_assertion(pattern)


def _has_assertion(items: Iterable[_Item]) -> bool:
    for operator, value in items:
        if operator is ops.AT:
            return True
        inner = _inner(operator, value)
        if any(map(_has_assertion, inner)):
            return True
    return False


def _inner(operator: Any, value: Any) -> list[Any]:
    if operator is ops.SUBPATTERN:
        return [value[3]]
    if operator is ops.BRANCH:
        return list(value[1])
    return [value[2]] if operator in {ops.MAX_REPEAT, ops.MIN_REPEAT} else []


def matches_nothing(text: str) -> bool:
    """Whether an expression certainly matches no text, neither as a whole nor anywhere in one."""
    try:
        return _is_nothing(_parsed(text), 0, 0)
    except Undecided:
        return False


def _is_nothing(items: Any, before: int, after: int) -> bool:
    """Whether items cannot match between texts of at least `before` and `after` characters."""
    widths = [_least_width(item) for item in items]
    rest = sum(widths)
    for (operator, value), width in zip(items, widths, strict=True):
        rest -= width
        if _fails(operator, value, before, after + rest):
            return True
        before += width
    return False


def _fails(operator: Any, value: Any, before: int, after: int) -> bool:
    if operator is ops.AT:
        ends = value in {ops.AT_END, ops.AT_END_STRING}
        starts = value in {ops.AT_BEGINNING, ops.AT_BEGINNING_STRING}
        return (ends and after > 0) or (starts and before > 0)
    if operator is ops.SUBPATTERN:
        return _is_nothing(value[3], before, after)
    if operator is ops.BRANCH:
        return all(_is_nothing(branch, before, after) for branch in value[1])
    if operator in {ops.MAX_REPEAT, ops.MIN_REPEAT}:
        return value[0] > 0 and _is_nothing(value[2], before, after)
    return operator is ops.IN and _is_empty_set(value)


def _is_empty_set(members: Sequence[_Item]) -> bool:
    """Whether it is the complement of two classes that are each other's complement, so of everything."""
    if members[0][0] is not ops.NEGATE:
        return False
    classes = {value for kind, value in members[1:] if kind is ops.CATEGORY}
    return any(set(pair) <= classes for pair in _OPPOSITES)


def _least_width(item: _Item) -> int:
    operator, value = item
    if operator is ops.SUBPATTERN:
        return int(value[3].getwidth()[0])
    if operator is ops.BRANCH:
        return min(int(branch.getwidth()[0]) for branch in value[1])
    if operator in {ops.MAX_REPEAT, ops.MIN_REPEAT}:
        return int(value[0]) * int(value[2].getwidth()[0])
    return 0 if operator is ops.AT else 1
