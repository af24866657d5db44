"""Secrets that stand in the configuration or in a file, read again when the file changes.

Source: PYROSCOPE spec section 4.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from alloypy.net.sending import NotSent

_SETTLED_NANOSECONDS = 2_000_000_000
"""A file younger than this when read may change again without its time stamp showing it."""


class FileText:
    """The text of a file without surrounding white space, as Prometheus' clients read secrets."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._signature: tuple[int, int, int] | None = None
        self._text = ""

    def read(self) -> str:
        """The present text. Raises NotSent with the operating system's reason."""
        try:
            found = os.stat(self.path)  # noqa: PTH116 -- on the way of every request
            signature = (found.st_mtime_ns, found.st_size, found.st_ino)
            if signature != self._signature:
                raw = Path(self.path).read_bytes()
                settled = time.time_ns() - found.st_mtime_ns > _SETTLED_NANOSECONDS
                self._signature = signature if settled else None
                self._text = raw.decode(errors="surrogateescape").strip()
        except (OSError, ValueError) as error:
            self._signature = None
            raise NotSent(f"unable to read file {self.path}: {_reason(error, self.path)}") from None
        return self._text


def _reason(error: OSError | ValueError, path: str) -> str:
    """As Go says it: `open /x: no such file or directory`."""
    if isinstance(error, OSError) and error.errno is not None:
        verb = "read" if isinstance(error, IsADirectoryError) else "open"
        return f"{verb} {path}: {os.strerror(error.errno).lower()}"
    return f"open {path}: invalid argument"
