"""Answers that are not read: the connection is dropped if the client takes no part of one for too long."""

from __future__ import annotations

import asyncio
import socket
import sys

if sys.platform != "win32":
    from fcntl import ioctl
    from termios import TIOCOUTQ


class Unread:
    """Watches what a transport still has to send.

    stall: seconds in which the client must take at least one byte; 0 = no limit.
    """

    __slots__ = ("_left", "_loop", "_stall", "_timer", "_transport")

    def __init__(self, loop: asyncio.AbstractEventLoop, stall: float) -> None:
        self._loop = loop
        self._stall = stall
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._left = 0

    def watch(self, transport: asyncio.Transport | None) -> None:
        """Make sure that the client takes what `transport` holds, or drop the connection."""
        if self._timer is None and self._stall > 0 and transport is not None:
            self._left = _unsent(transport)
            if self._left:
                self._transport = transport
                self._timer = self._loop.call_later(self._stall, self._look)

    def close(self) -> None:
        """Stop watching: the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._transport = None

    def _look(self) -> None:
        transport, before = self._transport, self._left
        self._timer = self._transport = None
        if transport is None:
            return
        if _unsent(transport) >= before:
            transport.abort()
        else:
            self.watch(transport)


def _unsent(transport: asyncio.Transport) -> int:
    """Bytes that the client has not taken, including the system's buffer; 0 if they are all in that."""
    ours = transport.get_write_buffer_size()
    connection: socket.socket | None = transport.get_extra_info("socket")
    if not ours or sys.platform == "win32" or connection is None:
        return ours
    try:
        queued = ioctl(connection.fileno(), TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return ours
    return ours + int.from_bytes(queued, sys.byteorder)
