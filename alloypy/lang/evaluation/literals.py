"""From the text of a literal to its value.

Source: docs/spec/SYNTAX.md, section 5, literals.
"""

from __future__ import annotations

import math
import re

from alloypy.lang.go.text import joined
from alloypy.lang.values import UInt, Value
from alloypy.syntax.tree import Literal

_OCTAL = r"[0-7]+\Z"
_ESCAPE = r"(?s)\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))"
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


class LiteralError(ValueError):
    """A literal has no value: a number that no float can hold."""


def literal_value(literal: Literal) -> Value:
    """The value of a literal. Raises LiteralError."""
    match literal.kind:
        case "STRING":
            return string_value(literal.text)
        case "NUMBER":
            return _number(literal.text)
        case "FLOAT":
            return _float(literal.text)
        case "BOOL":
            return literal.text == "true"
    return None


def string_value(text: str) -> str:
    """The content of a string literal given with its quotes."""
    content = text[1:-1]
    if text[0] == "`":
        return content.replace("\r", "")
    return joined(re.sub(_ESCAPE, _unescape, content)) if "\\" in content else content


def _unescape(match: re.Match[str]) -> str:
    byte, short, long, octal, simple = match.groups()
    if simple:
        return _SIMPLE[simple]
    if short or long:
        return chr(int(short or long, 16))
    point = int(byte, 16) if byte else int(octal, 8)
    return chr(point) if point < 0x80 else chr(0xDC00 + point)


def _number(text: str) -> int | float:
    """A signed integer if it fits, else an unsigned one, else a float; a leading zero makes it octal."""
    if text[0] == "0" and len(text) > 1:
        number = int(text, 8) if re.match(_OCTAL, text) else None
    else:
        number = int(text) if len(text) < 21 else None
    if number is None or number >= 1 << 64:
        return _float(text)
    return number if number < 1 << 63 else UInt(number)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise LiteralError(f'strconv.ParseFloat: parsing "{text}": value out of range')
    return number
