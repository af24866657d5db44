"""Has profiles subtracted from the ones before them, in processes of their own.

A thread would hold up the event loop, which shares its interpreter. The first process starts with the first
profile, more of them when that one falls behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from itertools import count

from alloypy import __version__
from alloypy.components.pyroscope.scraping.frames import (
    ANSWER,
    FORGET,
    KINDS,
    LENGTH,
    QUESTION,
    Outcome,
    message,
)
from alloypy.os_errors import system_words
from alloypy.profiles.model import Buffer

_MODULE = "alloypy.components.pyroscope.scraping.worker"
_MOST_PROCESSES = 4
_BEHIND = 8
"""Profiles that wait for a process when another one is started."""

_MOST_WAITING_BYTES = 128 << 20
_ANSWER_SECONDS = 120.0
_START_SECONDS = 30.0
_END_SECONDS = 2.0


class DeltaError(Exception):
    """There is no difference to forward; the text says why, in Alloy's words if it is the profile's fault."""


class Deltas:
    """Differences of series; each series has its state in one process."""

    def __init__(self) -> None:
        self._workers: list[_Worker] = []
        self._homes: dict[bytes, _Worker] = {}
        self._most = min(_MOST_PROCESSES, _processors())

    async def difference(self, key: bytes, name: str, profile: Buffer) -> bytes | None:
        """What a profile has added to the last one of its series, in gzip's format; None for the first.

        key: of the series, 16 bytes. name: memory, mutex or block. Raises DeltaError.
        """
        if sum(worker.waiting_bytes for worker in self._workers) + len(profile) > _MOST_WAITING_BYTES:
            raise DeltaError("too many profiles wait to be compared with the ones before them")
        home = self._homes.get(key)
        if home is None or home.ended:
            home = self._homes[key] = self._choose()
        return await home.ask(key, KINDS.index(name), bytes(profile))

    def forget(self, key: bytes) -> None:
        """Drop the state of a series."""
        home = self._homes.pop(key, None)
        if home is not None:
            home.tell(key, FORGET)

    async def close(self) -> None:
        """End the processes."""
        await asyncio.gather(*(worker.close() for worker in self._workers))
        self._workers.clear()
        self._homes.clear()

    def _choose(self) -> _Worker:
        """The process that a new series goes to."""
        self._workers = [worker for worker in self._workers if not worker.ended]
        least = min(self._workers, key=lambda worker: (worker.waiting, worker.series), default=None)
        if least is None or (least.waiting >= _BEHIND and len(self._workers) < self._most):
            least = _Worker()
            self._workers.append(least)
        least.series += 1
        return least


class _Worker:
    """One process. series: how many have come to it; ended: whether it is gone."""

    def __init__(self) -> None:
        self.series = 0
        self.ended = False
        self.waiting_bytes = 0
        self._numbers = count()
        self._answers: dict[int, asyncio.Future[tuple[Outcome, bytes]]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.get_running_loop().create_task(self._start())
        self._reading: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many profiles have not been answered."""
        return len(self._answers)

    async def ask(self, key: bytes, kind: int, profile: bytes) -> bytes | None:
        """The answer to a question. Raises DeltaError."""
        number = next(self._numbers) & 0xFFFFFFFF
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self.waiting_bytes += len(profile)
        try:
            await asyncio.shield(self._starting)
            self._send(message(QUESTION.pack(number, kind, key), profile))
            async with asyncio.timeout(_ANSWER_SECONDS):
                outcome, body = await answer
        except TimeoutError:
            self._kill()
            raise DeltaError(f"comparing profiles takes longer than {_ANSWER_SECONDS:.0f} s") from None
        finally:
            self.waiting_bytes -= len(profile)
            del self._answers[number]
        if outcome is Outcome.ERROR:
            raise DeltaError(body.decode(errors="replace"))
        return body if outcome is Outcome.DIFFERENCE else None

    def tell(self, key: bytes, what: int) -> None:
        """Ask what is not answered."""
        if not self.ended and self._starting.done():
            self._send(message(QUESTION.pack(0, what, key)))

    async def close(self) -> None:
        """End the process."""
        self._starting.cancel()
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            self._kill()
            await process.wait()
        if self._reading is not None:
            await asyncio.wait([self._reading])

    async def _start(self) -> None:
        """Start the process. Raises DeltaError."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                process = self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    _MODULE,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
                version = await self._message(process)
        except (OSError, EOFError) as error:
            self.ended = True
            reason = system_words(error) if isinstance(error, OSError) else "it ended"
            raise DeltaError(f"the process that compares profiles cannot start: {reason}") from None
        if version != __version__.encode():
            self._kill()
            raise DeltaError("the installation of alloypy has changed: restart it to have profiles compared")
        self._reading = asyncio.get_running_loop().create_task(self._read(process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Pass answers on until the process ends."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                answer = await self._message(process)
                number, outcome = ANSWER.unpack_from(answer)
                waiting = self._answers.get(number)
                if waiting is not None and not waiting.done():
                    waiting.set_result((Outcome(outcome), answer[ANSWER.size :]))
        self.ended = True
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(DeltaError("the process that compares profiles has ended"))

    @staticmethod
    async def _message(process: asyncio.subprocess.Process) -> bytes:
        """The next message of the process. Raises EOFError, OSError."""
        if process.stdout is None:
            raise EOFError
        size = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
        return await process.stdout.readexactly(size)

    def _send(self, data: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(data)

    def _kill(self) -> None:
        self.ended = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()


def _processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
