"""Which records are being tried: one that was, each time the process ended, may be what ends it.

`tries.log` has entries of 20 bytes (little endian: number of the record u64, CRC-32 of the destination's
name u32, kind u32, CRC-32 u32). Nothing waits for the disk: the end of the process alone loses none.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from struct import Struct
from zlib import crc32

from alloypy.queueing.disk import Disk

_ENTRY = Struct("<QII")
_CRC = Struct("<I")
_ENTRY_BYTES = 20
_TRIED = 1
_SURVIVED = 2
_MOST_BYTES = 1 << 20


def name_number(destination: str) -> int:
    """The number that stands for a destination."""
    return crc32(destination.encode())


class Tries:
    """The notes of a log. What has been tried and neither delivered nor survived counts as a crash."""

    def __init__(self, disk: Disk, directory: str) -> None:
        self._disk = disk
        self._path = f"{directory}/tries.log"
        self._descriptor: int | None = None
        self._end = 0
        self._crashes: dict[tuple[int, int], int] = {}
        self._noted: set[tuple[int, int]] = set()
        self._unwritten: list[tuple[int, int, int]] = []

    def start(self, is_waiting: Callable[[int, int], bool]) -> None:
        """Read the notes, and write anew those of records that still wait. A failing disk costs the notes."""
        with suppress(OSError):
            descriptor = self._disk.open(self._path)
            try:
                self._read(self._disk.read(descriptor, self._disk.size(descriptor), 0))
            finally:
                self._disk.close(descriptor)
        self._crashes = {key: count for key, count in self._crashes.items() if is_waiting(*key)}
        self._renew()

    def _read(self, data: bytes) -> None:
        for at in range(0, len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
            seq, name, kind = _ENTRY.unpack_from(data, at)
            if _CRC.unpack_from(data, at + 16)[0] == crc32(memoryview(data)[at : at + 16]):
                key = seq, name
                if kind == _TRIED:
                    self._crashes[key] = self._crashes.get(key, 0) + 1
                elif kind == _SURVIVED:
                    self._crashes.pop(key, None)

    def crashes(self, seq: int, destination: int) -> int:
        """How often the process has ended while a record was being tried, before this start."""
        return self._crashes.get((seq, destination), 0)

    def will_try(self, seq: int, destination: int) -> None:
        """A try is about to begin; if it is the first since the start, the next `tried` notes it."""
        key = seq, destination
        if key not in self._noted:
            self._noted.add(key)
            self._unwritten.append((*key, _TRIED))

    def tried(self, seq: int, destination: int) -> None:
        """A try begins: its note is written."""
        self.will_try(seq, destination)
        if self._unwritten:
            self._append([])

    def survived(self, seq: int, destination: int, *, is_over: bool) -> None:
        """A try has ended, and the process has not. is_over: the record does not wait any more."""
        key = seq, destination
        if is_over:
            self._noted.discard(key)
            self._crashes.pop(key, None)
            if self._end > _MOST_BYTES:
                self._renew()
        elif key in self._noted or key in self._crashes:
            self._crashes.pop(key, None)
            self._append([(*key, _SURVIVED)])

    def close(self) -> None:
        """The process ends as it should: what is being tried now is none of the reasons."""
        self._noted.clear()
        self._renew()
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None

    def _append(self, entries: list[tuple[int, int, int]]) -> None:
        data = b"".join(map(_packed, [*self._unwritten, *entries]))
        self._unwritten = []
        if self._descriptor is not None and data:
            with suppress(OSError):
                self._disk.write(self._descriptor, [data], self._end)
                self._end += len(data)

    def _renew(self) -> None:
        """Write the file anew: the crashes of what waits, and what is being tried."""
        entries = [(*key, _TRIED) for key, count in self._crashes.items() for _ in range(count)]
        entries += [(*key, _TRIED) for key in self._noted]
        self._unwritten = []
        data = b"".join(map(_packed, entries))
        new = f"{self._path}.tmp"
        with suppress(OSError):
            with suppress(FileNotFoundError):
                self._disk.remove(new)
            descriptor = self._disk.create(new)
            try:
                self._disk.write(descriptor, [data], 0)
                self._disk.rename(new, self._path)
            except OSError:
                self._disk.close(descriptor)
                raise
            if self._descriptor is not None:
                self._disk.close(self._descriptor)
            self._descriptor, self._end = descriptor, len(data)


def _packed(entry: tuple[int, int, int]) -> bytes:
    data = _ENTRY.pack(*entry)
    return data + _CRC.pack(crc32(data))
