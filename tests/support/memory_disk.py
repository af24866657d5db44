"""A file system in memory that loses what a real one may lose, and fails at any call.

`kill` is the end of the process: what was written stays. `power_loss` is worse: of what was not synced, any
page may be missing, and of the names in directories any number of the last changes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from random import Random

from alloypy.queueing.disk import Buffer, Disk

PAGE = 4096


class Crash(BaseException):
    """The process ends here."""


class Inode:
    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.synced = bytes(data)

    def after_power_loss(self, random: Random) -> Inode:
        now, before = bytes(self.data), self.synced
        if now == before:
            return Inode(now)
        size = random.choice([len(now), len(before), random.randint(*sorted((len(now), len(before))))])
        pages = []
        for at in range(0, size, PAGE):
            new, old = now[at : at + PAGE].ljust(PAGE, b"\0"), before[at : at + PAGE].ljust(PAGE, b"\0")
            kept = min(max(len(before) - at, 0), PAGE)
            torn = new if new == old or random.random() < 0.5 else old
            if len(now) >= len(before) and now[at : at + kept] == before[at : at + kept]:
                torn = new[:kept] + torn[kept:]  # appending does not touch what is there
            pages.append(torn)
        return Inode(b"".join(pages)[:size])


class MemoryDisk(Disk):
    """crash_at: the call that never returns, counted from 1. faults: the errors of calls to come, by name."""

    def __init__(self) -> None:
        self.names_now: dict[str, Inode] = {}
        self.names_synced: dict[str, Inode] = {}
        self.changes: list[dict[str, Inode]] = []
        self.directories = {"/"}
        self.calls = 0
        self.crash_at = 0
        self.is_dead = False
        self.faults: list[tuple[str, int]] = []
        self.space = 1 << 40
        self.descriptors: dict[int, Inode] = {}
        self.next_descriptor = 3
        self.locked: dict[int, Inode] = {}
        self.random = Random(0)
        self.bytes_read = 0
        self.failed_syncs = 0
        self.unreadable: list[tuple[Inode, int]] = []

    def kill(self) -> MemoryDisk:
        """The disk as the next process finds it."""
        new = MemoryDisk()
        new.names_now = {path: self._same(inode) for path, inode in self.names_now.items()}
        new.names_synced = {path: self._same(inode) for path, inode in self.names_synced.items()}
        new.changes = list(self.changes)
        new.directories, new.space, new.random = set(self.directories), self.space, self.random
        return new

    @staticmethod
    def _same(inode: Inode) -> Inode:
        return inode  # descriptors are gone, content is not

    def power_loss(self) -> MemoryDisk:
        """The disk as it may be when power is back."""
        new = MemoryDisk()
        states = [self.names_synced, *self.changes]
        names = states[self.random.randrange(len(states))]
        lost: dict[int, Inode] = {}
        for path, inode in names.items():
            if id(inode) not in lost:
                lost[id(inode)] = inode.after_power_loss(self.random)
            new.names_now[path] = lost[id(inode)]
        new.names_synced = dict(new.names_now)
        new.directories, new.space, new.random = set(self.directories), self.space, self.random
        return new

    def _call(self, name: str) -> None:
        if self.is_dead:
            raise Crash
        self.calls += 1
        if self.calls == self.crash_at:
            self.is_dead = True
            raise Crash
        for at, (fault, number) in enumerate(self.faults):
            if fault == name:
                del self.faults[at]
                raise OSError(number, os.strerror(number))

    def _found(self, path: str) -> Inode:
        if path not in self.names_now:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return self.names_now[path]

    def _opened(self, inode: Inode) -> int:
        self.next_descriptor += 1
        self.descriptors[self.next_descriptor] = inode
        return self.next_descriptor

    def _changed(self) -> None:
        self.changes.append(dict(self.names_now))

    def used(self) -> int:
        return sum(len(inode.data) for inode in self.names_now.values())

    def open(self, path: str) -> int:
        self._call("open")
        return self._opened(self._found(path))

    def create(self, path: str) -> int:
        self._call("create")
        if path in self.names_now:
            raise FileExistsError(errno.EEXIST, "file exists", path)
        self.names_now[path] = inode = Inode()
        self._changed()
        return self._opened(inode)

    def open_lock(self, path: str) -> int:
        self._call("open_lock")
        if path not in self.names_now:
            self.names_now[path] = Inode()
            self._changed()
        return self._opened(self.names_now[path])

    def close(self, descriptor: int) -> None:
        self._call("close")
        del self.descriptors[descriptor]
        self.locked.pop(descriptor, None)

    def write(self, descriptor: int, parts: Sequence[Buffer], at: int) -> None:
        inode = self.descriptors[descriptor]
        data = b"".join(parts)
        room = max(0, self.space - self.used())
        try:
            self._call("write")
        except (Crash, OSError):
            data = data[: self.random.randint(0, len(data))][:room]
            inode.data[at : at + len(data)] = data
            raise
        grows = max(0, at + len(data) - len(inode.data))
        if grows > room:
            data = data[: max(0, len(data) - grows + room)]
            inode.data[at : at + len(data)] = data
            raise OSError(errno.ENOSPC, "no space left on device")
        if at > len(inode.data):
            inode.data += bytes(at - len(inode.data))
        inode.data[at : at + len(data)] = data

    def read(self, descriptor: int, size: int, at: int) -> bytes:
        self._call("read")
        inode = self.descriptors[descriptor]
        if any(inode is bad and at <= place < at + size for bad, place in self.unreadable):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        data = bytes(inode.data[at : at + size])
        self.bytes_read += len(data)
        return data

    def size(self, descriptor: int) -> int:
        self._call("size")
        return len(self.descriptors[descriptor].data)

    def truncate(self, descriptor: int, size: int) -> None:
        self._call("truncate")
        del self.descriptors[descriptor].data[size:]

    def sync(self, descriptor: int) -> None:
        inode = self.descriptors[descriptor]
        try:
            self._call("sync")
        except OSError:
            self.failed_syncs += 1
            # What a kernel does: the pages are clean, and may be gone.
            inode.data[:] = inode.after_power_loss(self.random).data
            inode.synced = bytes(inode.data)
            raise
        inode.synced = bytes(inode.data)

    def sync_directory(self, path: str) -> None:
        self._call("sync_directory")
        self.names_synced = dict(self.names_now)
        self.changes = []

    def rename(self, old: str, new: str) -> None:
        self._call("rename")
        self.names_now[new] = self._found(old)
        del self.names_now[old]
        self._changed()

    def remove(self, path: str) -> None:
        self._call("remove")
        self._found(path)
        del self.names_now[path]
        self._changed()

    def names(self, path: str) -> list[str]:
        self._call("names")
        if path not in self.directories:
            raise FileNotFoundError(errno.ENOENT, "no such directory", path)
        everything = {*self.names_now, *self.directories}
        return sorted(each.rpartition("/")[2] for each in everything if each.rpartition("/")[0] == path)

    def make_directory(self, path: str) -> None:
        self._call("make_directory")
        if path in self.directories:
            raise FileExistsError(errno.EEXIST, "file exists", path)
        self.directories.add(path)

    def status(self, path: str) -> os.stat_result:
        self._call("status")
        if path not in self.directories:
            raise FileNotFoundError(errno.ENOENT, "no such directory", path)
        return os.stat_result((0o40700, 0, 0, 1, os.geteuid(), 0, 0, 0, 0, 0))

    def free(self, path: str) -> int:
        self._call("free")
        return max(0, self.space - self.used())

    def may_write(self, path: str) -> bool:
        self._call("may_write")
        return True

    def is_at(self, descriptor: int, path: str) -> bool:
        self._call("is_at")
        return self.descriptors[descriptor] is self.names_now.get(path)

    def lock(self, descriptor: int) -> None:
        self._call("lock")
        inode = self.descriptors[descriptor]
        if inode in self.locked.values():
            raise BlockingIOError(errno.EWOULDBLOCK, "locked")
        self.locked[descriptor] = inode
