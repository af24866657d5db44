"""The paths that a command works on: from its command line, and from a list in a file."""

from __future__ import annotations

import os

from alloypy.cli import streams
from alloypy.cli.flags import FlagSet
from alloypy.cli.streams import InputError
from alloypy.cli.usage_error import UsageError
from alloypy.files import read_once
from alloypy.os_errors import system_words

STDIN = "-"
LOOK_BELOW = "; --recursive looks into subdirectories"
"""What to add to a message about a directory in which nothing is found."""


class ListFlags:
    """`--files-from FILE` and `-0`, declared on a command's flags."""

    def __init__(self, flags: FlagSet) -> None:
        self._file = flags.string(
            "files-from",
            kind="file",
            doc="also read paths from this file, one per line; - for standard input",
        )
        self._nul = flags.bool(
            "null", short="0", doc="paths in --files-from end with NUL instead of a line feed"
        )

    @property
    def given(self) -> bool:
        """Whether there is a list; it may be empty."""
        return self._file.given

    def read(self) -> list[str]:
        """The paths in the list. Raises UsageError."""
        if not self._file.given:
            if self._nul.value:
                raise UsageError("-0/--null needs --files-from")
            return []
        name = self._file.value
        data = _read(name)
        if b"\0" in data and not self._nul.value:
            raise UsageError(f"{name}: the paths in this list end in NUL; -0 reads such a list")
        names = data.split(b"\0") if self._nul.value else data.replace(b"\r\n", b"\n").split(b"\n")
        # In a list `-` is a file of that name.
        return [f"./{STDIN}" if text == b"-" else os.fsdecode(text) for text in names if text]


def _read(name: str) -> bytes:
    try:
        return streams.read_stdin() if name == STDIN else read_once(name)
    except InputError as error:
        raise UsageError(str(error)) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"open {name}: {system_words(error)}") from None
