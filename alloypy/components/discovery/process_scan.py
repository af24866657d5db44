"""Reads the running processes of Linux from /proc. Everything here runs in a thread.

Source: the behaviour recorded in tests/golden/components/discovery.process.jsonl.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from alloypy.lang.targets import Target
from alloypy.os_errors import open_fault, system_words

PROCESS_ID = "__process_pid__"
CONTAINER_ID = "__container_id__"
_CONTAINER = re.compile(r".*/(?:.*-)?([0-9a-f]{64})(?:\.|\s*$)")
_LONG_ID = re.compile(r"[0-9a-f]{64}")
_READ_BYTES = 1 << 20


class Wanted(NamedTuple):
    """What to find out about a process."""

    cwd: bool
    exe: bool
    commandline: bool
    username: bool
    uid: bool
    container_id: bool
    cgroup_path: bool


class Trouble(NamedTuple):
    """A process that could not be examined, and why."""

    pid: str
    fault: str


class Processes(NamedTuple):
    """The targets by process ID, and the processes that could not be examined. Frozen."""

    found: Mapping[str, Target] = {}
    troubles: tuple[Trouble, ...] = ()


class _Left(Exception):
    """The process is left out. fault: why, if that is worth a line in the log."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault


def processes(wanted: Wanted, known: Processes, root: str = "/proc") -> Processes:
    """All processes in the order of their IDs. Raises OSError if they cannot be listed.

    known: those found before; the targets of those that have not changed are used again.
    """
    found: dict[str, Target] = {}
    troubles: list[Trouble] = []
    for pid in sorted(filter(str.isdecimal, os.listdir(root)), key=int):  # noqa: PTH208 -- names only
        try:
            labels = dict(_labels(f"{root}/{pid}", pid, wanted, troubles))
        except _Left as left:
            if left.fault:
                troubles.append(Trouble(pid, left.fault))
            continue
        before = known.found.get(pid)
        found[pid] = before if before is not None and before.own == labels else Target(labels)
    _user_name.cache_clear()
    return Processes(found, tuple(troubles))


def _labels(folder: str, pid: str, wanted: Wanted, troubles: list[Trouble]) -> Iterator[tuple[str, str]]:
    """The labels of a process; those without a value are left out. Raises _Left."""
    yield PROCESS_ID, pid
    for name, asked, read in (
        ("__meta_process_exe", wanted.exe, _link),
        ("__meta_process_cwd", wanted.cwd, _link),
        ("__meta_process_commandline", wanted.commandline, _commandline),
    ):
        if asked and (value := read(f"{folder}/{name.removeprefix('__meta_process_')}")):
            yield name, value
    if wanted.username or wanted.uid:
        try:
            uid = _uid(f"{folder}/status")
        except _Left as left:
            uid = ""
            if left.fault:
                troubles.append(Trouble(pid, left.fault))
        if wanted.username and uid and (user := _user_name(int(uid))):
            yield "__meta_process_username", user
        if wanted.uid and uid:
            yield "__meta_process_uid", uid
    if wanted.container_id or wanted.cgroup_path:
        lines = _read(f"{folder}/cgroup").splitlines()
        if wanted.container_id and (container := container_of(lines)):
            yield CONTAINER_ID, container
        if wanted.cgroup_path and lines:
            yield "__meta_process_cgroup_path", "|".join(lines)


def container_of(lines: list[str]) -> str:
    """The ID of the container that the lines of a cgroup file name; "" if there is none."""
    for line in lines:
        if _LONG_ID.search(line) and (match := _CONTAINER.match(line)):
            return match[1]
    return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 -- the text as it is
    except (FileNotFoundError, ProcessLookupError):  # it has ended, or is a thread of the kernel
        raise _Left from None
    except OSError as error:
        raise _Left(f"readlink {path}: {system_words(error)}") from None


def _commandline(path: str) -> str:
    return " ".join(filter(None, _read(path.removesuffix("commandline") + "cmdline").split("\0")))


def _uid(path: str) -> str:
    """The real user ID, from the `Uid:` line."""
    for line in _read(path).splitlines():
        if line.startswith("Uid:"):
            return line.split()[1]
    return ""


def _read(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, _READ_BYTES).decode("utf-8", "surrogateescape")
        finally:
            os.close(descriptor)
    except (FileNotFoundError, ProcessLookupError):
        raise _Left from None
    except OSError as error:
        raise _Left(open_fault(path, error)) from None


@lru_cache(maxsize=4096)
def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""
