"""JSON cut into tokens, with the positions and error texts of Go's protobuf JSON reader.

Each token is checked to be allowed where it is, so that readers see only well-formed JSON.
Columns count characters. Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import NamedTuple

from alloypy.lang.brief import brief
from alloypy.lang.go.text import quote, quote_rune
from alloypy.profiles.allowance import Allowance


class JSONError(ValueError):
    """The text is not the expected JSON; the reason is Go's, with its `proto: `."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"proto:\u00a0{reason}")


class TokenKind(Enum):
    """What a token is; NAME is a string in an object with a colon after it."""

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


class JSONToken(NamedTuple):
    """One token: the text from `position` to `end`."""

    kind: TokenKind
    position: int
    end: int


_SPACE = re.compile(rb"[ \t\r\n]*")
_WORD = re.compile(rb"(?:null|true|false)(?![-+._a-zA-Z0-9])")
# As in Go's reader, an exponent may lack its digits, unless the text ends there.
_NUMBER = re.compile(
    rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE](?!\Z)(?:[+-](?!\Z))?[0-9]*)?(?![-+._a-zA-Z0-9])"
)
_INVALID = re.compile(rb"[-+._a-zA-Z0-9]{1,32}|.[\x80-\xbf]{0,3}")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
# A surrogate is valid only beside its other half. Possessive: otherwise every step would be remembered.
_WELL_FORMED = re.compile(
    rb"""(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}"""
    rb"""|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})))*+"""
)
_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_SURROGATE = re.compile(rb"[dD][89a-fA-F]")
_CONTINUED = bytes(range(0x80, 0xC0))  # all bytes of a character but its first

_PIECE_BYTES = 256 << 10
"""Bytes of a string that are scanned in one step: no other thread runs meanwhile."""

_WORDS = {b"null": TokenKind.NULL, b"true": TokenKind.BOOL, b"false": TokenKind.BOOL}
_MARKS = {
    ord("{"): TokenKind.OPEN_OBJECT,
    ord("}"): TokenKind.CLOSE_OBJECT,
    ord("["): TokenKind.OPEN_ARRAY,
    ord("]"): TokenKind.CLOSE_ARRAY,
    ord(","): TokenKind.COMMA,
}
_QUOTE, _BACKSLASH, _COLON = b'"\\:'
_SCALARS = (TokenKind.NULL, TokenKind.BOOL, TokenKind.NUMBER, TokenKind.STRING)
_VALUE_ENDS = (*_SCALARS, TokenKind.CLOSE_OBJECT, TokenKind.CLOSE_ARRAY)


class Tokens:
    """The tokens of a text, one after the other; commas are checked and left out.

    Every method may raise JSONError; those that read may also raise Overrun.
    """

    def __init__(self, text: bytes | bytearray, allowance: Allowance) -> None:
        self._text = text
        self._allowance = allowance
        self._at = 0
        self._last = TokenKind.START
        self._open: list[TokenKind] = []
        self._peeked: JSONToken | None = None

    def peek(self) -> JSONToken:
        """The next token, which `read` will return again."""
        if self._peeked is None:
            self._peeked = self._next()
        return self._peeked

    def read(self) -> JSONToken:
        """The next token; END after the last."""
        token = self._peeked
        if token is None:
            return self._next()
        self._peeked = None
        return token

    def content(self, token: JSONToken) -> str:
        """The content of a string."""
        self._allowance.take_text(token.end - token.position)
        pieces = []
        at, end = token.position + 1, token.end - 1
        while at < end:
            match = _WELL_FORMED.match(self._text, at, self._piece_end(at, end))
            if match is None:
                break
            pieces.append(_unescaped(match.group()))
            at = match.end()
        return pieces[0] if len(pieces) == 1 else "".join(pieces)

    def raw_content(self, token: JSONToken) -> memoryview | None:
        """The content of a string as written in the text; None if it has escapes."""
        if self._text.find(_BACKSLASH, token.position, token.end) >= 0:
            return None
        return memoryview(self._text)[token.position + 1 : token.end - 1]

    def raw(self, token: JSONToken) -> str:
        """The token as written in the text, cut if it is long."""
        return brief(self._text[token.position : token.end].decode("utf-8", "surrogateescape"))

    def error(self, token: JSONToken, reason: str) -> JSONError:
        """An error about the meaning of a token."""
        return JSONError(f"({self._line_and_column(token.position)}): {reason}")

    def unexpected(self, token: JSONToken) -> JSONError:
        """The syntax error for a token that does not fit."""
        return self._syntax_error(token.position, f"unexpected token {self.raw(token)}")

    def _next(self) -> JSONToken:
        while True:
            self._allowance.take()
            token = self._fit(self._scan())
            self._last = token.kind
            if token.kind is not TokenKind.COMMA:
                return token

    def _fit(self, token: JSONToken) -> JSONToken:
        """The token, if it may follow the last one; a string that names a field becomes a NAME."""
        kind = token.kind
        innermost = self._open[-1] if self._open else None
        if kind is TokenKind.END:
            if self._open:
                raise JSONError("unexpected EOF")
        elif kind is TokenKind.COMMA:
            if innermost is None or self._last not in _VALUE_ENDS:
                raise self.unexpected(token)
        elif kind is TokenKind.CLOSE_OBJECT:
            if innermost is not TokenKind.OPEN_OBJECT or self._last in (TokenKind.NAME, TokenKind.COMMA):
                raise self.unexpected(token)
            self._open.pop()
        elif kind is TokenKind.CLOSE_ARRAY:
            if innermost is not TokenKind.OPEN_ARRAY or self._last is TokenKind.COMMA:
                raise self.unexpected(token)
            self._open.pop()
        elif kind is TokenKind.STRING and not self._value_fits(innermost):
            return self._name(token)
        elif not self._value_fits(innermost):
            raise self.unexpected(token)
        elif kind in (TokenKind.OPEN_OBJECT, TokenKind.OPEN_ARRAY):
            self._open.append(kind)
        return token

    def _value_fits(self, innermost: TokenKind | None) -> bool:
        if innermost is None:
            return self._last is TokenKind.START
        if innermost is TokenKind.OPEN_OBJECT:
            return self._last is TokenKind.NAME
        return self._last in (TokenKind.OPEN_ARRAY, TokenKind.COMMA)

    def _name(self, token: JSONToken) -> JSONToken:
        if self._last not in (TokenKind.OPEN_OBJECT, TokenKind.COMMA):
            raise self.unexpected(token)
        if self._at >= len(self._text):
            raise JSONError("unexpected EOF")
        byte = self._text[self._at]
        if byte != _COLON:  # Go shows the byte, not the character
            reason = f'unexpected character {chr(byte)}, missing ":" after field name'
            raise self._syntax_error(self._at, reason)
        self._advance(self._at + 1)
        return token._replace(kind=TokenKind.NAME)

    def _scan(self) -> JSONToken:
        """The next token, whatever its place; the space after it is consumed."""
        if self._last is TokenKind.START:
            self._advance(self._at)
        text, at = self._text, self._at
        if at >= len(text):
            return JSONToken(TokenKind.END, at, at)
        byte = text[at]
        if (kind := _MARKS.get(byte)) is not None:
            end = at + 1
        elif byte == _QUOTE:
            kind, end = TokenKind.STRING, self._string_end(at)
        elif match := _WORD.match(text, at):
            kind, end = _WORDS[match.group()], match.end()
        elif match := _NUMBER.match(text, at):
            kind, end = TokenKind.NUMBER, match.end()
        else:
            raise self._syntax_error(at, f"invalid value {self._invalid(at)}")
        self._advance(end)
        return JSONToken(kind, at, end)

    def _invalid(self, at: int) -> str:
        """The text found in place of a value: what looks like one, or a single character."""
        found = _INVALID.match(self._text, at)
        text = found.group().decode("utf-8", "surrogateescape") if found else ""
        return text if text.isascii() else text[0]

    def _string_end(self, start: int) -> int:
        """The offset just after the string whose opening quote is at `start`."""
        text, size = self._text, len(self._text)
        at, plain = start + 1, True
        while True:
            limit = self._piece_end(at, size)
            match = (_PLAIN if plain else _WELL_FORMED).match(text, at, limit)
            end = match.end() if match else at
            if end > at and not _is_utf8(memoryview(text)[at:end]):
                raise self._syntax_error(start, "invalid UTF-8 in string")
            if end == size:
                raise JSONError("unexpected EOF")
            if text[end] == _QUOTE:
                return end + 1
            if text[end] == _BACKSLASH and plain:
                plain = False
            elif end == at:
                raise self._bad_string(start, end)
            at = end

    def _piece_end(self, at: int, size: int) -> int:
        """Where to stop scanning a string for now: not within a character."""
        end = at + _PIECE_BYTES
        if end >= size:
            return size
        for shorter in range(end, end - 4, -1):
            if self._text[shorter] not in _CONTINUED:
                return shorter
        return end

    def _bad_string(self, start: int, at: int) -> JSONError:
        """The error for what is wrong in a string at `at`."""
        byte = self._text[at]
        if byte != _BACKSLASH:
            return self._syntax_error(start, f"invalid character {quote_rune(chr(byte))} in string")
        escape = bytes(self._text[at : at + 12])
        if len(escape) < 2:
            return JSONError("unexpected EOF")
        if escape[1:2] != b"u":
            return self._bad_escape(start, escape[:2])
        if len(escape) < 6:
            return JSONError("unexpected EOF")
        if not _HEX.match(escape, 2) or not _SURROGATE.match(escape, 2):
            return self._bad_escape(start, escape[:6])
        if len(escape) < 12:
            return JSONError("unexpected EOF")
        return self._bad_escape(start, escape[6:12])

    def _bad_escape(self, start: int, escape: bytes) -> JSONError:
        text = escape.decode("utf-8", "surrogateescape")
        return self._syntax_error(start, f"invalid escape code {quote(text)} in string")

    def _advance(self, at: int) -> None:
        text = self._text
        if at < len(text) and text[at] <= 0x20:
            space = _SPACE.match(text, at)
            at = space.end() if space else at
        self._at = at

    def _syntax_error(self, position: int, reason: str) -> JSONError:
        return JSONError(f"syntax error ({self._line_and_column(position)}): {reason}")

    def _line_and_column(self, position: int) -> str:
        text = self._text
        line = text.count(b"\n", 0, position) + 1
        before = text[text.rfind(b"\n", 0, position) + 1 : position]
        return f"line {line}:{len(before.translate(None, _CONTINUED)) + 1}"


def _unescaped(piece: bytes) -> str:
    """A well-formed piece of a string, with its escapes replaced."""
    if _BACKSLASH not in piece:
        return piece.decode()
    text: str = json.loads(f'"{piece.decode()}"')
    return text


def _is_utf8(piece: memoryview) -> bool:
    try:
        str(piece, "utf-8")
    except UnicodeDecodeError:
        return False
    return True
