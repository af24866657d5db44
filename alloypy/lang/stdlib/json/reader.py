"""Reads JSON step by step and reports faults in the words of Go's encoding/json.

Its only limit on depth is Go's ten thousand: open containers are kept in a list, not on the stack.
Source: docs/spec/SYNTAX.md, section 5, `encoding.from_json`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from alloypy.lang.go.text import quote_rune
from alloypy.lang.values import Value

_MAX_DEPTH = 10_000
_BLANK = re.compile(rb"[ \t\r\n]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_DIGITS = re.compile(rb"[0-9]*")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_SIMPLE = {
    ord('"'): '"',
    ord("\\"): "\\",
    ord("/"): "/",
    ord("b"): "\b",
    ord("f"): "\f",
    ord("n"): "\n",
    ord("r"): "\r",
    ord("t"): "\t",
}
_LITERALS: dict[int, tuple[bytes, Value]] = {
    ord("t"): (b"true", True),
    ord("f"): (b"false", False),
    ord("n"): (b"null", None),
}
_REPLACEMENT = "\ufffd"


class JSONError(ValueError):
    """A text is not JSON, or a value cannot be written as JSON."""


class JSONReader:
    """Reads one text. `number` returns the value for the text of a number."""

    def __init__(self, data: bytes, number: Callable[[str], Value]) -> None:
        self._data = data
        self._at = 0
        self._number = number
        self._open: list[Any] = []
        self._keys: list[str] = []
        self._numbers_at_fault: list[JSONError] = []

    def document(self) -> Value:
        """The value of the whole text. Raises JSONError, for a syntax error before a bad number."""
        value = self._value()
        while self._open:
            value = self._value() if self._next_item(value) else self._close()
        if self._skip():
            raise self._invalid("after top-level value")
        if self._numbers_at_fault:
            raise self._numbers_at_fault[0]
        return value

    def _value(self) -> Value:
        """The next scalar or empty container; opens the containers before it."""
        while True:
            char = self._demand("looking for beginning of value")
            if char == ord("["):
                self._enter([])
                if self._skip() == ord("]"):
                    return self._close()
            elif char == ord("{"):
                self._enter({})
                if self._skip() == ord("}"):
                    return self._close()
                self._key()
            else:
                return self._scalar(char)

    def _scalar(self, char: int) -> Value:
        if char == ord('"'):
            return self._string()
        if char in b"-0123456789":
            return self._numeric()
        if char in _LITERALS:
            return self._literal(*_LITERALS[char])
        raise self._invalid("looking for beginning of value")

    def _enter(self, container: Any) -> None:
        self._at += 1
        self._open.append(container)
        if len(self._open) > _MAX_DEPTH:
            raise JSONError("exceeded max depth")

    def _close(self) -> Value:
        self._at += 1
        return self._open.pop()

    def _next_item(self, value: Value) -> bool:
        """Stores `value` in the open container; returns whether another item follows."""
        container = self._open[-1]
        if isinstance(container, list):
            container.append(value)
            if self._demand("after array element", b",]") == ord("]"):
                return False
            self._at += 1
            return True
        container[self._keys.pop()] = value
        if self._demand("after object key:value pair", b",}") == ord("}"):
            return False
        self._at += 1
        self._skip()
        self._key()
        return True

    def _key(self) -> None:
        self._demand("looking for beginning of object key string", b'"')
        self._keys.append(self._string())
        self._demand("after object key", b":")
        self._at += 1

    def _skip(self) -> int:
        """The next byte that is not blank, or 0 at the end."""
        blank = _BLANK.match(self._data, self._at)
        self._at = blank.end() if blank else self._at
        return self._data[self._at] if self._at < len(self._data) else 0

    def _demand(self, context: str, allowed: bytes = b"") -> int:
        """The next byte that is not blank; it must be one of `allowed`, if given."""
        self._skip()
        char = self._byte()
        if allowed and char not in allowed:
            raise self._invalid(context)
        return char

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise JSONError("unexpected end of JSON input")
        return self._data[self._at]

    def _byte_or_blank(self) -> int:
        """The current byte; at the end of the text a blank, which is not valid in what is being read."""
        return self._data[self._at] if self._at < len(self._data) else ord(" ")

    def _invalid(self, context: str) -> JSONError:
        return JSONError(f"invalid character {quote_rune(chr(self._byte_or_blank()))} {context}")

    def _literal(self, text: bytes, value: Value) -> Value:
        for expected in text:
            if self._byte_or_blank() != expected:
                raise self._invalid(f"in literal {text.decode()} (expecting {quote_rune(chr(expected))})")
            self._at += 1
        return value

    def _numeric(self) -> Value:
        start = self._at
        if self._data[start] == ord("-"):
            self._at += 1
            self._digit("in numeric literal")
        if self._data[self._at] == ord("0"):
            self._at += 1
        else:
            self._digits()
        if self._data[self._at : self._at + 1] == b".":
            self._at += 1
            self._digit("after decimal point in numeric literal")
            self._digits()
        if self._data[self._at : self._at + 1] in {b"e", b"E"}:
            self._at += 1
            if self._byte_or_blank() in b"+-":
                self._at += 1
            self._digit("in exponent of numeric literal")
            self._digits()
        try:
            return self._number(self._data[start : self._at].decode())
        except JSONError as error:
            self._numbers_at_fault.append(error)
            return None

    def _digit(self, context: str) -> None:
        if self._byte_or_blank() not in b"0123456789":
            raise self._invalid(context)

    def _digits(self) -> None:
        digits = _DIGITS.match(self._data, self._at)
        self._at = digits.end() if digits else self._at

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            plain = _PLAIN.match(self._data, self._at)
            if plain and plain[0]:
                parts.append(_replaced(plain[0]))
                self._at = plain.end()
            char = self._byte()
            if char < 0x20:
                raise self._invalid("in string literal")
            self._at += 1
            if char == ord('"'):
                return "".join(parts)
            parts.append(self._escape())

    def _escape(self) -> str:
        char = self._byte_or_blank()
        if char != ord("u"):
            if char not in _SIMPLE:
                raise self._invalid("in string escape code")
            self._at += 1
            return _SIMPLE[char]
        code = self._code()
        if 0xD800 <= code < 0xDC00 and self._data[self._at : self._at + 2] == b"\\u":
            resume = self._at
            self._at += 1
            low = self._code()
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00)
            self._at = resume
        return _REPLACEMENT if 0xD800 <= code < 0xE000 else chr(code)

    def _code(self) -> int:
        """The four digits after `u`."""
        self._at += 1
        for _ in range(4):
            if self._byte_or_blank() not in _HEX:
                raise self._invalid("in \\u hexadecimal character escape")
            self._at += 1
        return int(self._data[self._at - 4 : self._at], 16)


def _replaced(data: bytes) -> str:
    """`data` as text, with each byte that is not UTF-8 as a replacement character."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = data.decode("utf-8", "surrogateescape")
        return "".join(_REPLACEMENT if "\udc80" <= char <= "\udcff" else char for char in text)
