"""The admin port's server: uvicorn's, on sockets that were bound before.

uvicorn's `Config` and `Server` with its state and its protocol class. What they lack is done by our listener:
a TLS context for each connection (so that certificates change, and TLS comes and goes, while it serves), an
answer for clients that speak plain HTTP to TLS, a bound on idle connections, and a stop that does not wait
for clients that ask for nothing. uvicorn's main loop, which looks at the clock ten times a second, and its
signal handlers are not used. To be imported inside of `parts_of("uvicorn")`.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from uvicorn.lifespan.off import LifespanOff  # which `Config.load` looks for
from uvicorn.server import Server

from alloypy.net.server.config import ServerConfig, Timeouts
from alloypy.net.server.config import ServerState as ListenerState
from alloypy.net.server.listener import Server as Listener
from alloypy.net.server.offers import Offer
from alloypy.services.admin.messages import ASGI
from alloypy.services.admin.uvicorn_config import AdminConfig
from alloypy.services.admin.uvicorn_connection import Connection


class AdminUvicorn(Server):
    """uvicorn's server, whose connections our listener accepts.

    app, log, timeouts: see `AdminConfig`. sockets: listening ones, which it owns from then on.
    tls, most_idle: see `net.server.listener.Server`.
    grace: seconds in which requests in flight may finish when it stops.
    """

    def __init__(
        self,
        app: ASGI,
        sockets: Sequence[socket.socket],
        *,
        log: logging.Logger,
        timeouts: Timeouts,
        tls: Callable[[], Awaitable[ssl.SSLContext | None]],
        most_idle: int,
        grace: float,
    ) -> None:
        config = AdminConfig(app, Connection, log=log, timeouts=timeouts)
        super().__init__(config)
        config.load()
        self._grace = grace
        offer = Offer("http/1.1", self._connection)
        self._listener = Listener(config.listening, sockets, (offer,), tls=tls, most_idle=most_idle)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections; `sockets` are those that it has anyway."""
        self.lifespan = LifespanOff(self.config)
        await self.lifespan.startup()
        self._listener.start()
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing new, give requests in flight their time, close everything."""
        self.should_exit = True
        await self._listener.stop(self._grace)
        await self.lifespan.shutdown()

    def _connection(self, _: ServerConfig, shared: ListenerState) -> Connection:
        self.server_state.connections = cast("Any", shared.connections)
        self.server_state.tasks = shared.tasks
        return Connection(cast("AdminConfig", self.config), self.server_state, self.lifespan.state)
