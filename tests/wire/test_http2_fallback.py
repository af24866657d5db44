"""Upstreams that speak only HTTP/2 are detected, remembered and reached; others stay on HTTP/1.1."""

# ruff: noqa: SIM117 -- servers outside, clients inside reads better

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from alloypy.components.http_client import HTTPClientArguments, TLSArguments, client_settings
from alloypy.lang.go.url import parse_url
from alloypy.lang.values import Secret
from alloypy.net.client.auth import BasicAuth, OAuth2
from alloypy.net.client.client import Client, ClientSettings
from alloypy.net.client.http2 import MISSING
from alloypy.net.client.messages import (
    NotSent,
    Request,
    Response,
    SendError,
    SendTimeout,
    origin_of,
    target_of,
)
from alloypy.net.client.proxy import ProxySettings
from alloypy.net.client.tls import TLSSettings
from alloypy.profiles.model import DeliveryError
from tests.support.http2_server import SETTINGS_AND_GOAWAY, Stream, http2_server, pump, server_context
from tests.support.loops import both_event_loops
from tests.support.scripted import answering, scripted
from tests.support.sending import arguments, endpoint, ingest, writing
from tests.support.tls import pem

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops
ROOT = Path(__file__).parents[2]
REFUSALS = pytest.mark.parametrize(
    "refusal", [b"", SETTINGS_AND_GOAWAY, None], ids=["closed", "frames", "alert"]
)


@asynccontextmanager
async def client(authority: trustme.CA, **settings: Any) -> AsyncIterator[Client]:
    settings = {"tls": TLSSettings(ca_pem=pem(authority)), **settings}
    made = Client(ClientSettings(**settings), environ={}, user_agent="agent")
    try:
        yield made
    finally:
        await made.aclose()


async def send(
    made: Client, port: int, path: str = "/", timeout: float = 20.0, body: bytes = b"body"
) -> Response:
    url = parse_url(f"https://127.0.0.1:{port}{path}")
    headers = made.headers([("User-Agent", "agent"), ("Content-Type", "a/b")])
    return await made.send(Request("POST", origin_of(url), target_of(url), headers, (b"body",), timeout))


@REFUSALS
async def test_found_out_once_and_remembered(authority: trustme.CA, refusal: bytes | None) -> None:
    async with http2_server(server_context(authority), refusal=refusal) as backend, client(authority) as made:
        for _ in range(3):
            assert (await send(made, backend.port)).body == b"ok"
        replies = await asyncio.gather(*(send(made, backend.port) for _ in range(10)))
    assert {reply.status for reply in replies} == {200}
    assert [stream.body for stream in backend.requests] == [b"body"] * 13
    refused = [] if refusal is None else [None]
    assert backend.agreed == [*refused, "h2", "h2"]  # tried over HTTP/1.1, asked, connected


async def test_many_first_requests_ask_once(authority: trustme.CA) -> None:
    async with http2_server(server_context(authority)) as backend, client(authority) as made:
        replies = await asyncio.gather(*(send(made, backend.port) for _ in range(10)))
    assert {reply.body for reply in replies} == {b"ok"}
    assert backend.agreed.count("h2") == 2


@REFUSALS
async def test_not_where_it_is_switched_off(authority: trustme.CA, refusal: bytes | None) -> None:
    text = {b"": r"^EOF$", SETTINGS_AND_GOAWAY: "malformed HTTP response", None: "no application protocol$"}
    async with http2_server(server_context(authority), refusal=refusal) as backend:
        async with client(authority, http2=False) as made:
            for _ in range(2):
                with pytest.raises(SendError, match=text[refusal]):
                    await send(made, backend.port)
    assert "h2" not in backend.agreed
    assert backend.requests == []


@REFUSALS
async def test_not_without_the_extra(
    authority: trustme.CA, refusal: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloypy.net.client.http2.installed", lambda: False)
    async with http2_server(server_context(authority), refusal=refusal) as backend, client(authority) as made:
        for _ in range(2):
            with pytest.raises(SendError) as caught:
                await send(made, backend.port)
            assert str(caught.value) == MISSING
            assert "alloypy[http2]" in MISSING
            assert not isinstance(caught.value, NotSent)
    assert backend.requests == []


async def test_a_server_that_speaks_both_stays_on_http1(authority: trustme.CA) -> None:
    context = server_context(authority, protocols=("h2", "http/1.1"))
    async with scripted(answering(), context) as backend, client(authority) as made:
        for _ in range(2):
            assert (await send(made, backend.port)).body == b"ok"
    assert [request.line for request in backend.requests] == ["POST / HTTP/1.1"] * 2


@pytest.mark.parametrize("protocols", [(), ("http/1.1",), ("h2", "http/1.1")])
async def test_a_server_that_drops_requests_does_not_get_them_twice(
    authority: trustme.CA, protocols: tuple[str, ...]
) -> None:
    async def script(peer: Any) -> None:
        await peer.request()

    context = server_context(authority, protocols=protocols)
    async with scripted(script, context) as backend, client(authority) as made:
        for _ in range(2):
            with pytest.raises(SendError, match=r"^EOF$"):
                await send(made, backend.port)
    assert len(backend.requests) == 2
    # A server without ALPN is asked once whether it speaks HTTP/2.
    assert backend.connections == (2 if protocols else 3)


async def test_an_upstream_that_comes_to_speak_http1_is_still_reached(authority: trustme.CA) -> None:
    made_for_both = server_context(authority, protocols=("http/1.1",))
    async with client(authority) as made:
        async with http2_server(server_context(authority)) as backend:
            await send(made, backend.port)
        async with scripted(answering(), made_for_both, port=backend.port) as successor:
            assert (await send(made, backend.port)).body == b"ok"
    assert [request.line for request in successor.requests] == ["POST / HTTP/1.1"]


async def test_the_time_of_the_request_is_not_exceeded(authority: trustme.CA) -> None:
    async def hang(stream: Stream) -> None:
        await stream.complete.wait()

    async with http2_server(server_context(authority), hang) as backend, client(authority) as made:
        for _ in range(2):
            with pytest.raises(SendTimeout):
                await send(made, backend.port, timeout=0.5)


async def test_credentials_and_headers(authority: trustme.CA) -> None:
    settings = {
        "basic_auth": BasicAuth(username="u", password=Secret("p")),
        "http_headers": (("x-scope-orgid", ("tenant",)),),
    }
    async with http2_server(server_context(authority)) as backend, client(authority, **settings) as made:
        for _ in range(2):
            await send(made, backend.port)
    for stream in backend.requests:
        assert stream.values("authorization") == ["Basic dTpw"]
        assert stream.values("x-scope-orgid") == ["tenant"]


async def test_tokens_from_a_server_that_speaks_only_http2(authority: trustme.CA) -> None:
    async def token(stream: Stream) -> None:
        await stream.answer(200, b'{"access_token":"T"}', ("content-type", "application/json"))

    async with http2_server(server_context(authority), token) as tokens:
        oauth2 = OAuth2(
            client_id="i",
            client_secret=Secret("s"),
            token_url=f"https://127.0.0.1:{tokens.port}/token",
            tls=TLSSettings(ca_pem=pem(authority)),
        )
        async with (
            http2_server(server_context(authority)) as backend,
            client(authority, oauth2=oauth2) as made,
        ):
            await send(made, backend.port)
    assert backend.requests[0].values("authorization") == ["Bearer T"]


@pytest.mark.parametrize("first", ["http1", "http2"])
async def test_redirects_lead_from_one_to_the_other(authority: trustme.CA, first: str) -> None:
    location: list[tuple[str, str]] = []

    async def away(stream: Stream) -> None:
        await (stream.answer(307, b"", *location) if location else stream.answer())

    async with http2_server(server_context(authority), away) as over2:
        http1 = server_context(authority, protocols=("http/1.1",))
        target = f"https://127.0.0.1:{over2.port}/end"
        reply = f"HTTP/1.1 307 T\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
        ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        async with scripted(answering(reply if first == "http1" else ok), http1) as over1:
            if first == "http2":
                location.append(("location", f"https://127.0.0.1:{over1.port}/end"))
            async with client(authority, basic_auth=BasicAuth(username="u", password=Secret("p"))) as made:
                for _ in range(2):
                    start = over1.port if first == "http1" else over2.port
                    assert (await send(made, start)).status == 200
    assert [request.body for request in over1.requests] == [b"body"] * 2
    assert [stream.body for stream in over2.requests] == [b"body"] * 2
    given = [["Basic dTpw"]] * 2  # the other server gets none
    assert [each.values("authorization") for each in over1.requests] == (
        given if first == "http1" else [[], []]
    )
    assert [each.values("authorization") for each in over2.requests] == (
        given if first == "http2" else [[], []]
    )


async def test_a_streamed_body(authority: trustme.CA) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with http2_server(server_context(authority)) as backend, client(authority) as made:
        url = parse_url(f"https://127.0.0.1:{backend.port}/up")
        request = Request("POST", origin_of(url), "/up", made.headers([]), (), 20.0)
        assert (await made.stream(request, parts())).status == 200
    assert backend.requests[0].body == b"onetwo"


async def test_with_a_certificate_and_another_name(authority: trustme.CA) -> None:
    context = server_context(authority, "elsewhere.test")
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    identity = authority.issue_cert("client@example.org")
    settings = TLSSettings(
        ca_pem=pem(authority),
        cert_pem=identity.cert_chain_pems[0].bytes().decode(),
        key_pem=Secret(identity.private_key_pem.bytes().decode()),
        server_name="elsewhere.test",
    )
    async with http2_server(context) as backend, client(authority, tls=settings) as made:
        assert (await send(made, backend.port)).body == b"ok"


async def test_through_a_proxy(authority: trustme.CA) -> None:
    async def connect(peer: Any) -> None:
        head = await peer.head()
        asked.append(head.split(b"\r\n")[0].decode())
        reader, writer = await asyncio.open_connection("127.0.0.1", backend.port)
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer), return_exceptions=True)

    asked: list[str] = []
    async with http2_server(server_context(authority)) as backend, scripted(connect) as proxy:
        settings = ProxySettings(url=parse_url(f"http://127.0.0.1:{proxy.port}"))
        async with client(authority, proxy=settings) as made:
            for _ in range(2):
                assert (await send(made, backend.port)).body == b"ok"
    assert asked == [f"CONNECT 127.0.0.1:{backend.port} HTTP/1.1"]
    assert backend.agreed == ["h2"]


async def test_settings_come_from_the_configuration() -> None:
    assert client_settings(HTTPClientArguments()).http2
    assert not client_settings(HTTPClientArguments(enable_http2=False)).http2


@pytest.mark.parametrize("enabled", [True, False])
async def test_profiles_are_written(authority: trustme.CA, enabled: bool) -> None:
    async with http2_server(server_context(authority)) as backend:
        url = f"https://127.0.0.1:{backend.port}"
        tls = TLSArguments(ca_pem=pem(authority))
        given = endpoint(url, tls_config=tls, enable_http2=enabled)
        async with writing(arguments(given)) as running:
            for _ in range(2):
                if enabled:
                    await running.receiver.append_ingest(ingest())
                else:
                    with pytest.raises(DeliveryError, match="EOF"):
                        await running.receiver.append_ingest(ingest())
            counts = running.counts()
    if enabled:
        assert counts["sent_profiles"] == 2
        assert [stream.body for stream in backend.requests] == [b"body"] * 2
        assert backend.requests[0].values("x-alloy-id")
    else:
        assert counts["dropped_profiles"] == 2
        assert counts["retries"] == 4


async def test_without_the_extra_profiles_fail_as_with_any_broken_connection(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloypy.net.client.http2.installed", lambda: False)
    async with http2_server(server_context(authority)) as backend:
        given = endpoint(f"https://127.0.0.1:{backend.port}", tls_config=TLSArguments(ca_pem=pem(authority)))
        async with writing(arguments(given)) as running:
            for _ in range(2):
                with pytest.raises(DeliveryError, match=r"needs the extra alloypy\[http2\]"):
                    await running.receiver.append_ingest(ingest())
            counts = running.counts()
            told = [line for line in running.log.lines if line.startswith("WARNING endpoint is failing")]
    assert counts["dropped_profiles"] == 2
    assert counts["retries"] == 4
    assert [MISSING in line for line in told] == [True]


async def test_it_is_not_imported_before_it_is_needed(authority: trustme.CA, tmp_path: Path) -> None:
    program = """
import asyncio, sys
from alloypy.net.client.client import Client, ClientSettings
from alloypy.net.client.messages import Origin, Request
from alloypy.net.client.tls import TLSSettings
async def main(port, ca):
    client = Client(ClientSettings(tls=TLSSettings(ca_file=ca)), environ={}, user_agent="a")
    origin = Origin("https", "127.0.0.1", port, "h")
    print((await client.send(Request("POST", origin, "/", [], (b"x",), 20.0))).status)
    await client.aclose()
asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
print([name for name in ("httpx", "httpcore", "h2", "alloypy.net.client.http2") if name in sys.modules])
"""
    (tmp_path / "ca.pem").write_text(pem(authority))
    async with scripted(answering(), server_context(authority, protocols=("http/1.1",))) as backend:
        command = [sys.executable, "-c", program, str(backend.port), str(tmp_path / "ca.pem")]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=True
        )
    assert done.stdout == "200\n[]\n"
