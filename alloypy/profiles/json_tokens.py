"""JSON cut into tokens, with the positions and error texts of Go's protobuf JSON reader.

Each token is checked to fit where it stands, so that whoever reads them sees well-formed JSON
only. Columns count characters. Source: PYROSCOPE spec section 3.5.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from alloypy.lang.go_text import quote, quote_rune

MAX_TOKENS = 200_000
"""So many tokens are read of one text; a hostile one could have millions, of one byte each."""


class JSONError(ValueError):
    """The text is not the JSON that was expected; the reason is Go's, with its `proto: `."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"proto:\u00a0{reason}")


class Kind(Enum):
    """What a token is; NAME is a string with a colon behind it, in an object."""

    START = "start"
    END = "end"
    NULL = "null"
    BOOL = "bool"
    NUMBER = "number"
    STRING = "string"
    NAME = "name"
    COMMA = "comma"
    OPEN_OBJECT = "{"
    CLOSE_OBJECT = "}"
    OPEN_ARRAY = "["
    CLOSE_ARRAY = "]"


class Token(NamedTuple):
    """One token: `raw` as it stands in the text at `position`, `text` the content of a string."""

    kind: Kind
    position: int
    raw: str
    text: str = ""


_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"(?:null|true|false)(?![-+._a-zA-Z0-9])")
# As Go's reader has it, an exponent may lack its digits, unless the text ends there.
_NUMBER = re.compile(
    r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE](?!\Z)(?:[+-](?!\Z))?[0-9]*)?(?![-+._a-zA-Z0-9])"
)
_INVALID = re.compile(r"[-+._a-zA-Z0-9]{1,32}|.")
_PLAIN = re.compile('[^"\\\\\x00-\x1f\udc80-\udcff]*')
_HEX = re.compile("[0-9a-fA-F]{4}")

_WORDS = {"null": Kind.NULL, "true": Kind.BOOL, "false": Kind.BOOL}
_MARKS = {
    "{": Kind.OPEN_OBJECT,
    "}": Kind.CLOSE_OBJECT,
    "[": Kind.OPEN_ARRAY,
    "]": Kind.CLOSE_ARRAY,
    ",": Kind.COMMA,
}
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SCALARS = (Kind.NULL, Kind.BOOL, Kind.NUMBER, Kind.STRING)
_VALUE_ENDS = (*_SCALARS, Kind.CLOSE_OBJECT, Kind.CLOSE_ARRAY)


class Tokens:
    """The tokens of a text, one after the other; commas are checked and left out.

    text: bytes that are not UTF-8 as surrogate escapes. Every method may raise JSONError.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._last = Kind.START
        self._open: list[Kind] = []
        self._peeked: Token | None = None
        self._left = MAX_TOKENS

    def peek(self) -> Token:
        """The next token, which `read` will give again."""
        if self._peeked is None:
            self._peeked = self._next()
        return self._peeked

    def read(self) -> Token:
        """The next token; END after the last."""
        token = self.peek()
        self._peeked = None
        return token

    def error(self, token: Token, reason: str) -> JSONError:
        """An error about the meaning of a token."""
        return JSONError(f"({self._line_and_column(token.position)}): {reason}")

    def unexpected(self, token: Token) -> JSONError:
        """The syntax error for a token that does not fit."""
        return self._syntax_error(token.position, f"unexpected token {token.raw}")

    def _next(self) -> Token:
        while True:
            self._left -= 1
            if self._left < 0:
                raise JSONError(f"more than {MAX_TOKENS} tokens")
            token = self._scan()
            token = self._fit(token)
            self._last = token.kind
            if token.kind is not Kind.COMMA:
                return token

    def _fit(self, token: Token) -> Token:
        """The token, when it may follow the last one; a string that names a field becomes a NAME."""
        kind = token.kind
        innermost = self._open[-1] if self._open else None
        if kind is Kind.END:
            if self._open:
                raise JSONError("unexpected EOF")
        elif kind is Kind.COMMA:
            if innermost is None or self._last not in _VALUE_ENDS:
                raise self.unexpected(token)
        elif kind is Kind.CLOSE_OBJECT:
            if innermost is not Kind.OPEN_OBJECT or self._last in (Kind.NAME, Kind.COMMA):
                raise self.unexpected(token)
            self._open.pop()
        elif kind is Kind.CLOSE_ARRAY:
            if innermost is not Kind.OPEN_ARRAY or self._last is Kind.COMMA:
                raise self.unexpected(token)
            self._open.pop()
        elif kind is Kind.STRING and not self._value_fits(innermost):
            return self._name(token)
        elif not self._value_fits(innermost):
            raise self.unexpected(token)
        elif kind in (Kind.OPEN_OBJECT, Kind.OPEN_ARRAY):
            self._open.append(kind)
        return token

    def _value_fits(self, innermost: Kind | None) -> bool:
        if innermost is None:
            return self._last is Kind.START
        if innermost is Kind.OPEN_OBJECT:
            return self._last is Kind.NAME
        return self._last in (Kind.OPEN_ARRAY, Kind.COMMA)

    def _name(self, token: Token) -> Token:
        if self._last not in (Kind.OPEN_OBJECT, Kind.COMMA):
            raise self.unexpected(token)
        if self._at >= len(self._text):
            raise JSONError("unexpected EOF")
        character = self._text[self._at]
        if character != ":":
            first = chr(_first_bytes(character, 1)[0])  # Go shows the byte, not the character
            reason = f'unexpected character {first}, missing ":" after field name'
            raise self._syntax_error(self._at, reason)
        self._advance(self._at + 1)
        return token._replace(kind=Kind.NAME)

    def _scan(self) -> Token:
        """The next token as it stands, with the space behind it consumed."""
        if self._last is Kind.START:
            self._advance(self._at)
        text, at = self._text, self._at
        if at >= len(text):
            return Token(Kind.END, at, "")
        character = text[at]
        mark = _MARKS.get(character)
        if mark is not None:
            self._advance(at + 1)
            return Token(mark, at, character)
        if character == '"':
            content, end = self._string(at)
            self._advance(end)
            return Token(Kind.STRING, at, text[at:end], content)
        if match := _WORD.match(text, at):
            self._advance(match.end())
            return Token(_WORDS[match.group()], at, match.group())
        if match := _NUMBER.match(text, at):
            self._advance(match.end())
            return Token(Kind.NUMBER, at, match.group())
        found = _INVALID.match(text, at)
        raise self._syntax_error(at, f"invalid value {found.group() if found else ''}")

    def _string(self, start: int) -> tuple[str, int]:
        """The content of the string whose quote is at `start`, and the position behind it."""
        text = self._text
        pieces = []
        at = start + 1
        while True:
            match = _PLAIN.match(text, at)
            end = match.end() if match else at
            pieces.append(text[at:end])
            if end >= len(text):
                raise JSONError("unexpected EOF")
            character = text[end]
            if character == '"':
                return "".join(pieces), end + 1
            if character != "\\":
                raise self._syntax_error(start, _bad_character(character))
            content, at = self._escape(start, end)
            pieces.append(content)

    def _escape(self, start: int, at: int) -> tuple[str, int]:
        text = self._text
        if at + 2 > len(text):
            raise JSONError("unexpected EOF")
        if text[at + 1] != "u":
            content = _ESCAPES.get(text[at + 1])
            if content is None:
                raise self._bad_escape(start, at, 2)
            return content, at + 2
        code, after = self._code_unit(start, at)
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code), after
        if after + 6 > len(text):
            raise JSONError("unexpected EOF")
        if code >= 0xDC00 or not text.startswith("\\u", after):
            raise self._bad_escape(start, after, 6)
        low, end = self._code_unit(start, after)
        if not 0xDC00 <= low <= 0xDFFF:
            raise self._bad_escape(start, after, 6)
        return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), end

    def _code_unit(self, start: int, at: int) -> tuple[int, int]:
        if len(_first_bytes(self._text[at : at + 6], 6)) < 6:
            raise JSONError("unexpected EOF")
        if not _HEX.match(self._text, at + 2):
            raise self._bad_escape(start, at, 6)
        return int(self._text[at + 2 : at + 6], 16), at + 6

    def _bad_escape(self, start: int, at: int, size: int) -> JSONError:
        escape = _first_bytes(self._text[at : at + size], size).decode("utf-8", "surrogateescape")
        return self._syntax_error(start, f"invalid escape code {quote(escape)} in string")

    def _advance(self, at: int) -> None:
        space = _SPACE.match(self._text, at)
        self._at = space.end() if space else at

    def _syntax_error(self, position: int, reason: str) -> JSONError:
        return JSONError(f"syntax error ({self._line_and_column(position)}): {reason}")

    def _line_and_column(self, position: int) -> str:
        line = self._text.count("\n", 0, position) + 1
        column = position - (self._text.rfind("\n", 0, position) + 1) + 1
        return f"line {line}:{column}"


def _first_bytes(text: str, size: int) -> bytes:
    return text.encode("utf-8", "surrogateescape")[:size]


def _bad_character(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return "invalid UTF-8 in string"
    return f"invalid character {quote_rune(character)} in string"
