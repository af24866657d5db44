"""The samples of a profile: their stacks, values and labels, each as the bytes it has on the wire.

The layouts that Go's runtime and protobuf write are taken apart by their lengths; any other sample is
decoded, and encoded in one of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from alloypy.profiles.pprof_wire import (
    BYTES,
    ONE_BYTE,
    VARINT,
    VARINTS,
    Malformed,
    bytes_field,
    fields_of,
    number_field,
    read_varint,
    signed,
    varint,
)

_STEP = "pass2AggregateSamples"
_NUMBER = rb"([\x80-\xff]*[\x00-\x7f])"
_LOCATIONS = re.compile(rb"\x08" + _NUMBER + rb"(?:\x08" + _NUMBER + rb")?")
_VALUES = re.compile(rb"\x10" + _NUMBER + rb"(?:\x10" + _NUMBER + rb")?")
_PACKED_LOCATIONS, _LOCATION = 0x0A, 0x08
_PACKED_VALUES = 0x12
_LABEL = 0x1A
_SHORT = 0x82


class SubtractionError(ValueError):
    """A profile cannot be subtracted; the text is Alloy's."""


Parts: TypeAlias = tuple[bytes, bytes, bytes]
"""A sample: the numbers of its locations, its values, and its labels as fields of a sample."""


class Labels(NamedTuple):
    """The labels of a sample. identity: independent of their order. encoded: as fields of a sample.

    strings: the numbers of the strings in them.
    """

    identity: int
    encoded: bytes
    strings: Sequence[int]


NO_LABELS = Labels(hash(()), b"", ())


def split(sample: bytes) -> Parts:
    """The parts of a sample. Raises SubtractionError."""
    try:
        first = sample[1] + 2
        if sample[0] == _PACKED_VALUES and sample[first] == _PACKED_LOCATIONS:  # as Go writes it
            second = first + 2 + sample[first + 1]
            if first < _SHORT and second - first < _SHORT and sample[second] == _LABEL:
                return sample[first + 2 : second], sample[2:first], sample[second:]
        kind, numbers, at = _sequence(sample, 0)
        other, others, at = _sequence(sample, at)
    except (IndexError, Malformed):
        return _decoded(sample)
    labels = sample[at:]
    if at > len(sample) or kind == other or (labels and labels[0] != _LABEL):
        return _decoded(sample)
    return (numbers, others, labels) if kind == 1 else (others, numbers, labels)


def _sequence(sample: bytes, at: int) -> tuple[int, bytes, int]:
    """The locations (1) or values (2) that begin there, and where they end. Raises IndexError, Malformed."""
    tag = sample[at]
    if tag in (_PACKED_LOCATIONS, _PACKED_VALUES):
        size = sample[at + 1]
        at += 2
        if size & 0x80:
            size, at = read_varint(sample, at - 1)
        end = at + size
        return tag >> 3, sample[at:end], end
    found = (_LOCATIONS if tag == _LOCATION else _VALUES).match(sample, at)
    if found is None:
        raise Malformed("unusual")
    return tag >> 3, found[1] + (found[2] or b""), found.end()


def _decoded(sample: bytes) -> Parts:
    locations, values, labels = [], [], []
    try:
        for field, wire, content in fields_of(sample):
            if field == 1:
                locations += _numbers(wire, content, "Uint64")
            elif field == 2:
                values += _numbers(wire, content, "Int64")
            elif field == 3:
                labels.append(bytes_field(3, content if isinstance(content, bytes) else b""))
    except Malformed as reason:
        raise SubtractionError(f"{_STEP}: {reason}") from None
    return b"".join(map(varint, locations)), b"".join(map(varint, values)), b"".join(labels)


def _numbers(wire: int, content: int | bytes, kind: str) -> list[int]:
    if isinstance(content, int):
        if wire != VARINT:
            raise Malformed(f"bad wire type for DecodePackedVarint: {wire}")
        return [content]
    if wire != BYTES:
        raise Malformed(f"bad wire type for DecodePackedVarint: {wire}")
    found, at = [], 0
    while at < len(content):
        try:
            number, at = read_varint(content, at)
        except Malformed:
            raise Malformed(f"decodePacked{kind}: bad varint: [{' '.join(map(str, content[at:]))}]") from None
        found.append(number)
    return found


class Stacks:
    """The stacks of one profile. known: their identities, by the numbers of their locations.

    addresses: of its locations, by their numbers; all numbers as varints.
    """

    def __init__(self, addresses: Mapping[bytes, bytes]) -> None:
        self._address_of = addresses.__getitem__
        self.known: dict[bytes, int] = {}

    def identity(self, locations: bytes) -> int:
        """What identifies a stack that is not yet known: its addresses. Raises SubtractionError."""
        found = self.known[locations] = hash(tuple(self._addresses(locations)))
        return found

    def _addresses(self, locations: bytes) -> list[bytes]:
        try:
            return list(map(self._address_of, VARINTS.findall(locations)))
        except KeyError:
            pass
        try:
            return [self._address_of(varint(number)) for number in _numbers(BYTES, locations, "Uint64")]
        except KeyError:
            raise SubtractionError(f"{_STEP}: invalid location index") from None
        except Malformed as reason:
            raise SubtractionError(f"{_STEP}: {reason}") from None


class LabelSets:
    """The labels of one profile's samples. known: those read so far. strings: the profile's."""

    def __init__(self, strings: Sequence[bytes]) -> None:
        self._strings = strings
        self.known: dict[bytes, Labels] = {b"": NO_LABELS}

    def get(self, encoded: bytes) -> Labels:
        """Labels that are not yet known, from the fields of a sample. Raises SubtractionError."""
        found = self.known[encoded] = self._decoded(encoded)
        return found

    def _decoded(self, encoded: bytes) -> Labels:
        strings, count = self._strings, len(self._strings)
        labels, pieces = [], []
        used: list[int] = []
        try:
            messages = [content for field, _, content in fields_of(encoded) if field == 3]
        except Malformed as reason:
            raise SubtractionError(f"{_STEP}: {reason}") from None
        for message in messages:
            key, text, number, unit = _label(message if isinstance(message, bytes) else b"")
            for index in (key, text, unit):
                if index >= count:
                    raise SubtractionError(f"{_STEP}: invalid string index {signed(index)}")
            labels.append((strings[key], strings[unit], number, strings[text]))
            used += (key, text, unit)
            pieces.append(bytes_field(3, b"".join([
                number_field(field, value) for field, value in enumerate((key, text, number, unit), 1)
            ])))  # fmt: skip
        return Labels(hash(tuple(sorted(labels))), b"".join(pieces), used)


def _label(message: bytes) -> tuple[int, int, int, int]:
    """The four numbers of a label: its key, text, number and unit; of a broken one, as far as it goes."""
    numbers: dict[int, int] = {}
    try:
        for field, _, content in fields_of(message):
            numbers[field] = content if isinstance(content, int) else 0
    except Malformed:
        pass  # as in Alloy
    return numbers.get(1, 0), numbers.get(2, 0), numbers.get(3, 0), numbers.get(4, 0)


def encoded_sample(locations: bytes, values: bytes, labels: bytes) -> bytes:
    """A sample as a field of a profile."""
    stack, size = len(locations), len(values)
    if (
        1 < stack < 0x80 > size > 2
        and (stack > 10 or locations[0] < 0x80)
        and (size > 10 or values[0] < 0x80)
    ):
        sample = b"".join((b"\n", ONE_BYTE[stack], locations, b"\x12", ONE_BYTE[size], values, labels))
        size = len(sample)
        return b"".join((b"\x12", ONE_BYTE[size] if size < 0x80 else varint(size), sample))
    return bytes_field(2, _repeated(0x0A, locations) + _repeated(0x12, values) + labels)


def _repeated(tag: int, numbers: bytes) -> bytes:
    """Several numbers, packed; a single one is not, and left out if it is zero."""
    if not numbers:
        return b""
    if len(numbers) < 11 and (len(numbers) == 1 or min(numbers[:-1]) >= 0x80):
        return b"" if numbers == b"\0" else bytes((tag & ~7,)) + numbers
    return bytes((tag,)) + varint(len(numbers)) + numbers


def integers(numbers: bytes) -> list[int]:
    """The signed integers in a sequence of varints."""
    found: list[int] = []
    value = shift = 0
    for byte in numbers:
        if byte < 0x80:
            value |= byte << shift
            found.append(value if value < 1 << 63 else value - (1 << 64))
            value = shift = 0
        else:
            value |= (byte & 0x7F) << shift
            shift += 7
    return found
