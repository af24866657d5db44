"""Whether a client has left, found out without reading from it."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import select
import socket
import sys


class Departure(enum.Enum):
    """What a client has done: nothing, stopped sending (and perhaps left), or broken the connection."""

    NONE = enum.auto()
    ENDED = enum.auto()
    BROKEN = enum.auto()


def departure(transport: asyncio.BaseTransport) -> Departure:
    """What the system knows of the client before the rest is read; NONE if it does not say."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None or sys.platform != "linux":
        return Departure.NONE
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLRDHUP)
        events = poll.poll(0)
    except (OSError, ValueError):
        return Departure.BROKEN
    if not events:
        return Departure.NONE
    return Departure.ENDED if events[0][1] == select.POLLRDHUP else Departure.BROKEN


def unread(transport: asyncio.BaseTransport) -> bytes:
    """What has arrived over a connection without TLS and not been read, without consuming it."""
    from fcntl import ioctl
    from termios import FIONREAD

    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None:
        return b""
    with contextlib.suppress(OSError):
        size = int.from_bytes(ioctl(connection.fileno(), FIONREAD, b"\0\0\0\0"), sys.byteorder)
        # uvloop's own socket objects cannot receive.
        with socket.fromfd(connection.fileno(), connection.family, connection.type) as copy:
            return copy.recv(size, socket.MSG_PEEK | socket.MSG_DONTWAIT) if size else b""
    return b""
