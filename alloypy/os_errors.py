"""What the operating system says went wrong, in Go's words."""

from __future__ import annotations

import errno
import os


class OwnWords(OSError):
    """An error whose text is ours, whatever its number."""


def errno_words(number: int) -> str:
    """The text of an error number: `connection refused`."""
    text = os.strerror(number)
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def system_words(error: OSError | ValueError) -> str:
    """Why a system call failed: `no such file or directory`.

    A ValueError is a NUL in a path: an invalid argument.
    """
    if not isinstance(error, OSError):
        return errno_words(errno.EINVAL)
    if isinstance(error, OwnWords):
        return str(error.strerror)
    if error.errno:
        return errno_words(error.errno)
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def open_fault(path: str, error: OSError | ValueError) -> str:
    """The same with what was tried: `open x: no such file or directory`."""
    verb = "read" if isinstance(error, IsADirectoryError) else "open"
    return f"{verb} {path}: {system_words(error)}"
