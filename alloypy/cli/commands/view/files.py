"""The profiles named on the command line."""

from __future__ import annotations

import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from alloypy.files import LARGEST_STREAM_BYTES, read_once
from alloypy.os_errors import open_fault, system_words
from alloypy.services.web.profiles import Listed
from alloypy.threads import read_file

MOST_BYTES = 256 << 20
"""What the browser refuses; there is no use in sending more."""


class Unreadable(Exception):
    """A file that cannot be shown, as a sentence."""


class Files:
    """A store of the profiles at some paths.

    Regular files are read whenever a page asks for them, so that reloading shows what they then hold; pipes
    and standard input once. Raises Unreadable.
    """

    title = "Profiles"
    empty = ""

    def __init__(self, paths: Sequence[str]) -> None:
        self._read = {number: _stream(path) for number, path in enumerate(paths) if not _is_file(path)}
        self._paths = paths

    def profiles(self) -> Sequence[Listed]:
        return [
            Listed(str(number), path, self._size(number, path)) for number, path in enumerate(self._paths)
        ]

    def _size(self, number: int, path: str) -> int:
        if number in self._read:
            return len(self._read[number])
        try:
            return Path(path).stat().st_size
        except (OSError, ValueError):
            return 0

    async def body(self, profile: Listed) -> bytes:
        """Raises ValueError as the store's does."""
        number = int(profile.id)
        if number in self._read:
            return self._read[number]
        if profile.size > MOST_BYTES:
            raise ValueError(f"{profile.name} is larger than {MOST_BYTES >> 20} MB.")
        try:
            return await read_file(profile.name)
        except (OSError, ValueError) as error:
            raise ValueError(f"It cannot be read: {open_fault(profile.name, error)}.") from None


def _is_file(path: str) -> bool:
    """Whether it is a regular file that can be read. Raises Unreadable if it is nothing to read."""
    if path == "-":
        return False
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise Unreadable(f"{path} is a directory; name the files in it")
        if stat.S_ISREG(mode):
            with Path(path).open("rb"):
                return True
    except (OSError, ValueError) as error:
        raise Unreadable(open_fault(path, error)) from None
    return False


def _stream(path: str) -> bytes:
    """What a pipe, a device or standard input holds."""
    try:
        if path != "-":
            return read_once(path)
        content = sys.stdin.buffer.read(LARGEST_STREAM_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Unreadable(f"cannot read {path}: {system_words(error)}") from None
    if len(content) > LARGEST_STREAM_BYTES:
        raise Unreadable(f"standard input holds more than {LARGEST_STREAM_BYTES >> 20} MB")
    return content
