"""The client of discovery and remote content against real servers: what it sends, refuses and reports."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from alloypy.lang.go.url import parse_url
from alloypy.lang.values import Secret
from alloypy.net import followed
from alloypy.net.client.auth import Authorization, BasicAuth, OAuth2
from alloypy.net.client.client import ClientSettings
from alloypy.net.client.cold import BrokenAnswer, ColdClient, ColdError
from alloypy.net.client.proxy import ProxySettings
from alloypy.net.client.redirects import MOST
from alloypy.net.client.tls import TLSSettings
from tests.support.running import free_port
from tests.support.scripted import Peer, answering, scripted
from tests.support.tls import pem

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def cold(**settings: Any) -> AsyncIterator[ColdClient]:
    async with ColdClient(ClientSettings(**settings), environ={}, user_agent="me/1") as client:
        yield client


async def fault(client: ColdClient, url: str, **given: Any) -> str:
    with pytest.raises(ColdError) as caught:
        await client.get(url, **{"timeout": 10.0, **given})
    return str(caught.value)


def moved(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


async def test_the_request_as_sent() -> None:
    async with scripted(answering()) as server, cold(http_headers=(("x-a", ("1", "2")),)) as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/a?b=c#d", [("accept", "x/y")], timeout=10)
        assert (answer.status, answer.reason, answer.body) == (200, "OK", b"ok")
        await client.send("POST", f"http://127.0.0.1:{server.port}/", body=b"hi", timeout=10)
    first, second = server.requests
    assert first.line == "GET /a?b=c HTTP/1.1"
    assert first.headers == [
        ("Host", f"127.0.0.1:{server.port}"),
        ("User-Agent", "me/1"),
        ("Accept", "x/y"),
        ("X-A", "1"),
        ("X-A", "2"),
    ]
    assert (second.line, second.body) == ("POST / HTTP/1.1", b"hi")
    assert server.open == 0


async def test_headers_that_the_client_writes_itself_are_not_taken_over() -> None:
    own = [("host", "other"), ("Content-Length", "7"), ("Transfer-Encoding", "chunked"), ("User-Agent", "x")]
    async with scripted(answering()) as server, cold() as client:
        await client.get(f"http://127.0.0.1:{server.port}/", own, timeout=10)
    assert server.requests[0].headers == [("Host", f"127.0.0.1:{server.port}"), ("User-Agent", "x")]


async def test_headers_are_trimmed_and_methods_keep_their_case() -> None:
    async with (
        scripted(answering()) as server,
        cold(authorization=Authorization("Bearer", Secret("  a b "))) as client,
    ):
        url = f"http://127.0.0.1:{server.port}/"
        await client.send("get", url, [("User-Agent", ""), ("X-Empty", " ")], timeout=10)
    (request,) = server.requests
    assert request.line == "get / HTTP/1.1"
    assert request.values("Authorization") == ["Bearer   a b"]
    assert request.values("User-Agent") == []
    assert b"".join(request.values("X-Empty")[0].encode().split()) == b""


UNREADABLE = "failed to parse Location header"


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("http://[::1", f'Get "URL": {UNREADABLE} "http://[::1": parse "http://[::1": missing \']\' in host'),
        ("ftp://u:hush@x/", 'Get "ftp://u:xxxxx@x/": unsupported protocol scheme "ftp"'),
    ],
)  # fmt: skip
async def test_a_redirect_that_leads_nowhere(location: str, text: str) -> None:
    async with scripted(answering(moved(location))) as server, cold() as client:
        url = f"http://127.0.0.1:{server.port}/"
        assert await fault(client, url) == text.replace("URL", url)


async def test_a_certificate_for_another_name_names_the_one_asked_for() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    settings = TLSSettings(ca_pem=pem(authority), server_name="other.test")
    async with scripted(answering(), context) as server, cold(tls=settings) as client:
        assert (await fault(client, f"https://127.0.0.1:{server.port}/")).endswith(
            "tls: failed to verify certificate: x509: certificate is not valid for other.test"
        )


async def test_the_user_of_the_url_is_sent_and_the_password_never_shown() -> None:
    port = free_port()
    async with scripted(answering()) as server, cold() as client:
        await client.get(f"http://us:pw@127.0.0.1:{server.port}/", timeout=10)
        assert server.requests[0].values("Authorization") == ["Basic dXM6cHc="]
        assert await fault(client, f"http://us:pw@127.0.0.1:{port}/?key=pw") == (
            f'Get "http://us:***@127.0.0.1:{port}/?key=xxxxx": '
            f"dial tcp 127.0.0.1:{port}: connect: connection refused"
        )


async def test_credentials_and_headers_stay_with_the_host_and_port() -> None:
    given = {
        "basic_auth": BasicAuth("u", Secret("hush")),
        "http_headers": (("X-Key", ("hush",)),),
    }
    async with scripted(answering()) as other, scripted(answering(moved("/next"))) as unused:
        for host in ("127.0.0.1", "localhost"):
            reply = moved(f"http://{host}:{other.port}/x")
            async with scripted(answering(reply)) as server, cold(**given) as client:
                url = f"http://127.0.0.1:{server.port}/"
                answer = await client.get(url, [("Accept", "a/b")], timeout=10)
                assert answer.body == b"ok"
            assert "hush" in server.requests[0].values("X-Key")
    assert unused.requests == []
    assert len(other.requests) == 2
    for request in other.requests:
        assert not {name for name, _ in request.headers} - {"Host", "User-Agent", "Accept", "Referer"}


async def test_a_redirect_on_the_same_server_keeps_them() -> None:
    async def script(peer: Peer) -> None:
        while (request := await peer.request()) is not None:
            await peer.say(OK if request.line.startswith("GET /next") else moved("/next"))

    async with scripted(script) as server, cold(authorization=Authorization("Bearer", Secret("t"))) as client:
        await client.get(f"http://127.0.0.1:{server.port}/", timeout=10)
    assert [request.values("Authorization") for request in server.requests] == [["Bearer t"], ["Bearer t"]]


async def test_a_redirect_loop_ends_with_the_last_location() -> None:
    async with scripted(answering(moved("/c"))) as server, cold() as client:
        assert await fault(client, f"http://127.0.0.1:{server.port}/c") == (
            'Get "/c": stopped after 10 redirects'
        )
        assert len(server.requests) == MOST


async def test_a_redirect_to_a_dead_server_names_that_server() -> None:
    port = free_port()
    async with scripted(answering(moved(f"http://127.0.0.1:{port}/x"))) as server, cold() as client:
        assert await fault(client, f"http://127.0.0.1:{server.port}/c") == (
            f'Get "http://127.0.0.1:{port}/x": dial tcp 127.0.0.1:{port}: connect: connection refused'
        )


async def test_without_redirects_the_answer_is_the_redirect() -> None:
    async with scripted(answering(moved("/c"))) as server, cold(follow_redirects=False) as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/c", timeout=10)
    assert (answer.status, answer.header("location")) == (302, "/c")


async def test_large_answers_are_refused_and_the_limit_itself_is_accepted() -> None:
    for size, fits in ((1000, True), (1001, False)):
        reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
        async with scripted(answering(reply)) as server, cold() as client:
            url = f"http://127.0.0.1:{server.port}/"
            if fits:
                assert len((await client.get(url, timeout=10, most_bytes=1000)).body) == size
            else:
                text = await fault(client, url, most_bytes=1000)
                assert text == "the answer is larger than 1000 bytes"


async def test_endless_answers_are_refused_at_the_limit() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.say(b"x" * 65536)

    async with scripted(script) as server, cold() as client:
        text = await fault(client, f"http://127.0.0.1:{server.port}/")
    assert text == "the answer is larger than 10485760 bytes"


async def test_a_half_answer_is_broken_and_shows_what_arrived() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 503 Later\r\nContent-Length: 100\r\n\r\nhalf")

    async with scripted(script) as server, cold() as client:
        with pytest.raises(BrokenAnswer, match=r"^unexpected EOF$") as caught:
            await client.get(f"http://127.0.0.1:{server.port}/", timeout=10)
    assert (caught.value.answer.status, caught.value.answer.reason) == (503, "Later")


async def test_one_byte_a_second_is_given_up_after_the_timeout() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await peer.say(b"x")
            await asyncio.sleep(0.05)

    async def silent(peer: Peer) -> None:
        await peer.closed_by_client()

    async with scripted(script) as slow, scripted(silent) as mute, cold() as client:
        assert await fault(client, f"http://127.0.0.1:{slow.port}/", timeout=0.3) == (
            "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
        )
        url = f"http://127.0.0.1:{mute.port}/"
        assert await fault(client, url, timeout=0.3) == (
            f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        )
        async with ColdClient(ClientSettings(), environ={}, user_agent="a", names_timeout=False) as plain:
            assert await fault(plain, url, timeout=0.3) == f'Get "{url}": context deadline exceeded'


async def test_a_gzip_bomb_stays_packed() -> None:
    bomb = gzip.compress(bytes(10 << 20))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with scripted(answering(head + bomb)) as server, cold() as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/", timeout=10)
    assert answer.body == bomb
    assert server.requests[0].values("Accept-Encoding") == []


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("", 'Get "": unsupported protocol scheme ""'),
        ("ftp://h/sd", 'Get "ftp://h/sd": unsupported protocol scheme "ftp"'),
        ("http:///sd", 'Get "http:///sd": http: no Host in request URL'),
        ("http://[::1", "parse \"http://[::1\": missing ']' in host"),
    ],
)  # fmt: skip
async def test_urls_that_cannot_be_asked(url: str, text: str) -> None:
    async with cold() as client:
        assert await fault(client, url) == text


async def test_headers_that_cannot_be_sent() -> None:
    async with cold() as client:
        assert await fault(client, "http://h/", headers=[("a b", "x")]) == (
            'Get "http://h/": net/http: invalid header field name "a b"'
        )
        assert await fault(client, "http://h/", headers=[("A", "x\ny")]) == (
            'Get "http://h/": net/http: invalid header field value for "A"'
        )


async def test_a_token_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "CHECK_SECONDS", 0.0)
    path = tmp_path / "token"
    settings = Authorization("Bearer", None, str(path))
    async with scripted(answering()) as server, cold(authorization=settings) as client:
        url = f"http://127.0.0.1:{server.port}/"
        assert await fault(client, url) == (
            f'Get "{url}": unable to read authorization credentials: unable to read file {path}: '
            f"open {path}: no such file or directory"
        )
        for token in ("one", "two-longer"):
            path.write_text(token)
            await client.get(url, timeout=10)
    assert [request.values("Authorization") for request in server.requests] == [
        ["Bearer one"],
        ["Bearer two-longer"],
    ]


async def test_an_expired_token_is_fetched_anew() -> None:
    body = b'{"access_token": "t", "expires_in": 1}'
    reply = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    async with scripted(answering(reply)) as tokens, scripted(answering()) as server:
        oauth2 = OAuth2("id", f"http://127.0.0.1:{tokens.port}/", Secret("s"))
        async with cold(oauth2=oauth2) as client:
            for _ in range(2):
                await client.get(f"http://127.0.0.1:{server.port}/", timeout=10)
    assert len(tokens.requests) == 2
    assert server.requests[1].values("Authorization") == ["Bearer t"]


async def test_a_ca_that_changes_on_disk_takes_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed, "CHECK_SECONDS", 0.0)
    good, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    good.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path / "ca.pem"
    path.write_text(pem(other))
    async with scripted(answering(), context) as server, cold(tls=TLSSettings(ca_file=str(path))) as client:
        url = f"https://127.0.0.1:{server.port}/"
        assert await fault(client, url) == (
            f'Get "{url}": tls: failed to verify certificate: x509: certificate signed by unknown authority'
        )
        path.write_text(pem(good) + "\n\n")
        assert (await client.get(url, timeout=10)).body == b"ok"


async def test_tls_settings_that_cannot_be_used_are_found_by_check(tmp_path: Path) -> None:
    async with cold(tls=TLSSettings(ca_file=str(tmp_path / "none.pem"))) as client:
        with pytest.raises(
            ColdError, match=r"^unable to read CA cert: unable to read file .*none\.pem: open "
        ):
            await client.check()
    async with cold(tls=TLSSettings(ca_pem="rubbish")) as client:
        with pytest.raises(ColdError, match=r"^unable to use specified CA cert inline$"):
            await client.check()


async def test_a_proxy_that_is_down_or_refuses() -> None:
    port = free_port()
    async with cold(proxy=ProxySettings(parse_url(f"http://pu:hush@127.0.0.1:{port}"))) as client:
        assert await fault(client, "http://sd.invalid/sd") == (
            f'Get "http://sd.invalid/sd": proxyconnect tcp: '
            f"dial tcp 127.0.0.1:{port}: connect: connection refused"
        )
    reply = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answering(reply)) as proxy:
        settings = ProxySettings(parse_url(f"http://127.0.0.1:{proxy.port}"))
        async with cold(proxy=settings) as client:
            assert await fault(client, "https://sd.invalid/sd") == 'Get "https://sd.invalid/sd": Forbidden'
    assert proxy.requests[0].line == "CONNECT sd.invalid:443 HTTP/1.1"


async def test_a_unix_socket_is_reached(tmp_path: Path) -> None:
    path = str(tmp_path / "d.sock")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    async with ColdClient(ClientSettings(), environ={}, user_agent="a", socket_path=path) as client:
        assert await fault(client, "http://localhost/_ping") == (
            f'Get "http://localhost/_ping": dial unix {path}: connect: no such file or directory'
        )
        server = await asyncio.start_unix_server(serve, path)
        async with server:
            assert (await client.get("http://localhost/_ping", timeout=10)).body == b"ok"
