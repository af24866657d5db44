"""A value made from files, and made again when they change; a file that hangs holds nobody up.

Files are checked and read in threads. The last good value stays in use until there is a newer one: a file
that is missing, hangs or makes no sense never takes a value away.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from alloypy.files import FileFingerprint, fingerprint, no_answer
from alloypy.threads import FILE_SECONDS, FILES

T = TypeVar("T")

CHECK_SECONDS = 1.0
"""Seconds for which a value counts as current after its files were checked."""

PATIENCE_SECONDS = 0.1
"""Seconds that a caller waits for a check of the files when there is a value to fall back on."""

_Signature: TypeAlias = tuple[FileFingerprint, ...]


def named(paths: Sequence[str]) -> str:
    """What was being read, when it is not known which of the files failed."""
    return ", ".join(paths) or "the system's certificate authorities"


def tell_of_files(logger: logging.Logger, problem: str, stays: str) -> None:
    """Log why changed TLS files cannot be used; with an empty `problem`, that they can be used again.

    stays: says what remains in use meanwhile.
    """
    if problem:
        logger.error(f"changed TLS files cannot be used; {stays} in use", extra={"fields": {"err": problem}})
    else:
        logger.info("the TLS files can be used again")


class UnusableError(Exception):
    """No value can be made from the files; the text says why."""


class _Made(NamedTuple, Generic[T]):
    """signature: the files' fingerprints before they were read; None if too recent to be trusted."""

    value: T
    signature: _Signature | None


class Followed(Generic[T]):
    """The value that `make` makes from the files at `paths`.

    make: called in a thread, never twice at the same time. Raises OSError, ValueError and UnusableError.
    words: returns UnusableError's text for an OSError (a timeout included) or a ValueError.
    tell: called with the reason when the files of a value in use become unusable, and with "" when they
        can be used again.
    problem: that reason, or "".
    """

    def __init__(
        self,
        make: Callable[[], T],
        paths: Sequence[str],
        words: Callable[[OSError | ValueError], str],
        tell: Callable[[str], None],
    ) -> None:
        self.problem = ""
        self._make = make
        self._paths = tuple(paths)
        self._words = words
        self._tell = tell
        self._made: _Made[T] | None = None
        self._present_until = 0.0
        self._look: asyncio.Future[_Made[T]] | None = None
        self._hangs = False

    def present(self) -> T | None:
        """The value if it is current; None if the files have to be checked first."""
        made = self._made
        if made is not None and (not self._paths or time.monotonic() < self._present_until):
            return made.value
        return None

    async def get(self, within: float = FILE_SECONDS) -> T:
        """The value, from the files as they were at most a second ago, or as they last were usable.

        If there has never been a value, raises UnusableError when none can be made from the files, and
        TimeoutError when that takes longer than `within` seconds.
        """
        value = self.present()
        if value is not None:
            return value
        made, look = self._made, self._look
        if look is None or look.get_loop() is not asyncio.get_running_loop():
            look = self._begin()
        if made is None:
            return await self._first(look, within)
        if not self._hangs:
            await asyncio.wait([look], timeout=PATIENCE_SECONDS)
            self._hangs = not look.done()
        return self._made.value if self._made is not None else made.value

    async def _first(self, look: asyncio.Future[_Made[T]], within: float) -> T:
        await asyncio.wait([look], timeout=within)
        if not look.done():
            raise no_answer(within)
        error = look.exception()
        if error is not None:
            raise self._fault(error) from None
        return look.result().value

    def _begin(self) -> asyncio.Future[_Made[T]]:
        before = self._made
        self._look = look = FILES.begin(lambda: self._follow(before), FILE_SECONDS, self._paths or None)
        look.add_done_callback(self._looked)
        return look

    def _follow(self, before: _Made[T] | None) -> _Made[T]:
        """Check the files, and make a value unless they are unchanged; called in a thread."""
        signature = _signature(self._paths)
        if before is not None and signature is not None and signature == before.signature:
            return before
        return _Made(self._make(), signature)

    def _looked(self, look: asyncio.Future[_Made[T]]) -> None:
        if self._look is look:
            self._look = None
        self._present_until = time.monotonic() + CHECK_SECONDS
        if look.cancelled():
            return
        error = look.exception()
        self._hangs = isinstance(error, TimeoutError)
        if error is None:
            self._made = look.result()
        elif self._made is not None:
            self._made = self._made._replace(signature=None)
        problem = str(self._fault(error)) if error is not None else ""
        if self._made is not None and problem != self.problem:
            self.problem = problem
            self._tell(problem)

    def _fault(self, error: BaseException) -> Exception:
        if isinstance(error, OSError | ValueError):
            return UnusableError(self._words(error))
        return UnusableError(str(error))


def _signature(paths: Sequence[str]) -> _Signature | None:
    """The files' fingerprints; None if any is missing, or too recent to be trusted."""
    try:
        found = tuple(map(fingerprint, paths))
    except (OSError, ValueError):
        return None  # reading the files will show what is wrong
    return found if all(each.is_settled for each in found) else None
