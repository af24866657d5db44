"""The admin port's server: uvicorn's, on sockets that are already bound.

It uses uvicorn's `Config`, its `Server` with the state, and its protocol class. Our listener does what they
lack: a TLS context for each connection (so that certificates can change, and TLS can be turned on and off,
while it serves), an answer for clients that speak plain HTTP to TLS, a limit on idle connections, and a stop
that does not wait for idle clients. uvicorn's main loop, which wakes ten times a second, and its signal
handlers are not used. Import it inside `parts_of("uvicorn")`.
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

    app, log, timeouts: see `AdminConfig`. sockets: listening sockets, which it then owns.
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
        """Start accepting connections. `sockets` is uvicorn's parameter; the constructor's are used."""
        self.lifespan = LifespanOff(self.config)
        await self.lifespan.startup()
        self._listener.start()
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing new, let requests in flight finish within `grace`, close everything."""
        self.should_exit = True
        await self._listener.stop(self._grace)
        await self.lifespan.shutdown()

    def _connection(self, _: ServerConfig, shared: ListenerState) -> Connection:
        self.server_state.connections = cast("Any", shared.connections)
        self.server_state.tasks = shared.tasks
        return Connection(cast("AdminConfig", self.config), self.server_state, self.lifespan.state)
