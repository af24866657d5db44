"""What samples refer to: locations, functions and strings, of which a difference has only those it needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from alloypy.components.pyroscope.scraping.samples import SubtractionError, integers
from alloypy.profiles.pprof_wire import (
    ONE_BYTE,
    VARINTS,
    Malformed,
    Scanned,
    bytes_field,
    fields_of,
    number_field,
    numbers_of,
    signed,
    varint,
)

_NUMBER = rb"([\x80-\xff]*[\x00-\x7f])"
_LOCATION = re.compile(rb"\x08" + _NUMBER + rb"(?:\x10[\x80-\xff]*[\x00-\x7f])?\x18" + _NUMBER)
_FUNCTION = re.compile(
    rb"\x08"
    + _NUMBER
    + b"".join(rb"(?:" + tag + _NUMBER + rb")?" for tag in (b"\x10", b"\x18", rb"\x20", rb"\x28"))
)
_AFTER_ADDRESS = (b"", b"\x22", b"\x28")
_MAPPING = re.compile(rb"\x10[\x80-\xff]*[\x00-\x7f]")
_ANYWHERE = -1
"""Where lines begin in a location of an unusual layout."""
_LINE, _FUNCTION_OF_LINE = 0x22, 0x08
_FLAGS = (7, 8, 9, 10)
"""Fields of a mapping that are true or false."""
_STRING_NUMBERS = (7, 8, 13, 14)
"""Fields of a profile that are numbers of strings."""
_INDEX, _PRUNE, _FUNCTIONS = "pass1Index", "pass4WriteAndPruneRecords", "pass5WriteFunctions"


class Symbols:
    """Writes what a difference has besides its samples.

    time: of the profile before, negative if none. addresses: hashes of those of locations, by the numbers of
    locations as varints.
    Raises SubtractionError.
    """

    def __init__(self, scanned: Scanned, time: int) -> None:
        self.time = time
        self._scanned = scanned
        self._strings_used = bytearray(len(scanned.strings))
        self._strings_used[:1] = b"\1"[: len(scanned.strings)]
        self._functions_used: set[bytes] = set()
        self._locations: list[tuple[bytes, int]] = []
        self.addresses = self._read_locations()

    def _read_locations(self) -> dict[bytes, int]:
        """Hashes of addresses, by the numbers of locations as varints; notes where their lines begin."""
        found = {}
        for field, content in self._scanned.others:
            if field == 4 and isinstance(content, bytes):
                match = _LOCATION.match(content)
                if match is not None and content[match.end() : match.end() + 1] in _AFTER_ADDRESS:
                    number, address, lines_at = match[1], match[2], match.end()
                else:
                    numbers = _numbers(content, _INDEX)
                    number, address = varint(numbers.get(1, 0)), varint(numbers.get(3, 0))
                    lines_at = _ANYWHERE
                found[number] = hash(address)
                self._locations.append((number, lines_at))
        return found

    def use(self, strings: Iterable[int]) -> None:
        """Keep strings; numbers of none are ignored."""
        used = self._strings_used
        for index in strings:
            if index < len(used):
                used[index] = 1

    def write(self, locations: set[bytes], write: Callable[[bytes], None]) -> None:
        """Write all fields but samples. locations: the numbers of those to keep. Raises SubtractionError."""
        self._write_others(locations, write)
        self._write_functions(write)
        for used, text in zip(self._strings_used, self._scanned.strings, strict=True):
            if used:
                size = len(text)
                write(b"".join((b"2", ONE_BYTE[size] if size < 0x80 else varint(size), text)))
            else:
                write(b"2\0")  # the numbers of the others stay

    def _write_others(self, locations: set[bytes], write: Callable[[bytes], None]) -> None:
        """Everything that is neither sample nor function nor string, in the order of the profile."""
        first = self.time < 0
        known = iter(self._locations)
        for field, content in self._scanned.others:
            if isinstance(content, bytes):
                if field != 4:
                    write(self._message(field, content))
                    continue
                number, lines_at = next(known)
                if number in locations:
                    if not self._use_lines(content, lines_at):
                        self._use_decoded_lines(content)
                    write(bytes_field(4, content))
            elif field == 9:
                time, before = signed(content), self.time
                self.time = time
                write(number_field(9, time) + (b"" if first else number_field(10, time - before)))
            elif field != 10 or first:
                if field in _STRING_NUMBERS:
                    self.use((content,))
                write(number_field(field, content))

    def _use_lines(self, location: bytes, at: int) -> bool:
        """Keep the functions of lines that have the usual layout; False if one has not."""
        end = len(location)
        if at == _ANYWHERE:
            return False
        while at + 3 < end and location[at] == _LINE and location[at + 2] == _FUNCTION_OF_LINE:
            match = VARINTS.match(location, at + 3)
            if match is None or location[at + 1] & 0x80:
                return False
            self._functions_used.add(match[0])
            at += 2 + location[at + 1]
        return at == end or _MAPPING.fullmatch(location, at) is not None

    def _use_decoded_lines(self, location: bytes) -> None:
        for field, _, content in fields_of(location):
            if field == 4 and isinstance(content, bytes):
                try:
                    lines = [number for each, _, number in fields_of(content) if each == 1]
                except Malformed:
                    continue  # as in Alloy
                self._functions_used.update(varint(line) for line in lines if isinstance(line, int))

    def _message(self, field: int, content: bytes) -> bytes:
        """A type, a period's type, or a mapping."""
        numbers = _numbers(content, _PRUNE)
        fields, strings = (range(1, 11), (5, 6)) if field == 3 else (range(1, 3), (1, 2))
        self.use(numbers.get(each, 0) for each in strings)
        encoded = []
        for each in fields:
            number = numbers.get(each, 0)
            encoded.append(number_field(each, int(number == 1) if field == 3 and each in _FLAGS else number))
        return bytes_field(field, b"".join(encoded))

    def _write_functions(self, write: Callable[[bytes], None]) -> None:
        used = self._functions_used
        for function in self._scanned.functions:
            if function[:1] == b"\x08":
                number = VARINTS.match(function, 1)
                if number is not None and number[0] not in used and function[number.end() :][:1] != b"\x08":
                    continue
            match = _FUNCTION.fullmatch(function)
            groups: Sequence[bytes | None] = match.groups() if match is not None else ()
            if not groups or b"\0" in groups:
                self._write_decoded_function(function, write)
            elif groups[0] in used:
                self.use(integers(b"".join([number for number in groups[1:4] if number])))
                write(bytes_field(5, function))

    def _write_decoded_function(self, function: bytes, write: Callable[[bytes], None]) -> None:
        numbers = _numbers(function, _FUNCTIONS)
        if varint(numbers.get(1, 0)) in self._functions_used:
            self.use(numbers.get(each, 0) for each in (2, 3, 4))
            fields = [number_field(each, numbers.get(each, 0)) for each in range(1, 6)]
            write(bytes_field(5, b"".join(fields)))


def _numbers(message: bytes, step: str) -> dict[int, int]:
    """The numbers in a message. step: Alloy's name for what needs them. Raises SubtractionError."""
    try:
        return numbers_of(message)
    except Malformed as reason:
        raise SubtractionError(f"{step}: {reason}") from None
