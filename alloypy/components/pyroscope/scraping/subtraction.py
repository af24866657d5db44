"""Subtracts from each profile of a series the one before it, as Alloy does for memory, mutex and block.

Numbers mostly stay as they are on the wire: equal bytes are equal numbers, so what has not changed is not
decoded. The result has the bytes of Alloy's.
Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import ClassVar, NamedTuple, TypeAlias

from alloypy.components.pyroscope.scraping.samples import (
    Labels,
    LabelSets,
    Stacks,
    SubtractionError,
    encoded_sample,
    integers,
    split,
)
from alloypy.components.pyroscope.scraping.symbols import Symbols
from alloypy.profiles.pprof_wire import (
    Malformed,
    Scanned,
    TooMany,
    fields_of,
    numbers_of,
    scan,
    signed,
    varint,
)

MOST_UNPACKED = 64 << 20
"""The largest profile that is unpacked, in bytes."""

_MOST_MEMBERS = 1000
_GZIP = b"\x1f\x8b"
_LEVEL = 1
"""Of compression: zlib's usual level takes three times as long for a result that is a tenth smaller."""

MOST_REMEMBERED = 32 << 20
"""The bytes that a process may take to recognize the samples that it has seen before."""

_WHO_BYTES = 300
_PACKED_VALUES = 0x12
_SHORT = 0x80
_MOST_VALUES = 4
_TWO = re.compile(rb"(?:[\x80-\xff]*[\x00-\x7f]){2}")
_TIMES = (("contentions", "count"), ("delay", "nanoseconds"))
SUBTRACTED: Mapping[str, Sequence[tuple[str, str]]] = {
    "memory": (("alloc_objects", "count"), ("alloc_space", "bytes")),
    "mutex": _TIMES,
    "block": _TIMES,
}
"""The values, as type and unit, that are subtracted in each type of profile; others stay."""

_RECOVERING = "delta profiler recovering from bad state, skipping this profile"
_PANIC = "internal panic during delta profiling: runtime error: index out of range"


class Series:
    """The profiles of one series; keeps the values of the last one. name: the type of profile."""

    def __init__(self, name: str) -> None:
        self._wanted = [(kind.encode(), unit.encode()) for kind, unit in SUBTRACTED[name]]
        self._state = _State()
        self._first = True
        self._recovering = False

    def difference(self, profile: bytes) -> bytes | None:
        """What has been added since the last profile, packed; None for the first. Raises SubtractionError."""
        plain = unpacked(profile)
        try:
            pieces = _difference(plain, self._wanted, self._state)
        except SubtractionError as error:
            self._state = _State()
            self._recovering = True
            raise SubtractionError(f"computing delta: {error}") from None
        if self._recovering:
            self._recovering = False
            raise SubtractionError(f"computing delta: {_RECOVERING}")
        if self._first:
            self._first = False
            return None
        return packed(pieces)


def unpacked(profile: bytes) -> bytes:
    """A profile without its compression. Raises SubtractionError."""
    if not profile.startswith(_GZIP):
        return profile
    parts: list[bytes] = []
    left, room = profile, MOST_UNPACKED
    while left:
        if len(parts) >= _MOST_MEMBERS:  # each costs a copy of what follows it
            raise SubtractionError(f"decompressing profile: more than {_MOST_MEMBERS} gzip members")
        unpacking = zlib.decompressobj(wbits=31)
        try:
            part = unpacking.decompress(left, room + 1)
        except zlib.error as error:
            raise SubtractionError(f"decompressing profile: {error}") from None
        room -= len(part)
        if room < 0:
            raise SubtractionError(f"it is larger than {MOST_UNPACKED >> 20} MiB when unpacked")
        if not unpacking.eof:
            raise SubtractionError("decompressing profile: unexpected EOF")
        parts.append(part)
        left = unpacking.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def packed(pieces: Iterable[bytes]) -> bytes:
    """Bytes with gzip's compression."""
    packing = zlib.compressobj(_LEVEL, wbits=31)
    return packing.compress(b"".join(pieces)) + packing.flush()


class _State:
    """What is kept of a profile for the next one.

    old: the values by the identity of their samples, as varints. subtracted: which of them, by position.
    time: in nanoseconds since 1970; negative before the first.
    """

    __slots__ = ("old", "remembered", "subtracted", "time")

    def __init__(self) -> None:
        self.old: dict[int, bytes] = {}
        self.subtracted: Sequence[bool] = ()
        self.remembered = _Remembered()
        self.time = -1

    def arrange(self, subtracted: Sequence[bool]) -> None:
        """Keep the values to subtract where the next profile has them."""
        if subtracted == self.subtracted:
            return
        before, self.subtracted = self.subtracted, subtracted
        for identity, values in self.old.items():
            olds = [old for old, each in zip(integers(values), before, strict=False) if each]
            self.old[identity] = self.arranged(olds)

    def arranged(self, olds: Sequence[int]) -> bytes:
        """Values to subtract, as they are kept."""
        left = iter(olds)
        return b"".join([varint(next(left, 0) if each else 0) for each in self.subtracted])


class _Who(NamedTuple):
    """Which of the samples of a series one is. identity: of its stack's addresses and its labels."""

    identity: int
    locations: bytes
    labels: Labels


_Sample: TypeAlias = tuple[_Who, bytes, int | None]
"""A sample, or the first of several with one identity, and its values.

The values of several are their sums; then the last part is how many values the first has.
"""


class _Remembered:
    """Samples of the last profile by their bytes, as long as locations and strings stay what they were.

    All series of a process share a bound on what is remembered.
    """

    _held: ClassVar[int] = 0

    def __init__(self) -> None:
        self.known: dict[bytes, _Who] = {}
        self._size = 0
        self._locations: Sequence[bytes] = ()
        self._strings: Sequence[bytes] = ()

    def follow(self, locations: Sequence[bytes], strings: Sequence[bytes], samples: int) -> None:
        """Forget everything if another profile names its samples in another way."""
        if locations != self._locations or strings != self._strings or len(self.known) > 2 * samples + 100:
            self.forget()
            self._locations, self._strings = locations, strings

    def add(self, content: bytes, who: _Who) -> None:
        """Remember a sample, if there is room."""
        size = _WHO_BYTES + 2 * len(content)
        if _Remembered._held + size <= MOST_REMEMBERED:
            self.known[content] = who
            self._size += size
            _Remembered._held += size

    def forget(self) -> None:
        """Forget everything."""
        self.known = {}
        _Remembered._held -= self._size
        self._size = 0

    def __del__(self) -> None:
        self.forget()


def _difference(data: bytes, wanted: Sequence[tuple[bytes, bytes]], state: _State) -> list[bytes]:
    """The pieces of a profile's difference; updates the state. Raises SubtractionError."""
    try:
        scanned = scan(data)
    except TooMany as reason:
        raise SubtractionError(str(reason)) from None
    except Malformed:
        raise SubtractionError(_fault_of(data)) from None
    symbols = Symbols(scanned, state.time)
    pieces: list[bytes] = []
    used: set[bytes] = set()
    if scanned.samples:
        subtracted = _subtracted(scanned, wanted)
        samples = _by_identity(scanned, symbols, state.remembered)
        state.arrange(subtracted)
        for who, values in _changes(samples, state):
            used.add(who.locations)
            if who.labels.strings:
                symbols.use(who.labels.strings)
            pieces.append(encoded_sample(who.locations, values, who.labels.encoded))
    symbols.write(used, pieces.append)
    state.time = symbols.time
    return pieces


def _subtracted(scanned: Scanned, wanted: Sequence[tuple[bytes, bytes]]) -> list[bool]:
    """Which values are subtracted, by their position."""
    strings, count = scanned.strings, len(scanned.strings)
    types = []
    for field, content in scanned.others:
        if field == 1 and isinstance(content, bytes):
            try:
                numbers = numbers_of(content)
            except Malformed as reason:
                raise SubtractionError(f"pass1Index: {reason}") from None
            types.append((signed(numbers.get(1, 0)), signed(numbers.get(2, 0))))
    for index in chain.from_iterable(types):
        if not 0 <= index < count:
            raise SubtractionError(f"{_PANIC} [{index}]" + (f" with length {count}" if index >= 0 else ""))
    named = [(strings[kind], strings[unit]) for kind, unit in types]
    found = [False] * len(named)
    for pair in wanted:
        if pair in named:
            found[named.index(pair)] = True
    return found


def _by_identity(scanned: Scanned, symbols: Symbols, remembered: _Remembered) -> dict[int, _Sample]:
    """The samples by what identifies them: the addresses of their stack, and their labels."""
    strings = scanned.strings
    remembered.follow(symbols.locations, strings, len(scanned.samples))
    known, recognizer = remembered.known.get, _Recognizer(Stacks(symbols.addresses), LabelSets(strings))
    samples: dict[int, _Sample] = {}
    for each in scanned.samples:
        if len(each) > 1 and each[0] == _PACKED_VALUES and each[1] < _SHORT:  # as Go writes it
            at = each[1] + 2
            values, content = each[2:at], each[at:]
            who = known(content)
            if who is None:
                who, all_values = recognizer.recognize(each)
                if all_values == values:
                    remembered.add(content, who)
                values = all_values
        else:
            who, values = recognizer.recognize(each)
        if who.identity not in samples:
            samples[who.identity] = who, values, None
        else:
            samples[who.identity] = _added(samples[who.identity], values)
    return samples


class _Recognizer:
    """Finds out who the samples of one profile are."""

    def __init__(self, stacks: Stacks, label_sets: LabelSets) -> None:
        self._stacks = stacks
        self._label_sets = label_sets

    def recognize(self, sample: bytes) -> tuple[_Who, bytes]:
        """Who a sample is, and its values. Raises SubtractionError."""
        locations, values, encoded = split(sample)
        labels = self._label_sets.known.get(encoded) or self._label_sets.get(encoded)
        stack = self._stacks.known.get(locations)
        if stack is None:
            stack = self._stacks.identity(locations)
        return _Who(hash((stack, labels.identity)), locations, labels), values


def _added(sample: _Sample, values: bytes) -> _Sample:
    """A sample with the values of another; values that the other lacks become zero, as in Alloy."""
    who, first, size = sample
    before, more = _few(first), _few(values)
    sums = [value + (before[i] if i < len(before) else 0) for i, value in enumerate(more)]
    sums += [0] * (len(before) - len(sums))
    return who, b"".join(map(varint, sums)), len(before) if size is None else size


def _few(values: bytes) -> list[int]:
    """The values of a sample."""
    found = integers(values)
    if len(found) > _MOST_VALUES:
        raise SubtractionError(f"{_PANIC} [{_MOST_VALUES}] with length {_MOST_VALUES}")
    return found


def _changes(samples: Mapping[int, _Sample], state: _State) -> Iterator[tuple[_Who, bytes]]:
    """The samples with values other than zero, and these."""
    old, subtracted = state.old, list(state.subtracted)
    usual = subtracted in ([True, True], [True, True, False, False])
    for identity, sample in samples.items():
        who, values, size = sample
        before = old.get(identity)
        if before == values and usual and size is None:
            if len(subtracted) == 2 or values.endswith(b"\0\0"):
                continue  # nothing is new, and nothing in use
            two = _TWO.match(values)
            yield who, b"\0\0" + values[two.end() if two else 0 :]
            continue
        found = _subtract(sample, before, state)
        old[identity] = found.kept
        if any(found.values):
            yield who, b"".join(map(varint, found.values))


class _Found(NamedTuple):
    """The result of a subtraction. kept: for the next one."""

    values: Sequence[int]
    kept: bytes


def _subtract(sample: _Sample, before: bytes | None, state: _State) -> _Found:
    subtracted, (_, all_values, size) = state.subtracted, sample
    values = _few(all_values)[:size]
    if len(values) > len(subtracted):
        count = len(subtracted)
        raise SubtractionError(f"{_PANIC} [{count}] with length {count}")
    if before is None:
        if len(values) == len(subtracted):
            return _Found(values, all_values)
        return _Found(values, state.arranged(_chosen(values, subtracted)))
    olds = integers(before)
    found = [v - o if s else v for v, o, s in zip(values, olds, subtracted, strict=False)]
    if len(values) == len(subtracted):
        return _Found(found, all_values)
    return _Found(found, state.arranged(_chosen(values + olds[len(values) :], subtracted)))


def _chosen(values: Sequence[int], subtracted: Sequence[bool]) -> list[int]:
    return [value for value, each in zip(values, subtracted, strict=False) if each]


def _fault_of(data: bytes) -> str:
    """Why a profile cannot be read, in the order in which Alloy reads it."""
    try:
        for field, _, content in fields_of(data):
            if field in (1, 4) and isinstance(content, bytes):
                numbers_of(content)
    except Malformed as reason:
        return f"pass1Index: {reason}"
    return "pass1Index: the profile is not valid"
