"""A value made from files, which follows them while nobody ever waits for a file that hangs.

Files are looked at and read in threads. What was made of them last is used until something better can
be had: a file that has gone, does not answer or makes no sense takes nothing away.
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
"""How long a value counts as present after its files have been looked at."""

PATIENCE_SECONDS = 0.1
"""Seconds that whoever asks waits for a look at the files, when there is a value to go on with."""

_Signature: TypeAlias = tuple[FileFingerprint, ...]


def named(paths: Sequence[str]) -> str:
    """What is read, where nobody knows which of the files it was."""
    return ", ".join(paths) or "the authorities of the system"


def tell_of_files(logger: logging.Logger, problem: str, stays: str) -> None:
    """Log that changed TLS files cannot be used, and why; with "" that they can again.

    stays: what remains in use meanwhile.
    """
    if problem:
        logger.error(f"changed TLS files cannot be used; {stays} in use", extra={"fields": {"err": problem}})
    else:
        logger.info("the TLS files can be used again")


class UnusableError(Exception):
    """The files do not give a value; the text says why."""


class _Made(NamedTuple, Generic[T]):
    """signature: what the files looked like before they were read; None where that may not last."""

    value: T
    signature: _Signature | None


class Followed(Generic[T]):
    """The value that `make` makes of the files at `paths`.

    make: called in a thread, never twice at a time. Raises OSError, ValueError and UnusableError.
    words: what UnusableError says of an OSError or ValueError, that there was no answer in time included.
    tell: called when the files of a value that is in use can no longer be used, with the reason, and
        with "" when they can again.
    problem: that reason.
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
        """The value if nothing has to be waited for; None while the files are to be looked at."""
        made = self._made
        if made is not None and (not self._paths or time.monotonic() < self._present_until):
            return made.value
        return None

    async def get(self, within: float = FILE_SECONDS) -> T:
        """The value: of the files as they were a second ago, or as they could last be used.

        Raises UnusableError when there has not been one yet and the files do not give one, and TimeoutError
        when that takes longer than `within`.
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
        """Look at the files, and make a value unless they are as before; in a thread."""
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
    """What tells one state of the files from another; None for one that the next may look like."""
    try:
        found = tuple(map(fingerprint, paths))
    except (OSError, ValueError):
        return None  # reading them will say what is wrong
    return found if all(each.is_settled for each in found) else None
