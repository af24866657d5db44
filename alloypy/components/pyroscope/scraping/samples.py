"""The samples of a profile: their stacks, values and labels, each as the bytes it has on the wire.

The layouts that Go's runtime and protobuf write are taken apart by their lengths; any other sample is
decoded, and encoded in one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from operator import mul
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
_PACKED = (_PACKED_LOCATIONS, _PACKED_VALUES)
_LABEL = 0x1A
_LABELS = (b"\x1a", b"")
_ONE_LABEL = re.compile(
    rb"\x1a[\x00-\x7f]"
    + b"".join(rb"(?:" + tag + _NUMBER + rb")?" for tag in (rb"\x08", rb"\x10", rb"\x18", rb"\x20"))
)
_SHORT = 0x82
_PART, _LONGEST = 16, 2048
"""Bytes: a stack is cut where multiples of them are left, but nowhere else than there if it is longer."""

_MOST_NUMBERS = 10_000
_PRIME = (1 << 61) - 1
_BASE = hash(b"stacks") % _PRIME
"""Differs between processes, as hashes do: nobody can make stacks that are taken for each other."""

_MOST_USUAL = 2 * _PART
_POWERS = [pow(_BASE, i, _PRIME) for i in range(_MOST_USUAL)]


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


NO_LABELS = Labels(0, b"", ())


def split(sample: bytes) -> Parts:
    """The parts of a sample. Raises SubtractionError."""
    try:
        tag, first = sample[0], sample[1] + 2
        if first < _SHORT and tag in _PACKED:
            second = first + 2 + sample[first + 1]
            other = sample[first]
            if second - first < _SHORT and second <= len(sample) and sample[second : second + 1] in _LABELS:
                if tag == _PACKED_VALUES and other == _PACKED_LOCATIONS:  # as Go writes it
                    return sample[first + 2 : second], sample[2:first], sample[second:]
                if tag == _PACKED_LOCATIONS and other == _PACKED_VALUES:  # as most others do
                    return sample[2:first], sample[first + 2 : second], sample[second:]
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


Stack: TypeAlias = tuple[int, bytes, bytes]
"""A stack, or the part of one towards the root: its number, and the numbers of its locations in two parts.

The first part is the one towards the leaf.
"""


class BadStack(Exception):
    """A stack has an unknown location, or cannot be read."""


class Stacks:
    """The stacks of one profile, in parts: towards the root, many are the same.

    addresses: hashes of those of the profile's locations, by the locations' numbers as varints.
    """

    def __init__(self, addresses: Mapping[bytes, int]) -> None:
        self._addresses = addresses
        self._leaves: dict[bytes, tuple[int, int]] = {b"": (0, 1)}
        self._roots: dict[bytes, Stack] = {b"": (0, b"", b"")}

    def parted(self, locations: bytes) -> Stack:
        """A stack; its number is made of its addresses, however it is parted. Raises BadStack."""
        size = len(locations)
        cut = (size - 1) % _PART + 1 if size <= _LONGEST else size - _LONGEST
        while cut < size and locations[cut - 1] >= 0x80:  # within a number
            cut += 1
        leaf, root = locations[:cut], locations[cut:]
        number, factor = self._leaves.get(leaf) or self._read(leaf)
        rest = self._roots.get(root)
        if rest is None:
            rest = self._roots[root] = self.parted(root)
        return (number + factor * rest[0]) % _PRIME, leaf, root

    def _read(self, leaf: bytes) -> tuple[int, int]:
        """The number of a part, and the factor of what comes after it. Raises BadStack."""
        hashes = self._hashes_of(leaf)
        number = 0
        if len(hashes) <= _MOST_USUAL:
            number = sum(map(mul, hashes, _POWERS)) % _PRIME
        else:
            for each in reversed(hashes):
                number = (number * _BASE + each) % _PRIME
        found = self._leaves[leaf] = number, pow(_BASE, len(hashes), _PRIME)
        return found

    def _hashes_of(self, part: bytes) -> list[int]:
        hash_of = self._addresses.__getitem__
        try:
            if part[-1] < 0x80:
                return list(map(hash_of, VARINTS.findall(part)))
        except KeyError:
            pass
        try:
            return [hash_of(varint(number)) for number in _numbers(BYTES, part, "Uint64")]
        except (KeyError, Malformed):
            raise BadStack from None

    def locations(self, leaves: set[bytes], roots: set[bytes]) -> set[bytes]:
        """The numbers of the locations in parts of stacks, to which the parts of roots are added."""
        waiting = list(roots)
        while waiting:
            _, leaf, root = self._roots[waiting.pop()]
            leaves.add(leaf)
            if root not in roots:
                roots.add(root)
                waiting.append(root)
        return set(VARINTS.findall(b"".join(leaves)))


def fault_of(locations: bytes) -> SubtractionError:
    """Why a stack cannot be used."""
    try:
        _numbers(BYTES, locations, "Uint64")
    except Malformed as reason:
        return SubtractionError(f"{_STEP}: {reason}")
    return SubtractionError(f"{_STEP}: invalid location index")


class LabelSets:
    """The labels of one profile's samples. known: those read so far. strings: the profile's."""

    def __init__(self, strings: Sequence[bytes]) -> None:
        self._strings = strings
        self.known: dict[bytes, Labels] = {b"": NO_LABELS}

    def get(self, encoded: bytes) -> Labels:
        """Labels that are not yet known, from the fields of a sample. Raises SubtractionError."""
        found = self.known[encoded] = self._usual(encoded) or self._decoded(encoded)
        return found

    def _usual(self, encoded: bytes) -> Labels | None:
        """The one label of a sample, if it is encoded in the usual way, in which it can stay."""
        match = _ONE_LABEL.fullmatch(encoded)
        if match is None or encoded[1] != len(encoded) - 2:
            return None
        numbers = match.groups(b"")
        if any(number[-1:] == b"\0" for number in numbers):
            return None
        key, text, number, unit = (_READ[each] for each in numbers)
        if not 0 <= max(key, text, unit) < len(self._strings) or min(key, text, unit) < 0:
            return None
        label = self._strings[key], self._strings[unit], number, self._strings[text]
        return Labels(hash((label,)) % _PRIME, encoded, (key, text, unit))

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
        return Labels(hash(tuple(sorted(labels))) % _PRIME, b"".join(pieces), used)


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
        whole = stack + size + len(labels) + 4
        return b"".join((
            b"\x12",
            ONE_BYTE[whole] if whole < 0x80 else varint(whole),
            b"\n",
            ONE_BYTE[stack],
            locations,
            b"\x12",
            ONE_BYTE[size],
            values,
            labels,
        ))  # fmt: skip
    return bytes_field(2, _repeated(0x0A, locations) + _repeated(0x12, values) + labels)


def _repeated(tag: int, numbers: bytes) -> bytes:
    """Several numbers, packed; a single one is not, and left out if it is zero."""
    if not numbers:
        return b""
    if len(numbers) < 11 and (len(numbers) == 1 or min(numbers[:-1]) >= 0x80):
        return b"" if numbers == b"\0" else bytes((tag & ~7,)) + numbers
    return bytes((tag,)) + varint(len(numbers)) + numbers


class _Read(dict[bytes, int]):
    """Signed integers by their varints; remembers the last ones."""

    def __missing__(self, encoded: bytes) -> int:
        number = shift = 0
        for byte in encoded:
            number |= (byte & 0x7F) << shift
            shift += 7
        number = signed(number)
        if len(self) >= _MOST_NUMBERS:
            self.clear()
        self[encoded] = number
        return number


class _Written(dict[int, bytes]):
    """Varints by their integers; remembers the last ones."""

    def __missing__(self, number: int) -> bytes:
        if len(self) >= _MOST_NUMBERS:
            self.clear()
        encoded = self[number] = varint(number)
        return encoded


_READ, _WRITTEN = _Read(), _Written()


def integers(encoded: bytes) -> list[int]:
    """The signed integers in a sequence of varints."""
    return list(map(_READ.__getitem__, VARINTS.findall(encoded)))


def numbers(integers: Iterable[int]) -> bytes:
    """A sequence of varints."""
    return b"".join(map(_WRITTEN.__getitem__, integers))
