"""Where httptools is missing the server still serves, with uvicorn's own connections, and says so."""

from __future__ import annotations

import logging
import socket
import sys
from email.utils import parsedate_to_datetime

import httpx
import pytest

from alloypy.net.server.listener import Server, ServerConfig, Timeouts


@pytest.mark.anyio
async def test_uvicorns_connections_take_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "alloypy.net.server.http1.protocol", None)

    async def application(scope, receive, send):  # type: ignore[no-untyped-def]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    listening = socket.create_server(("127.0.0.1", 0))
    config = ServerConfig(application, logger=logging.getLogger("alloypy.test"), timeouts=Timeouts())
    assert "httptools is not installed" in caplog.text
    server = Server(config, [listening])
    server.start()
    host, port = server.addresses[0]
    async with httpx.AsyncClient() as client:
        for _ in range(2):
            reply = await client.get(f"http://{host}:{port}/")
            assert reply.text == "ok"
            assert parsedate_to_datetime(reply.headers["date"]).year > 2000
        assert server.connection_count == 1
    assert await server.stop(1) == 0
