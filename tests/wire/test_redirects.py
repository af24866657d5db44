"""What follows a redirect to another server, and what does not, for every kind of credentials."""

# ruff: noqa: SIM117 -- servers outside, clients inside reads better

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme

from alloypy.components.http_client import BasicAuthArguments, HTTPClientArguments
from alloypy.components.remote.http_import import Arguments, fetch
from alloypy.lang.go.url import parse_url
from alloypy.lang.values import Secret
from alloypy.net.client.auth import Authorization, BasicAuth, OAuth2
from alloypy.net.client.client import Client, ClientSettings
from alloypy.net.client.messages import Request, Response, SendError, origin_of, target_of
from alloypy.net.client.proxy import ProxySettings
from alloypy.net.client.redirects import RedirectChain
from alloypy.net.client.tls import TLSSettings
from tests.support.running import Running, free_port
from tests.support.scripted import Backend, Peer, Seen, answering, scripted

pytestmark = pytest.mark.anyio

PUBLIC = {"Host", "User-Agent", "Content-Length", "Content-Type", "Referer"}
MARK = "hush"
KINDS = (
    "header",
    "headers",
    "http_headers",
    "basic_auth",
    "password_file",
    "authorization",
    "credentials_file",
    "oauth2",
    "cookie",
)


class Secrets(NamedTuple):
    """A kind of credentials: settings of the client, and headers of the request."""

    settings: dict[str, Any]
    headers: list[tuple[str, str]]


def secrets(kind: str, folder: Path, tokens: Backend) -> Secrets:
    path = folder / "secret"
    path.write_text(MARK)
    token_url = f"http://127.0.0.1:{tokens.port}/"
    settings: dict[str, Any] = {
        "http_headers": {"http_headers": (("X-Api-Key", (MARK,)),)},
        "basic_auth": {"basic_auth": BasicAuth(username="u", password=Secret(MARK))},
        "password_file": {"basic_auth": BasicAuth(username="u", password_file=str(path))},
        "authorization": {"authorization": Authorization(credentials=Secret(MARK))},
        "credentials_file": {"authorization": Authorization(credentials_file=str(path))},
        "oauth2": {"oauth2": OAuth2(client_id="c", client_secret=Secret("s"), token_url=token_url)},
    }
    headers = {
        "header": [("Authorization", MARK)],
        "headers": [("X-Scope-Orgid", MARK), ("X-Api-Key", MARK)],
        "cookie": [("Cookie", MARK)],
    }
    return Secrets(settings.get(kind, {}), headers.get(kind, []))


def token() -> bytes:
    body = b'{"access_token": "hush"}'
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


def redirecting(location: str) -> Any:
    reply = f"HTTP/1.1 307 T\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    return answering(reply.encode())


@asynccontextmanager
async def client(**settings: Any) -> AsyncIterator[Client]:
    made = Client(ClientSettings(**settings), environ={}, user_agent="agent")
    try:
        yield made
    finally:
        await made.aclose()


async def send(made: Client, url: str, headers: list[tuple[str, str]]) -> Response:
    parsed = parse_url(url)
    prepared = made.headers([("User-Agent", "agent"), ("Content-Type", "a/b"), *headers])
    return await made.send(Request("POST", origin_of(parsed), target_of(parsed), prepared, (b"body",), 10.0))


def context(authority: trustme.CA) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(made)
    return made


def tls(authority: trustme.CA) -> TLSSettings:
    return TLSSettings(ca_pem=authority.cert_pem.bytes().decode())


def shows(request: Seen) -> bool:
    """Whether anything secret has arrived."""
    return any(name not in PUBLIC for name, _ in request.headers) or MARK in repr(request)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("first", "second", "host"),
    [
        ("http", "http", "127.0.0.1"),  # another port
        ("http", "http", "localhost"),
        ("https", "https", "127.0.0.1"),
        ("https", "http", "localhost"),
        ("http", "https", "127.0.0.1"),
    ],
    ids=lambda value: value,
)
async def test_nothing_secret_reaches_another_server(
    kind: str, first: str, second: str, host: str, tmp_path: Path, authority: trustme.CA
) -> None:
    # The recording http-110 of Alloy's discovery.http has X-Secret of http_headers at the other host.
    async with AsyncExitStack() as stack:
        tokens = await stack.enter_async_context(scripted(answering(token())))
        secure = {"http": None, "https": context(authority)}
        there = await stack.enter_async_context(scripted(answering(), secure[second]))
        away = f"{second}://{host}:{there.port}/end"
        here = await stack.enter_async_context(scripted(redirecting(away), secure[first]))
        given = secrets(kind, tmp_path, tokens)
        made = await stack.enter_async_context(client(tls=tls(authority), **given.settings))
        response = await send(made, f"{first}://127.0.0.1:{here.port}/?token={MARK}", given.headers)
        assert response.status == 200
    (started,), (ended,) = here.requests, there.requests
    assert shows(started)
    assert not shows(ended)
    assert (ended.line, ended.body) == ("POST /end HTTP/1.1", b"body")


@pytest.mark.parametrize("kind", KINDS)
async def test_everything_follows_on_the_same_server(kind: str, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            more = "" if "/end" in request.line else "Location: /end\r\n"
            status = "200 OK" if "/end" in request.line else "307 T"
            await peer.say(f"HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\n\r\n".encode())

    async with scripted(answering(token())) as tokens, scripted(script) as server:
        given = secrets(kind, tmp_path, tokens)
        async with client(**given.settings) as made:
            assert (await send(made, f"http://127.0.0.1:{server.port}/?q=1", given.headers)).status == 200
    first, second = server.requests
    assert shows(second)
    assert second.values("Referer") == [f"http://127.0.0.1:{server.port}/?q=1"]
    assert {name for name, _ in second.headers} == {name for name, _ in first.headers} | {"Referer"}


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_secret_reaches_another_server_through_a_proxy(kind: str, tmp_path: Path) -> None:
    """The proxy answers in place of both servers."""

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            away = "Location: http://two.example/end\r\n" if "one.example" in request.line else ""
            status = "307 T" if away else "200 OK"
            await peer.say(f"HTTP/1.1 {status}\r\n{away}Content-Length: 0\r\n\r\n".encode())

    async with scripted(answering(token())) as tokens, scripted(script) as between:
        given = secrets(kind, tmp_path, tokens)
        proxy = ProxySettings(
            url=parse_url(f"http://u:p@127.0.0.1:{between.port}"), connect_headers=(("X-Connect", MARK),)
        )
        async with client(proxy=proxy, **given.settings) as made:
            assert (await send(made, f"http://one.example/?token={MARK}", given.headers)).status == 200
    started, ended = between.requests
    assert started.values("Proxy-Authorization") == ended.values("Proxy-Authorization") == ["Basic dTpw"]
    assert shows(started)
    ours = [pair for pair in ended.headers if pair[0] != "Proxy-Authorization"]
    assert not shows(ended._replace(headers=ours))


async def test_a_token_server_cannot_send_the_client_secret_elsewhere() -> None:
    async with scripted(answering(token())) as there:
        async with scripted(redirecting(f"http://localhost:{there.port}/")) as tokens:
            settings = OAuth2(
                client_id="c", client_secret=Secret(MARK), token_url=f"http://127.0.0.1:{tokens.port}/"
            )
            async with client(oauth2=settings) as made:
                with pytest.raises(SendError, match="cannot fetch token: 307"):
                    await send(made, "http://127.0.0.1:1/", [])
    assert there.connections == 0


async def test_what_is_kept_back_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        scripted(answering()) as there,
        scripted(redirecting(f"http://localhost:{there.port}/")) as here,
    ):
        async with client() as made:
            await send(made, f"http://127.0.0.1:{here.port}/", [])
            assert not caplog.records
            for _ in range(2):
                await send(made, f"http://127.0.0.1:{here.port}/?q={MARK}", [("X-Api-Key", MARK)])
    (record,) = (each for each in caplog.records if each.levelno >= logging.WARNING)
    assert "redirect leads to another server" in record.getMessage()
    assert record.__dict__["fields"] == {
        "from": f"http://127.0.0.1:{here.port}",
        "to": f"http://localhost:{there.port}",
    }


@pytest.mark.parametrize(
    ("home", "way", "left"),
    [
        ("http://a.example/", ["http://A.EXAMPLE:80/x"], False),
        ("https://a.example:443/", ["https://a.example/x", "/y"], False),
        ("http://a.example/", ["http://b.a.example/"], True),
        ("http://a.example/", ["http://a.example:8080/"], True),
        ("http://a.example/", ["https://a.example/"], True),
        ("http://a.example/", ["http://a.example.evil/"], True),
        ("http://a.example/", ["http://a.example@evil/"], True),
        ("http://a.example/", ["//evil/", "http://a.example/"], True),
        ("http://[::1]:1/", ["http://[0:0::1]:1/"], True),
    ],
)
def test_where_a_server_ends(home: str, way: list[str], left: bool) -> None:
    url = parse_url(home)
    request = Request("GET", origin_of(url), "/", [("Authorization", "x"), ("X-A", "y")], (), 1.0)
    trail = RedirectChain(request)
    for location in way:
        following = trail.next_request(request, Response(302, "", [("location", location)], b""), 1.0)
        assert following is not None
        request = following
    assert trail.left == trail.kept_back == left
    assert any(name == "X-A" for name, _ in request.headers) != left


async def test_an_imported_module_may_stand_elsewhere_but_gets_no_secret() -> None:
    async with scripted(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as there:
        async with scripted(redirecting(f"http://localhost:{there.port}/m.alloy")) as here:
            arguments = Arguments(
                url=f"http://127.0.0.1:{here.port}/?token={MARK}",
                headers={"x-api-key": MARK},
                client=HTTPClientArguments(
                    basic_auth=BasicAuthArguments(username="u", password=Secret(MARK)),
                    http_headers={"X-More": (Secret(MARK),)},
                ),
            )
            assert await fetch(arguments) == "ok"
    (started,), (ended,) = here.requests, there.requests
    assert started.values("X-Api-Key") == started.values("X-More") == [MARK]
    assert not shows(ended)


async def test_a_running_process_keeps_headers_from_where_its_backend_redirects_to(tmp_path: Path) -> None:
    port = free_port()
    async with scripted(answering()) as there:
        async with scripted(redirecting(f"http://localhost:{there.port}/ingest")) as here:
            (tmp_path / "config.alloy").write_text(f"""
pyroscope.receive_http "in" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.write.out.receiver]
}}
pyroscope.write "out" {{
  endpoint {{
    url     = "http://127.0.0.1:{here.port}"
    headers = {{ "X-Scope-OrgID" = "{MARK}" }}
    basic_auth {{
      username = "u"
      password = "{MARK}"
    }}
  }}
}}
""")
            with Running(["--stability.level=public-preview", "config.alloy"], tmp_path) as running:
                await asyncio.to_thread(running.wait_until_ready)
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"POST /ingest?name=a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
                assert b" 200 " in await reader.readline()
                writer.close()
                assert await asyncio.to_thread(running.stop) == 0
                assert "redirect leads to another server" in running.text
    (started,), (ended,) = here.requests, there.requests
    assert started.values("X-Scope-Orgid") == [MARK]
    assert ended.body == b"abc"
    assert not {"X-Scope-Orgid", "Authorization", "X-Alloy-Id"} & {name for name, _ in ended.headers}
    assert MARK not in repr(ended)
