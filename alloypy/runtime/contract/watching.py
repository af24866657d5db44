"""Watching files: when a file or a directory is worth reading again.

Source: docs/spec/RUNTIME.md, sections 2.5, 5.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from alloypy.files import fingerprint
from alloypy.lang.go.duration import Duration
from alloypy.lang.go.text import quote
from alloypy.lang.types import TextType
from alloypy.threads import FILE_SECONDS, FILES

_NOTICE_SECONDS = 0.25
_SETTLE_SECONDS = 0.03


def _detector(text: str) -> str:
    if text not in {"", "fsnotify", "poll"}:
        raise ValueError(f"unrecognized detector {quote(text)}, expected fsnotify or poll")
    return text or "fsnotify"


DETECTOR = TextType("Detector", _detector, zero="fsnotify")
"""The type of a `detector` argument."""

DETECTOR_DOC = "How changes are noticed: fsnotify or poll."
FREQUENCY_DOC = "Longest time between two reads, even without a change."
"""Documentation of `detector` and `poll_frequency`, wherever a file is followed."""


class Watch:
    """Waits until files are worth reading again.

    files: finds the paths to watch, links followed; an error it raises counts as a state of its own.
    detector: `fsnotify` notices changes by checking inodes, sizes and time stamps often, so that it works
        on every file system; like `poll`, it also has everything read once in every period.
    """

    def __init__(self, files: Callable[[], Iterable[Path]], detector: str, poll_frequency: Duration) -> None:
        self._files = files
        self._looks = detector == "fsnotify"
        self._period = max(poll_frequency.seconds, _SETTLE_SECONDS)
        self._seen: object = None

    def mark(self) -> None:
        """Note the current state; call it before reading."""
        self._seen = self._look()

    async def changed(self) -> None:
        """Return on a change since `mark`, or when the period has passed."""
        left = self._period
        while left > _NOTICE_SECONDS and self._looks:
            await asyncio.sleep(_NOTICE_SECONDS)
            left -= _NOTICE_SECONDS
            state = await self._looked()
            if state is None or state != self._seen:
                await asyncio.sleep(_SETTLE_SECONDS)  # whoever writes may not have finished
                return
        await asyncio.sleep(left)

    async def _looked(self) -> object:
        """The current state; a file system that does not answer is a state, too."""
        try:
            return await FILES.run(self._look, FILE_SECONDS, self)
        except TimeoutError as error:
            return error.errno

    def _look(self) -> object:
        """A fingerprint of the files; None if it is too recent to be trusted."""
        try:
            state = [(path, fingerprint(path)) for path in self._files()]
        except OSError as error:
            return error.errno
        except ValueError as error:
            return str(error)
        return state if all(found.is_settled for _, found in state) else None
