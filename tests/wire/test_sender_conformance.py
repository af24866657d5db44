"""Our own transport and httpx behave alike: one set of scenarios over real sockets for both.

A sender that may speak HTTP/2 behaves as httpx does where the server does not; over HTTP/2 it has
separate tests.
"""

import asyncio
import functools
import ssl

import pytest
import trustme

from alloypy.net.client.messages import Dropped, NotSent, Origin, Request, SendError, SendTimeout
from alloypy.net.client.over_httpx import HttpxSender
from alloypy.net.client.pool import Transport
from alloypy.net.client.tls import TLS, TLSSettings
from tests.support.scripted import answering, scripted
from tests.support.tls import pem
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
KINDS = {"own": Transport, "httpx": HttpxSender, "http2": functools.partial(HttpxSender, http2=True)}


@pytest.fixture(params=["own-asyncio", "own-uvloop", "httpx-asyncio", "http2-asyncio"])
def variant(request):
    return request.param.split("-")


@pytest.fixture
def anyio_backend(variant):
    return "asyncio", {"use_uvloop": variant[1] == "uvloop"}


@pytest.fixture
def kind(variant):
    return KINDS[variant[0]]


@pytest.fixture
async def sender(kind):
    sender = kind(TLS(TLSSettings()))
    yield sender
    await sender.aclose()


def post(backend, *chunks, target="/x?q=%7B1%7D", timeout=20.0, headers=(), scheme="http", host="127.0.0.1"):
    origin = Origin(scheme, host, backend.port, f"{host}:{backend.port}")
    return Request("POST", origin, target, headers, chunks or (b"hello",), timeout)


async def test_the_request_as_sent(sender):
    async with scripted(answering()) as backend:
        headers = [
            ("User-Agent", "me"),
            ("Content-Type", "a/b"),
            ("X-Two", "1"),
            ("X-Two", "ü"),
            ("x-Odd", "3"),
        ]
        response = await sender.send(
            post(backend, b"one", memoryview(b"two"), bytearray(b"3"), headers=headers)
        )
    assert (response.status, response.reason, response.body, response.broken) == (200, "OK", b"ok", "")
    assert response.header("content-length") == "2"
    (request,) = backend.requests
    assert request.line == "POST /x?q=%7B1%7D HTTP/1.1"
    assert request.body == b"onetwo3"
    assert request.headers == [
        ("Host", f"127.0.0.1:{backend.port}"),
        ("User-Agent", "me"),
        ("Content-Length", "7"),
        ("Content-Type", "a/b"),
        ("X-Two", "1"),
        ("X-Two", "ü"),
        ("x-Odd", "3"),
    ]


async def test_an_empty_body_has_a_length_and_nothing_is_added(sender):
    async with scripted(answering()) as backend:
        await sender.send(post(backend, b""))
    assert [name for name, _ in backend.requests[0].headers] == ["Host", "Content-Length"]


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (CHUNKED + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n", 200, b"abcde"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b""),
        (b"HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n", 599, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 413 Too Big\r\nContent-Length: 1\r\nX: a\r\nX: b\r\n\r\nz", 413, b"z"),
    ],
)  # fmt: skip
async def test_replies_of_every_framing_leave_the_connection_usable(sender, reply, status, body):
    async with scripted(answering(reply)) as backend:
        for _ in range(3):
            response = await sender.send(post(backend))
            assert (response.status, response.body, response.broken) == (status, body, "")
    assert backend.connections == 1


async def test_replies_that_come_byte_by_byte(sender):
    reply = b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED + b"1\r\na\r\n0\r\n\r\n"

    async def script(peer):
        while await peer.request():
            for byte in reply:
                await peer.say(bytes([byte]))
                await asyncio.sleep(0)

    async with scripted(script) as backend:
        assert [(await sender.send(post(backend))).body for _ in range(2)] == [b"a", b"a"]


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"],
)
async def test_a_reply_may_end_with_the_connection(sender, head):
    async def script(peer):
        await peer.request()
        await peer.say(head, b"until", b" close")

    async with scripted(script) as backend:
        for _ in range(2):
            response = await sender.send(post(backend))
            assert (response.body, response.broken) == (b"until close", "")
    assert backend.connections == 2


async def test_connection_close_is_heeded(sender):
    async with scripted(answering(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))) as backend:
        for _ in range(2):
            assert (await sender.send(post(backend))).status == 200
    assert backend.connections == 2


async def test_a_server_that_closes_idle_connections_costs_no_request(sender):
    async def script(peer):
        await peer.request()
        await peer.say(OK)

    async with scripted(script) as backend:
        for _ in range(5):
            assert (await sender.send(post(backend))).status == 200
    assert len(backend.seen) == 5


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_the_keep_alive_race(sender, how):
    """Replayed once, on a fresh connection; not over httpx, which cannot tell whether a reply had begun."""

    async def script(peer):
        await peer.request()
        await peer.say(OK)
        if peer.number == 0 and await peer.request():
            if how == "reset":
                peer.reset()
            return
        while await peer.request():
            await peer.say(OK)

    async with scripted(script) as backend:
        await sender.send(post(backend, b"again"))
        if isinstance(sender, Transport):
            await sender.send(post(backend, b"again"))
        else:
            with pytest.raises(SendError, match=r"^(EOF|read: connection reset by peer)$"):
                await sender.send(post(backend, b"again"))
        for _ in range(2):
            assert (await sender.send(post(backend, b"again"))).status == 200
    replayed = [1] if isinstance(sender, Transport) else []
    assert [number for number, _ in backend.seen] == [0, 0, *replayed, 1, 1]
    assert {request.body for request in backend.requests} == {b"again"}


async def test_a_replay_is_not_replayed(sender):
    async def script(peer):
        await peer.request()
        if peer.number == 0:
            await peer.say(OK)
            await peer.request()

    async with scripted(script) as backend:
        await sender.send(post(backend))
        with pytest.raises(SendError, match=r"^EOF$"):
            await sender.send(post(backend))
    assert [number for number, _ in backend.seen] == ([0, 0, 1] if isinstance(sender, Transport) else [0, 0])


async def test_nothing_is_replayed_once_the_reply_has_begun(sender):
    async def script(peer):
        await peer.request()
        await peer.say(OK)
        if await peer.request():
            await peer.say(b"HTTP/1.1 200 OK\r\nContent-")

    async with scripted(script) as backend:
        await sender.send(post(backend))
        with pytest.raises(SendError):
            await sender.send(post(backend))
        assert len(backend.seen) == 2
        assert (await sender.send(post(backend))).status == 200


async def test_a_fresh_connection_that_closes_is_not_replayed(sender):
    async def script(peer):
        await peer.request()

    async with scripted(script) as backend:
        with pytest.raises(SendError, match=r"^EOF$"):
            await sender.send(post(backend))
    assert len(backend.seen) == 1


async def test_a_reset_before_the_reply(sender):
    async def script(peer):
        await peer.request()
        peer.reset()

    async with scripted(script) as backend:
        with pytest.raises(SendError, match="connection reset by peer"):
            await sender.send(post(backend))


async def test_a_server_that_half_closes_without_a_reply(sender):
    async def script(peer):
        await peer.request()
        peer.writer.write_eof()
        await peer.closed_by_client()

    async with scripted(script) as backend:
        with pytest.raises(SendError, match=r"^EOF$"):
            await sender.send(post(backend))


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(
    "start", [b"Content-Length: 10\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
)
async def test_a_body_that_breaks_off_keeps_the_status(sender, start, how):
    async def script(peer):
        await peer.request()
        await peer.say(b"HTTP/1.1 503 Busy\r\n" + start)
        if how == "reset":
            await asyncio.sleep(0.05)  # lets the client read what was sent
            peer.reset()

    async with scripted(script) as backend:
        response = await sender.send(post(backend))
    assert (response.status, response.body) == (503, b"abc")
    assert response.broken == ("unexpected EOF" if how == "close" else "read: connection reset by peer")


async def test_a_large_request_arrives_whole(sender):
    body = bytes(range(256)) * 4096
    chunks = [memoryview(body)[start : start + 65521] for start in range(0, len(body), 65521)] * 8
    async with scripted(answering()) as backend:
        assert (await sender.send(post(backend, *chunks))).status == 200
    assert backend.requests[0].body == body * 8


async def test_an_early_reply_is_taken(sender):
    async def script(peer):
        await peer.head()
        await peer.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge")
        await peer.closed_by_client()

    async with scripted(script) as backend:
        response = await sender.send(post(backend, bytes(1 << 24)))
        assert (response.status, response.body) == (413, b"large")


async def test_only_as_much_of_the_reply_is_read_as_asked_for(sender):
    async def script(peer):
        await peer.request()
        await peer.say(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await peer.say(b"400\r\n" + b"x" * 1024 + b"\r\n")

    async with scripted(script) as backend:
        response = await sender.send(post(backend), 2048)
        assert (response.status, response.body, response.broken) == (500, b"x" * 2048, "")
        await until(lambda: backend.open == 0)


async def test_a_body_as_long_as_the_limit_keeps_the_connection(sender):
    async with scripted(answering()) as backend:
        for _ in range(2):
            assert (await sender.send(post(backend), 2)).body == b"ok"
    assert backend.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"garbage\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.7\r\n",
    ],
)
async def test_a_malformed_head_is_an_error(sender, reply):
    async def script(peer):
        await peer.request()
        await peer.say(reply)

    async with scripted(script) as backend:
        with pytest.raises(SendError) as caught:
            await sender.send(post(backend))
        assert not isinstance(caught.value, SendTimeout | Dropped | NotSent)


@pytest.mark.parametrize("size", [b"zz\r\nabc", b"-3\r\nabc"])
async def test_a_malformed_chunk_breaks_the_body(sender, size):
    async def script(peer):
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        await asyncio.sleep(0.05)
        await peer.say(size)
        await peer.closed_by_client()

    async with scripted(script) as backend:
        response = await sender.send(post(backend))
    assert response.body == b"ok"
    assert response.broken


async def test_a_body_of_tiny_chunks_is_given_up_and_a_short_one_is_not(sender):
    chunks = b"1\r\nx\r\n" * 1000

    async def script(peer):
        while True:
            request = await peer.request()
            await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            if "short" in request.line:
                await peer.say(chunks + b"0\r\n\r\n")
                continue
            while True:
                await peer.say(chunks)

    async with scripted(script) as backend:
        response = await sender.send(post(backend, target="/short"), 1 << 20)
        assert (response.body, response.broken) == (b"x" * 1000, "")
        response = await sender.send(post(backend), 1 << 20)
        await until(lambda: backend.open == 0)
    assert response.broken == "chunked encoding contains too much non-data"
    assert len(response.body) < 200_000


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 20),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
        b"HTTP/1.1 200 " + b"K" * (1 << 20),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
    ],
)
async def test_an_endless_head_is_refused(sender, head):
    async def script(peer):
        await peer.request()
        while True:
            await peer.say(head)

    async with scripted(script) as backend:
        with pytest.raises(SendError):
            await sender.send(post(backend, timeout=2.0))
        await until(lambda: backend.open == 0)


async def test_a_long_head_is_taken(sender):
    reply = OK.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 60_000 + b"\r\n\r\n")
    async with scripted(answering(reply)) as backend:
        assert len((await sender.send(post(backend))).header("x")) == 60_000


async def test_what_follows_a_reply_is_never_read_as_the_next_one(sender):
    if isinstance(sender, HttpxSender):
        pytest.xfail("httpcore keeps what follows a reply and takes it for the next one")
    poison = b"HTTP/1.1 500 Poison\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answering(OK + poison)) as backend:
        for _ in range(3):
            assert (await sender.send(post(backend))).status == 200
            await asyncio.sleep(0.01)


async def test_what_comes_on_an_idle_connection_ends_it(sender):
    idle, said = asyncio.Event(), asyncio.Event()

    async def script(peer):
        while await peer.request():
            await peer.say(OK)
            await idle.wait()
            idle.clear()
            await peer.say(b"HTTP/1.1 500 Poison\r\nContent-Length: 0\r\n\r\n")
            said.set()

    async with scripted(script) as backend:
        for _ in range(3):
            assert (await sender.send(post(backend))).status == 200
            idle.set()
            await said.wait()
            said.clear()
            for _ in range(3):  # turns of the loop, in which it can be read
                await asyncio.sleep(0.01)
    assert backend.connections == 3


@pytest.mark.parametrize("phase", ["accept", "head", "drip", "upload"])
async def test_the_timeout_covers_every_phase(sender, phase):
    async def script(peer):
        if phase == "upload":
            await asyncio.sleep(60)  # reads nothing
        await peer.request()
        if phase == "accept":
            await asyncio.sleep(60)
        await peer.say(b"HTTP/1.1 200 OK\r\nX: ")
        while phase == "drip":
            await peer.say(b"X")
            await asyncio.sleep(0.01)
        await asyncio.sleep(60)

    body = bytes(1 << 25) if phase == "upload" else b"x"
    async with scripted(script) as backend:
        with pytest.raises(SendTimeout, match="context deadline exceeded"):
            await sender.send(post(backend, body, timeout=0.3))
        if phase == "drip":
            await until(lambda: backend.open == 0)


async def test_no_time_at_all(sender):
    async with scripted(answering()) as backend:
        with pytest.raises(SendTimeout):
            await sender.send(post(backend, timeout=0.0))
    assert backend.connections == 0


async def test_a_body_that_hangs_keeps_the_status(sender):
    async def script(peer):
        await peer.request()
        await peer.say(b"HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nabc")
        await asyncio.sleep(60)

    async with scripted(script) as backend:
        response = await sender.send(post(backend, timeout=0.3))
    assert (response.status, response.broken) == (503, "context deadline exceeded")


async def test_nobody_listens(sender):
    async with scripted(answering()) as backend:
        pass
    text = rf"^dial tcp 127\.0\.0\.1:{backend.port}: connect: connection refused$"
    with pytest.raises(SendError, match=text):
        await sender.send(post(backend))


async def test_a_host_that_does_not_exist(sender):
    async with scripted(answering()) as backend:
        with pytest.raises(SendError, match=r"^dial tcp: lookup nowhere\.invalid: no such host$"):
            await sender.send(post(backend, host="nowhere.invalid"))


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"])
async def test_a_header_cannot_break_out(sender, value):
    async with scripted(answering()) as backend:
        with pytest.raises(NotSent, match='invalid header field value for "X"'):
            await sender.send(post(backend, headers=[("X", value)]))
    assert backend.connections == 0


@pytest.mark.parametrize("phase", ["wait", "body", "upload"])
async def test_cancelling_closes_the_connection_and_nothing_else(sender, phase):
    reached = asyncio.Event()

    async def script(peer):
        if peer.number:
            await answering()(peer)
            return
        if phase == "upload":
            await peer.head()
            reached.set()
            await asyncio.sleep(0.05)
        else:
            await peer.request()
            if phase == "body":
                await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            reached.set()
        await peer.closed_by_client()

    async with scripted(script) as backend:
        body = bytes(1 << 25) if phase == "upload" else b"x"
        task = asyncio.create_task(sender.send(post(backend, body)))
        await reached.wait()
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await sender.send(post(backend))).body == b"ok"
        await until(lambda: backend.open == 1)
    assert backend.connections == 2


async def test_cancelling_at_any_step_leaves_the_sender_whole(sender):
    async with scripted(answering()) as backend:
        for steps in range(12):
            task = asyncio.create_task(sender.send(post(backend)))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert (await sender.send(post(backend))).body == b"ok"
        await sender.aclose()
        await until(lambda: backend.open == 0)


async def test_many_concurrent_requests_share_a_pool(sender):
    async with scripted(answering()) as backend:
        for _ in range(2):
            replies = await asyncio.gather(*(sender.send(post(backend, str(n).encode())) for n in range(40)))
            assert {reply.body for reply in replies} == {b"ok"}
        assert sorted(int(request.body) for request in backend.requests) == sorted([*range(40)] * 2)
        assert backend.connections <= 40


async def test_closing_closes_idle_connections(kind):
    sender = kind(TLS(TLSSettings()))
    async with scripted(answering()) as backend:
        await sender.send(post(backend))
        assert backend.open == 1
        await sender.aclose()
        await until(lambda: backend.open == 0)


# TLS


def server_context(authority, *names, client_authority=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    if client_authority is not None:
        client_authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def try_tls(kind, settings, context):
    sender = kind(TLS(settings))
    try:
        async with scripted(answering(), context) as backend:
            replies = [await sender.send(post(backend, scheme="https")) for _ in range(2)]
            assert backend.connections == 1
            return replies[0]
    finally:
        await sender.aclose()


async def test_tls(kind, authority):
    response = await try_tls(kind, TLSSettings(ca_pem=pem(authority)), server_context(authority, "127.0.0.1"))
    assert response.body == b"ok"


async def test_tls_unknown_authority(kind, authority):
    with pytest.raises(
        SendError, match=r"^tls: failed to verify certificate: x509: certificate signed by unknown"
    ):
        await try_tls(kind, TLSSettings(), server_context(authority, "127.0.0.1"))


async def test_tls_other_host(kind, authority):
    with pytest.raises(SendError, match=r"x509: certificate is not valid for 127\.0\.0\.1"):
        await try_tls(kind, TLSSettings(ca_pem=pem(authority)), server_context(authority, "elsewhere.test"))


async def test_tls_server_name(kind, authority):
    settings = TLSSettings(ca_pem=pem(authority), server_name="elsewhere.test")
    assert (await try_tls(kind, settings, server_context(authority, "elsewhere.test"))).status == 200


async def test_tls_unverified_when_asked_for(kind, authority):
    settings = TLSSettings(insecure_skip_verify=True)
    assert (await try_tls(kind, settings, server_context(authority, "elsewhere.test"))).status == 200


async def test_tls_minimum_version(kind, authority):
    context = server_context(authority, "127.0.0.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(SendError, match=r"tls: |EOF"):
        await try_tls(kind, TLSSettings(ca_pem=pem(authority), min_version="TLS13"), context)


async def test_tls_client_certificate(kind, authority, tmp_path):
    context = server_context(authority, "127.0.0.1", client_authority=authority)
    identity = authority.issue_cert("client@example.org")
    settings = TLSSettings(
        ca_pem=pem(authority),
        cert_pem=identity.cert_chain_pems[0].bytes().decode(),
        key_file=str(tmp_path / "key.pem"),
    )
    (tmp_path / "key.pem").write_bytes(identity.private_key_pem.bytes())
    assert (await try_tls(kind, settings, context)).status == 200
    with pytest.raises(SendError):
        await try_tls(kind, TLSSettings(ca_pem=pem(authority)), context)


async def test_tls_to_a_plain_server(kind, authority):
    async def script(peer):
        await peer.reader.read(1)
        await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    sender = kind(TLS(TLSSettings()))
    async with scripted(script) as backend:
        with pytest.raises(SendError, match="tls: first record does not look like a TLS handshake"):
            await sender.send(post(backend, scheme="https"))
    await sender.aclose()


async def test_tls_handshake_that_never_answers(kind):
    async def script(peer):
        await asyncio.sleep(60)

    sender = kind(TLS(TLSSettings()))
    async with scripted(script) as backend:
        with pytest.raises(SendTimeout):
            await sender.send(post(backend, scheme="https", timeout=0.3))
    await sender.aclose()


@pytest.mark.usefixtures("watchful")
async def test_tls_files_are_read_again_when_they_change(kind, authority, tmp_path):
    other = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(pem(other))
    sender = kind(TLS(TLSSettings(ca_file=str(ca_file))))
    async with scripted(answering(), server_context(authority, "127.0.0.1")) as backend:
        with pytest.raises(SendError, match="unknown authority"):
            await sender.send(post(backend, scheme="https"))
        ca_file.write_text(pem(authority))
        assert (await sender.send(post(backend, scheme="https"))).status == 200
        ca_file.write_text(pem(other))
        with pytest.raises(SendError, match="unknown authority"):
            await sender.send(post(backend, scheme="https"))
    await sender.aclose()
