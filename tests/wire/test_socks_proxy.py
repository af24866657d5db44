"""SOCKS5 proxies: what they are asked for, and what is reported when they fail."""

# ruff: noqa: SIM117 -- servers outside, clients inside reads better

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from alloypy.components.http_client import HTTPClientArguments, ProxyArguments, client_settings
from alloypy.lang.go.url import parse_url
from alloypy.net.client.client import Client, ClientSettings
from alloypy.net.client.http2 import MISSING
from alloypy.net.client.messages import Request, Response, SendError, SendTimeout, origin_of, target_of
from alloypy.net.client.proxy import ProxySettings
from alloypy.net.client.tls import TLSSettings
from tests.support.http2_server import http2_server, server_context
from tests.support.scripted import answering, scripted
from tests.support.sending import INGEST_OK, arguments, endpoint, ingest, writing
from tests.support.socks_proxy import Asked, socks_proxy
from tests.support.tls import pem
from tests.support.waiting import until

pytestmark = pytest.mark.anyio
LOGIN = ("us@er", "s3:cret")
SHOWN = "us%40er:s3%3Acret@"


@asynccontextmanager
async def client(proxy: str, **settings: Any) -> AsyncIterator[Client]:
    made = Client(
        ClientSettings(proxy=ProxySettings(url=parse_url(proxy)), **settings), environ={}, user_agent="agent"
    )
    try:
        yield made
    finally:
        await made.aclose()


async def send(made: Client, url: str, timeout: float = 20.0) -> Response:
    parsed = parse_url(url)
    headers = made.headers([("User-Agent", "agent")])
    return await made.send(Request("POST", origin_of(parsed), target_of(parsed), headers, (b"x",), timeout))


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize(
    ("host", "kind", "asked"),
    [
        ("upstream.invalid", 3, "upstream.invalid"),
        ("localhost", 3, "localhost"),
        ("127.0.0.1", 1, "127.0.0.1"),
        ("[::1]", 4, "::1"),
        ("[::ffff:127.0.0.9]", 1, "127.0.0.9"),
    ],
)
async def test_names_are_looked_up_by_the_proxy(scheme: str, host: str, kind: int, asked: str) -> None:
    async with scripted(answering()) as backend, socks_proxy() as proxy:
        async with client(f"{scheme}://127.0.0.1:{proxy.port}") as made:
            for _ in range(2):
                assert (await send(made, f"http://{host}:{backend.port}/a?b")).body == b"ok"
    assert proxy.asked == [Asked((0,), None, kind, asked, backend.port)]
    request = backend.requests[0]
    assert request.line == "POST /a?b HTTP/1.1"
    assert request.values("Host") == [f"{host}:{backend.port}"]


async def test_credentials() -> None:
    async with scripted(answering()) as backend, socks_proxy(LOGIN) as proxy:
        async with client(f"socks5://{SHOWN}127.0.0.1:{proxy.port}") as made:
            assert (await send(made, f"http://a.test:{backend.port}/")).status == 200
    assert proxy.asked == [Asked((0, 2), LOGIN, 3, "a.test", backend.port)]


async def test_credentials_that_the_proxy_does_not_want() -> None:
    async with scripted(answering()) as backend, socks_proxy() as proxy:
        async with client(f"socks5://{SHOWN}127.0.0.1:{proxy.port}") as made:
            assert (await send(made, f"http://a.test:{backend.port}/")).status == 200
    assert proxy.asked == [Asked((0, 2), None, 3, "a.test", backend.port)]


@pytest.mark.parametrize(
    ("user", "answers", "text"),
    [
        ("", [b"\5\xff"], "no acceptable authentication methods"),
        ("", [b"\5\2"], "unsupported authentication method 2"),
        (SHOWN, [b"\5\3"], "unsupported authentication method 3"),
        (SHOWN, [b"\5\2", b"\1\1"], "username/password authentication failed"),
        (f"{'u' * 256}:p@", [b"\5\2"], "invalid username/password"),
        ("", [b"HT"], "unexpected protocol version 72"),
        ("", [b"\5\0", b"\4\0\0\1"], "unexpected protocol version 4"),
        ("", [b"\5\0", b"\5\1\0\1"], "unknown error general SOCKS server failure"),
        (SHOWN, [b"\5\0", b"\5\5\0\1"], "unknown error connection refused"),
        ("", [b"\5\0", b"\5\x09\0\1"], "unknown error unknown code: 9"),
        ("", [b"\5\0", b"\5\0\0\2"], "unknown address type 2"),
    ],
)
async def test_a_proxy_that_does_not_help(user: str, answers: list[bytes], text: str) -> None:
    async with socks_proxy(None, *answers) as proxy:
        async with client(f"socks5://{user}127.0.0.1:{proxy.port}") as made:
            for _ in range(2):
                with pytest.raises(SendError) as caught:
                    await send(made, "http://a.test:80/")
                way = f"127.0.0.1:{proxy.port}->a.test:80"
                assert str(caught.value) == f"socks connect tcp {way}: {text}"
        assert proxy.connections == 2
        await until(lambda: proxy.open == 0)


async def test_a_proxy_that_hangs_up() -> None:
    async def leave(peer: Any) -> None:
        await peer.reader.readexactly(3)

    async with scripted(leave) as proxy, client(f"socks5://{SHOWN}127.0.0.1:{proxy.port}") as made:
        text = r"^socks connect tcp .*->a\.test:80: (EOF|read: connection reset by peer)$"
        with pytest.raises(SendError, match=text):
            await send(made, "http://a.test/")


async def test_a_proxy_that_is_not_there() -> None:
    async with socks_proxy() as proxy:
        pass
    async with client(f"socks5://{SHOWN}127.0.0.1:{proxy.port}") as made:
        address = rf"127\.0\.0\.1:{proxy.port}"
        with pytest.raises(
            SendError, match=rf"^proxyconnect tcp: dial tcp {address}: connect: connection ref"
        ):
            await send(made, "http://a.test/")


async def test_the_port_may_be_left_out() -> None:
    async with client("socks5://nowhere.invalid") as made:
        with pytest.raises(SendError, match=r"^proxyconnect tcp: dial tcp: lookup nowhere\.invalid: no such"):
            await send(made, "http://a.test/")


async def test_a_proxy_that_says_nothing() -> None:
    async def hang(peer: Any) -> None:
        await peer.closed_by_client()

    async with scripted(hang) as proxy:
        async with client(f"socks5://127.0.0.1:{proxy.port}") as made:
            with pytest.raises(SendTimeout):
                await send(made, "http://a.test/", timeout=0.3)
            await until(lambda: proxy.open == 0)


async def test_cancelling_closes_the_connection() -> None:
    async def hang(peer: Any) -> None:
        await peer.closed_by_client()

    async with scripted(hang) as proxy:
        async with client(f"socks5://127.0.0.1:{proxy.port}") as made:
            task = asyncio.create_task(send(made, "http://a.test/"))
            await until(lambda: proxy.open == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: proxy.open == 0)


async def test_tls_is_between_us_and_the_upstream(authority: trustme.CA) -> None:
    context = server_context(authority, "a.test", protocols=("http/1.1",))
    async with scripted(answering(), context) as backend, socks_proxy() as proxy:
        tls = TLSSettings(ca_pem=pem(authority))
        async with client(f"socks5://127.0.0.1:{proxy.port}", tls=tls) as made:
            for _ in range(2):
                assert (await send(made, f"https://a.test:{backend.port}/")).status == 200
            with pytest.raises(SendError, match=r"x509: certificate is not valid for b\.test"):
                await send(made, f"https://b.test:{backend.port}/")
    assert [each.host for each in proxy.asked] == ["a.test", "b.test"]


@pytest.mark.parametrize("refusal", [b"", None])
async def test_an_upstream_that_speaks_only_http2(authority: trustme.CA, refusal: bytes | None) -> None:
    context = server_context(authority, "a.test")
    async with http2_server(context, refusal=refusal) as backend, socks_proxy() as proxy:
        url, way = f"https://a.test:{backend.port}/", f"socks5://127.0.0.1:{proxy.port}"
        async with client(way, tls=TLSSettings(ca_pem=pem(authority))) as made:
            for _ in range(2):
                assert (await send(made, url)).body == b"ok"
        async with client(way, tls=TLSSettings(ca_pem=pem(authority)), http2=False) as made:
            with pytest.raises(SendError) as caught:
                await send(made, url)
    assert MISSING not in str(caught.value)
    assert len(backend.requests) == 2


async def test_an_upstream_that_speaks_only_http2_without_the_extra(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloypy.net.client.over_httpx.installed", lambda: False)
    async with http2_server(server_context(authority, "a.test"), refusal=None) as backend:
        async with socks_proxy() as proxy:
            async with client(
                f"socks5://127.0.0.1:{proxy.port}", tls=TLSSettings(ca_pem=pem(authority))
            ) as made:
                with pytest.raises(SendError, match=r"needs the extra alloypy\[http2\]"):
                    await send(made, f"https://a.test:{backend.port}/")


async def test_profiles_are_written_through_it() -> None:
    async with scripted(answering(INGEST_OK)) as backend, socks_proxy(LOGIN) as proxy:
        way = ProxyArguments(proxy_url=parse_url(f"socks5://{SHOWN}127.0.0.1:{proxy.port}"))
        assert client_settings(HTTPClientArguments(proxy=way)).proxy.url == way.proxy_url
        async with writing(arguments(endpoint(f"http://a.test:{backend.port}", proxy=way))) as running:
            await running.receiver.append_ingest(ingest())
            assert running.counts()["sent_profiles"] == 1
    assert [request.body for request in backend.requests] == [b"body"]
    assert [each.login for each in proxy.asked] == [LOGIN]


async def test_no_secret_is_reported() -> None:
    async with socks_proxy(("other", "login")) as proxy:
        way = ProxyArguments(proxy_url=parse_url(f"socks5://{SHOWN}127.0.0.1:{proxy.port}"))
        async with writing(arguments(endpoint("http://a.test", proxy=way))) as running:
            with pytest.raises(Exception, match="authentication failed") as caught:
                await running.receiver.append_ingest(ingest())
            told = "\n".join(running.log.lines)
    assert "authentication failed" in told
    for text in (told, str(caught.value)):
        assert "s3" not in text
        assert "us@er" not in text
        assert "us%40er" not in text
