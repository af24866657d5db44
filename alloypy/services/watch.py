"""Watching the configuration's files, for `--config.watch`.

Polling sees every way in which files change: written in place, replaced by a rename, or swapped by
the symbolic link of a mounted ConfigMap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

_INTERVAL = 1.0

Fingerprint: TypeAlias = tuple[tuple[str, int, int, int], ...]


def fingerprint(path: str) -> Fingerprint:
    """What changes when the configuration at `path` does; empty while nothing is there."""
    top = Path(path)
    try:
        names = sorted(top.glob("*.alloy")) if top.is_dir() else [top]
    except OSError:
        return ()
    found = []
    for name in names:
        try:
            status = name.stat()
        except OSError:
            continue
        found.append((str(name.resolve()), status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


async def watch(path: str, changed: Callable[[], Awaitable[None]], interval: float = _INTERVAL) -> None:
    """Call `changed` whenever the files have changed and then rested for one interval; never returns."""
    known = fingerprint(path)
    last = known
    while True:
        await asyncio.sleep(interval)
        now = fingerprint(path)
        if now != known and now == last:
            known = now
            await changed()
        last = now
