"""Subtracts from each profile of a series the one before it, as Alloy does for memory, mutex and block.

Numbers mostly stay as they are on the wire: equal bytes are equal numbers, so what has not changed is not
decoded. The result has the bytes of Alloy's.
Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from alloypy.components.pyroscope.scraping.samples import (
    BadStack,
    Labels,
    LabelSets,
    Stacks,
    SubtractionError,
    encoded_sample,
    fault_of,
    integers,
    numbers,
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

    __slots__ = ("old", "subtracted", "time")

    def __init__(self) -> None:
        self.old: dict[int, bytes] = {}
        self.subtracted: Sequence[bool] = ()
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


_Sample: TypeAlias = tuple[bytes, bytes, bytes, Labels, int | None]
"""A sample, or the first of several with one identity: its values, the parts of its stack, and its labels.

The values of several are their sums; then the last part is how many values the first has.
"""


class _Used(NamedTuple):
    """What samples refer to: the parts of their stacks, and their labels, by their bytes."""

    leaves: set[bytes]
    roots: set[bytes]
    labels: dict[bytes, Labels]


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
    locations: set[bytes] = set()
    if scanned.samples:
        subtracted = _subtracted(scanned, wanted)
        stacks = Stacks(symbols.addresses)
        samples = _by_identity(scanned, stacks)
        state.arrange(subtracted)
        used = _Used(set(), set(), {})
        _write_changes(samples, state, used, pieces.append)
        for labels in used.labels.values():
            symbols.use(labels.strings)
        locations = stacks.locations(used.leaves, used.roots)
    symbols.write(locations, pieces.append)
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


def _by_identity(scanned: Scanned, stacks: Stacks) -> dict[int, _Sample]:
    """The samples by what identifies them: the addresses of their stack, and their labels."""
    parted, label_sets = stacks.parted, LabelSets(scanned.strings)
    known_labels = label_sets.known.get
    samples: dict[int, _Sample] = {}
    for each in scanned.samples:
        locations, values, encoded = split(each)
        labels = known_labels(encoded) or label_sets.get(encoded)
        try:
            identity, leaf, root = parted(locations)
        except BadStack:
            raise fault_of(locations) from None
        identity += labels.identity
        if identity not in samples:
            samples[identity] = values, leaf, root, labels, None
        else:
            samples[identity] = _added(samples[identity], values)
    return samples


def _added(sample: _Sample, values: bytes) -> _Sample:
    """A sample with the values of another; values that the other lacks become zero, as in Alloy."""
    first, leaf, root, labels, size = sample
    before, more = _few(first), _few(values)
    sums = [value + (before[i] if i < len(before) else 0) for i, value in enumerate(more)]
    sums += [0] * (len(before) - len(sums))
    return numbers(sums), leaf, root, labels, len(before) if size is None else size


def _few(values: bytes) -> list[int]:
    """The values of a sample."""
    found = integers(values)
    if len(found) > _MOST_VALUES:
        raise SubtractionError(f"{_PANIC} [{_MOST_VALUES}] with length {_MOST_VALUES}")
    return found


def _write_changes(
    samples: Mapping[int, _Sample], state: _State, used: _Used, write: Callable[[bytes], None]
) -> None:
    """Write the samples with values other than zero, as differences."""
    old, subtracted = state.old, list(state.subtracted)
    usual = subtracted in ([True, True], [True, True, False, False])
    unchanged: dict[bytes, bytes] = {}
    use_leaf, use_root = used.leaves.add, used.roots.add
    for identity, sample in samples.items():
        values, leaf, root, labels, size = sample
        before = old.get(identity)
        if before == values and usual and size is None:
            if len(subtracted) == 2 or values.endswith(b"\0\0"):
                continue  # nothing is new, and nothing in use
            found = unchanged.get(values)
            if found is None:
                two = _TWO.match(values)
                found = unchanged[values] = b"\0\0" + values[two.end() if two else 0 :]
        else:
            found, old[identity] = _subtract(values, size, before, state)
            if found is None:
                continue
        use_leaf(leaf)
        use_root(root)
        used.labels[labels.encoded] = labels
        write(encoded_sample(leaf + root, found, labels.encoded))


def _subtract(
    encoded: bytes, size: int | None, before: bytes | None, state: _State
) -> tuple[bytes | None, bytes]:
    """The difference of values, None if all of it is zero, and what to keep for the next one."""
    subtracted = state.subtracted
    values = _few(encoded)[:size]
    if len(values) > len(subtracted):
        count = len(subtracted)
        raise SubtractionError(f"{_PANIC} [{count}] with length {count}")
    olds = [0] * len(subtracted) if before is None else integers(before)
    found = [v - o if s else v for v, o, s in zip(values, olds, subtracted, strict=False)]
    kept = encoded
    if len(values) < len(subtracted):
        kept = state.arranged(_chosen(values + olds[len(values) :], subtracted))
    return numbers(found) if any(found) else None, kept


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
