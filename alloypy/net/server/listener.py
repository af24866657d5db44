"""A server in our event loop, on sockets that are already bound.

It accepts connections and gives each one of the offered protocols, bounds their number by leaving the rest in
the listen queue, and stops gracefully. Source: docs/spec/PYROSCOPE.md, sections 3.1, 3.2, 3.9.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from alloypy.net import descriptors
from alloypy.net.server.config import Connections, ServerConfig, ServerState
from alloypy.net.server.misdirected import TLS_HANDSHAKE
from alloypy.net.server.offers import Negotiated, Offers

_PLAIN_HTTP_REPLY = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
_ACCEPTS_PER_WAKEUP = 64
_MOST_HANDSHAKES = 64  # at the same time, for servers that also bound idle connections
_RETRY_ACCEPT_SECONDS = 0.1
_WARN_EVERY_SECONDS = 10.0
_HANDSHAKE_SECONDS = 30.0
_REPLY_DRAIN_SECONDS = 1.0  # that a client gets to read an answer before its connection is closed
_CLOSE_SECONDS = 1.0


class Server:
    """Serves an application on listening sockets, which it then owns.

    offers: the protocols it speaks. With several, each connection gets the one that TLS agreed on.
    tls: returns the context for each new connection, so that certificates can change; if it returns None,
        the connection is served without TLS. The contexts must negotiate the protocols in `offers`.
    conn_limit: connections beyond it wait in the listen queue; 0 = no limit.
    descriptors_below: connections also wait in the listen queue while no descriptor below it is free; None =
        any descriptor will do.
    most_idle: beyond this many connections, each new one closes the oldest idle one; 0 = no limit.
    """

    _warned = -_WARN_EVERY_SECONDS  # loop time at which any server last logged that it pauses

    def __init__(
        self,
        config: ServerConfig,
        sockets: Sequence[socket.socket],
        offers: Offers,
        *,
        tls: Callable[[], Awaitable[ssl.SSLContext | None]] | None = None,
        conn_limit: int = 0,
        descriptors_below: int | None = None,
        most_idle: int = 0,
    ) -> None:
        self._config = config
        self._sockets = list(sockets)
        self._offers = offers
        self._tls = tls
        self._conn_limit = conn_limit
        self._descriptors_below = descriptors_below
        self._most_idle = most_idle
        self._connections = Connections(self._bound_idle, self._make_room)
        self._state = ServerState(self._connections)
        self._opening: set[asyncio.Task[None]] = set()
        self._silent: dict[asyncio.Task[None] | None, None] = {}  # those that sent nothing yet, oldest first
        self._accepting = False
        self._paused = False  # nothing is accepted at the moment
        self._short = False  # of descriptors
        self._retry: asyncio.TimerHandle | None = None

    @property
    def connection_count(self) -> int:
        """Open connections, including those in a TLS handshake."""
        return len(self._connections) + len(self._opening)

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
        """Accept nothing new: connections that arrive now, or wait in the listen queue, are refused."""
        self._pause()
        self._accepting = False
        if self._retry is not None:
            self._retry.cancel()
        for one in self._sockets:
            one.close()

    async def stop(self, grace: float) -> int:
        """Accept nothing new, wait up to `grace` seconds for requests in flight, close everything.

        Returns how many requests were cut off. Their handlers have been cancelled and have returned.
        """
        self.refuse()
        if self._opening:
            # Connections already accepted get the chance to finish their handshake and send a request.
            _, late = await asyncio.wait(self._opening, timeout=min(grace, _CLOSE_SECONDS))
            for task in late:
                task.cancel()
        for connection in list(self._connections):
            connection.drain()
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
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await connections.wait_for_none()
        for connection in list(connections):
            connection.abort()

    async def _finished(self, grace: float) -> None:
        deadline = asyncio.get_running_loop().time() + grace
        while self._state.tasks:
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                return
            await asyncio.wait(self._state.tasks, timeout=remaining)

    def _accept(self, listening: socket.socket) -> None:
        """Take connections from the listen queue; the event loop calls this when there are any."""
        for _ in range(_ACCEPTS_PER_WAKEUP):
            if self._paused:
                return
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as reason:
                # Most likely too many open files; a connection that closes frees one.
                self._run_short(str(reason))
                return
            below = self._descriptors_below
            if below is not None and accepted.fileno() >= below - 1:
                self._run_short("too many open files")
            task = asyncio.create_task(self._open(accepted))
            self._opening.add(task)
            task.add_done_callback(self._opened)
            if self._opens_enough():
                self._drop_a_silent_client()
                self._pause()
                return
            if self._conn_limit and self.connection_count >= self._conn_limit:
                self._pause()

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        self._make_room()

    def _opens_enough(self) -> bool:
        return bool(self._most_idle) and len(self._opening) >= _MOST_HANDSHAKES

    def _drop_a_silent_client(self) -> None:
        """End the oldest TLS handshake in which the client has sent nothing."""
        for task in self._silent:
            if task is not None and not task.cancelling():
                task.cancel()
                return

    def _bound_idle(self) -> None:
        """Close the oldest idle connection if there are too many; called after one was added."""
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
        if loop.time() - Server._warned >= _WARN_EVERY_SECONDS:
            Server._warned = loop.time()
            fields = {"err": why, "connections": self.connection_count, "limit": descriptors.limit()}
            message = "no connections are accepted until file descriptors are free: clients wait"
            self._config.logger.warning(message, extra={"fields": fields})

    def _try_later(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = asyncio.get_running_loop().call_later(_RETRY_ACCEPT_SECONDS, self._make_room)

    def _make_room(self) -> None:
        """Accept connections again, if there is room."""
        if not self._accepting or not self._paused:
            return
        if self._short and not descriptors.any_below(self._descriptors_below or descriptors.limit()):
            self._try_later()
            return
        self._short = False
        full = self._conn_limit and self.connection_count >= self._conn_limit
        if not full and not self._opens_enough():
            self._paused = False
            for one in self._sockets:
                asyncio.get_running_loop().add_reader(one, self._accept, one)

    async def _open(self, accepted: socket.socket) -> None:
        """Turn an accepted socket into a connection; with TLS, after the handshake."""
        loop = asyncio.get_running_loop()
        accepted.setblocking(False)
        try:
            context = await self._tls() if self._tls is not None else None
            if context is None:
                await loop.connect_accepted_socket(self._plain, accepted)
                return
            if await self._first_byte(accepted) != TLS_HANDSHAKE:
                self._config.strangers.tell(accepted.getsockname()[:2], tls=False)
                await _turn_away(accepted)
                return
            await loop.connect_accepted_socket(
                self._over_tls, accepted, ssl=context, ssl_handshake_timeout=_HANDSHAKE_SECONDS
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

    def _plain(self) -> asyncio.BaseProtocol:
        return self._offers[-1].make(self._config, self._state)

    def _over_tls(self) -> asyncio.BaseProtocol:
        if len(self._offers) == 1:
            return self._plain()
        return Negotiated(self._offers, self._config, self._state)


def written_address(sockets: Sequence[socket.socket]) -> str:
    """The address of listening sockets; of one for each IP version, the IPv6 one."""
    names = [one.getsockname()[:2] for one in sockets]
    host, port = next((name for name in names if ":" in name[0]), names[0])
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _turn_away(connection: socket.socket) -> None:
    """Answer a client that does not speak TLS, and read on: closing now could discard the answer."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_REPLY_DRAIN_SECONDS):
            await loop.sock_sendall(connection, _PLAIN_HTTP_REPLY)
            connection.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(connection, 4096):
                pass
    finally:
        connection.close()


async def _first_byte(connection: socket.socket) -> int:
    """The first byte that the client sends, without consuming it; -1 if it sends none."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(connection, arrived.set)
    try:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            await arrived.wait()
    finally:
        loop.remove_reader(connection)
    return next(iter(connection.recv(1, socket.MSG_PEEK)), -1)
