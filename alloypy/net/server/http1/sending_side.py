"""The sending side of a connection: whether the client takes more, refusals, and closing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from alloypy.net.http_status import status_line
from alloypy.net.server.date import date_line
from alloypy.net.server.http1.head import Refused
from alloypy.net.server.http1.unread import Unread

_LINGER_SECONDS: Final = 0.5


def refuse(transport: asyncio.Transport, refusal: Refused) -> None:
    """Answer a request that cannot be read; the caller must then close the connection."""
    text = str(refusal)
    head = status_line(refusal.status, "1.1", text.partition(": ")[2])
    kind = b"Content-Type: text/plain; charset=utf-8\r\n" if text else b"Content-Length: 0\r\n"
    transport.write(head + kind + b"Connection: close\r\n" + date_line() + b"\r\n" + text.encode())


class SendingSide:
    """Whether a connection takes more, and how it is closed.

    stall: seconds in which the client must take at least a byte of what waits for it; 0 = no limit.
    full: nothing more should be written at the moment.
    """

    __slots__ = ("_linger", "_loop", "_room", "_unread", "full")

    def __init__(self, loop: asyncio.AbstractEventLoop, stall: float) -> None:
        self._loop = loop
        self._unread = Unread(loop, stall)
        self._linger: asyncio.TimerHandle | None = None
        self._room: asyncio.Event | None = None  # set once there is room again
        self.full = False

    def pause(self, transport: asyncio.Transport | None) -> None:
        """The transport is full."""
        self.full = True
        self._room = asyncio.Event()
        self._unread.watch(transport)

    def resume(self) -> None:
        """The transport takes more, or is gone."""
        self._unread.close()
        self.full = False
        if self._room is not None:
            self._room.set()
            self._room = None

    async def wait(self, deadline: float) -> bool:
        """Wait until more can be written; False if the deadline, a loop time, comes first."""
        if self._room is None:
            return True
        try:
            async with asyncio.timeout_at(deadline):
                await self._room.wait()
        except TimeoutError:
            return False
        return True

    def close(self, transport: asyncio.Transport, *, linger: bool) -> bool:
        """Close, with `linger` after a moment; returns whether to keep reading until then.

        Closing while the client is still sending could discard the answer.
        """
        self._unread.watch(transport)
        if not linger or transport.is_closing():
            transport.close()
            return False
        with contextlib.suppress(OSError):  # the client may be gone by now
            if transport.can_write_eof():
                transport.write_eof()
        self._linger = self._loop.call_later(_LINGER_SECONDS, transport.close)
        return True

    def end(self) -> None:
        """The connection is gone."""
        self.resume()
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
