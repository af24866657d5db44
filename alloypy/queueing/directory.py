"""The directory of a log: whether it is one, and the lock that keeps others out."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress

from alloypy.os_errors import system_words
from alloypy.queueing.disk import Disk
from alloypy.queueing.errors import QueueError
from alloypy.queueing.obstacles import not_yours, why

VERSION = "v1"
DEFAULT_PLACE = "by default `queue` in the directory of the component in --storage.path"
"""Where the directory of a queue is, for people."""

_OURS = re.compile(
    r"\d{12}\.seg|done-.+\.log(\.tmp)?|tries\.log(\.tmp)?|destinations(\.tmp)?|dead-.+|lock|control"
)
_SURELY_OURS = re.compile(r"\d{12}\.seg|done-.+\.log")
_OF_ANY_VERSION = re.compile(r"lock|.+\.seg|done-.+|dead-.+|destinations")
_MAY_BE_THERE = frozenset({"lost+found"})
_VERSION = re.compile(r"v\d+")


def enter(disk: Disk, path: str) -> tuple[str, int, list[str]]:
    """The directory of the files of the queue at `path`, the descriptor of its lock, and the names in it.

    Makes the directory if there is none. Raises QueueError; then nothing has been changed.
    """
    check(disk, path)
    inner = f"{path}/{VERSION}"
    try:
        if VERSION not in _names(disk, path):
            _make(disk, inner)
            disk.sync_directory(path)
        descriptor = _locked(disk, inner)
        return inner, descriptor, disk.names(inner)
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def check(disk: Disk, path: str) -> str:
    """The path without links. Raises QueueError if no queue can be at `path`.

    Changes nothing, and takes no lock.
    """
    try:
        real = disk.real(path)
        _check_outside(disk, path, real)
        _check(disk, path)
        return real
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def _unusable(path: str, error: OSError | ValueError) -> QueueError:
    return QueueError(f"cannot use {path} for a queue: {why(error, path)}")


def _check(disk: Disk, path: str) -> None:
    names = _names(disk, path)
    check_version(disk, path, names)
    if VERSION in names:
        _check_inner(disk, f"{path}/{VERSION}")
        return
    foreign = [name for name in names if name not in _MAY_BE_THERE]
    if foreign:
        raise QueueError(
            f"{path} is not the directory of a queue: it contains {foreign[0]}; name a directory that is "
            "empty or does not exist"
        )
    _check_writable(disk, _existing(disk, path))


def check_version(disk: Disk, path: str, names: Sequence[str]) -> None:
    """Refuse the directory of a queue of another version. names: of what is in it. Raises QueueError.

    The name alone says nothing: people have directories called `v2`, too.
    """
    newer = [
        name
        for name in names
        if _VERSION.fullmatch(name) and name != VERSION and _has(disk, f"{path}/{name}", _OF_ANY_VERSION)
    ]
    if newer:
        raise QueueError(
            f"{path} has records of another version of alloypy ({', '.join(newer)}), which this one cannot "
            "read: run the version that wrote them until they are delivered, or move the directory away"
        )


def _check_outside(disk: Disk, path: str, real: str) -> None:
    """Refuse a directory among the files of another queue."""
    inner, parent = real, os.path.dirname(real)  # noqa: PTH120
    while inner != parent:
        if os.path.basename(inner) == VERSION and has_records(disk, inner):  # noqa: PTH119
            raise QueueError(f"{path} is in {inner}, among the files of a queue: name another directory")
        inner, parent = parent, os.path.dirname(parent)  # noqa: PTH120


def has_records(disk: Disk, inner: str) -> bool:
    """Whether a directory has files of a queue in it."""
    return _has(disk, inner, _SURELY_OURS)


def _has(disk: Disk, inner: str, pattern: re.Pattern[str]) -> bool:
    """Whether a directory has anything with such a name."""
    try:
        return any(pattern.fullmatch(name) for name in disk.names(inner))
    except OSError:  # one that cannot be read, or is not there yet
        return False


def _names(disk: Disk, path: str) -> list[str]:
    try:
        return disk.names(path)
    except FileNotFoundError:
        return []


def _existing(disk: Disk, path: str) -> str:
    """The directory itself, or the nearest one above it that exists."""
    try:
        disk.status(path)
    except FileNotFoundError:
        parent = os.path.dirname(path) or "."  # noqa: PTH120
        return _existing(disk, parent) if parent != path else path
    return path


def _check_writable(disk: Disk, path: str) -> None:
    if not disk.may_write(path):
        raise QueueError(
            f"this process may not write to {path}: give it the right to, mount it writable, or name another "
            "directory for the queue"
        )


def _check_inner(disk: Disk, inner: str) -> None:
    status = disk.status(inner)
    if not stat.S_ISDIR(status.st_mode):
        raise QueueError(f"{inner} is not a directory, but a queue has its files there: move it away")
    owner = status.st_uid
    if hasattr(os, "geteuid") and owner != os.geteuid():
        raise QueueError(not_yours(inner, owner))
    _check_writable(disk, inner)
    names = disk.names(inner)
    if names and not any(_OURS.fullmatch(name) for name in names):
        raise QueueError(f"{inner} has no files of a queue, but contains {names[0]}: name another directory")


def _make(disk: Disk, path: str) -> None:
    parent = os.path.dirname(path)  # noqa: PTH120
    if parent and parent != path:
        try:
            disk.status(parent)
        except FileNotFoundError:
            _make(disk, parent)
    with suppress(FileExistsError):
        disk.make_directory(path)


def _locked(disk: Disk, inner: str) -> int:
    path = f"{inner}/lock"
    descriptor = disk.open_lock(path)
    try:
        disk.lock(descriptor)
    except ImportError as error:
        disk.close(descriptor)
        raise QueueError("queues on disk need file locks, which this system does not have") from error
    except OSError as error:
        holder = disk.read(descriptor, 20, 0).decode("ascii", "replace").strip()
        disk.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise QueueError(_taken(inner, holder)) from error
        raise QueueError(
            f"cannot lock {path}: {system_words(error)}; a queue needs a file system with locks, which NFS "
            "has only when it is mounted with them"
        ) from error
    disk.truncate(descriptor, 0)
    disk.write(descriptor, [f"{os.getpid()}\n".encode()], 0)
    return descriptor


def _taken(inner: str, holder: str) -> str:
    if holder == str(os.getpid()):
        return f"{inner} is in use by another queue of this process: give each queue a path of its own"
    return (
        f"{inner} is in use by process {holder or 'unknown'}: stop it, or give each queue a path of its own"
    )
