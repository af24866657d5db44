"""The names of the destinations of a log: tells one that is new from one whose file of marks is lost.

`destinations` is a line with the CRC-32 of the rest, in hexadecimal, and a line of JSON for each name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from zlib import crc32

from alloypy.queueing.disk import Disk

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
    new = f"{directory}/{ROLL}.tmp"
    with suppress(FileNotFoundError):
        disk.remove(new)
    rest = b"".join(json.dumps(name).encode() + b"\n" for name in sorted(names))
    descriptor = disk.create(new)
    try:
        disk.write(descriptor, [b"%08x\n" % crc32(rest), rest], 0)
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)
    disk.rename(new, f"{directory}/{ROLL}")
    disk.sync_directory(directory)
