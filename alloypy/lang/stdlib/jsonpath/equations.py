"""Parses the equations in the filters of paths.

Source: spec section 5, `json_path`.
"""

from __future__ import annotations

from typing import Any

from alloypy.lang.stdlib.jsonpath.parser import PathParser
from alloypy.lang.stdlib.jsonpath.path import GROUP, NOT, NOTHING, OPERATIONS, Equation, Operation

_OPERATOR_BYTES = frozenset(b"!&*+-/<=>ehi|~")
_NUMBER = frozenset(b"-0123456789")
_DIGITS = b"0123456789"
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_MOST_DIGITS = 19
_LARGEST_INT = (1 << 63) - 1


def read_equation(parser: PathParser) -> Equation:
    """The equation at the cursor. Raises PathError."""
    equation: Equation = _without_groups(_by_precedence(_equation(parser)), None)
    return equation


def _equation(parser: PathParser) -> Equation:
    """Operations are read from left to right, each with all that follows as its right side."""
    equation = _operand(parser)
    while parser.at < len(parser.data):
        if parser.skip_blanks() in b",)]\x00":
            return equation
        operation = _operation(parser)
        equation = Equation(operation, equation, _equation(parser))
    return equation


def _operand(parser: PathParser) -> Equation:
    byte = parser.skip_blanks()
    if byte in _NUMBER:
        parser.at += 1
        return Equation(constant=_number(parser, byte))
    match chr(byte):
        case "!":
            parser.at += 1
            return Equation(NOT, _equation(parser))
        case "'" | '"':
            parser.at += 1
            return Equation(constant=parser.quoted(byte))
        case "@" | "$":
            return Equation(constant=parser.path())
        case "(":
            return _group(parser)
        case "[":
            return Equation(constant=_list(parser))
        case "/":
            parser.at += 1
            return Equation(constant=_pattern(parser))
        case "N":
            _expect(parser, "Nothing")
            return Equation(constant=NOTHING)
    return _word(parser)


def _group(parser: PathParser) -> Equation:
    parser.at += 1
    equation = Equation(GROUP, _equation(parser))
    if parser.skip_blanks() != ord(")"):
        raise parser.fault("not terminated")
    parser.at += 1
    return equation


def _word(parser: PathParser) -> Equation:
    start = parser.at
    while parser.at < len(parser.data) and chr(parser.data[parser.at]) in "abcdefghijklmnopqrstuvwxyz":
        parser.at += 1
    word = parser.data[start : parser.at].decode()
    if word in _WORDS:
        return Equation(constant=_WORDS[word])
    if word in OPERATIONS:
        return _function(parser, OPERATIONS[word])
    parser.at = start
    raise parser.fault(f"'{word}' is not a value or function")


def _function(parser: PathParser, operation: Operation) -> Equation:
    if parser.peek_or_fail() != ord("("):
        raise parser.fault(f"expected a {operation.name} function")
    parser.at += 1
    left, right = _equation(parser), None
    byte = parser.skip_blanks()
    if byte == ord(","):
        parser.at += 1
        right = _equation(parser)
        byte = parser.skip_blanks()
    if byte != ord(")"):
        raise parser.fault("not terminated")
    parser.at += 1
    return Equation(operation, left, right)


def _expect(parser: PathParser, word: str) -> None:
    for byte in word.encode():
        if parser.at >= len(parser.data) or parser.data[parser.at] != byte:
            raise parser.fault(f"expected {word}")
        parser.at += 1


def _list(parser: PathParser) -> list[Any]:
    parser.at += 1
    items: list[Any] = []
    while parser.at < len(parser.data):
        items.append(_equation(parser).constant)
        byte = parser.skip_blanks_and_take()
        if byte == ord("]"):
            break
        if byte != ord(","):
            raise parser.fault("expected a comma or an array close")
    return items


def _operation(parser: PathParser) -> Operation:
    name = ""
    byte = parser.skip_blanks()
    while byte in _OPERATOR_BYTES or (name and _continues(name, chr(byte))):
        name += chr(byte)
        if byte == ord("-") and len(name) > 1:
            raise parser.fault(f"'{name}' is not a valid operation")
        parser.at += 1
        if parser.at >= len(parser.data):
            raise parser.fault("equation not terminated")
        byte = parser.data[parser.at]
    if name not in OPERATIONS:
        raise parser.fault(f"'{name}' is not a valid operation")
    return OPERATIONS[name]


def _continues(name: str, char: str) -> bool:
    return any(known.startswith(name + char) for known in OPERATIONS)


def _number(parser: PathParser, first: int) -> int | float:
    """A number whose first byte has been read."""
    start = parser.at - 1
    _digits(parser)
    byte = parser.data[parser.at - 1] if parser.at >= len(parser.data) else parser.data[parser.at]
    if byte == ord(".") and parser.at < len(parser.data):
        parser.at += 1
        _digits(parser)
        byte = parser.data[parser.at] if parser.at < len(parser.data) else 0
        if byte not in b"eE":
            return _float(parser, start)
    elif byte not in b"eE":
        return _whole(parser, start)
    parser.at += 1
    if parser.at >= len(parser.data):
        raise parser.fault("expected a number")
    if parser.data[parser.at] in b"+-":
        parser.at += 1
        if parser.at >= len(parser.data):
            raise parser.fault("expected a number")
    _digits(parser)
    return _float(parser, start)


def _digits(parser: PathParser) -> None:
    while parser.at < len(parser.data) and parser.data[parser.at] in _DIGITS:
        parser.at += 1


def _whole(parser: PathParser, start: int) -> int:
    text = parser.data[start : parser.at].decode()
    if not text.lstrip("-"):
        raise parser.fault(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    digits = text.lstrip("-0")
    if len(digits) > _MOST_DIGITS or not -_LARGEST_INT - 1 <= int(text) <= _LARGEST_INT:
        raise parser.fault(f'strconv.ParseInt: parsing "{text}": value out of range')
    return int(text)


def _float(parser: PathParser, start: int) -> float:
    """What is no number after all counts as zero."""
    try:
        return float(parser.data[start : parser.at])
    except ValueError:
        return 0.0


def _pattern(parser: PathParser) -> Any:
    from alloypy.lang.go.regexp import parse_search_regexp

    start = parser.at
    while parser.at < len(parser.data):
        byte = parser.take()
        if byte == ord("/"):
            break
        if byte == ord("\\"):
            parser.at += 1
    text = parser.data[start : parser.at - 1].decode("utf-8", "surrogateescape")
    try:
        return parse_search_regexp(text)
    except ValueError as error:
        raise parser.fault(str(error)) from None


def _by_precedence(equation: Equation | None) -> Any:
    """The same operations, arranged so that those of lower precedence are done first."""
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
    """The same equation without the parentheses that change nothing."""
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
