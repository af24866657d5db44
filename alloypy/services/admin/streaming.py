"""Answers without an end of their own: they end when the client leaves, or when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import NamedTuple

from alloypy.services.admin.messages import Asked, Headers, Send, error

OLD_HTTP = error(505, "HTTP/1.1 is required for a streaming answer")
"""The answer to a request with HTTP/1.0, which knows no streams."""

FULL = error(503, "too many live views are open; close one", (b"retry-after", b"5"))
"""The answer to a viewer for whom there is no room."""

_FAREWELL_SECONDS = 0.2
"""How long the end of an answer may wait for a client that does not read."""


class Streams:
    """The streams of a server."""

    def __init__(self) -> None:
        self._open: set[asyncio.Timeout] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def close(self) -> None:
        """End all streams, and those that begin from now on, also if their clients do not read."""
        self._closed = True
        for until in self._open:
            _end(until)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2 * _FAREWELL_SECONDS)

    async def run(self, request: Asked, headers: Headers, chunks: AsyncGenerator[bytes], send: Send) -> None:
        """Send chunks until there are no more, the client leaves, or `close` is called."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        leaving = asyncio.ensure_future(request.departure())
        until = asyncio.timeout(0 if self._closed else None)
        try:
            async with aclosing(chunks), until:
                self._open.add(until)
                leaving.add_done_callback(lambda _: _end(until))
                async for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            pass
        finally:
            self._open.discard(until)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        await _finish(send)


class Stream(NamedTuple):
    """One answer, to be sent as others are."""

    streams: Streams
    request: Asked
    headers: Headers
    chunks: AsyncGenerator[bytes]

    async def send(self, send: Send) -> None:
        """Send it to its end."""
        await self.streams.run(self.request, self.headers, self.chunks, send)


def _end(until: asyncio.Timeout) -> None:
    """End what a timeout surrounds, unless it has ended already."""
    if not until.expired():
        with suppress(RuntimeError):
            until.reschedule(asyncio.get_running_loop().time())


async def _finish(send: Send) -> None:
    """End the answer properly, or hang up on a client that does not read it."""
    try:
        async with asyncio.timeout(_FAREWELL_SECONDS):
            await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        raise asyncio.CancelledError from None
