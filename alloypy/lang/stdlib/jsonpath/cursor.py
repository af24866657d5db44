"""A cursor in the text of a path: reads bytes, blanks and quoted names, and builds the errors.

Source: docs/spec/SYNTAX.md, section 5, `json_path`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from alloypy.lang.stdlib.jsonpath.path import Path

_ESCAPES = dict(zip(b"btnfr\"'\\", b"\b\t\n\f\r\"'\\", strict=True))


class PathError(ValueError):
    """A path cannot be read; most texts end in ` at POSITION in PATH`."""


def out_of_range(start: int, end: int) -> PathError:
    """The Go runtime's error in a place where Alloy's path reader panics."""
    return PathError(f"runtime error: slice bounds out of range [{start}:{end}]")


class Cursor(ABC):
    """The text of a path, and how far it has been read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @abstractmethod
    def path(self) -> Path:
        """The fragments up to something else. Raises PathError."""

    def fault(self, message: str) -> PathError:
        """An error at the current byte."""
        path = self.data.decode("utf-8", "surrogateescape")
        return PathError(f"{message} at {self.at + 1} in {path}")

    def take(self) -> int:
        """Reads the current byte. Raises PathError at the end of the text."""
        byte = self.peek_or_fail()
        self.at += 1
        return byte

    def peek_or_fail(self) -> int:
        """The current byte. Raises PathError at the end of the text, where the library's index fails."""
        if self.at >= len(self.data):
            size = len(self.data)
            raise PathError(f"runtime error: index out of range [{self.at}] with length {size}")
        return self.data[self.at]

    def skip_blanks_and_take(self) -> int:
        """Reads the next byte that is not blank, or a blank at the end of the text."""
        byte = 0
        while self.at < len(self.data):
            byte = self.data[self.at]
            self.at += 1
            if byte != ord(" "):
                break
        return byte

    def skip_blanks(self) -> int:
        """The next byte that is not blank, or 0 at the end of the text."""
        while self.at < len(self.data):
            if self.data[self.at] != ord(" "):
                return self.data[self.at]
            self.at += 1
        return 0

    def text(self, start: int, end: int) -> str:
        """The text from `start` to just before `end`."""
        return self.data[start:end].decode("utf-8", "surrogateescape")

    def quoted(self, quote: int) -> str:
        """Reads a text up to `quote`; if there is none, up to one byte before the end."""
        start = self.at
        while self.at < len(self.data):
            byte = self.take()
            if byte == quote:
                break
            if byte == ord("\\"):
                return self._escaped(start, quote)
        if self.at == start:
            raise out_of_range(start, start - 1)
        return self.text(start, self.at - 1)

    def _escaped(self, start: int, quote: int) -> str:
        self.at -= 1
        content = bytearray(self.data[start : self.at])
        while self.at < len(self.data):
            byte = self.take()
            if byte == quote:
                break
            content += self._escape() if byte == ord("\\") else bytes((byte,))
        return content.decode("utf-8", "surrogateescape")

    def _escape(self) -> bytes:
        byte = self.take()
        if byte in _ESCAPES:
            return bytes((_ESCAPES[byte],))
        if byte == ord("x"):
            return bytes((self._hex(2, byte),))
        if byte in b"uU":
            code = self._hex(4, byte)
            return ("\ufffd" if 0xD800 <= code < 0xE000 else chr(code)).encode()
        raise _bad_escape(byte)

    def _hex(self, digits: int, last: int) -> int:
        code = 0
        for _ in range(digits):
            if self.at >= len(self.data):
                raise _bad_escape(last)
            last = self.take()
            if last not in b"0123456789abcdefABCDEF":
                raise PathError(f"0x{last:02x} ({chr(last)}) is not a valid hexadecimal character")
            code = code << 4 | int(chr(last), 16)
        return code


def _bad_escape(byte: int) -> PathError:
    return PathError(f"0x{byte:02x} ({chr(byte)}) is not a valid escaped character")
