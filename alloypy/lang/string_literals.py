"""Where the characters of a string's value are in its literal, for Alloy's own literals and those of Go."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PIECE = re.compile(rb"\\(?:x..|u.{4}|U.{8}|[0-7]{3}|.)|[^\\]", re.DOTALL)


def character_starts(written: bytes) -> Iterator[int]:
    """The offset of each character of the value in a literal, and then that of the closing quote."""
    inner, raw = written[1:-1], written.startswith(b"`")
    value, offsets = bytearray(), []
    for offset, piece in _raw_bytes(inner) if raw else _pieces(inner):
        value += piece
        offsets += [1 + offset] * len(piece)
    at = 0
    for character in value.decode("utf-8", "surrogateescape"):
        yield offsets[at]
        at += len(character.encode("utf-8", "surrogateescape"))
    yield len(written) - 1


def _raw_bytes(inner: bytes) -> Iterator[tuple[int, bytes]]:
    """The bytes of a raw string with their offsets; its carriage returns are not part of the value."""
    for offset in range(len(inner)):
        byte = inner[offset : offset + 1]
        if byte != b"\r":
            yield offset, byte


def _pieces(inner: bytes) -> Iterator[tuple[int, bytes]]:
    """The bytes that each byte or escape sequence stands for, with the offset of the piece."""
    for match in _PIECE.finditer(inner):
        piece = match.group()
        if len(piece) <= 2:  # every simple escape is one byte of value
            yield match.start(), b"." if len(piece) == 2 else piece
        elif piece[1:2] in b"uU":
            yield match.start(), chr(int(b"0x" + piece[2:], 0)).encode("utf-8", "surrogatepass")
        else:
            digits, base = (piece[2:], 16) if piece[1:2] == b"x" else (piece[1:], 8)
            number = int(digits, base)
            yield match.start(), bytes([number & 0xFF])
