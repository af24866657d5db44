"""The names of the destinations of a log: tells one that is new from one whose file of marks is lost.

`destinations` is a line with the CRC-32 of the rest, in hexadecimal, and a line of JSON for each name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from zlib import crc32

from alloypy.queueing.disk import Disk, new_name, written_anew
from alloypy.queueing.obstacles import about, why

_NAME = "destinations"
_MOST_BYTES = 1 << 20


class Roll:
    """The file of the names of a log. fault: why they cannot be noted, or ""."""

    def __init__(self, disk: Disk, directory: str) -> None:
        self._disk = disk
        self._directory = directory
        self._path = f"{directory}/{_NAME}"
        self.fault = ""

    def read(self) -> list[str]:
        """The names; none if the file is damaged or cannot be read, or was never written."""
        try:
            with about(self._path):
                return _names(self._content())
        except (FileNotFoundError, ValueError):
            return []
        except OSError as error:
            self._cannot(error)
            return []

    def write(self, names: Iterable[str]) -> None:
        """Write the names, and wait until they are on the disk. Raises OSError; then the old ones stay."""
        rest = b"".join(json.dumps(name).encode() + b"\n" for name in sorted(names))
        data = b"%08x\n%b" % (crc32(rest), rest)
        try:
            self._disk.close(written_anew(self._disk, self._path, data, synced=True))
            self._disk.rename(new_name(self._path), self._path)
            self._disk.sync_directory(self._directory)
        except OSError as error:
            self._cannot(error)
            raise
        self.fault = ""

    def _content(self) -> bytes:
        descriptor = self._disk.open(self._path)
        try:
            return self._disk.read(descriptor, _MOST_BYTES, 0)
        finally:
            self._disk.close(descriptor)

    def _cannot(self, error: OSError) -> None:
        self.fault = f"cannot note the names of the destinations: {why(error)}"


def _names(data: bytes) -> list[str]:
    """The names in a file. Raises ValueError if it is damaged."""
    sum_line, _, rest = data.partition(b"\n")
    if int(sum_line, 16) != crc32(rest):
        raise ValueError
    return [str(json.loads(line)) for line in rest.splitlines()]
