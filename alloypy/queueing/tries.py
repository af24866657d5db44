"""Which records are being tried: one that was, each time the process ended, may be what ends it.

A process also ends for other reasons, with innocent records in flight. What was in flight at two ends is
therefore tried alone, and only an end while it was alone is evidence.

`tries.log` has entries of 20 bytes (little endian: number of the record u64, CRC-32 of the destination's
name u32, kind u8, how many more records in a row it is about u24, CRC-32 u32). Nothing waits for the disk:
the end of the process alone loses none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from alloypy.queueing.disk import Disk, new_name, written_anew
from alloypy.queueing.obstacles import why

_ENTRY = Struct("<QII")
_CRC = Struct("<I")
_ENTRY_BYTES = 20
_TRIED = 1
_SURVIVED = 2
_TRIED_ALONE = 3
_MOST_BYTES = 1 << 20
_MOST_BYTES_READ = 64 << 20
_MOST_IN_A_ROW = 1 << 24


def name_number(destination: str) -> int:
    """The number that stands for a destination."""
    return crc32(destination.encode())


class Ends(NamedTuple):
    """How often the process has ended while a record was being tried. alone: while nothing else was."""

    all: int
    alone: int


NO_ENDS = Ends(0, 0)


class Tries:
    """The notes of a log. What has been tried and neither delivered nor survived counts as a crash.

    fault: why nothing can be noted, or "".
    """

    def __init__(self, disk: Disk, directory: str) -> None:
        self._disk = disk
        self._path = f"{directory}/tries.log"
        self.fault = ""
        self._descriptor: int | None = None
        self._end = 0
        self._ends: dict[tuple[int, int], Ends] = {}
        self._noted: dict[tuple[int, int], int] = {}

    def start(self, is_waiting: Callable[[int, int], bool]) -> str:
        """Read the notes, and write anew those of records that still wait. A failing disk costs the notes.

        Returns what people should know of notes that are lost, or "".
        """
        is_lost = False
        try:
            self._load()
        except FileNotFoundError:
            pass
        except OSError:
            is_lost = True
        self._ends = {key: ends for key, ends in self._ends.items() if is_waiting(*key)}
        self._renew()
        if not is_lost or self.fault:
            return ""
        return f"{self._path} could not be read and was written anew: what was being tried before is unknown"

    def mend(self) -> None:
        """Begin to take notes if nothing is in the way any more."""
        if self.fault:
            self._renew()

    def _load(self) -> None:
        descriptor = self._disk.open(self._path)
        try:
            if (size := self._disk.size(descriptor)) <= _MOST_BYTES_READ:
                self._read(self._disk.read(descriptor, size, 0))
        finally:
            self._disk.close(descriptor)

    def _read(self, data: bytes) -> None:
        for at in range(0, len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
            first, name, content = _ENTRY.unpack_from(data, at)
            if _CRC.unpack_from(data, at + 16)[0] != crc32(memoryview(data)[at : at + 16]):
                continue
            kind = content & 0xFF
            for key in ((seq, name) for seq in range(first, first + (content >> 8) + 1)):
                if kind in (_TRIED, _TRIED_ALONE):
                    ends = self._ends.get(key, NO_ENDS)
                    self._ends[key] = Ends(ends.all + 1, ends.alone + (kind == _TRIED_ALONE))
                elif kind == _SURVIVED:
                    self._ends.pop(key, None)

    @property
    def has_ends(self) -> bool:
        """Whether the process has ended while any record that waits was being tried."""
        return bool(self._ends)

    def ends(self, seq: int, destination: int) -> Ends:
        """How often the process has ended while a record was being tried, before this start."""
        return self._ends.get((seq, destination), NO_ENDS)

    def suspects(self, destination: int) -> list[tuple[int, int]]:
        """Records that were being tried at an end: how often alone, and their numbers; sorted."""
        return sorted((ends.alone, seq) for (seq, name), ends in self._ends.items() if name == destination)

    def tried(self, seqs: Iterable[int], destination: int, *, is_alone: bool = False) -> None:
        """Tries begin: those that are the first since the start are noted.

        is_alone: nothing else is being tried.
        """
        kind = _TRIED_ALONE if is_alone else _TRIED
        entries = []
        for seq in seqs:
            key = seq, destination
            if key not in self._noted:
                self._noted[key] = kind
                entries.append((seq, destination, kind))
        self._append(entries)

    def over(self, seqs: Iterable[int], destination: int) -> None:
        """Tries have ended, and the process has not; the records do not wait any more."""
        for seq in seqs:
            self._noted.pop((seq, destination), None)
            if self._ends:
                self._ends.pop((seq, destination), None)
        if self._end > _MOST_BYTES:
            self._renew()

    def survived(self, seq: int, destination: int) -> None:
        """A try has not ended the process, and the record still waits."""
        key = seq, destination
        if key in self._noted or key in self._ends:
            self._ends.pop(key, None)
            self._append([(*key, _SURVIVED)])

    def close(self) -> None:
        """The process ends as it should: what is being tried now is none of the reasons."""
        self._noted.clear()
        self._renew()
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None

    def _append(self, entries: list[tuple[int, int, int]]) -> None:
        data = _packed(entries)
        if self._descriptor is not None and data:
            with suppress(OSError):
                self._disk.write(self._descriptor, [data], self._end)
                self._end += len(data)

    def _renew(self) -> None:
        """Write the file anew: at how many ends what waits was being tried, and what is now."""
        entries = []
        for key, ends in self._ends.items():
            entries += [(*key, _TRIED)] * (ends.all - ends.alone) + [(*key, _TRIED_ALONE)] * ends.alone
        entries += [(*key, kind) for key, kind in self._noted.items()]
        data = _packed(entries)
        try:
            descriptor = written_anew(self._disk, self._path, data, synced=False)
            try:
                self._disk.rename(new_name(self._path), self._path)
            except OSError:
                self._disk.close(descriptor)
                raise
            if self._descriptor is not None:
                self._disk.close(self._descriptor)
            self._descriptor, self._end, self.fault = descriptor, len(data), ""
        except OSError as error:
            if self._descriptor is None:  # otherwise the old file takes more
                self.fault = (
                    f"what is being tried cannot be noted, to find what ends the process: {why(error)}"
                )


def _packed(entries: Iterable[tuple[int, int, int]]) -> bytes:
    """Entries as in the file: what is said of records in a row is one. Each: number, destination, kind."""
    data = b""
    first, name, kind, count = 0, 0, 0, 0
    for entry in (*entries, (-1, 0, 0)):
        if count and entry == (first + count, name, kind) and count < _MOST_IN_A_ROW:
            count += 1
            continue
        if count:
            packed = _ENTRY.pack(first, name, kind | count - 1 << 8)
            data += packed + _CRC.pack(crc32(packed))
        first, name, kind = entry
        count = 1
    return data
