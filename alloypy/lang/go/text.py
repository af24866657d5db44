"""Texts as Go writes and reads them.

Source: docs/spec/RUNTIME.md, sections 1 (flag values) and 6 (log values).
"""

from __future__ import annotations

import re

from alloypy.syntax.letters import quote

__all__ = [
    "joined",
    "parse_decimal",
    "parse_int",
    "quote",
    "quote_ascii",
    "quote_rune",
]

_LARGEST_INT64 = (1 << 63) - 1
_MOST_DIGITS = 19
_BYTE_ESCAPES = range(0xDC80, 0xDD00)


def parse_decimal(text: str) -> int:
    """A 64-bit integer in decimal, as `strconv.Atoi` reads it. Raises ValueError."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("invalid syntax")
    digits = digits.lstrip("0") or "0"
    value = int(digits) * (-1 if text[0] == "-" else 1) if len(digits) <= _MOST_DIGITS else None
    if value is None or not -_LARGEST_INT64 - 1 <= value <= _LARGEST_INT64:
        raise ValueError("value out of range")
    return value


def joined(*parts: str) -> str:
    """The parts as one text. Escaped bytes that together form a character become that character."""
    text = "".join(parts)
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def quote_ascii(text: str) -> str:
    """`text` in double quotes with all non-ASCII characters escaped, as Go's %+q prints it."""
    return "".join(char if char.isascii() else _escaped(char) for char in quote(text))


def quote_rune(char: str, ascii_only: bool = False) -> str:
    """One character in single quotes, as Go's %q prints a number."""
    if char == '"':
        return "'\"'"
    if char == "'":
        return "'\\''"
    quoted = quote_ascii(char) if ascii_only else quote(char)
    return f"'{quoted[1:-1]}'"


def _escaped(char: str) -> str:
    code = ord(char)
    if code in _BYTE_ESCAPES:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def int_fault(text: str, reason: str = "invalid syntax") -> str:
    """Go's message for a text that is not an integer, or is out of range."""
    return f"strconv.ParseInt: parsing {quote(text)}: {reason}"


def parse_int(text: str) -> int:
    """A 64-bit integer as Go reads flags: with 0x, 0o, 0b and inner underscores. Raises ValueError."""
    try:
        if text != text.strip():
            raise ValueError(text)
        octal = re.fullmatch(r"([+-]?)0(_?[0-7])+", text)
        value = int(text, 8) if octal else int(text, 0)
    except ValueError:
        raise ValueError(int_fault(text)) from None
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError(int_fault(text, "value out of range"))
    return value
