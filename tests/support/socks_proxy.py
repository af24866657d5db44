"""A SOCKS5 proxy on loopback that records what clients ask for, and fails on demand."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from tests.support.http2_server import pump


class Asked(NamedTuple):
    """What a client sent. kind: the address type on the wire."""

    methods: tuple[int, ...]
    login: tuple[str, str] | None
    kind: int
    host: str
    port: int


class Proxy:
    """What a test sees of the proxy. answers: its replies, if they differ from those of a correct proxy."""

    def __init__(self, login: tuple[str, str] | None, answers: Sequence[bytes]) -> None:
        self.port = 0
        self.asked: list[Asked] = []
        self.connections = 0
        self.open = 0
        self._login = login
        self._answers = list(answers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in self._answers:
            await reader.read(4096)
            writer.write(answer)
        if self._answers:
            await reader.read()
            return
        _, count = await reader.readexactly(2)
        methods = tuple(await reader.readexactly(count))
        given = await self._log_in(methods, reader, writer)
        if self._login is not None and given != self._login:
            return
        host, port, kind = await self._destination(reader)
        self.asked.append(Asked(methods, given, kind, host, port))
        upstream = await asyncio.open_connection("127.0.0.1", port)
        for byte in b"\5\0\0\3\4name\0\0":  # byte by byte, as a slow network might
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        await asyncio.gather(pump(reader, upstream[1]), pump(upstream[0], writer), return_exceptions=True)

    async def _log_in(
        self, methods: Sequence[int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[str, str] | None:
        if self._login is None:
            writer.write(b"\5\0")
            return None
        if 2 not in methods:
            writer.write(b"\5\xff")
            return None
        writer.write(b"\5\2")
        _, size = await reader.readexactly(2)
        user = (await reader.readexactly(size)).decode()
        password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        writer.write(b"\1\0" if (user, password) == self._login else b"\1\1")
        return user, password

    async def _destination(self, reader: asyncio.StreamReader) -> tuple[str, int, int]:
        _, _, _, kind = await reader.readexactly(4)
        size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        raw = await reader.readexactly(size)
        host = raw.decode() if kind == 3 else str(ipaddress.ip_address(raw))
        return host, int.from_bytes(await reader.readexactly(2), "big"), kind


@asynccontextmanager
async def socks_proxy(login: tuple[str, str] | None = None, *answers: bytes) -> AsyncIterator[Proxy]:
    """Run a proxy until the block is left. Every name resolves to loopback."""
    proxy = Proxy(login, answers)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await asyncio.sleep(0)
