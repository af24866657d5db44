"""The scenarios of the senders, over HTTP/2: what is sent, what comes back, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trustme
from h2.errors import ErrorCodes

from alloypy.net.client.messages import Origin, Request, Response, SendError, SendTimeout
from alloypy.net.client.over_httpx import HttpxSender
from alloypy.net.client.tls import TLS, TLSSettings
from tests.support.http2_server import Backend, Stream, http2_server, ok, server_context
from tests.support.profiles import contents
from tests.support.tls import pem
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


def trusting(authority: trustme.CA, **more: Any) -> TLSSettings:
    return TLSSettings(ca_pem=pem(authority), **more)


@pytest.fixture
async def sender(authority: trustme.CA) -> AsyncIterator[HttpxSender]:
    sender = HttpxSender(TLS(trusting(authority)), http2=True)
    yield sender
    await sender.aclose()


def post(
    backend: Backend,
    *chunks: bytes | memoryview,
    headers: tuple[tuple[str, str], ...] = (),
    timeout: float = 20.0,
    host: str = "",
) -> Request:
    origin = Origin("https", "127.0.0.1", backend.port, f"127.0.0.1:{backend.port}")
    return Request("POST", origin, "/x?q=%7B1%7D", headers, chunks or (b"hello",), timeout, host)


async def test_the_request_as_sent(sender: HttpxSender, authority: trustme.CA) -> None:
    headers = (
        ("User-Agent", "me"),
        ("Content-Type", "a/b"),
        ("Uber-Trace-Id", "1:2:0:0"),
        ("X-Two", "1"),
        ("X-Two", " ü "),
    )
    async with http2_server(server_context(authority)) as backend:
        response = await sender.send(post(backend, b"one", memoryview(b"two"), headers=headers))
    assert (response.status, response.reason, response.body, response.broken) == (200, "OK", b"ok", "")
    (request,) = backend.requests
    assert request.body == b"onetwo"
    assert request.headers == [
        (":method", "POST"),
        (":authority", f"127.0.0.1:{backend.port}"),
        (":scheme", "https"),
        (":path", "/x?q=%7B1%7D"),
        ("user-agent", "me"),
        ("content-length", "6"),
        ("content-type", "a/b"),
        ("uber-trace-id", "1:2:0:0"),
        ("x-two", "1"),
        ("x-two", "ü"),
    ]


async def test_what_belongs_to_a_connection_stays_out(sender: HttpxSender, authority: trustme.CA) -> None:
    headers = (
        ("Connection", "close"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "gzip"),
        ("Upgrade", "x"),
        ("X-Kept", "1"),
    )
    async with http2_server(server_context(authority)) as backend:
        await sender.send(post(backend, headers=headers, host="other.test"))
    (request,) = backend.requests
    assert [name for name, _ in request.headers[4:]] == ["content-length", "x-kept"]
    assert request.values(":authority") == ["other.test"]


async def test_a_streamed_body_has_no_transfer_encoding(sender: HttpxSender, authority: trustme.CA) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"a", b"", b"bc"):
            yield part

    async with http2_server(server_context(authority)) as backend:
        assert (
            await sender.stream(Request(**{**contents(post(backend)), "chunks": ()}), parts())
        ).status == 200
    (request,) = backend.requests
    assert request.body == b"abc"
    assert [name for name, _ in request.headers if not name.startswith(":")] == []


async def test_a_large_body_arrives_whole(sender: HttpxSender, authority: trustme.CA) -> None:
    body = bytes(range(256)) * 4096
    async with http2_server(server_context(authority)) as backend:
        await sender.send(
            post(backend, *[memoryview(body)[at : at + 65521] for at in range(0, 1 << 20, 65521)])
        )
    assert backend.requests[0].body == body


@pytest.mark.xfail(reason="httpcore waits for leave to send to a stream that is over", strict=True)
async def test_an_early_reply_is_taken(sender: HttpxSender, authority: trustme.CA) -> None:
    async def script(stream: Stream) -> None:
        stream.complete.set()
        await stream.answer(413, b"large")
        stream.reset(ErrorCodes.NO_ERROR)

    async with http2_server(server_context(authority), script) as backend:
        assert (await sender.send(post(backend, bytes(1 << 24), timeout=2.0))).status == 413


async def test_a_reply_with_its_headers_and_body(sender: HttpxSender, authority: trustme.CA) -> None:
    async def script(stream: Stream) -> None:
        stream.begin(103, ("link", "a"))
        await stream.answer(413, b"z" * 40_000, ("x", "1"), ("x", "ü"))

    async with http2_server(server_context(authority), script) as backend:
        for _ in range(2):
            response = await sender.send(post(backend))
            assert (response.status, response.reason) == (413, "Request Entity Too Large")
            assert response.headers == [("x", "1"), ("x", "ü")]
            assert response.body == b"z" * 40_000
        assert backend.connections == 1


async def test_many_concurrent_requests_share_a_connection(
    sender: HttpxSender, authority: trustme.CA
) -> None:
    async with http2_server(server_context(authority)) as backend:
        for _ in range(2):
            replies = await asyncio.gather(*(sender.send(post(backend, b"%d" % n)) for n in range(40)))
            assert {reply.body for reply in replies} == {b"ok"}
        assert sorted(int(each.body) for each in backend.requests) == sorted([*range(40)] * 2)
        assert backend.connections == 1


async def test_only_as_much_of_the_reply_is_read_as_asked_for(
    sender: HttpxSender, authority: trustme.CA
) -> None:
    async def script(stream: Stream) -> None:
        stream.begin(500)
        while True:
            await stream.say(b"x" * 1024)

    async with http2_server(server_context(authority), script) as backend:
        response = await sender.send(post(backend), 2048)
        assert (response.status, response.body, response.broken) == (500, b"x" * 2048, "")
        await until(lambda: backend.open == 0)


@pytest.mark.parametrize("phase", ["wait", "body", "upload"])
async def test_the_timeout_covers_every_phase(sender: HttpxSender, authority: trustme.CA, phase: str) -> None:
    """The next request goes over a new connection: on the old one the stream is never closed."""

    async def script(stream: Stream) -> None:
        if stream.connection.number:
            await stream.answer()
        elif phase == "upload":
            stream.connection.read_no_more()
        elif phase == "body":
            stream.begin(503)
            await stream.say(b"abc")

    async with http2_server(server_context(authority), script) as backend:
        request = post(backend, bytes(1 << 25) if phase == "upload" else b"x", timeout=0.3)
        if phase == "body":
            response = await sender.send(request)
            assert (response.status, response.body) == (503, b"abc")
            assert response.broken == "context deadline exceeded"
        else:
            with pytest.raises(SendTimeout):
                await sender.send(request)
        assert (await sender.send(post(backend))).body == b"ok"
        assert backend.connections == 2


async def test_no_time_at_all(sender: HttpxSender, authority: trustme.CA) -> None:
    async with http2_server(server_context(authority)) as backend:
        with pytest.raises(SendTimeout):
            await sender.send(post(backend, timeout=0.0))
        assert backend.connections == 0


async def test_cancelling_ends_one_request_and_spares_the_others(
    sender: HttpxSender, authority: trustme.CA
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def script(stream: Stream) -> None:
        await stream.complete.wait()
        if stream.body == b"slow":
            await go_on.wait()
        if stream.body == b"never":
            reached.set()
        else:
            await stream.answer()

    async with http2_server(server_context(authority), script) as backend:
        slow = asyncio.create_task(sender.send(post(backend, b"slow")))
        await until(lambda: len(backend.requests) == 1)
        never = asyncio.create_task(sender.send(post(backend, b"never")))
        await reached.wait()
        never.cancel()
        with pytest.raises(asyncio.CancelledError):
            await never
        assert (await sender.send(post(backend))).body == b"ok"
        assert backend.connections == 2
        go_on.set()
        assert (await slow).body == b"ok"
        await until(lambda: backend.open == 1)


async def test_cancelling_at_any_step_leaves_the_sender_whole(
    sender: HttpxSender, authority: trustme.CA
) -> None:
    async with http2_server(server_context(authority)) as backend:
        await sender.send(post(backend))  # httpcore leaks the socket of a handshake that is cancelled
        for steps in range(0, 40, 2):
            task = asyncio.create_task(sender.send(post(backend)))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert (await sender.send(post(backend))).body == b"ok"
        await sender.aclose()
        await until(lambda: backend.open == 0)


async def failing(sender: HttpxSender, authority: trustme.CA, how: Any) -> str:
    async def script(stream: Stream) -> None:
        await stream.complete.wait()
        if stream.connection.number:
            await stream.answer()
        else:
            how(stream)

    async with http2_server(server_context(authority), script) as backend:
        with pytest.raises(SendError) as caught:
            await sender.send(post(backend))
        assert (await sender.send(post(backend))).body == b"ok"
    return str(caught.value)


async def test_a_stream_that_is_reset(sender: HttpxSender, authority: trustme.CA) -> None:
    text = await failing(sender, authority, lambda stream: stream.reset(ErrorCodes.INTERNAL_ERROR))
    assert text == "stream error: stream ID 1; INTERNAL_ERROR; received from peer"


async def test_a_server_that_goes_away(sender: HttpxSender, authority: trustme.CA) -> None:
    text = await failing(sender, authority, lambda stream: stream.connection.go_away())
    assert text == "http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR"


async def test_a_connection_that_ends(sender: HttpxSender, authority: trustme.CA) -> None:
    text = await failing(sender, authority, lambda stream: stream.connection.abort())
    assert text in ("http2: client connection lost", "read: connection reset by peer")


async def test_a_server_that_went_away_between_requests(sender: HttpxSender, authority: trustme.CA) -> None:
    async def script(stream: Stream) -> None:
        await stream.answer()
        stream.connection.go_away()

    async with http2_server(server_context(authority), script) as backend:
        for _ in range(3):
            assert (await sender.send(post(backend))).body == b"ok"


async def test_a_body_that_breaks_off_keeps_the_status(sender: HttpxSender, authority: trustme.CA) -> None:
    async def script(stream: Stream) -> None:
        stream.begin(503)
        await stream.say(b"abc")
        stream.reset(ErrorCodes.CANCEL)

    async with http2_server(server_context(authority), script) as backend:
        response = await sender.send(post(backend))
    assert (response.status, response.body) == (503, b"abc")
    assert response.broken == "stream error: stream ID 1; CANCEL; received from peer"


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("junk", [b"\0\0\1\0\0\0\0\0\5x", b"\0\0\0\4\0\0\0\0\1"], ids=["data", "settings"])
async def test_a_server_that_breaks_the_protocol(
    sender: HttpxSender, authority: trustme.CA, junk: bytes, begun: bool
) -> None:
    async def script(stream: Stream) -> None:
        await stream.complete.wait()
        if stream.connection.number:
            await stream.answer()
            return
        if begun:
            stream.begin(503)
            await asyncio.sleep(0.05)  # lets the client read what was sent
        stream.connection.writer.write(junk)

    async with http2_server(server_context(authority), script) as backend:
        if begun:
            response = await sender.send(post(backend))
            assert (response.status, response.body) == (503, b"")
            assert response.broken.startswith("http2: protocol error: ")
        else:
            with pytest.raises(SendError, match=r"^http2: protocol error: "):
                await sender.send(post(backend))
        assert (await sender.send(post(backend))).body == b"ok"


async def test_closing_closes_idle_connections(sender: HttpxSender, authority: trustme.CA) -> None:
    async with http2_server(server_context(authority)) as backend:
        await sender.send(post(backend))
        assert backend.open == 1
        await sender.aclose()
        await until(lambda: backend.open == 0)


# TLS


async def try_tls(settings: TLSSettings, context: Any) -> Response:
    sender = HttpxSender(TLS(settings), http2=True)
    try:
        async with http2_server(context) as backend:
            return await sender.send(post(backend))
    finally:
        await sender.aclose()


async def test_tls_unknown_authority(authority: trustme.CA) -> None:
    with pytest.raises(SendError, match="certificate signed by unknown authority"):
        await try_tls(TLSSettings(), server_context(authority))


async def test_tls_server_name(authority: trustme.CA) -> None:
    context = server_context(authority, "elsewhere.test")
    assert (await try_tls(trusting(authority, server_name="elsewhere.test"), context)).status == 200
    with pytest.raises(SendError, match=r"x509: certificate is not valid for 127\.0\.0\.1"):
        await try_tls(trusting(authority), context)


async def test_tls_unverified_when_asked_for(authority: trustme.CA) -> None:
    settings = TLSSettings(insecure_skip_verify=True)
    assert (await try_tls(settings, server_context(authority, "elsewhere.test"))).status == 200


@pytest.mark.usefixtures("watchful")
async def test_tls_files_are_read_again_when_they_change(authority: trustme.CA, tmp_path: Any) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority.cert_pem.bytes())
    sender = HttpxSender(TLS(TLSSettings(ca_file=str(ca_file))), http2=True)
    async with http2_server(server_context(authority), ok) as backend:
        assert (await sender.send(post(backend))).status == 200
        ca_file.write_bytes(trustme.CA().cert_pem.bytes())
        with pytest.raises(SendError, match="unknown authority"):
            await sender.send(post(backend))
        await until(lambda: backend.open == 0)
    await sender.aclose()
