"""An HTTP server embedded in our event loop, on sockets that were bound before.

What uvicorn's server does around its protocol classes, and no more: no signal handlers, no ticking
main loop; besides, a bound on connections that leaves the rest in the listen queue, and a graceful
stop. Its connections are our own, or uvicorn's where httptools is missing.
Source: PYROSCOPE spec sections 3.1, 3.2, 3.9.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from time import time
from typing import Any, NamedTuple

from alloypy.net import descriptors
from alloypy.net.server.body import App
from alloypy.net.server.budget import ByteBudget, process_budget
from alloypy.net.server.date import http_date
from alloypy.net.server.misdirected import TLS_HANDSHAKE, Seldom, own_url

MAX_HEADER_BYTES = (1 << 20) + 4096
_PLAIN_HTTP_REPLY = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
_RETRY_ACCEPT = 0.1
_TOLD_EVERY = 10.0
_AT_ONCE = 64
_HANDSHAKE_TIMEOUT = 30.0
_FAREWELL = 1.0
_LAST_WORDS = 1.0


class Timeouts(NamedTuple):
    """Seconds; 0 = no bound.

    read: head and body. write: from the end of the head to the answer.
    idle: between two requests. stall: in which a client takes nothing of an answer that waits for it.
    """

    read: float = 30.0
    write: float = 30.0
    idle: float = 120.0
    stall: float = 30.0


class ServerState:
    """What the protocol classes of one server share, in uvicorn's terms.

    connections: the open ones. tasks: one for each request that is being handled.
    """

    def __init__(self, connections: _Connections) -> None:
        self.connections = connections
        self.tasks: set[asyncio.Task[None]] = set()
        self.total_requests = 0

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """What uvicorn's connections add to every answer."""
        return [(b"date", http_date(int(time())).encode("ascii"))]


class ServerConfig:
    """What the connections of a server are made with.

    Ours need httptools; without it uvicorn's are taken, which is imported only then: an idle process
    starts without it.
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
        self.loaded_app = app
        self.logger = logger
        self.timeouts = timeouts
        self.budget = budget or process_budget()
        self.max_header_bytes = max_header_bytes
        self._strangers = {tls: Seldom() for tls in (False, True)}
        try:
            from alloypy.net.server.http1.protocol import HttpProtocol
        except ImportError:
            logger.warning("httptools is not installed: serving HTTP slowly and without timeouts")
            self._make, self._made_with = _uvicorns_protocol(app, timeouts)
        else:
            self._make, self._made_with = HttpProtocol, self

    def tell_stranger(self, address: tuple[str, int] | None, *, tls: bool) -> None:
        """Tell once a minute that a client speaks TLS, or none, where that is not spoken.

        tls: whether the client speaks it. address: where it connected.
        """
        times = self._strangers[tls].due()
        if times:
            scheme, spoken, not_spoken = ("http", "TLS", "without") if tls else ("https", "no TLS", "with")
            message = (
                f"a client speaks {spoken} to a port {not_spoken} TLS: its URL must begin with {scheme}://"
            )
            fields = {"expected_url": own_url(scheme, address), "times": times}
            self.logger.warning(message, extra={"fields": fields})

    def protocol(self, state: ServerState) -> asyncio.BaseProtocol:
        """The protocol of a new connection."""
        made: asyncio.BaseProtocol = self._make(config=self._made_with, server_state=state, app_state={})
        return made


def _uvicorns_protocol(app: App, timeouts: Timeouts) -> tuple[Any, Any]:
    """The protocol class of uvicorn for h11, and the configuration it takes."""
    from uvicorn.config import Config

    config = Config(
        app,
        interface="asgi3",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(timeouts.idle or timeouts.read or 3600),
    )
    config.load()
    return config.http_protocol_class, config


class Server:
    """Serves an ASGI application on listening sockets, which it owns from then on.

    tls: gives the context for each new connection, so that certificates can change; None from it means
        that the connection is served without TLS.
    conn_limit: connections beyond it wait in the listen queue; 0 = no limit.
    descriptors_below: connections wait in the listen queue, too, while no descriptor below it is free; None
        = take what there is.
    most_idle: above so many connections each further one costs one that asks for nothing, the oldest first;
        0 = none.
    """

    _told = -_TOLD_EVERY  # when any server last said that it pauses, on the clock of the event loop

    def __init__(
        self,
        config: ServerConfig,
        sockets: Sequence[socket.socket],
        *,
        tls: Callable[[], Awaitable[ssl.SSLContext | None]] | None = None,
        conn_limit: int = 0,
        descriptors_below: int | None = None,
        most_idle: int = 0,
    ) -> None:
        self._config = config
        self._sockets = list(sockets)
        self._tls = tls
        self._conn_limit = conn_limit
        self._descriptors_below = descriptors_below
        self._most_idle = most_idle
        self._connections = _Connections(self._keep_few, self._make_room)
        self._state = ServerState(self._connections)
        self._greeting: set[asyncio.Task[None]] = set()
        self._silent: dict[asyncio.Task[None] | None, None] = {}  # of these, in order: no byte has come yet
        self._accepting = False
        self._paused = False  # nothing is accepted for the moment
        self._short = False  # of descriptors
        self._retry: asyncio.TimerHandle | None = None

    @property
    def connection_count(self) -> int:
        """Open connections, those in a TLS handshake included."""
        return len(self._connections) + len(self._greeting)

    @property
    def requests(self) -> int:
        """Requests that are being handled."""
        return len(self._state.tasks)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket."""
        return [one.getsockname()[:2] for one in self._sockets]

    @property
    def address(self) -> str:
        """Host and port as Go writes them: `[::]:4040` for all interfaces."""
        return written_address(self._sockets)

    def start(self) -> None:
        """Begin to accept connections."""
        for one in self._sockets:
            one.setblocking(False)
        self._accepting = self._paused = True
        self._make_room()

    def refuse(self) -> None:
        """Accept nothing new: whoever comes now, or waits in the listen queue, is refused."""
        self._pause()
        self._accepting = False
        if self._retry is not None:
            self._retry.cancel()
        for one in self._sockets:
            one.close()

    async def stop(self, grace: float) -> int:
        """Accept nothing new, wait up to `grace` seconds for requests in flight, close everything.

        Returns how many requests were cut off. Their handlers are cancelled and have returned.
        """
        self.refuse()
        if self._greeting:
            # Whom we have let in should not find the door shut.
            _, late = await asyncio.wait(self._greeting, timeout=min(grace, _LAST_WORDS))
            for task in late:
                task.cancel()
        for connection in list(self._connections):
            connection.shutdown()
        if self._state.tasks and grace > 0:
            await self._finished(grace)
        unfinished = list(self._state.tasks)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        await self._close_connections()
        return len(unfinished)

    async def _close_connections(self) -> None:
        connections = self._connections
        for connection in list(connections):
            if connection.transport is not None:
                connection.transport.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await connections.wait_for_none()
        for connection in list(connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def _finished(self, grace: float) -> None:
        deadline = asyncio.get_running_loop().time() + grace
        while self._state.tasks:
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                return
            await asyncio.wait(self._state.tasks, timeout=remaining)

    def _accept(self, listening: socket.socket) -> None:
        """Take connections from the listen queue; the event loop calls this when there are some."""
        for _ in range(_AT_ONCE):
            if self._paused:
                return
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as reason:
                # Too many open files, most likely; a closed connection frees one.
                self._run_short(str(reason))
                return
            below = self._descriptors_below
            if below is not None and accepted.fileno() >= below - 1:
                self._run_short("too many open files")
            task = asyncio.create_task(self._greet(accepted))
            self._greeting.add(task)
            task.add_done_callback(self._greeted)
            if self._greets_enough():
                self._hang_up_on_silence()
                self._pause()
                return
            if self._conn_limit and self.connection_count >= self._conn_limit:
                self._pause()

    def _greeted(self, task: asyncio.Task[None]) -> None:
        self._greeting.discard(task)
        self._make_room()

    def _greets_enough(self) -> bool:
        return bool(self._most_idle) and len(self._greeting) >= _AT_ONCE

    def _hang_up_on_silence(self) -> None:
        """End the oldest TLS handshake that has not begun."""
        for task in self._silent:
            if task is not None and not task.cancelling():
                task.cancel()
                return

    def _keep_few(self) -> None:
        """A connection has been added: close the oldest that asks for nothing, if there are too many."""
        if self._most_idle and len(self._connections) > self._most_idle:
            for connection in list(self._connections)[:-1]:
                if connection.close_if_idle():
                    return

    def _pause(self) -> None:
        """Leave connections in the listen queue."""
        if self._accepting and not self._paused:
            self._paused = True
            for one in self._sockets:
                asyncio.get_running_loop().remove_reader(one)

    def _run_short(self, why: str) -> None:
        """Accept nothing until a descriptor is free."""
        self._short = True
        self._pause()
        self._try_later()
        loop = asyncio.get_running_loop()
        if loop.time() - Server._told >= _TOLD_EVERY:
            Server._told = loop.time()
            fields = {"err": why, "connections": self.connection_count, "limit": descriptors.limit()}
            message = "accepting connections pauses until descriptors are free: clients wait"
            self._config.logger.warning(message, extra={"fields": fields})

    def _try_later(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = asyncio.get_running_loop().call_later(_RETRY_ACCEPT, self._make_room)

    def _make_room(self) -> None:
        """Accept again, if there is room."""
        if not self._accepting or not self._paused:
            return
        if self._short and not descriptors.any_below(self._descriptors_below or descriptors.limit()):
            self._try_later()
            return
        self._short = False
        full = self._conn_limit and self.connection_count >= self._conn_limit
        if not full and not self._greets_enough():
            self._paused = False
            for one in self._sockets:
                asyncio.get_running_loop().add_reader(one, self._accept, one)

    async def _greet(self, accepted: socket.socket) -> None:
        """Make a connection of an accepted socket; with TLS after the handshake."""
        loop = asyncio.get_running_loop()
        accepted.setblocking(False)
        try:
            context = await self._tls() if self._tls is not None else None
            if context is None:
                await loop.connect_accepted_socket(self._protocol, accepted)
                return
            if await self._first_byte(accepted) != TLS_HANDSHAKE:
                self._config.tell_stranger(accepted.getsockname()[:2], tls=False)
                await _turn_away(accepted)
                return
            await loop.connect_accepted_socket(
                self._protocol, accepted, ssl=context, ssl_handshake_timeout=_HANDSHAKE_TIMEOUT
            )
        except (OSError, TimeoutError) as reason:
            accepted.close()
            self._config.logger.debug("connection refused", extra={"fields": {"err": reason}})
        except asyncio.CancelledError:
            accepted.close()
            raise
        except Exception:
            accepted.close()
            self._config.logger.exception("a connection could not be served")

    async def _first_byte(self, accepted: socket.socket) -> int:
        task = asyncio.current_task()
        self._silent[task] = None
        try:
            return await _first_byte(accepted)
        finally:
            del self._silent[task]

    def _protocol(self) -> asyncio.BaseProtocol:
        return self._config.protocol(self._state)


def written_address(sockets: Sequence[socket.socket]) -> str:
    """The address of listening sockets; of one for each version of IP, that of IPv6 stands for both."""
    names = [one.getsockname()[:2] for one in sockets]
    host, port = next((name for name in names if ":" in name[0]), names[0])
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Connections(dict[Any, None]):
    """The open connections, in the order in which they came; says when one has come or gone."""

    def __init__(self, came: Callable[[], None], gone: Callable[[], None]) -> None:
        super().__init__()
        self._came = came
        self._gone = gone
        self._none = asyncio.Event()

    def add(self, connection: object) -> None:
        self[connection] = None
        self._came()

    def discard(self, connection: object) -> None:
        self.pop(connection, None)
        if not self:
            self._none.set()
        self._gone()

    async def wait_for_none(self) -> None:
        """Wait until the last connection is gone."""
        while self:
            self._none.clear()
            await self._none.wait()


async def _turn_away(connection: socket.socket) -> None:
    """Answer somebody who does not speak TLS, and read on: closing at once would take the answer back."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_FAREWELL):
            await loop.sock_sendall(connection, _PLAIN_HTTP_REPLY)
            connection.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(connection, 4096):
                pass
    finally:
        connection.close()


async def _first_byte(connection: socket.socket) -> int:
    """The first byte the client sends, which stays to be read; -1 when it sends none."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(connection, arrived.set)
    try:
        async with asyncio.timeout(_HANDSHAKE_TIMEOUT):
            await arrived.wait()
    finally:
        loop.remove_reader(connection)
    return next(iter(connection.recv(1, socket.MSG_PEEK)), -1)
