"""Results remembered for label sets and names that clients choose, within a bound on bytes.

All memories of one room share its bytes: when it is full, the fullest memory drops its oldest results.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from sys import getsizeof
from typing import Final, Generic, TypeVar
from weakref import WeakSet

from alloypy.profiles.model import Labels

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_LARGEST_BYTES: Final = 16 << 10
_ENTRY_BYTES: Final = 300
"""Bytes that an entry takes besides its key and its result."""


class Room:
    """The bytes that several memories may take together; `held` of them are taken."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.held = 0
        self._memories: WeakSet[Memory[Hashable, object]] = WeakSet()

    def add(self, memory: Memory[K, V]) -> None:
        """Have a memory share the room."""
        self._memories.add(memory)  # type: ignore[arg-type]

    def widen(self, size: int) -> None:
        """Make room for so many more bytes, or for so many fewer if negative: for sets that come again."""
        self.size += size
        self.shrink()

    def shrink(self) -> None:
        """Make the fullest memories forget until all fit."""
        while self.held > self.size:
            max(self._memories, key=_held).forget_oldest()


class Memory(Generic[K, V]):
    """Results by what they were computed from. Anything larger than 16 KiB is not remembered.

    get: returns a result and its size, or None if it is not known. For use by one thread.
    """

    def __init__(self, room: Room) -> None:
        self.held = 0
        self._room = room
        self._known: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.get: Callable[[K], tuple[V, int] | None] = self._known.get  # a method would cost another call
        room.add(self)

    def __len__(self) -> int:
        return len(self._known)

    def __del__(self) -> None:
        self._room.held -= self.held

    def renew(self, key: K) -> None:
        """Treat a known result as the newest."""
        self._known.move_to_end(key)

    def put(self, key: K, value: V, size: int) -> None:
        """Remember a result. size: bytes that it takes together with its key."""
        size += _ENTRY_BYTES
        if size > _LARGEST_BYTES:
            return
        self._take(self._known.pop(key, _NOTHING)[1], size)
        self._known[key] = value, size
        if self._room.held > self._room.size:
            self._room.shrink()

    def forget_oldest(self) -> None:
        """Forget what was remembered first."""
        self._take(self._known.popitem(last=False)[1][1], 0)

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._take(self.held, 0)

    def _take(self, less: int, more: int) -> None:
        self.held += more - less
        self._room.held += more - less


_NOTHING: Final = (None, 0)

LABELS: Final = Room(8 << 20)
"""The room shared by all memories about label sets on their way through the process."""


def size_of(labels: Labels) -> int:
    """The bytes of memory that a label set takes."""
    size = getsizeof(labels)
    for name, value in labels.items():
        size += getsizeof(name) + getsizeof(value)
        if size > _LARGEST_BYTES:
            break
    return size


class LabelMemory(Generic[V]):
    """Results computed from label sets, found again by the sets' identities.

    Label sets are frozen and shared between profiles (see `alloypy.profiles.push_wire`), so looking at
    their contents again would be wasteful. A result takes about as much memory as its label set.
    """

    def __init__(self, work_out: Callable[[Labels], V]) -> None:
        self._work_out = work_out
        # It keeps the label sets, so that no other object can get their identities.
        self._known: Memory[int, tuple[Labels, V]] = Memory(LABELS)

    def get(self, labels: Labels) -> V:
        """The result for a label set. Raises what computing it raises."""
        known = self._known.get(id(labels))
        if known is not None and known[0][0] is labels:
            return known[0][1]
        result = self._work_out(labels)
        self._known.put(id(labels), (labels, result), 2 * size_of(labels))
        return result


def _held(memory: Memory[Hashable, object]) -> int:
    return memory.held
