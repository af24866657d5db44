"""Our own HTTP/1.1 transport: pooled connections, gathered writes, bounded replies.

Connections are pooled as in Go: the one released last is used first, up to 1000 idle ones per origin are kept
for five minutes, and those in use are not limited. A request whose reused connection ends before a byte of
the reply arrives is sent once more, over a new one.
Source: docs/spec/PYROSCOPE.md, section 5.1.
"""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from collections.abc import Awaitable, Callable, Sequence
from heapq import nsmallest

from alloypy.net.client.connection import Connection, Keeper
from alloypy.net.client.dials import Dials
from alloypy.net.client.go_errors import dial_error
from alloypy.net.client.messages import (
    HANDSHAKE_SECONDS,
    IDLE_SECONDS,
    MAX_IDLE,
    READ_LIMIT_BYTES,
    Dropped,
    NoHTTP1,
    Origin,
    Request,
    Response,
    Sender,
    SendError,
    SendTimeout,
    Told,
    head_of,
)
from alloypy.net.client.names import Names
from alloypy.net.client.tls import TLS
from alloypy.net.descriptors import any_below, for_upstreams

_MOST_CLOSED, _TURNS = 16, 3


class _Pool(Keeper):
    """The connections to one origin; the dict of idle ones is ordered by release time."""

    def __init__(self, transport: Transport, origin: Origin) -> None:
        self.origin = origin
        self.idle: dict[Connection, None] = {}
        self.open: set[Connection] = set()
        self.dialing = 0
        self._transport = transport

    def take(self, context: ssl.SSLContext | None) -> Connection | None:
        while self.idle:
            connection, _ = self.idle.popitem()
            if connection.tls is context:
                return connection
            connection.abort()  # made with settings that are no longer in use
        return None

    def release(self, connection: Connection) -> None:
        transport = self._transport
        if len(self.idle) < transport.max_idle and not transport.closed:
            connection.idle_since = connection.loop.time()
            self.idle[connection] = None
            if transport.sweep is None:
                transport.sweep_later(connection.loop)
        else:
            connection.abort()

    def forget(self, connection: Connection) -> None:
        self.idle.pop(connection, None)
        if connection in self.open:
            self.open.remove(connection)
            self._transport.dials.closed += 1
        self.leave_if_empty()

    def leave_if_empty(self) -> None:
        if not self.open and not self.dialing:
            self._transport.drop(self)

    def close_idle_since(self, moment: float) -> None:
        for connection in list(self.idle):
            if connection.idle_since > moment:
                return
            connection.abort()


class Transport(Sender):
    """A sender with connections of its own.

    tls: consulted for every https request, so that changed certificate files take effect.
    sweep: the next check for connections that have been idle for too long. dials: counts connections.
    max_idle, idle_seconds: how many idle connections are kept per origin, and how long.
    """

    def __init__(self, tls: TLS, dials: Dials | None = None) -> None:
        self.closed = False
        self.dials = dials if dials is not None else Dials()
        self.max_idle = MAX_IDLE
        self.idle_seconds = IDLE_SECONDS
        self._tls = tls
        self._pools: dict[Origin, _Pool] = {}
        self.sweep: asyncio.TimerHandle | None = None
        self._names = Names()
        self._loop: asyncio.AbstractEventLoop | None = None  # looked up once: it costs a system call

    async def send(
        self, request: Request, read_limit: int = READ_LIMIT_BYTES, *, afresh: bool = False
    ) -> Response:
        """Send, and read at most `read_limit` bytes of the reply's body. Raises SendError.

        afresh: use a new connection, as for a request that `begin` sent over one that was Dropped.
        """
        if request.timeout <= 0:
            raise SendTimeout
        if self.closed:
            raise SendError("http: client is closed")
        head = head_of(request)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        deadline = self._loop.time() + request.timeout
        origin = request.origin
        context = await self._tls.context(request.timeout) if origin.scheme == "https" else None
        connection = None if afresh else self._pool(origin).take(context)
        if connection is not None:
            try:
                return await connection.exchange(head, request.chunks, read_limit, deadline)
            except Dropped:
                pass  # idle for too long: the server closed it while we were writing
        connection = await self._dial(origin, context, deadline)
        try:
            return await connection.exchange(head, request.chunks, read_limit, deadline)
        except SendError as error:
            if context is None or isinstance(error, SendTimeout) or connection.agreed_protocol():
                raise
            raise NoHTTP1(str(error)) from error

    def begin(self, request: Request, read_limit: int, told: Told) -> Connection | None:
        """Send over an idle connection and return; None if there is none, or if anything needs waiting for.

        told: called with the outcome, never before this returns. Raises SendError.
        """
        pool = self._pools.get(request.origin)
        if pool is None or not pool.idle or request.timeout <= 0:
            return None
        context = None
        if request.origin.scheme == "https":
            context = self._tls.present()
            if context is None:
                return None
        head = head_of(request)
        connection = pool.take(context)
        if connection is not None:
            deadline = connection.loop.time() + request.timeout
            connection.begin(head, request.chunks, read_limit, deadline, told)
        return connection

    async def aclose(self) -> None:
        """Close every connection; requests in flight fail."""
        self.closed = True
        for pool in list(self._pools.values()):
            for connection in list(pool.open):
                connection.abort()
        if self.sweep is not None:
            self.sweep.cancel()
            self.sweep = None
        await asyncio.sleep(0)  # lets the event loop close the sockets

    # What connections and pools call.

    def sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        """Schedule the next check for connections that have been idle for too long."""
        self.sweep = loop.call_later(self.idle_seconds, self._close_idle)

    def drop(self, pool: _Pool) -> None:
        """Forget a pool that has no connections."""
        if self._pools.get(pool.origin) is pool:
            del self._pools[pool.origin]

    def _close_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self.sweep = None
        for pool in list(self._pools.values()):
            pool.close_idle_since(loop.time() - self.idle_seconds)
        oldest = [next(iter(pool.idle)).idle_since for pool in self._pools.values() if pool.idle]
        if oldest:
            self.sweep = loop.call_at(min(oldest) + self.idle_seconds, self._close_idle)

    def _pool(self, origin: Origin) -> _Pool:
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = _Pool(self, origin)
        return pool

    async def _dial(self, origin: Origin, context: ssl.SSLContext | None, deadline: float) -> Connection:
        pool = self._pool(origin)
        pool.dialing += 1
        try:
            connection = await self._connect(pool, context, deadline)
            self.dials.established += 1
            if connection.closed:  # in the meantime
                self.dials.closed += 1
            else:
                pool.open.add(connection)
            if self.closed:
                connection.abort()
                raise SendError("http: client is closed")
        finally:
            pool.dialing -= 1
            pool.leave_if_empty()
        return connection

    async def _connect(self, pool: _Pool, context: ssl.SSLContext | None, deadline: float) -> Connection:
        loop = asyncio.get_running_loop()
        origin = pool.origin
        secure = context is not None
        self.dials.attempted += 1
        if not any_below(for_upstreams()) and not await self._make_room():
            full = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            self.dials.fail(full)
            raise dial_error(origin, full)

        async def connected(address: str) -> Connection:
            _, connection = await loop.create_connection(
                lambda: Connection(pool, loop, context),
                address,
                origin.port,
                ssl=context,
                server_hostname=self._tls.server_name or origin.host if secure else None,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if secure else None,
            )
            return connection

        try:
            async with asyncio.timeout_at(deadline) as limit:
                return await _first(connected, await self._names.addresses(origin.host))
        except asyncio.CancelledError:
            self.dials.time_out()
            raise
        except (OSError, UnicodeError) as error:
            if limit.expired():
                self.dials.time_out()
                raise SendTimeout from None
            self.dials.fail(error)
            raise dial_error(origin, error) from error

    async def _make_room(self) -> bool:
        """Close connections that have been idle longest; False if no descriptor is free even so."""
        idle = [connection for pool in self._pools.values() for connection in pool.idle]
        for connection in nsmallest(_MOST_CLOSED, idle, key=lambda each: each.idle_since):
            connection.abort()
        for _ in range(_TURNS):  # of the event loop, which closes the sockets
            await asyncio.sleep(0)
        return any_below(for_upstreams())


async def _first(connected: Callable[[str], Awaitable[Connection]], addresses: Sequence[str]) -> Connection:
    """A connection to the first address that takes one. Raises OSError."""
    for address in addresses[:-1]:
        try:
            return await connected(address)
        except OSError as error:
            if isinstance(error, ssl.SSLError) or error.errno is None:
                raise  # something is there
    return await connected(addresses[-1])
