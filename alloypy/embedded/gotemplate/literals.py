"""Numbers, strings and characters in Go templates, and what Go says about those that are none.

Source: Go 1.26, text/template/parse (newNumber) and strconv.
"""

from __future__ import annotations

import re

from alloypy.lang.numbers import parse_float

_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<binary>[01]+)|0[oO]?(?P<octal>[0-7]+)"
    r"|(?P<decimal>0|[1-9][0-9]*))\Z"
)
_BASES = {"hex": 16, "binary": 2, "octal": 8, "decimal": 10}
_INNER_SIGN = re.compile(r"(?<!^)(?<![eEpP])[-+]")
# An underscore is between two digits, or between a prefix and a digit.
_BAD_UNDERSCORE = re.compile(r"(?<![0-9xXoObB])_|_(?![0-9])")
_BAD_UNDERSCORE_IN_HEX = re.compile(r"(?<![0-9a-fA-FxX])_|_(?![0-9a-fA-F])")
_MOST_DIGITS = 70
_LARGEST_UINT = (1 << 64) - 1
_SMALLEST_INT = -(1 << 63)
_ESCAPE = (
    r"\\(?:[abfnrtv\\%s]|[0-3][0-7]{2}|x[0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
    r"|U00(?:00(?![dD][89a-fA-F])|0[1-9a-fA-F]|10)[0-9a-fA-F]{4})"
)
_STRING = re.compile(rf'"(?:[^"\\\n]|{_ESCAPE % chr(34)})*"')
_CHARACTER = re.compile(rf"'(?:[^'\\\n]|{_ESCAPE % chr(39)})'")


def fault_of(kind: str, text: str) -> str:
    """What is wrong with a literal; "" for a valid one. kind: string, char or number."""
    match kind:
        case "string":
            return "" if _STRING.fullmatch(text) else "invalid syntax"
        case "char":
            return "" if _CHARACTER.fullmatch(text) else f"malformed character constant: {text}"
    return _number_fault(text)


def _number_fault(text: str) -> str:
    if text.endswith("i"):
        *_, sign = (0, *(each.start() for each in _INNER_SIGN.finditer(text)))
        good = (sign == 0 or _is_float(text[:sign])) and _is_float(text[sign:-1])
    elif _is_integer(text):
        good = True
    elif _is_float(text):
        if not re.search("[.eEpP]", text):
            return f'integer overflow: "{text}"'
        good = True
    else:
        good = False
    return "" if good else f'illegal number syntax: "{text}"'


def _is_integer(text: str) -> bool:
    """Whether the text is an integer, in any notation, that 64 bits can hold."""
    found = _INTEGER.match(text.replace("_", ""))
    if found is None or found.lastgroup is None or not _underscores_fit(text):
        return False
    digits = found[found.lastgroup].lstrip("0") or "0"
    if len(digits) > _MOST_DIGITS:
        return False
    number = int(digits, _BASES[found.lastgroup])
    if found["sign"]:
        number = -number if found["sign"] == "-" else number
        return _SMALLEST_INT <= number < -_SMALLEST_INT
    return number <= _LARGEST_UINT


def _is_float(text: str) -> bool:
    return _underscores_fit(text) and parse_float(text.replace("_", "")) is not None


def _underscores_fit(text: str) -> bool:
    bad = _BAD_UNDERSCORE_IN_HEX if text.lstrip("+-")[:2] in {"0x", "0X"} else _BAD_UNDERSCORE
    return bad.search(text) is None
