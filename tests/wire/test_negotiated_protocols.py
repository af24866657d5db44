"""A server with several protocols gives each connection the one that TLS has agreed on."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import trustme

from alloypy.lang.values import Secret
from alloypy.net.server.body import Receive, Scope, Send
from alloypy.net.server.config import ServerConfig, ServerState, Timeouts
from alloypy.net.server.http1.protocol import HTTP1
from alloypy.net.server.listener import Server
from alloypy.net.server.offers import Offer, Offers, alpn_names
from alloypy.net.server.tls import ServerTLS, ServerTLSSettings
from tests.support.loops import both_event_loops

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops

CA = trustme.CA()
CERTIFICATE = CA.issue_cert("localhost")
SETTINGS = ServerTLSSettings(
    cert_pem="".join(blob.bytes().decode() for blob in CERTIFICATE.cert_chain_pems),
    key_pem=Secret(CERTIFICATE.private_key_pem.bytes().decode()),
)
REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


class Echo(asyncio.Protocol):
    """A second protocol: sends its input back in capitals."""

    def __init__(self, _: ServerConfig, state: ServerState) -> None:
        self._state = state

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._state.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data.upper())

    def drain(self) -> None:
        self._transport.write(b"drained")

    def close_if_idle(self) -> bool:
        return False

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


BOTH = (Offer("echo/1", Echo), HTTP1)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serving(offers: Offers, *, tls: bool = True) -> AsyncIterator[tuple[Server, int]]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = ServerConfig(answer, logger=logging.getLogger("alloypy.test"), timeouts=Timeouts())
    contexts = ServerTLS(SETTINGS, lambda _: None, alpn_names(offers)) if tls else None
    server = Server(config, [listening], offers, tls=contexts.context if contexts else None)
    server.start()
    try:
        yield server, listening.getsockname()[1]
    finally:
        await server.stop(1)


async def opened(port: int, *alpn: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str | None]:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    tls: dict[str, Any] = {"ssl": context, "server_hostname": "localhost"}
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **tls)
    return reader, writer, writer.get_extra_info("ssl_object").selected_alpn_protocol()


async def test_the_agreed_protocol_serves_the_connection() -> None:
    async with serving(BOTH) as (server, port):
        reader, writer, agreed = await opened(port, "http/1.1", "echo/1")
        assert agreed == "echo/1"
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"HELLO"
        assert server.connection_count == 1
        stopping = asyncio.create_task(server.stop(1))
        assert await reader.read() == b"drained"
        writer.close()
        await stopping
        assert server.connection_count == 0


@pytest.mark.parametrize("alpn", [(), ("http/1.1",), ("h2", "http/1.1")], ids=["none", "http1", "h2, http1"])
async def test_the_last_protocol_serves_whoever_does_not_ask_for_another(alpn: tuple[str, ...]) -> None:
    async with serving(BOTH) as (_, port):
        reader, writer, agreed = await opened(port, *alpn)
        assert agreed == ("http/1.1" if alpn else None)
        writer.write(REQUEST)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_the_last_protocol_serves_connections_without_tls() -> None:
    async with serving(BOTH, tls=False) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_only_what_is_offered_is_negotiated() -> None:
    async with serving((HTTP1,)) as (_, port):
        _, writer, agreed = await opened(port, "echo/1", "http/1.1")
        assert agreed == "http/1.1"
        writer.close()
