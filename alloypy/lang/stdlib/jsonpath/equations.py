"""Parses the equations in path filters.

Source: docs/spec/SYNTAX.md, section 5, `json_path`.
"""

from __future__ import annotations

from typing import Any

from alloypy.lang.go.text import int_fault
from alloypy.lang.stdlib.jsonpath.cursor import Cursor
from alloypy.lang.stdlib.jsonpath.path import GROUP, NOT, NOTHING, OPERATIONS, Equation, Operation

_OPERATOR_BYTES = frozenset(b"!&*+-/<=>ehi|~")
_NUMBER = frozenset(b"-0123456789")
_DIGITS = b"0123456789"
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_MOST_DIGITS = 19
_LARGEST_INT = (1 << 63) - 1


def read_equation(cursor: Cursor) -> Equation:
    """The equation at the cursor. Raises PathError."""
    equation: Equation = _without_groups(_by_precedence(_equation(cursor)), None)
    return equation


def _equation(cursor: Cursor) -> Equation:
    """Reads operations from left to right; the right side of each is everything that follows."""
    equation = _operand(cursor)
    while cursor.at < len(cursor.data):
        if cursor.skip_blanks() in b",)]\x00":
            return equation
        operation = _operation(cursor)
        equation = Equation(operation, equation, _equation(cursor))
    return equation


def _operand(cursor: Cursor) -> Equation:
    byte = cursor.skip_blanks()
    if byte in _NUMBER:
        cursor.at += 1
        return Equation(constant=_number(cursor, byte))
    match chr(byte):
        case "!":
            cursor.at += 1
            return Equation(NOT, _equation(cursor))
        case "'" | '"':
            cursor.at += 1
            return Equation(constant=cursor.quoted(byte))
        case "@" | "$":
            return Equation(constant=cursor.path())
        case "(":
            return _group(cursor)
        case "[":
            return Equation(constant=_list(cursor))
        case "/":
            cursor.at += 1
            return Equation(constant=_pattern(cursor))
        case "N":
            _expect(cursor, "Nothing")
            return Equation(constant=NOTHING)
    return _word(cursor)


def _group(cursor: Cursor) -> Equation:
    cursor.at += 1
    equation = Equation(GROUP, _equation(cursor))
    if cursor.skip_blanks() != ord(")"):
        raise cursor.fault("not terminated")
    cursor.at += 1
    return equation


def _word(cursor: Cursor) -> Equation:
    start = cursor.at
    while cursor.at < len(cursor.data) and chr(cursor.data[cursor.at]) in "abcdefghijklmnopqrstuvwxyz":
        cursor.at += 1
    word = cursor.data[start : cursor.at].decode()
    if word in _WORDS:
        return Equation(constant=_WORDS[word])
    if word in OPERATIONS:
        return _function(cursor, OPERATIONS[word])
    cursor.at = start
    raise cursor.fault(f"'{word}' is not a value or function")


def _function(cursor: Cursor, operation: Operation) -> Equation:
    if cursor.peek_or_fail() != ord("("):
        raise cursor.fault(f"expected a {operation.name} function")
    cursor.at += 1
    left, right = _equation(cursor), None
    byte = cursor.skip_blanks()
    if byte == ord(","):
        cursor.at += 1
        right = _equation(cursor)
        byte = cursor.skip_blanks()
    if byte != ord(")"):
        raise cursor.fault("not terminated")
    cursor.at += 1
    return Equation(operation, left, right)


def _expect(cursor: Cursor, word: str) -> None:
    for byte in word.encode():
        if cursor.at >= len(cursor.data) or cursor.data[cursor.at] != byte:
            raise cursor.fault(f"expected {word}")
        cursor.at += 1


def _list(cursor: Cursor) -> list[Any]:
    cursor.at += 1
    items: list[Any] = []
    while cursor.at < len(cursor.data):
        items.append(_equation(cursor).constant)
        byte = cursor.skip_blanks_and_take()
        if byte == ord("]"):
            break
        if byte != ord(","):
            raise cursor.fault("expected a comma or an array close")
    return items


def _operation(cursor: Cursor) -> Operation:
    name = ""
    byte = cursor.skip_blanks()
    while byte in _OPERATOR_BYTES or (name and _continues(name, chr(byte))):
        name += chr(byte)
        if byte == ord("-") and len(name) > 1:
            raise cursor.fault(f"'{name}' is not a valid operation")
        cursor.at += 1
        if cursor.at >= len(cursor.data):
            raise cursor.fault("equation not terminated")
        byte = cursor.data[cursor.at]
    if name not in OPERATIONS:
        raise cursor.fault(f"'{name}' is not a valid operation")
    return OPERATIONS[name]


def _continues(name: str, char: str) -> bool:
    return any(known.startswith(name + char) for known in OPERATIONS)


def _number(cursor: Cursor, first: int) -> int | float:
    """Reads the rest of a number whose first byte is `first`."""
    start = cursor.at - 1
    _digits(cursor)
    byte = cursor.data[cursor.at - 1] if cursor.at >= len(cursor.data) else cursor.data[cursor.at]
    if byte == ord(".") and cursor.at < len(cursor.data):
        cursor.at += 1
        _digits(cursor)
        byte = cursor.data[cursor.at] if cursor.at < len(cursor.data) else 0
        if byte not in b"eE":
            return _float(cursor, start)
    elif byte not in b"eE":
        return _whole(cursor, start)
    cursor.at += 1
    if cursor.at >= len(cursor.data):
        raise cursor.fault("expected a number")
    if cursor.data[cursor.at] in b"+-":
        cursor.at += 1
        if cursor.at >= len(cursor.data):
            raise cursor.fault("expected a number")
    _digits(cursor)
    return _float(cursor, start)


def _digits(cursor: Cursor) -> None:
    while cursor.at < len(cursor.data) and cursor.data[cursor.at] in _DIGITS:
        cursor.at += 1


def _whole(cursor: Cursor, start: int) -> int:
    text = cursor.data[start : cursor.at].decode()
    if not text.lstrip("-"):
        raise cursor.fault(int_fault(text))
    digits = text.lstrip("-0")
    if len(digits) > _MOST_DIGITS or not -_LARGEST_INT - 1 <= int(text) <= _LARGEST_INT:
        raise cursor.fault(int_fault(text, "value out of range"))
    return int(text)


def _float(cursor: Cursor, start: int) -> float:
    """The float read since `start`; 0 if it is not a number after all."""
    try:
        return float(cursor.data[start : cursor.at])
    except ValueError:
        return 0.0


def _pattern(cursor: Cursor) -> Any:
    from alloypy.lang.go.regexp import parse_search_regexp

    start = cursor.at
    while cursor.at < len(cursor.data):
        byte = cursor.take()
        if byte == ord("/"):
            break
        if byte == ord("\\"):
            cursor.at += 1
    text = cursor.data[start : cursor.at - 1].decode("utf-8", "surrogateescape")
    try:
        return parse_search_regexp(text)
    except ValueError as error:
        raise cursor.fault(str(error)) from None


def _by_precedence(equation: Equation | None) -> Any:
    """The same operations, rearranged so that those of lower precedence are applied first."""
    if equation is None or equation.operation is None:
        return equation
    equation.left = _by_precedence(equation.left)
    right = equation.right
    if right is None or right.operation is None:
        return equation
    if equation.operation.precedence <= right.operation.precedence:
        equation.right = right.left
        right.left = equation
        return _by_precedence(right)
    equation.right = _by_precedence(right)
    again = equation.right.operation if equation.right is not None else None
    if again is not None and equation.operation.precedence <= again.precedence:
        return _by_precedence(equation)
    return equation


def _without_groups(equation: Equation | None, outer: Operation | None) -> Any:
    """The same equation without redundant parentheses."""
    if equation is None or equation.operation is None:
        return equation
    if equation.operation is GROUP:
        left = equation.left
        inner = left.operation if left is not None else None
        if outer is None or (inner is not None and inner.precedence < outer.precedence):
            return _without_groups(left, outer)
    equation.left = _without_groups(equation.left, equation.operation)
    equation.right = _without_groups(equation.right, equation.operation)
    return equation
