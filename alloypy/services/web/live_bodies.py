"""The raw profiles that are held for viewers, so that they can be looked at and downloaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from alloypy.runtime.contract.events import Body, buffer_of

MOST = 64
MOST_BYTES = 24 << 20
"""Of profiles that are held. Together with those that wait for the next look at them, it is 32 MB."""

LARGEST = 8 << 20
_SLACK = 4096  # bytes that a buffer may have besides its profile without being copied


Piece: TypeAlias = bytes | bytearray | memoryview


class Held(NamedTuple):
    """A profile. source: the object that other events of the same profile have, too; 0 for a copy."""

    content: Piece
    size: int
    source: int
    labels: Mapping[str, str]


class Bodies:
    """The latest profiles, by names that no other process uses."""

    def __init__(self) -> None:
        self._process = os.urandom(4).hex()
        self._made = 0
        self._held: dict[str, Held] = {}
        self._names: dict[int, str] = {}
        self._bytes = 0

    def hold(self, body: Body, copies: dict[int, str], labels: Mapping[str, str]) -> list[str]:
        """The names of the profiles of a body, which are held from now on; empty if one is too large.

        copies: the names of copies, by the identity of the originals, for as long as these exist.
        labels: what to say about it; those of the first event count.
        """
        if len(body) > MOST or any(not 0 < len(piece) <= LARGEST for piece in body):
            return []
        return [self._hold(piece, copies, labels) for piece in body]

    def get(self, name: str) -> Held | None:
        """A profile; None if it is not held any more."""
        return self._held.get(name)

    @property
    def first(self) -> int:
        """The number at the end of the oldest name; that of the next one if none is held."""
        return int(next(iter(self._held)).rpartition("-")[2]) if self._held else self._made + 1

    def clear(self) -> bool:
        """Hold nothing any more. Returns whether anything was held."""
        held = bool(self._held)
        self._held.clear()
        self._names.clear()
        self._bytes = 0
        return held

    def _hold(self, piece: Piece, copies: dict[int, str], labels: Mapping[str, str]) -> str:
        source = id(piece)
        known = self._names.get(source) or copies.get(source)
        if known is not None:
            return known
        self._made += 1
        name = f"{self._process}-{self._made}"
        held = _held(piece, labels)
        self._held[name] = held
        self._bytes += held.size
        if held.source:
            self._names[source] = name
        else:
            copies[source] = name
        while len(self._held) > MOST or self._bytes > MOST_BYTES:
            self._forget(next(iter(self._held)))
        return name

    def _forget(self, name: str) -> None:
        held = self._held.pop(name)
        self._names.pop(held.source, None)
        self._bytes -= held.size


def _held(piece: Piece, labels: Mapping[str, str]) -> Held:
    """A profile as it is held: copied if it is a small part of a large buffer."""
    size = len(buffer_of(piece))
    if size <= len(piece) + _SLACK:
        return Held(piece, size, id(piece), labels)
    return Held(bytes(piece), len(piece), 0, labels)
