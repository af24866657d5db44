"""If even the error answer fails, the connection is closed and nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any

import pytest

from alloypy.net import descriptors
from alloypy.net.client.messages import Origin, Request, SendError
from alloypy.net.client.pool import Transport
from alloypy.net.client.tls import TLS, TLSSettings
from alloypy.net.descriptors import any_below, for_clients, for_upstreams
from alloypy.net.server.body import Receive, Scope, Send
from alloypy.net.server.config import ServerConfig, ServerState, Timeouts
from alloypy.net.server.http1.protocol import HTTP1
from alloypy.net.server.listener import Server
from alloypy.net.server.offers import Offer

pytestmark = pytest.mark.anyio

LOGGER = logging.getLogger("alloypy.test")


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    raise OSError(24, "Too many open files")


def serving(offer: Offer = HTTP1, **options: Any) -> tuple[Server, int]:
    """A server whose every request fails, and its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = ServerConfig(failing, logger=LOGGER, timeouts=Timeouts())
    server = Server(config, [listening], (offer,), **options)
    server.start()
    return server, port


async def test_a_fault_that_cannot_be_answered_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def speechless(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(LOGGER, "exception", speechless)
    server, port = serving()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    assert server.requests == 0
    await server.stop(1)


async def test_a_connection_that_cannot_be_served_is_closed_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(config: ServerConfig, state: ServerState) -> asyncio.BaseProtocol:
        raise ImportError("no module")

    server, port = serving(Offer("http/1.1", refuse))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    assert server.connection_count == 0
    assert "a connection could not be served" in caplog.text
    await server.stop(1)


async def test_connections_to_servers_leave_the_reserve_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "limit", lambda: 8)
    with socket.create_server(("127.0.0.1", 0)) as backend:
        port = backend.getsockname()[1]
        transport = Transport(TLS(TLSSettings()))
        origin = Origin("http", "127.0.0.1", port, f"127.0.0.1:{port}")
        with pytest.raises(SendError, match="too many open files"):
            await transport.send(Request("POST", origin, "/", [], [], 5.0))
        await transport.aclose()


def test_how_descriptors_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, clients, upstreams in ((1024, 864, 992), (64, 24, 32), (20, 8, 10)):
        monkeypatch.setattr(descriptors, "limit", lambda limit=limit: limit)
        assert (for_clients(), for_upstreams()) == (clients, upstreams)
    with socket.socket() as taken:
        assert any_below(taken.fileno() + 100)
        assert not any_below(1)
