"""What goes out over a connection beyond answers: how much the client still takes, and how it all ends."""

from __future__ import annotations

import asyncio
import contextlib

from alloypy.net.http_status import status_line
from alloypy.net.server.date import date_line
from alloypy.net.server.http1.head import Refused
from alloypy.net.server.http1.unread import Unread

_LINGER_SECONDS = 0.5


def refuse(transport: asyncio.Transport, refusal: Refused) -> None:
    """Answer a request that cannot be read; the connection has to be closed after that."""
    text = str(refusal)
    head = status_line(refusal.status, "1.1", text.partition(": ")[2])
    kind = b"Content-Type: text/plain; charset=utf-8\r\n" if text else b"Content-Length: 0\r\n"
    transport.write(head + kind + b"Connection: close\r\n" + date_line() + b"\r\n" + text.encode())


class Outgoing:
    """Whether a connection takes more, and its end.

    stall: seconds in which the client has to take at least a byte of what waits for it; 0 = no bound.
    full: nothing more is to be written at present.
    """

    __slots__ = ("_linger", "_loop", "_room", "_unread", "full")

    def __init__(self, loop: asyncio.AbstractEventLoop, stall: float) -> None:
        self._loop = loop
        self._unread = Unread(loop, stall)
        self._linger: asyncio.TimerHandle | None = None
        self._room: asyncio.Event | None = None  # set once there is some
        self.full = False

    def pause(self, transport: asyncio.Transport | None) -> None:
        """The transport is full."""
        self.full = True
        self._room = asyncio.Event()
        self._unread.watch(transport)

    def resume(self) -> None:
        """The transport takes more, or nothing ever again."""
        self._unread.close()
        self.full = False
        if self._room is not None:
            self._room.set()
            self._room = None

    async def wait(self, deadline: float) -> bool:
        """Wait until more can be written; False when the deadline, a loop time, has passed."""
        if self._room is None:
            return True
        try:
            async with asyncio.timeout_at(deadline):
                await self._room.wait()
        except TimeoutError:
            return False
        return True

    def close(self, transport: asyncio.Transport, *, linger: bool) -> bool:
        """Close, or with `linger` in a moment; True when the connection is to be read until then.

        Closing while the client is still sending would take the answer back.
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
