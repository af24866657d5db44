"""Says what keeps a queue from being opened or read: which file it is, what is expected there, what to do."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from alloypy.os_errors import system_words

_WANTS_FILE = frozenset({errno.EISDIR, errno.ELOOP, errno.ESPIPE, errno.ENXIO})
"""How a file is refused that is none."""

_KINDS = (
    (stat.S_ISREG, "a file"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


@contextmanager
def about(path: str) -> Iterator[None]:
    """Let errors of the operating system name the file that they are about."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = path
        raise


def why(error: OSError | ValueError, said: str = "") -> str:
    """What is in the way, and what to do about it. said: the path that people are told anyway."""
    if not isinstance(error, OSError):
        return system_words(error)
    for path in (error.filename2, error.filename):
        if isinstance(path, str) and (words := _wrong_kind(error, path, said)):
            return words
    path = error.filename
    if not isinstance(path, str) or not hasattr(os, "geteuid"):
        return system_words(error)
    owner = _owner(path) if isinstance(error, PermissionError) else None
    if owner is not None and owner != os.geteuid():
        return not_yours(path, owner)
    return system_words(error) if path == said else f"{path}: {system_words(error)}"


def not_yours(path: str, owner: int) -> str:
    """What to tell people of a path that belongs to another user."""
    return (
        f"{path} belongs to user {owner}, and this process runs as {os.geteuid()}: run it as that user, or "
        "change the owner of the directory and all files in it"
    )


def _wrong_kind(error: OSError, path: str, said: str) -> str:
    """What is at a path, or above it, instead of what belongs there; "" if that is not what is wrong."""
    if error.errno == errno.ENOTDIR:
        wanted = "a directory"
    elif error.errno in _WANTS_FILE:
        wanted = "a file"
    else:
        return ""
    with suppress(FileNotFoundError, PermissionError):
        mode = _mode(path)
        while mode is None:
            path = path.rpartition("/")[0]
            mode = _mode(path)
        found = next((kind for is_it, kind in _KINDS if is_it(mode)), "a device")
        if found != wanted and path == said:
            return f"it is {found}, and not {wanted}"
        if found != wanted:
            return f"{path} is {found}, but a queue has {wanted} of that name: move it away"
    return ""


def _mode(path: str) -> int | None:
    """The mode of what is at a path; None if what is above it is no directory."""
    try:
        return os.lstat(path).st_mode
    except NotADirectoryError:
        return None


def _owner(path: str) -> int | None:
    with suppress(OSError):
        return os.lstat(path).st_uid
    return None
