"""A backend that fails in every way, and records what it has accepted."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Awaitable, Callable

from tests.soak import wire

_MARK = re.compile(rb"soak-([0-9]{12})")
_STEADY = "ok"


class Backend:
    """Takes profiles over HTTP; `fault` says how.

    taken: the numbers of the profiles that were answered with 200. The profile itself contains its number.
    delay: seconds before each answer.
    """

    def __init__(self, chance: random.Random) -> None:
        self.taken: set[int] = set()
        self.requests = 0
        self.fault = _STEADY
        self.delay = 0.0
        self._chance = chance
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The URL to send profiles to."""
        assert self._server is not None
        return "http://{}:{}".format(*self._server.sockets[0].getsockname()[:2])

    async def __aenter__(self) -> Backend:
        """Listen on its own port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 24, backlog=1024)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def fail_from_time_to_time(self) -> None:
        """One fault after the other, with pauses between them."""
        faults = list(FAULTS)
        while True:
            self._chance.shuffle(faults)
            for fault in faults:
                self.fault = fault
                await asyncio.sleep(self._chance.uniform(0.2, 1.5))
                self.fault = _STEADY
                await asyncio.sleep(self._chance.uniform(1.0, 3.0))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._answer_all(reader, writer)
        finally:
            self._serving.discard(task)
            writer.transport.abort()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled at the end of the run, when it no longer matters.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            while (request := await wire.read_message(reader)) is not None:
                self.requests += 1
                if self.delay:
                    await asyncio.sleep(self.delay)
                answer = FAULTS.get(self.fault, _ok)
                if not await answer(self, request, writer):
                    await writer.drain()
                    return

    def take(self, request: wire.Message) -> None:
        """Record the profiles of a request as accepted."""
        for number in _MARK.findall(wire.unpacked(request)):
            self.taken.add(int(number))


Answer = Callable[[Backend, wire.Message, asyncio.StreamWriter], Awaitable[bool]]


def _success(request: wire.Message) -> bytes:
    kind = request.headers.get("content-type", "")
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 0\r\n\r\n".encode()


async def _ok(backend: Backend, request: wire.Message, writer: asyncio.StreamWriter) -> bool:
    backend.take(request)
    writer.write(_success(request))
    await writer.drain()
    return True


async def _late(backend: Backend, request: wire.Message, writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(1.5)
    return await _ok(backend, request, writer)


async def _dripping(backend: Backend, request: wire.Message, writer: asyncio.StreamWriter) -> bool:
    backend.take(request)
    for byte in _success(request):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.002)
    return True


def _status(code: int, headers: str = "") -> Answer:
    async def answer(backend: Backend, request: wire.Message, writer: asyncio.StreamWriter) -> bool:
        text = b"no room\n" * 1000
        head = f"HTTP/1.1 {code} Not Now\r\nContent-Length: {len(text)}\r\n{headers}\r\n"
        writer.write(head.encode() + text)
        await writer.drain()
        return True

    return answer


async def _close(backend: Backend, request: wire.Message, writer: asyncio.StreamWriter) -> bool:
    return False


async def _reset(backend: Backend, request: wire.Message, writer: asyncio.StreamWriter) -> bool:
    writer.transport.abort()
    return False


async def _half(backend: Backend, request: wire.Message, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    return False


async def _garbage(backend: Backend, request: wire.Message, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"\x00\xff" * 5000 + b"\r\n\r\n")
    return False


async def _endless_head(backend: Backend, request: wire.Message, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 503 Busy\r\n" + b"X-Filler: 0123456789\r\n" * 100_000)
    return False


FAULTS: dict[str, Answer] = {
    "500": _status(500),
    "503 with Retry-After": _status(503, "Retry-After: 1\r\n"),
    "429": _status(429),
    "late": _late,
    "dripping": _dripping,
    "close": _close,
    "reset": _reset,
    "half an answer": _half,
    "garbage": _garbage,
    "endless head": _endless_head,
}
