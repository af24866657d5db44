"""Records as messages, and messages as records: large ones go in parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from secrets import token_hex
from struct import Struct
from typing import NamedTuple, TypeAlias

from alloypy.profiles.model import Buffer
from alloypy.queueing.record import MOST_BODY_BYTES, MOST_META_BYTES

Headers: TypeAlias = Sequence[tuple[str, bytes]]

MAGIC = b"ALQK"
PATIENCE_SECONDS = 600.0
"""After this time without another part of a record, its sender must have died, and was never answered."""

_HEAD = Struct("<4sIQ")
_OVERHEAD_BYTES = 1024
"""What a batch with one message takes besides its value: head, key and headers."""

_MOST_BYTES = _HEAD.size + MOST_META_BYTES + MOST_BODY_BYTES
_begun = itertools.count()


class Message(NamedTuple):
    """What is sent: a value, and its headers."""

    value: bytes
    headers: Headers


class Content(NamedTuple):
    """A record that has been put together. offsets: of its messages."""

    received_at: int
    meta: bytes
    body: memoryview
    offsets: Sequence[int]


class Foreign(Exception):
    """A message is not one of a queue, or not of this version."""


class Remnant(Exception):
    """A message is a part of a record whose first parts are gone."""


def room(max_message_bytes: int) -> int:
    """The bytes of a value in a message of that size."""
    return max_message_bytes - _OVERHEAD_BYTES


def messages(received_at: int, meta: bytes, body: Sequence[Buffer], most: int) -> Iterator[Message]:
    """A record as messages with values of at most `most` bytes. Only one of them is in memory at a time."""
    pieces: list[Buffer] = [_HEAD.pack(MAGIC, len(meta), received_at) + meta, *body]
    size = sum(map(len, pieces))
    if size <= most:
        yield Message(b"".join(pieces), ())
        return
    name, count = token_hex(8).encode(), -(-size // most)
    for number, value in enumerate(_cut(pieces, most), 1):
        yield Message(value, [("id", name), ("part", b"%d/%d" % (number, count)), ("size", b"%d" % size)])


def _cut(pieces: Sequence[Buffer], most: int) -> Iterator[bytes]:
    """The pieces, cut anew."""
    waiting: list[Buffer] = []
    missing = most
    for piece in pieces:
        view = memoryview(piece)
        while len(view) >= missing:
            yield b"".join([*waiting, view[:missing]])
            view, waiting, missing = view[missing:], [], most
        waiting.append(view)
        missing -= len(view)
    if missing < most:
        yield b"".join(waiting)


class Partial:
    """A record of which parts are missing.

    begun: a number that grows with each. data: None once it was let go. length: bytes of the parts so far.
    at: when the last one came, by a clock that is never set.
    """

    def __init__(self, size: int, count: int) -> None:
        self.begun = next(_begun)
        self.size = size
        self.count = count
        self.data: bytearray | None = bytearray()
        self.length = 0
        self.offsets: list[int] = []
        self.at = 0.0

    def add(self, offset: int, value: bytes, now: float) -> None:
        """Take the next part."""
        self.at = now
        self.length += len(value)
        self.offsets.append(offset)
        if self.data is not None:
            self.data += value


class LetGo(NamedTuple):
    """A record that has all its parts, and has to be read again. offsets: of its messages."""

    offsets: Sequence[int]


class Assembly:
    """Puts the records of one partition together. held: bytes of those of which parts are missing."""

    def __init__(self) -> None:
        self._partials: dict[bytes, Partial] = {}
        self.held = 0

    def add(self, offset: int, value: bytes, headers: Headers, now: float) -> Content | LetGo | None:
        """Take a message; returns the record that it completes. Raises Foreign and Remnant."""
        given = dict(headers)
        if "part" not in given:
            return _content(memoryview(value), [offset])
        try:
            name, size = given["id"], int(given["size"])
            number, count = map(int, given["part"].split(b"/"))
        except (KeyError, ValueError):
            raise Foreign("its headers are not those of a queue") from None
        partial = self._partials.get(name)
        if partial is None:
            if number != 1:
                raise Remnant
            if not 0 < size <= _MOST_BYTES or not 1 <= count <= size:
                raise Foreign(f"a record of {size} bytes in {count} parts")
            partial = self._partials[name] = Partial(size, count)
        elif number != len(partial.offsets) + 1 or partial.length + len(value) > partial.size:
            raise Foreign(f"part {number} of a record does not follow the one before")
        partial.add(offset, value, now)
        if partial.data is not None:
            self.held += len(value)
        if number < partial.count:
            return None
        self._forget(name)
        if partial.data is None:
            return LetGo(partial.offsets)
        return _content(memoryview(partial.data), partial.offsets)

    @property
    def holding(self) -> list[Partial]:
        """Records of which parts are missing, and whose other parts are held."""
        return [each for each in self._partials.values() if each.data is not None]

    def let_go(self, partial: Partial) -> None:
        """Hold it no longer: it is read again once all of its parts are there."""
        if partial.data is not None:
            self.held -= len(partial.data)
            partial.data = None

    def expired(self, now: float) -> list[list[int]]:
        """Forget records of which no part has come for long; returns the offsets of each."""
        old = [name for name, each in self._partials.items() if now - each.at > PATIENCE_SECONDS]
        return [self._forget(name).offsets for name in old]

    def _forget(self, name: bytes) -> Partial:
        partial = self._partials.pop(name)
        self.held -= 0 if partial.data is None else len(partial.data)
        return partial


class Rereading:
    """A record that was let go, and is read again. offsets: of its messages, all of which were there."""

    def __init__(self, offsets: Sequence[int]) -> None:
        self.offsets = offsets
        self._data = bytearray()
        self._parts = 0

    def add(self, offset: int, value: bytes) -> Content | None:
        """Take a message, perhaps of other records; returns the record that it completes.

        Raises Remnant if messages of the record are gone, and Foreign.
        """
        due = self.offsets[self._parts]
        if offset < due:
            return None
        if offset > due:
            raise Remnant
        self._data += value
        self._parts += 1
        if self._parts < len(self.offsets):
            return None
        return _content(memoryview(self._data), self.offsets)


def _content(data: memoryview, offsets: Sequence[int]) -> Content:
    if len(data) < _HEAD.size:
        raise Foreign(f"a message of {len(data)} bytes")
    magic, length, received_at = _HEAD.unpack_from(data)
    end = _HEAD.size + length
    if magic != MAGIC or end > len(data):
        raise Foreign("it does not begin as the records of a queue do")
    return Content(received_at, bytes(data[_HEAD.size : end]), data[end:], offsets)
