"""Profiles in pprof's format on the wire: their fields in order, and why they cannot be read.

Errors are in the words of the Go package that Alloy reads profiles with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, START_GROUP, END_GROUP, FIXED32 = range(6)
_END = "unexpected EOF"
_OVERFLOW = "proto: integer overflow"
_BAD_WIRE_TYPE = "proto: bad wiretype"
_UINT64 = 1 << 64
_INT32_MASK = (1 << 32) - 1


_SAMPLE, _LOCATION, _FUNCTION, _STRING = (field << 3 | BYTES for field in (2, 4, 5, 6))
_FREQUENT = frozenset((_SAMPLE, _LOCATION, _FUNCTION, _STRING))
_NUMBERS = frozenset((7, 8, 9, 10, 12, 13, 14))
_MESSAGES = frozenset((1, 3, 11))


VARINTS = re.compile(rb"[\x80-\xff]*[\x00-\x7f]")
"""Finds the numbers in a sequence of them."""


MOST_FIELDS = 2_000_000
"""The most fields that are read of one profile: small ones take far more memory than they have bytes."""


class Malformed(ValueError):
    """The bytes are not a message; the text is Go's."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends. Raises Malformed."""
    number = shift = 0
    end = len(data)
    while at < end:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number >= _UINT64:
                raise Malformed(_OVERFLOW)
            return number, at
        shift += 7
        if shift > 63:
            raise Malformed(_OVERFLOW)
    raise Malformed(_END)


def fields_of(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and content of each field of a message. Raises Malformed."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        field, wire = (tag >> 3) & _INT32_MASK, tag & 7
        if not 0 < field < 1 << 31:
            raise Malformed(_BAD_WIRE_TYPE)
        try:
            content, at = _content(data, at, wire)
        except Malformed as reason:
            raise Malformed(f"MessageEach: error reading value from buffer: {reason}") from None
        yield field, wire, content


class TooMany(Malformed):
    """The profile has more fields than are read."""


class Scanned(NamedTuple):
    """The fields of a profile, each kind in order.

    samples, functions, strings: their bytes. others: number and content of all other fields.
    """

    samples: list[bytes]
    functions: list[bytes]
    strings: list[bytes]
    others: list[tuple[int, int | bytes]]


def scan(data: bytes) -> Scanned:
    """The fields of a profile; unknown ones, and those of the wrong type, are left out. Raises Malformed."""
    found = Scanned([], [], [], [])
    others = found.others
    add_sample, add_string = found.samples.append, found.strings.append
    at, end, left = 0, len(data), MOST_FIELDS
    try:
        while at < end:
            left -= 1
            if left < 0:
                raise TooMany(f"the profile has more than {MOST_FIELDS} parts")
            tag = data[at]
            if tag not in _FREQUENT:
                at = _other(data, at, others)
                continue
            size = data[at + 1]
            at += 2
            if size & 0x80:
                size, at = read_varint(data, at - 1)
            content = data[at : at + size]
            at += size
            if tag == _SAMPLE:
                add_sample(content)
            elif tag == _STRING:
                add_string(content)
            elif tag == _LOCATION:
                others.append((4, content))
            else:
                found.functions.append(content)
    except IndexError:
        raise Malformed(_END) from None
    if at > end:
        raise Malformed(_END)
    return found


def _other(data: bytes, at: int, others: list[tuple[int, int | bytes]]) -> int:
    """Read a field that is not one of many; returns where it ends."""
    tag, at = read_varint(data, at)
    field, wire = (tag >> 3) & _INT32_MASK, tag & 7
    if not 0 < field < 1 << 31:
        raise Malformed(_BAD_WIRE_TYPE)
    content, at = _content(data, at, wire)
    if (field in _NUMBERS and wire == VARINT) or (field in _MESSAGES and wire == BYTES):
        others.append((field, content))
    return at


def _content(data: bytes, at: int, wire: int) -> tuple[int | bytes, int]:
    if wire == VARINT:
        return read_varint(data, at)
    if wire == BYTES:
        size, at = read_varint(data, at)
        if size >= 1 << 63:
            raise Malformed(f"proto: bad byte length {size - _UINT64}")
        return _taken(data, at, size), at + size
    if wire in (FIXED64, FIXED32):
        size = 8 if wire == FIXED64 else 4
        return int.from_bytes(_taken(data, at, size), "little"), at + size
    if wire in (START_GROUP, END_GROUP):
        raise Malformed(f"MessageEach: encountered group wire type: {wire}. Groups not supported")
    raise Malformed(f"MessageEach: unknown wireType: {wire}")


def _taken(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise Malformed(_END)
    return data[at : at + size]


def numbers_of(message: bytes) -> dict[int, int]:
    """The numbers in a message by their field; the last of several counts. Raises Malformed."""
    return {field: number if isinstance(number, int) else 0 for field, _, number in fields_of(message)}


def signed(number: int) -> int:
    """A number on the wire as a signed one."""
    return number - _UINT64 if number >= _UINT64 >> 1 else number


ONE_BYTE = [bytes((number,)) for number in range(0x80)]
"""The numbers whose varints have one byte."""


def varint(number: int) -> bytes:
    """A number as a varint; a negative one as its two's complement in 64 bits."""
    if 0 <= number < 0x80:
        return ONE_BYTE[number]
    number &= _UINT64 - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def number_field(field: int, number: int) -> bytes:
    """A field with a number; nothing if it is zero."""
    return varint(field << 3) + varint(number) if number else b""


def bytes_field(field: int, content: bytes) -> bytes:
    """A field with bytes or a message."""
    return varint(field << 3 | BYTES) + varint(len(content)) + content
