"""Parses paths, with the messages of the library that Alloy uses.

Source: docs/spec/SYNTAX.md, section 5, `json_path`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from alloypy.lang.stdlib.jsonpath.cursor import Cursor, PathError, out_of_range
from alloypy.lang.stdlib.jsonpath.equations import read_equation
from alloypy.lang.stdlib.jsonpath.path import (
    Child,
    Descent,
    Filter,
    Fragment,
    Here,
    Nth,
    Path,
    Root,
    Slice,
    Union,
    Wildcard,
)

END = (1 << 31) - 1
"""The end of a slice without an explicit end."""

_NAME = frozenset(
    b"#%0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_abcdefghijklmnopqrstuvwxyz{|}~" + bytes(range(128, 256))
)
_NUMBER = frozenset(b"-0123456789")
_DIGITS = b"0123456789"
_QUOTES = frozenset(b"'\"")


def parse_path(text: str) -> Path:
    """The fragments of a path. Raises PathError."""
    parser = PathParser(text.encode("utf-8", "surrogateescape"))
    path = parser.path()
    if parser.at < len(parser.data):
        raise parser.fault("parse error")
    return path


class PathParser(Cursor):
    """Reads a path, also one inside the filter of another."""

    def path(self) -> Path:
        """The fragments up to something else."""
        fragments: list[Fragment] = []
        while (fragment := self._fragment(fragments)) is not None:
            fragments.append(fragment)
        return tuple(fragments)

    def _fragment(self, before: Sequence[Fragment]) -> Fragment | None:
        if self.at >= len(self.data):
            return None
        byte = self.take()
        match chr(byte):
            case "$":
                return None if before else Root()
            case "@":
                return None if before else Here()
            case ".":
                return self._after_dot()
            case "*":
                return Wildcard()
            case "[":
                return self._after_bracket()
        self.at -= 1
        if byte in _NAME and not before:
            return self._after_dot()
        if byte in _NAME and isinstance(before[-1], Descent):
            return Child(self._name())
        return None

    def _after_dot(self) -> Fragment:
        self._demand_more()
        byte = self.data[self.at]
        if byte == ord("*"):
            self.at += 1
            return Wildcard()
        if byte == ord("."):
            self.at += 1
            return Descent()
        if byte not in _NAME:
            self.at += 1
            raise self.fault(f"an expression fragment can not start with a '{chr(byte)}'")
        return Child(self._name())

    def _name(self) -> str:
        start = self.at
        while self.at < len(self.data) and self.data[self.at] in _NAME:
            self.at += 1
        return self.text(start, self.at)

    def _demand_more(self) -> None:
        if self.at >= len(self.data):
            raise self.fault("not terminated")

    def _after_bracket(self) -> Fragment:
        self._demand_more()
        byte = self.skip_blanks_and_take()
        if byte in _QUOTES:
            return self._after_quote(self.quoted(byte))
        if byte in _NUMBER:
            return self._after_number(byte)
        match chr(byte):
            case "*":
                if self.skip_blanks_and_take() != ord("]"):
                    raise self.fault("not terminated")
                return Wildcard()
            case ":":
                return self._slice(0)
            case "?":
                return self._filter()
            case "(":
                self._procedure()
        self.at -= 1
        raise self.fault("parse error")

    def _after_quote(self, name: str) -> Fragment:
        byte = self.skip_blanks_and_take()
        if byte == ord("]"):
            return Child(name)
        if byte == ord(","):
            return self._union(name)
        raise self.fault("invalid bracket fragment")

    def _after_number(self, first: int) -> Fragment:
        number, byte = self._int(first)
        while byte == ord(" "):
            byte = self.skip_blanks_and_take()
        match chr(byte):
            case "]":
                return Nth(number)
            case ",":
                return self._union(number)
            case ":":
                return self._slice(number)
        raise self.fault("invalid bracket fragment")

    def _procedure(self) -> NoReturn:
        """Rejects scripts in brackets, which Alloy does not support."""
        end = self.data.find(b")]") + 1
        if not end:
            raise self.fault("not terminated")
        if end < self.at - 1:
            raise out_of_range(self.at - 1, end)
        raise PathError("jp.CompileScript has not been set")

    def _int(self, byte: int) -> tuple[int, int]:
        """Reads the rest of a number that begins with `byte`; returns it and the byte after it."""
        negative = byte == ord("-")
        if negative:
            if self.at >= len(self.data):
                raise self.fault("expected a number")
            byte = self.take()
        start, number = self.at, 0
        while byte in _DIGITS:
            number = number * 10 + byte - ord("0")
            if self.at >= len(self.data):
                break
            byte = self.take()
        if self.at == start:
            raise self.fault("expected a number")
        return (-number if negative else number), byte

    def _slice(self, start: int) -> Slice:
        self._demand_more()
        end, step = END, 1
        if self.data[self.at] == ord("]"):
            self.at += 1
            return Slice(start, end, step)
        byte = self.skip_blanks_and_take()
        if byte != ord(":"):
            end, byte = self._int(byte)
        if byte == ord(":"):
            self._demand_more()
            byte = self.take()
            if byte != ord("]"):
                step, byte = self._int(byte)
        if byte != ord("]"):
            raise self.fault("invalid slice syntax")
        return Slice(start, end, step)

    def _union(self, first: str | int) -> Union:
        self._demand_more()
        members: list[str | int] = [first]
        byte = ord(",")
        while byte != ord("]"):
            if byte != ord(","):
                raise self.fault("invalid union syntax")
            byte = self.skip_blanks_and_take()
            if byte in _QUOTES:
                members.append(self.quoted(byte))
                byte = self.skip_blanks_and_take()
            elif byte in _NUMBER:
                number, byte = self._int(byte)
                members.append(number)
                if byte == ord(" "):
                    byte = self.skip_blanks_and_take()
            else:
                raise self.fault("invalid union syntax")
        return Union(tuple(members))

    def _filter(self) -> Filter:
        self._demand_more()
        equation = read_equation(self)
        byte = self.skip_blanks()
        if self.at >= len(self.data) or byte != ord("]"):
            raise self.fault("not terminated")
        self.at += 1
        return Filter(equation)
