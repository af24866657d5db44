"""Reads the JSON texts that `json_path` searches, with the numbers and messages of Alloy's library.

Unlike in `encoding.from_json`, whole numbers are ints, and numbers that do not fit become texts.
Some texts that are not quite JSON can be read: the automaton below accepts what the library accepts.
Source: docs/spec/SYNTAX.md, section 5, `json_path`.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from alloypy.lang.values import Value

_SHALLOW = 500
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_BIG = (1 << 63) - 1
_MOST_DIGITS = 19
_MOST_FRACTION_DIGITS = 17
_LARGEST_EXPONENT = 1022


class DocumentError(ValueError):
    """The text cannot be read; ends in ` at LINE:COLUMN`."""


def read(text: str) -> Value:
    """The value of a JSON text; null for an empty one. Raises DocumentError."""
    shallow = text.count("[") + text.count("{") < _SHALLOW
    if shallow and not _SURROGATE_ESCAPE.search(text):
        try:
            return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)
        except ValueError:
            pass  # the automaton reads it after all, or raises the library's error
    return _Automaton(text.encode("utf-8", "surrogateescape")).run()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _number(text: str) -> int | float | str:
    """An int, a float, or the text itself if it has more digits than the library counts."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole.lstrip("-")
    if digits == "0" and exponent and "." not in mantissa:
        raise ValueError("invalid number")  # the library accepts no exponent after a bare zero
    if len(digits) > _MOST_DIGITS or len(fraction) > _MOST_FRACTION_DIGITS or len(exponent) > _MOST_DIGITS:
        return text
    if int(digits) > _BIG or (digits == whole and int(digits) // 10 >= _BIG // 10):
        return text
    if abs(int(exponent or "0")) > _LARGEST_EXPONENT:
        return text
    if fraction or (exponent and int(exponent)):
        return float(text)
    return int(whole)


_BLANKS = dict.fromkeys(b" \t\r", "skip") | {ord("\n"): "line"}
_FOLLOWING = {
    ",": "unexpected comma",
    "]": "unexpected array close",
    "}": "unexpected object close",
}
"""The errors for these characters right after a number outside all containers."""
_NUMBER_ENDS = frozenset(b" \t\r\n,]}")
_DIGITS = b"0123456789"
_STARTS = {
    ord('"'): "string",
    ord("-"): "number",
    ord("["): "array",
    ord("{"): "object",
    ord("n"): "null",
    ord("t"): "true",
    ord("f"): "false",
} | dict.fromkeys(_DIGITS, "number")

_MODES: dict[str, dict[int, str]] = {
    "value": _BLANKS | _STARTS | {ord("]"): "close-array", ord("}"): "close-object"},
    "element": _BLANKS | _STARTS,
    "after": _BLANKS | {ord(","): "comma", ord("]"): "close-array", ord("}"): "close-object"},
    "first key": _BLANKS | {ord('"'): "key", ord("}"): "close-object"},
    "key": _BLANKS | {ord('"'): "key"},
    "colon": _BLANKS | {ord(":"): "colon"},
    "end": _BLANKS,
}
"""The meaning of each byte in each mode; any other byte is an error."""

_FAULTS = {
    "after": "expected a comma or close, not '{}'",
    "first key": "expected a string start or object close, not '{}'",
    "key": "expected a string start, not '{}'",
    "colon": "expected a colon, not '{}'",
    "end": "extra characters after close, '{}'",
}
_WORDS: dict[str, Value] = {"null": None, "true": True, "false": False}
_ESCAPES = dict(zip(b'"/\\bfnrt', '"/\\\b\f\n\r\t', strict=True))
_HEX = frozenset(b"0123456789abcdefABCDEF")
_SPACES = re.compile(rb"[ \t\r]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_NUMBER_STATES: dict[str, dict[int, str]] = {
    "sign": {ord("0"): "zero"} | dict.fromkeys(b"123456789", "digits"),
    "zero": {ord("."): "fraction"},
    "digits": dict.fromkeys(_DIGITS, "digits") | {ord("."): "fraction", ord("e"): "e", ord("E"): "e"},
    "fraction": dict.fromkeys(_DIGITS, "fraction") | {ord("e"): "e", ord("E"): "e"},
    "e": {ord("+"): "exponent sign", ord("-"): "exponent sign"} | dict.fromkeys(_DIGITS, "exponent"),
    "exponent sign": dict.fromkeys(_DIGITS, "exponent"),
    "exponent": dict.fromkeys(_DIGITS, "exponent"),
}
_COMPLETE = {"zero", "digits", "fraction", "exponent"}


class _Key:
    """The key of an object whose value has not been read yet."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class _Automaton:
    """One run over one text. Open containers and keys share one stack, as in the library."""

    def __init__(self, data: bytes) -> None:
        self._data = data[3:] if data.startswith(b"\xef\xbb\xbf") and len(data) > 3 else data
        self._at = 0
        self._line = 1
        self._line_start = -1
        self._mode = "value"
        self._stack: list[Any] = []
        self._open: list[int] = []
        self._result: Value = None
        self._run = 0
        self._overshoot = 0

    def run(self) -> Value:
        while self._at < len(self._data):
            self._step()
            if not self._open and self._mode == "after":
                self._result = self._stack[0]
                self._stack.clear()
                self._mode = "end"
        if self._open or self._mode not in {"value", "after", "end"}:
            raise self._incomplete()
        return self._result

    def _step(self) -> None:
        byte = self._data[self._at]
        action = _MODES[self._mode].get(byte)
        match action:
            case None:
                raise self._unexpected()
            case "skip":
                self._at += 1
            case "line":
                self._new_line()
            case "string":
                self._at += 1
                self._add(self._string())
                self._mode = "after"
            case "key":
                self._at += 1
                self._stack.append(_Key(self._string()))
                self._mode = "colon"
            case "colon":
                self._at += 1
                self._mode = "value"
            case "comma":
                self._at += 1
                self._after_comma()
            case "array" | "object":
                self._enter(action)
            case "close-array" | "close-object":
                self._close(action)
            case "number":
                self._numeric()
            case _:
                self._word(action)

    def _new_line(self) -> None:
        self._line += 1
        self._line_start = self._at
        self._at += 1
        blanks = _SPACES.match(self._data, self._at)
        self._note_run(self._at, blanks.end() - self._at if blanks else 0)

    def _note_run(self, start: int, length: int) -> None:
        """Note that the library looks ahead from `start` over a run of `length` bytes.

        At the end of the text the library instead skips as many bytes as in its last run, and adds
        them to the column of its error.
        """
        rest = len(self._data) - start
        if rest == 0:
            self._overshoot = self._run
        else:
            self._run = min(length, rest - 1)

    def _after_comma(self) -> None:
        self._mode = "key" if self._open and self._open[-1] < 0 else "element"

    def _enter(self, action: str) -> None:
        self._at += 1
        if action == "array":
            self._open.append(len(self._stack))
            self._stack.append([])
            self._mode = "value"
        else:
            self._open.append(-1)
            self._stack.append({})
            self._mode = "first key"

    def _close(self, action: str) -> None:
        """Close a container; an object that is closed right after a colon loses its last key."""
        is_array = action == "close-array"
        if not self._open or (self._open[-1] < 0) == is_array:
            raise self._fault(f"unexpected {'array' if is_array else 'object'} close")
        start = self._open.pop()
        if is_array:
            value: Any = [item.text if isinstance(item, _Key) else item for item in self._stack[start + 1 :]]
            del self._stack[start:]
        else:
            value = self._stack.pop()
        self._at += 1
        self._add(value)
        self._mode = "after"

    def _add(self, value: Value) -> None:
        last = self._stack[-1] if len(self._stack) >= 2 else None
        if not isinstance(last, _Key):
            self._stack.append(value)
            return
        self._stack.pop()
        if not isinstance(self._stack[-1], dict):
            raise self._fault("expected a value")  # two keys in a row, as after a word read in part
        self._stack[-1][last.text] = value

    def _word(self, word: str) -> None:
        if self._data[self._at : self._at + len(word)] == word.encode():
            self._at += len(word)
            self._add(_WORDS[word])
            self._mode = "after"
            return
        for expected in word.encode():
            if self._at >= len(self._data):
                raise self._incomplete()
            if self._data[self._at] != expected:
                if self._data[self._at] == ord(","):
                    self._after_comma()
                    self._at += 1
                    return
                raise self._fault(f"expected {word}")
            self._at += 1

    def _numeric(self) -> None:
        start = self._at
        state = "sign"
        if self._data[start] == ord("-"):
            self._at += 1
        elif self._data[start] != ord("0"):
            self._note_digits(start + 1, _BIG // 10, int(chr(self._data[start])))
            self._overshoot += len(self._data) == start + 1
        while self._at < len(self._data):
            byte = self._data[self._at]
            following = _NUMBER_STATES[state].get(byte)
            if following is None:
                if state not in _COMPLETE or byte not in _NUMBER_ENDS:
                    raise self._fault("invalid number")
                break
            state = following
            self._at += 1
            if byte == ord("."):
                self._note_digits(self._at, 10**_MOST_FRACTION_DIGITS, 1)
        if state not in _COMPLETE:
            raise self._incomplete()
        self._finish_number(self._data[start : self._at].decode())

    def _note_digits(self, start: int, limit: int, number: int) -> None:
        at = start
        while at < len(self._data) and self._data[at] in _DIGITS and number < limit:
            number = number * 10 + self._data[at] - ord("0")
            at += 1
        self._note_run(start, at - start)

    def _finish_number(self, text: str) -> None:
        following = chr(self._data[self._at]) if self._at < len(self._data) else ""
        if following in _FOLLOWING and not self._open:
            raise self._fault(_FOLLOWING[following])
        self._add(_number(text))
        self._mode = "after"

    def _string(self) -> str:
        parts: list[bytes] = []
        whole = _PLAIN.match(self._data, self._at)
        if whole and self._at < len(self._data):
            self._note_run(self._at, len(whole[0]))
        while True:
            plain = _PLAIN.match(self._data, self._at)
            if plain:
                parts.append(plain[0])
                self._at = plain.end()
            if self._at >= len(self._data):
                raise self._incomplete()
            byte = self._data[self._at]
            if byte < 0x20:
                raise self._fault(f"invalid JSON character 0x{byte:02x}")
            self._at += 1
            if byte == ord('"'):
                return b"".join(parts).decode("utf-8", "surrogateescape")
            parts.append(self._escape())

    def _escape(self) -> bytes:
        if self._at >= len(self._data):
            raise self._incomplete()
        byte = self._data[self._at]
        if byte != ord("u"):
            if byte not in _ESCAPES:
                raise self._fault(f"invalid JSON escape character '\\{self._char()}'")
            self._at += 1
            return _ESCAPES[byte].encode()
        self._at += 1
        for _ in range(4):
            if self._at >= len(self._data):
                raise self._incomplete()
            if self._data[self._at] not in _HEX:
                raise self._fault(f"invalid JSON unicode character '{self._char()}'")
            self._at += 1
        code = int(self._data[self._at - 4 : self._at], 16)
        return ("\ufffd" if 0xD800 <= code < 0xE000 else chr(code)).encode()

    def _char(self) -> str:
        """The current character; a replacement character if the bytes are not UTF-8."""
        text = self._data[self._at : self._at + 4].decode("utf-8", "replace")
        return text[0]

    def _unexpected(self) -> DocumentError:
        return self._fault(_FAULTS.get(self._mode, "unexpected character '{}'").format(self._char()))

    def _incomplete(self) -> DocumentError:
        self._at += self._overshoot
        return self._fault("incomplete JSON")

    def _fault(self, message: str) -> DocumentError:
        return DocumentError(f"{message} at {self._line}:{self._at - self._line_start}")
