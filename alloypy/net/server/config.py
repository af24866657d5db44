"""How the connections of a server behave, and what they share.

Source: docs/spec/PYROSCOPE.md, sections 3.1, 3.9.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

from alloypy.net.server.body import App
from alloypy.net.server.budget import ByteBudget, process_budget
from alloypy.net.server.misdirected import Strangers

MAX_HEADER_BYTES = (1 << 20) + 4096


class Timeouts(NamedTuple):
    """Seconds; 0 = no limit.

    read: for the head and the body. write: from the end of the head to the end of the answer.
    idle: between two requests. stall: for the client to take at least a byte of an answer that waits.
    """

    read: float = 30.0
    write: float = 30.0
    idle: float = 120.0
    stall: float = 30.0


class ServerConfig:
    """What all connections of a server are made with.

    app: answers the requests. budget: for the bytes they hold; by default that of the process.
    max_header_bytes: of one request's head. strangers: counts clients that speak another protocol.
    """

    def __init__(
        self,
        app: App,
        *,
        logger: logging.Logger,
        timeouts: Timeouts,
        budget: ByteBudget | None = None,
        max_header_bytes: int = MAX_HEADER_BYTES,
    ) -> None:
        self.app = app
        self.logger = logger
        self.timeouts = timeouts
        self.budget = budget or process_budget()
        self.max_header_bytes = max_header_bytes
        self.strangers = Strangers(logger)


class Served(Protocol):
    """A connection as its server sees it, whatever protocol it speaks."""

    def drain(self) -> None:
        """Answer the requests received so far, then close."""

    def close_if_idle(self) -> bool:
        """Close the connection unless a request is being received or answered; returns whether it did."""

    def close(self) -> None:
        """Close once everything written has been sent."""

    def abort(self) -> None:
        """Drop the connection immediately."""


class Connections(dict[Served, None]):
    """Open connections, oldest first.

    opened, closed: called after one has been added or removed.
    """

    def __init__(self, opened: Callable[[], None], closed: Callable[[], None]) -> None:
        super().__init__()
        self._opened = opened
        self._closed = closed
        self._none = asyncio.Event()

    def add(self, connection: Served) -> None:
        """A connection has been opened."""
        self[connection] = None
        self._opened()

    def discard(self, connection: Served) -> None:
        """A connection has been closed."""
        self.pop(connection, None)
        if not self:
            self._none.set()
        self._closed()

    async def wait_for_none(self) -> None:
        """Wait until the last connection has closed."""
        while self:
            self._none.clear()
            await self._none.wait()


class ServerState:
    """What the connections of one server share.

    connections: the open ones. tasks: one for each request that is being handled.
    """

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.tasks: set[asyncio.Task[None]] = set()
