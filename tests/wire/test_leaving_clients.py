"""Clients that leave, or stay without reading: their connections end, and no error is logged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from alloypy.net.server.body import App
from alloypy.net.server.config import ServerConfig, Timeouts
from alloypy.net.server.http1.protocol import HTTP1
from alloypy.net.server.listener import Server
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

LARGE = b"x" * (4 << 20)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


@contextlib.asynccontextmanager
async def serving(application: App, **timeouts: float) -> AsyncIterator[Server]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = ServerConfig(
        application, logger=logging.getLogger("alloypy.test"), timeouts=Timeouts(**timeouts)
    )
    server = Server(config, [listening], (HTTP1,))
    server.start()
    try:
        yield server
    finally:
        await server.stop(0)


@contextlib.asynccontextmanager
async def asking(
    server: Server, request: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client with a small buffer for what it receives."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, server.addresses[0])
    reader, writer = await asyncio.open_connection(sock=small, limit=4096)
    writer.write(request)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def large_answer(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"%d" % len(LARGE))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": LARGE})


@pytest.mark.parametrize("more", [b"\r\n", b"Connection: close\r\n\r\n"], ids=["stays", "closes"])
async def test_a_client_that_does_not_read_the_answer_loses_the_connection(more: bytes) -> None:
    async with serving(large_answer, stall=0.2) as server, asking(server, GET + more):
        await until(lambda: server.connection_count == 1)
        await until(lambda: server.connection_count == 0)


async def test_a_slow_reader_gets_the_whole_answer() -> None:
    request = GET + b"Connection: close\r\n\r\n"
    async with serving(large_answer, stall=1.0) as server, asking(server, request) as (reader, _):
        size = 0
        for _ in range(12):
            size += len(await reader.readexactly(64 << 10))
            await asyncio.sleep(0.1)
        size += len(await reader.read(-1))
    assert size > len(LARGE)


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})], ids=["uvloop"])
async def test_leaving_while_the_answer_waits_to_be_written_is_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    waiting = asyncio.Event()
    done = asyncio.Event()

    async def two_parts(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": LARGE, "more_body": True})
        waiting.set()
        try:
            await send({"type": "http.response.body", "body": LARGE})
        finally:
            done.set()

    async with serving(two_parts) as server, asking(server, GET + b"\r\n") as (_, writer):
        await waiting.wait()
        await asyncio.sleep(0.05)
        assert not done.is_set()
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await until(lambda: server.connection_count == 0 and done.is_set())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_an_application_that_waits_for_the_departure_is_notified_of_a_half_close() -> None:
    async def until_left(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        await send({"type": "http.response.body", "body": b"bye"})

    async with serving(until_left) as server, asking(server, GET + b"\r\n") as (reader, writer):
        await asyncio.sleep(0.05)
        writer.write_eof()
        async with asyncio.timeout(20):
            assert (await reader.read(-1)).endswith(b"\r\n\r\nbye")
        await until(lambda: server.connection_count == 0)
