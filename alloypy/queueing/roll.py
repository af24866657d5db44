"""The names of the destinations of a log: tells one that is new from one whose file of marks is lost.

`destinations` is a line with the CRC-32 of the rest, in hexadecimal, and a line of JSON for each name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from zlib import crc32

from alloypy.queueing.disk import Disk, new_name, written_anew

ROLL = "destinations"
_MOST_BYTES = 1 << 20


def read_roll(disk: Disk, directory: str) -> list[str]:
    """The names; none if the file is damaged, or was never written."""
    try:
        descriptor = disk.open(f"{directory}/{ROLL}")
    except OSError:
        return []
    try:
        sum_line, _, rest = disk.read(descriptor, _MOST_BYTES, 0).partition(b"\n")
        if int(sum_line, 16) != crc32(rest):
            return []
        return [str(json.loads(line)) for line in rest.splitlines()]
    except (OSError, ValueError):
        return []
    finally:
        disk.close(descriptor)


def write_roll(disk: Disk, directory: str, names: Iterable[str]) -> None:
    """Write the names, and wait until they are on the disk. Raises OSError; then the old ones stay."""
    path = f"{directory}/{ROLL}"
    rest = b"".join(json.dumps(name).encode() + b"\n" for name in sorted(names))
    disk.close(written_anew(disk, path, b"%08x\n%b" % (crc32(rest), rest), synced=True))
    disk.rename(new_name(path), path)
    disk.sync_directory(directory)
