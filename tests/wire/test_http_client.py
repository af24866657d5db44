"""HTTP clients as configurations describe them, over real sockets."""

# ruff: noqa: SIM117 -- servers outside, clients inside reads better

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import trustme

from alloypy.lang.go.url import parse_url
from alloypy.lang.values import Secret
from alloypy.net.client.auth import Authorization, BasicAuth, OAuth2
from alloypy.net.client.client import Client, ClientSettings
from alloypy.net.client.messages import Request, Response, SendError, SendTimeout, origin_of, target_of
from alloypy.net.client.proxy import ProxySettings
from alloypy.net.client.tls import TLSSettings
from tests.support.scripted import Backend, Peer, Seen, answering, scripted

pytestmark = pytest.mark.anyio

Headers = list[tuple[str, str]]


@asynccontextmanager
async def client(clock: Callable[[], float] | None = None, **settings: Any) -> AsyncIterator[Client]:
    environ = settings.pop("environ", {})
    options: dict[str, Any] = {"clock": clock} if clock else {}
    made = Client(ClientSettings(**settings), environ=environ, user_agent="agent", **options)
    try:
        yield made
    finally:
        await made.aclose()


async def send(made: Client, url: str, headers: Headers | None = None, body: bytes = b"body") -> Response:
    parsed = parse_url(url)
    prepared = made.headers([("User-Agent", "agent"), ("Content-Type", "a/b"), *(headers or [])])
    return await made.send(Request("POST", origin_of(parsed), target_of(parsed), prepared, (body,), 10.0))


def url(backend: Backend, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
    return f"{scheme}://{host}:{backend.port}{path}"


async def sent_with(headers: Headers | None = None, **settings: Any) -> Seen:
    async with scripted(answering()) as backend, client(**settings) as made:
        assert (await send(made, url(backend), headers)).status == 200
    return backend.requests[0]


async def test_plain() -> None:
    request = await sent_with()
    assert [name for name, _ in request.headers] == ["Host", "User-Agent", "Content-Length", "Content-Type"]


async def test_added_headers_come_after_own_ones_of_the_same_name() -> None:
    request = await sent_with([("X-A", "own")], http_headers=(("x-a", ("1", "2")), ("x-b", ("3",))))
    assert request.values("X-A") == ["own", "1", "2"]
    names = [name for name, _ in request.headers]
    assert names[3:] == ["Content-Type", "X-A", "X-A", "X-A", "X-B"]


async def test_credentials() -> None:
    basic = BasicAuth(username="u", password=Secret("p"))
    assert (await sent_with(basic_auth=basic)).values("Authorization") == ["Basic dTpw"]
    bearer = Authorization(credentials=Secret("t"))
    assert (await sent_with(authorization=bearer)).values("Authorization") == ["Bearer t"]
    own = await sent_with([("Authorization", "Own x")], basic_auth=basic)
    assert own.values("Authorization") == ["Own x"]


@pytest.mark.usefixtures("watchful")
async def test_credentials_follow_their_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    settings: dict[str, Any] = {"authorization": Authorization(credentials_file=str(path))}
    async with scripted(answering()) as backend, client(**settings) as made:
        with pytest.raises(SendError, match="unable to read authorization credentials"):
            await send(made, url(backend))
        for token in ("one", "two"):
            path.write_text(f"{token}\n")
            await send(made, url(backend), [("Accept", "x"), ("Zone", "z")])
    assert [each.values("Authorization") for each in backend.requests] == [["Bearer one"], ["Bearer two"]]
    names = [name for name, _ in backend.requests[0].headers]
    assert names[3:] == ["Accept", "Authorization", "Content-Type", "Zone"]


class TokenServer:
    """Answers token requests with `replies` in turn; the last one repeats."""

    def __init__(self, *replies: bytes) -> None:
        self.replies = list(replies)

    async def __call__(self, peer: Peer) -> None:
        while await peer.request():
            await peer.say(self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])


def reply(body: bytes | dict[str, Any], status: str = "200 OK", *headers: str) -> bytes:
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    lines = ["Content-Type: application/json", *headers] if isinstance(body, dict) else list(headers)
    return f"HTTP/1.1 {status}\r\n".encode() + "".join(
        f"{line}\r\n" for line in [*lines, f"Content-Length: {len(content)}"]
    ).encode() + b"\r\n" + content  # fmt: skip


def token(text: str, **more: Any) -> bytes:
    return reply({"access_token": text, "token_type": "bearer", **more})


def oauth2(server: Backend, **more: Any) -> OAuth2:
    values: dict[str, Any] = {
        "client_id": "my id",
        "client_secret": Secret("s3cr&t"),
        "token_url": url(server, "/token?x=1"),
        "scopes": ("a", "b"),
        "endpoint_params": {"audience": "x y"},
    }
    return OAuth2(**(values | more))


async def test_tokens_are_fetched_once_and_kept() -> None:
    async with scripted(TokenServer(token("T1"), token("T2"))) as tokens, scripted(answering()) as backend:
        async with client(oauth2=oauth2(tokens)) as made:
            await asyncio.gather(*(send(made, url(backend)) for _ in range(5)))
            await send(made, url(backend), [("Authorization", "Own")])
    assert [each.values("Authorization") for each in backend.requests] == [["Bearer T1"]] * 5 + [["Own"]]
    (request,) = tokens.requests
    assert request.line == "POST /token?x=1 HTTP/1.1"
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
        "audience": ["x y"],
    }
    assert request.values("Authorization") == ["Basic bXkraWQ6czNjciUyNnQ="]
    assert request.values("User-Agent") == ["agent"]


async def test_tokens_are_renewed_shortly_before_they_expire() -> None:
    now = 1000.0
    async with scripted(TokenServer(token("T1", expires_in="60"), token("T2"))) as tokens:
        async with scripted(answering()) as backend, client(lambda: now, oauth2=oauth2(tokens)) as made:
            for moment in (1000.0, 1049.0, 1051.0, 99999.0):
                now = moment
                await send(made, url(backend))
    used = [each.values("Authorization")[0] for each in backend.requests]
    assert used == ["Bearer T1", "Bearer T1", "Bearer T2", "Bearer T2"]


async def test_a_server_that_wants_the_secret_in_the_body() -> None:
    refused = reply({"error": "invalid_client"}, "401 Unauthorized")
    server = TokenServer(refused, token("T1", expires_in=1), token("T2", expires_in=1))
    async with scripted(server) as tokens, scripted(answering()) as backend:
        async with client(oauth2=oauth2(tokens)) as made:
            for _ in range(2):
                await send(made, url(backend))
    assert [bool(each.values("Authorization")) for each in tokens.requests] == [True, False, False]
    assert parse_qs(tokens.requests[1].body.decode())["client_secret"] == ["s3cr&t"]


@pytest.mark.usefixtures("watchful")
async def test_a_changed_secret_file_gets_a_new_token(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    async with scripted(TokenServer(token("T1"), token("T2"))) as tokens, scripted(answering()) as backend:
        settings = oauth2(tokens, client_secret=None, client_secret_file=str(path))
        async with client(oauth2=settings) as made:
            with pytest.raises(SendError, match="unable to read oauth2 client secret: unable to read file"):
                await send(made, url(backend))
            for text in ("one", "one", "two"):
                path.write_text(text)
                await send(made, url(backend))
    used = [each.values("Authorization")[0] for each in backend.requests]
    assert used == ["Bearer T1", "Bearer T1", "Bearer T2"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(b"access_token=F&expires_in=60", "200 OK", "Content-Type: text/plain; charset=x"), "Bearer F"),
        (reply({"access_token": "M", "token_type": "mac"}), "MAC M"),
        (reply({"access_token": "N", "token_type": "Special", "expires_in": None}), "Special N"),
        (
            reply(
                gzip.compress(b'{"access_token":"Z"}', mtime=0),
                "200 OK",
                "Content-Encoding: gzip",
                "Content-Type: application/json",
            ),
            "Bearer Z",
        ),
    ],
)
async def test_forms_of_token_answers(answer: bytes, expected: str) -> None:
    async with scripted(TokenServer(answer)) as tokens, scripted(answering()) as backend:
        async with client(oauth2=oauth2(tokens)) as made:
            await send(made, url(backend))
    assert backend.requests[0].values("Authorization") == [expected]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (reply({"error": "bad_scope", "error_description": "s3cr&t"}, "400 No"), 'oauth2: "bad_scope"'),
        (reply(b"s3cr&t", "503 Busy"), "oauth2: cannot fetch token: 503 Busy"),
        (reply(b"s3cr&t"), "oauth2: cannot parse json: the answer is not JSON"),
        (reply(b"[1]"), "oauth2: cannot parse json: the answer is not an object"),
        (reply({"token": "x"}), "oauth2: server response missing access_token"),
        (reply({"access_token": 5}), "oauth2: server response missing access_token"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "cannot be unpacked"),
        (b"garbage\r\n\r\n", "malformed HTTP response"),
    ],
)  # fmt: skip
async def test_failing_token_servers(answer: bytes, text: str) -> None:
    async with scripted(TokenServer(answer)) as tokens, scripted(answering()) as backend:
        async with client(oauth2=oauth2(tokens)) as made:
            with pytest.raises(SendError) as caught:
                await send(made, url(backend))
    assert text in str(caught.value)
    assert "s3cr" not in str(caught.value)
    assert backend.connections == 0


async def test_a_token_server_that_hangs_uses_up_the_time_of_the_request() -> None:
    async def hang(peer: Peer) -> None:
        await asyncio.sleep(60)

    async with scripted(hang) as tokens, client(oauth2=oauth2(tokens)) as made:
        headers = made.headers([])
        origin = origin_of(parse_url("http://127.0.0.1:1"))
        for waiting in range(2):
            tries = [made.send(Request("POST", origin, "/", headers, (), 0.2)) for _ in range(1 + waiting)]
            outcomes = await asyncio.gather(*tries, return_exceptions=True)
            assert {type(each) for each in outcomes} == {SendTimeout}


async def test_parameters_may_not_be_overwritten() -> None:
    async with scripted(TokenServer(token("T"))) as tokens:
        async with client(oauth2=oauth2(tokens, endpoint_params={"scope": "x"})) as made:
            with pytest.raises(SendError, match='cannot overwrite parameter "scope"'):
                await send(made, "http://127.0.0.1:1/")
        async with scripted(answering()) as backend:
            settings = oauth2(tokens, endpoint_params={"grant_type": "other"})
            async with client(oauth2=settings) as made:
                await send(made, url(backend))
    assert parse_qs(tokens.requests[0].body.decode())["grant_type"] == ["other"]


# Proxies


def proxy(seen: list[str], answer: str = "") -> Callable[[Peer], Any]:
    """An HTTP proxy that records its requests; `answer` refuses CONNECT."""

    async def script(peer: Peer) -> None:
        head = (await peer.head()).decode()
        seen.append(head)
        line = head.split("\r\n")[0]
        if not line.startswith("CONNECT"):
            length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
            await peer.reader.readexactly(length)
            await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nproxied")
            await peer.closed_by_client()
            return
        if answer:
            await peer.say(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        host, port = line.split(" ")[1].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()

        pipes = [
            asyncio.create_task(pipe(peer.reader, writer)),
            asyncio.create_task(pipe(reader, peer.writer)),
        ]
        try:
            await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in pipes:
                each.cancel()
            await asyncio.wait(pipes)
            writer.transport.abort()

    return script


async def test_http_through_a_proxy() -> None:
    seen: list[str] = []
    async with scripted(proxy(seen)) as between:
        settings = ProxySettings(
            url=parse_url(f"http://bob:p%40w@127.0.0.1:{between.port}"), connect_headers=(("X-Connect", "1"),)
        )
        async with client(proxy=settings) as made:
            response = await send(made, "http://example.invalid:4040/x/ingest?name=a%7Bb%3Dc%7D")
    assert response.body == b"proxied"
    lines = seen[0].split("\r\n")
    assert lines[0] == "POST http://example.invalid:4040/x/ingest?name=a%7Bb%3Dc%7D HTTP/1.1"
    assert "Host: example.invalid:4040" in lines
    assert "Proxy-Authorization: Basic Ym9iOnBAdw==" in lines
    assert not [line for line in lines if line.startswith("X-Connect")]


async def test_https_through_a_proxy() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    seen: list[str] = []
    async with scripted(answering(), context) as backend, scripted(proxy(seen)) as between:
        settings = ProxySettings(
            url=parse_url(f"http://u:p@127.0.0.1:{between.port}"), connect_headers=(("X-Connect", "yes"),)
        )
        tls = TLSSettings(ca_pem=authority.cert_pem.bytes().decode())
        async with client(proxy=settings, tls=tls) as made:
            for _ in range(2):
                response = await send(made, url(backend, "/p", "localhost", "https"))
                assert response.body == b"ok"
    (head,) = seen
    assert head.startswith(f"CONNECT localhost:{backend.port} HTTP/1.1\r\n")
    assert "X-Connect: yes" in head
    assert "Proxy-Authorization: Basic dTpw" in head
    assert not backend.requests[0].values("X-Connect")


async def test_a_proxy_that_refuses_shows_no_credentials() -> None:
    async with scripted(proxy([], "407 Proxy Authentication Required")) as between:
        settings = ProxySettings(url=parse_url(f"http://u:hidden@127.0.0.1:{between.port}"))
        async with client(proxy=settings) as made:
            with pytest.raises(SendError) as caught:
                await send(made, "https://example.invalid/")
    assert str(caught.value) == "Proxy Authentication Required"
    assert "hidden" not in str(caught.value)


async def test_a_proxy_that_is_away() -> None:
    async with scripted(answering()) as gone:
        pass
    settings = ProxySettings(url=parse_url(f"http://u:hidden@127.0.0.1:{gone.port}"))
    async with client(proxy=settings) as made:
        with pytest.raises(SendError, match="connection refused") as caught:
            await send(made, "http://example.invalid/")
    assert "hidden" not in str(caught.value)


async def test_a_proxy_of_an_unknown_kind() -> None:
    async with client(proxy=ProxySettings(url=parse_url("gopher://p:70"))) as made:
        with pytest.raises(SendError, match='unsupported proxy scheme "gopher"'):
            await send(made, "http://example.invalid/")


async def test_the_proxy_of_the_environment() -> None:
    seen: list[str] = []
    async with scripted(proxy(seen)) as between, scripted(answering()) as backend:
        environ = {"http_proxy": f"127.0.0.1:{between.port}"}
        async with client(proxy=ProxySettings(from_environment=True), environ=environ) as made:
            assert (await send(made, "http://example.invalid/")).body == b"proxied"
            assert (await send(made, url(backend))).body == b"ok"  # loopback bypasses the proxy
    assert len(seen) == 1


# Redirects


def redirecting(status: str, location: str) -> Callable[[Peer], Any]:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            if request.line.split(" ")[1] == "/end":
                await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend")
            else:
                where = f"Location: {location}\r\n" if location else ""
                await peer.say(f"HTTP/1.1 {status}\r\n{where}Content-Length: 0\r\n\r\n".encode())

    return script


SECRETS = [("Authorization", "Own"), ("Cookie", "c"), ("X-Keep", "k"), ("Content-Encoding", "gzip")]


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect"])
async def test_redirects_that_keep_the_request(status: str) -> None:
    async with scripted(redirecting(status, "/end")) as backend, client() as made:
        assert (await send(made, url(backend), SECRETS)).body == b"end"
    first, second = backend.requests
    assert second.line == "POST /end HTTP/1.1"
    assert second.body == first.body == b"body"
    assert second.values("Authorization") == ["Own"]
    assert second.values("Referer") == [url(backend, "/")]


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "303 See Other"])
async def test_redirects_that_become_get(status: str) -> None:
    async with scripted(redirecting(status, "end")) as backend, client() as made:
        assert (await send(made, url(backend), SECRETS)).body == b"end"
    second = backend.requests[1]
    assert second.line == "GET /end HTTP/1.1"
    assert second.body == b""
    names = {name for name, _ in second.headers}
    assert names == {"Host", "User-Agent", "Authorization", "Cookie", "Referer", "X-Keep"}


async def test_credentials_do_not_follow_to_another_host() -> None:
    basic = BasicAuth(username="u", password=Secret("p"))
    async with scripted(answering()) as elsewhere:
        away = url(elsewhere, "/end", "localhost")
        async with scripted(redirecting("307 T", away)) as backend, client(basic_auth=basic) as made:
            assert (await send(made, url(backend), [("Cookie", "c"), ("X-Keep", "k")])).status == 200
    assert backend.requests[0].values("Authorization") == ["Basic dTpw"]
    (second,) = elsewhere.requests
    assert not second.values("Authorization")
    assert not second.values("Cookie")
    assert not second.values("X-Keep")


async def test_credentials_in_a_location_are_used() -> None:
    async with scripted(redirecting("307 T", "http://a:b@127.0.0.1:PORT/end")) as backend:
        async with scripted(redirecting("307 T", f"http://a:b@localhost:{backend.port}/end")) as first:
            async with client() as made:
                assert (await send(made, url(first))).body == b"end"
    assert backend.requests[0].values("Authorization") == ["Basic YTpi"]


async def test_endless_redirects_end() -> None:
    async with scripted(redirecting("307 T", "/again")) as backend, client() as made:
        with pytest.raises(SendError, match="stopped after 10 redirects"):
            await send(made, url(backend))
    assert len(backend.requests) == 10


@pytest.mark.parametrize(("follow", "location"), [(False, "/end"), (True, "")])
async def test_the_redirect_itself_may_be_the_answer(follow: bool, location: str) -> None:
    async with scripted(redirecting("307 T", location)) as backend, client(follow_redirects=follow) as made:
        assert (await send(made, url(backend))).status == 307
    assert len(backend.requests) == 1


@pytest.mark.parametrize("location", ["http://%zz/", "ftp://x/", "http://[::1"])
async def test_a_location_that_leads_nowhere(location: str) -> None:
    async with scripted(redirecting("302 Found", location)) as backend, client() as made:
        with pytest.raises(SendError, match=r"failed to parse Location header|unsupported protocol scheme"):
            await send(made, url(backend))


async def test_streaming_a_body_of_unknown_length() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"one", b"", b"two"):
            yield part

    async def script(peer: Peer) -> None:
        head = await peer.head()
        rest = await peer.reader.readuntil(b"0\r\n\r\n")
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        got.append((head.decode(), rest))

    got: list[tuple[str, bytes]] = []
    basic = BasicAuth(username="u", password=Secret("p"))
    async with scripted(script) as backend, client(basic_auth=basic) as made:
        origin = origin_of(parse_url(url(backend)))
        request = Request("POST", origin, "/up", made.headers([]), (), 5.0)
        assert (await made.stream(request, parts())).status == 200
    (head, body) = got[0]
    assert "Transfer-Encoding: chunked" in head
    assert "Authorization: Basic dTpw" in head
    assert "Content-Length" not in head
    assert body == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
