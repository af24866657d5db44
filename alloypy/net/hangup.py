"""Whether a client is gone, although nothing is read from it."""

from __future__ import annotations

import asyncio
import select
import socket


def hung_up(transport: asyncio.BaseTransport) -> bool:
    """Whether the connection has been reset, so that nothing can be answered any more.

    A client who has only said its last word still wants an answer, and is not meant.
    """
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    try:
        poll.register(connection.fileno(), 0)  # what is asked for here is always told
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True
