"""A server on loopback that sends exactly the bytes that a test wants."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple


class Seen(NamedTuple):
    """A request as received."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Peer:
    """One accepted connection. number counts connections from 0."""

    def __init__(self, number, reader, writer, seen):
        self.number = number
        self.reader = reader
        self.writer = writer
        self._seen = seen

    async def request(self):
        """Read one request; None when the client has closed."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        line, *rest = head.decode("utf-8", "surrogateescape").split("\r\n")[:-2]
        headers = [tuple(item.split(": ", 1)) for item in rest]
        length = next((int(value) for name, value in headers if name == "Content-Length"), 0)
        seen = Seen(line, headers, await self.reader.readexactly(length))
        self._seen.append((self.number, seen))
        return seen

    async def head(self):
        """Read only the head of a request."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def say(self, *parts):
        for part in parts:
            if self.writer.is_closing():
                raise ConnectionResetError
            self.writer.write(part)
            await self.writer.drain()

    def reset(self):
        """End the connection with a RST."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def closed_by_client(self):
        """Wait until the client has closed."""
        while await self.reader.read(65536):
            pass


Script = Callable[[Peer], Awaitable[None]]


class Backend:
    """What a test sees of the server."""

    def __init__(self, port):
        self.port = port
        self.seen = []  # (connection number, Seen)
        self.connections = 0
        self.open = 0

    @property
    def requests(self):
        return [request for _, request in self.seen]


@asynccontextmanager
async def listening(talk, context: ssl.SSLContext | None = None, port: int = 0):
    """The port of a server on loopback that calls `talk(reader, writer)` for each connection.

    port: 0 for any that is free. Leaving the block cancels the open conversations and waits for them.
    """
    tasks = set()

    async def serve(reader, writer):
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context, limit=1 << 24)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.sleep(0)


@asynccontextmanager
async def scripted(script: Script, context: ssl.SSLContext | None = None, port: int = 0):
    """Serve `script`, one call per connection, until the block is left. port: 0 for any that is free."""
    backend = Backend(0)

    async def talk(reader, writer):
        peer = Peer(backend.connections, reader, writer, backend.seen)
        backend.connections += 1
        backend.open += 1
        try:
            await script(peer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            backend.open -= 1

    async with listening(talk, context, port) as backend.port:
        yield backend


def answering(reply=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
    """A script that answers every request with the same bytes."""

    async def script(peer):
        while await peer.request() is not None:
            await peer.say(reply)

    return script
