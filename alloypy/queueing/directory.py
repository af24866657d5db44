"""The directory of a log: whether it is one, and the lock that keeps others out."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress

from alloypy.os_errors import system_words
from alloypy.queueing.disk import Disk
from alloypy.queueing.errors import QueueError

VERSION = "v1"
_OURS = re.compile(r"\d{12}\.seg|done-.+\.log(\.tmp)?|tries\.log(\.tmp)?|dead-.+|lock")
_MAY_BE_THERE = frozenset({"lost+found"})
_VERSION = re.compile(r"v\d+")


def enter(disk: Disk, path: str) -> tuple[str, int, list[str]]:
    """The directory of the files of the queue at `path`, the descriptor of its lock, and the names in it.

    Makes the directory if there is none. Raises QueueError; then nothing has been changed.
    """
    try:
        inner = _checked(disk, path)
        descriptor = _locked(disk, inner)
        return inner, descriptor, disk.names(inner)
    except (OSError, ValueError) as error:
        raise QueueError(f"cannot use {path} for a queue: {system_words(error)}") from error


def _checked(disk: Disk, path: str) -> str:
    inner = f"{path}/{VERSION}"
    try:
        names = disk.names(path)
    except FileNotFoundError:
        _make(disk, path)
        names = []
    newer = [name for name in names if _VERSION.fullmatch(name) and name != VERSION]
    if newer:
        raise QueueError(
            f"{path} has records of another version of alloypy ({', '.join(newer)}), which this one cannot "
            "read: run the version that wrote them until they are delivered, or move the directory away"
        )
    if VERSION not in names:
        foreign = [name for name in names if name not in _MAY_BE_THERE]
        if foreign:
            raise QueueError(
                f"{path} is not the directory of a queue: it contains {foreign[0]}; name a directory that is "
                "empty or does not exist"
            )
        disk.make_directory(inner)
        disk.sync_directory(path)
        return inner
    _check_inner(disk, inner)
    return inner


def _check_inner(disk: Disk, inner: str) -> None:
    owner = disk.status(inner).st_uid
    if hasattr(os, "geteuid") and owner != os.geteuid():
        raise QueueError(
            f"{inner} belongs to user {owner}, and this process runs as {os.geteuid()}: run it as that user, "
            "or change the owner of the directory and all files in it"
        )
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
