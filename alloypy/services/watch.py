"""Watching the configuration's files, for `--config.watch`.

Polling notices every kind of change: files written in place, replaced by a rename, or swapped by the
symbolic link of a mounted ConfigMap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from alloypy.files import FileFingerprint, fingerprint
from alloypy.threads import FILE_SECONDS, FILES

_REST_SECONDS = 1.0

State: TypeAlias = tuple[tuple[str, FileFingerprint], ...]


def state_of(path: str) -> State:
    """A fingerprint of the configuration at `path`; empty while nothing is there."""
    top = Path(path)
    try:
        names = sorted(top.glob("*.alloy")) if top.is_dir() else [top]
    except OSError:
        return ()
    found = []
    for name in names:
        try:
            found.append((str(name.resolve()), fingerprint(name)))
        except OSError:
            continue
    return tuple(found)


async def watch(path: str, changed: Callable[[], Awaitable[None]], interval: float = _REST_SECONDS) -> None:
    """Call `changed` once changed files have been stable for one interval; never returns."""
    known: State | None = None
    last: State | None = None
    while True:
        now = await _present(path)
        if known is None:
            known = now
        elif now is not None and now != known and now == last:
            known = now
            await changed()
        last = now
        await asyncio.sleep(interval)


async def _present(path: str) -> State | None:
    """`state_of` without blocking the event loop; None while the file system does not answer."""
    try:
        return await FILES.run(lambda: state_of(path), FILE_SECONDS, path)
    except TimeoutError:
        return None
