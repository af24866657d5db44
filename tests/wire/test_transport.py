"""Our own transport: its pool, and what only it promises about replies."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from alloypy.net.client.messages import Origin, Request, Response, SendError
from alloypy.net.client.pool import Transport
from alloypy.net.client.tls import TLS, TLSSettings
from alloypy.net.http_status import TOO_MUCH_AROUND
from tests.support.loops import both_event_loops
from tests.support.scripted import Backend, Peer, answering, scripted
from tests.support.waiting import until

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def sender() -> Any:
    sender = Transport(TLS(TLSSettings()))
    yield sender
    await sender.aclose()


def post(backend: Backend, *chunks: bytes, scheme: str = "http", timeout: float = 20.0) -> Request:
    origin = Origin(scheme, "127.0.0.1", backend.port, f"127.0.0.1:{backend.port}")
    return Request("POST", origin, "/", (), chunks or (b"x",), timeout)


async def together(sender: Transport, backend: Backend, count: int) -> None:
    """`count` requests at the same time, each with its own connection."""
    await asyncio.gather(*(sender.send(post(backend)) for _ in range(count)))


def gathered(count: int):
    """A script that answers once `count` requests have come, and immediately from then on."""
    arrived = []
    everybody = asyncio.Event()

    async def script(peer: Peer) -> None:
        while await peer.request():
            arrived.append(peer.number)
            if len(arrived) >= count:
                everybody.set()
            await everybody.wait()
            await peer.say(OK)

    return script


async def test_no_more_than_the_limit_stay_idle(sender: Transport) -> None:
    sender.max_idle = 3
    async with scripted(gathered(8)) as backend:
        await together(sender, backend, 8)
        await until(lambda: backend.open == 3)
        assert backend.connections == 8


async def test_idle_connections_are_closed_in_time(sender: Transport) -> None:
    sender.idle_seconds = 0.1
    async with scripted(gathered(4)) as backend:
        await together(sender, backend, 4)
        await until(lambda: backend.open == 0)
        await sender.send(post(backend))
        assert backend.open == 1
        await until(lambda: backend.open == 0)


async def test_the_connection_returned_last_is_used_first(sender: Transport) -> None:
    async with scripted(gathered(3)) as backend:
        await together(sender, backend, 3)
        for _ in range(5):
            await sender.send(post(backend))
        assert len({number for number, _ in backend.seen[3:]}) == 1


async def test_a_replay_leaves_stale_connections_alone(sender: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number < 3:
            gate.append(peer)
            await until(lambda: len(gate) == 3)
        await peer.say(OK)
        while request := await peer.request():
            if peer.number < 3:
                return  # the server forgot us
            assert request
            await peer.say(OK)

    gate: list[Peer] = []
    async with scripted(script) as backend:
        await together(sender, backend, 3)
        await sender.send(post(backend))  # one stale connection, then a fresh one
        assert backend.connections == 4
        await sender.send(post(backend))  # the fresh one again
        assert backend.connections == 4


async def test_http10_with_keep_alive(sender: Transport) -> None:
    reply = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"
    async with scripted(answering(reply)) as backend:
        for _ in range(2):
            assert (await sender.send(post(backend))).body == b"ok"
    assert backend.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n" + b"\0",
        b"HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_heads_that_others_let_pass(sender: Transport, reply: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(reply)

    async with scripted(script) as backend:
        with pytest.raises(SendError, match="transport connection broken"):
            await sender.send(post(backend))


async def test_chunk_sizes_that_overflow(sender: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nabc")

    async with scripted(script) as backend:
        assert "malformed chunked encoding" in (await sender.send(post(backend))).broken


@pytest.mark.parametrize(
    ("filler", "broken"),
    [(b"1;" + b"x" * 60_000 + b"\r\nz\r\n", TOO_MUCH_AROUND), (b"1\r\nz\r\n" * 10_000, "")],
)
async def test_bodies_of_little_but_framing_are_cut(sender: Transport, filler: bytes, broken: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await peer.say(filler)

    async with scripted(script) as backend:
        response = await sender.send(post(backend), 20_000)
        assert (response.status, response.broken) == (500, broken)
        await until(lambda: backend.open == 0)


async def test_endless_trailers_are_cut(sender: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n")
        while True:
            await peer.say(b"Trailer: x\r\n" * 1000)

    async with scripted(script) as backend:
        response = await sender.send(post(backend))
        assert (response.body, response.headers) == (b"z", [("transfer-encoding", "chunked")])


async def test_a_switch_of_protocols_is_an_answer_like_others(sender: Transport) -> None:
    reply = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nwhatever"
    async with scripted(answering(reply)) as backend:
        for _ in range(2):
            assert (await sender.send(post(backend))).status == 101
    assert backend.connections == 2


async def test_an_early_reply_costs_the_connection(sender: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await peer.closed_by_client()

    async with scripted(script) as backend:
        for _ in range(2):
            assert (await sender.send(post(backend, bytes(1 << 24)))).status == 413
    assert backend.connections == 2


async def test_closing_ends_requests_in_flight(sender: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await asyncio.sleep(60)

    async with scripted(script) as backend:
        tasks = [asyncio.create_task(sender.send(post(backend))) for _ in range(3)]
        await until(lambda: len(backend.requests) == 3)
        await sender.aclose()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, SendError) for each in outcomes)
        with pytest.raises(SendError, match="client is closed"):
            await sender.send(post(backend))
        await sender.aclose()


async def test_closing_while_connecting(sender: Transport) -> None:
    async with scripted(answering()) as backend:
        for steps in range(8):
            task = asyncio.create_task(sender.send(post(backend)))
            for _ in range(steps):
                await asyncio.sleep(0)
            await sender.aclose()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(outcome, SendError) or (isinstance(outcome, Response) and outcome.status == 200)
            await until(lambda: backend.open == 0)
            sender = Transport(TLS(TLSSettings()))


@pytest.mark.usefixtures("watchful")
async def test_changed_certificates_end_idle_connections(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    sender = Transport(TLS(TLSSettings(ca_file=str(ca_file))))
    async with scripted(answering(), context) as backend:
        await sender.send(post(backend, scheme="https"))
        await sender.send(post(backend, scheme="https"))
        assert backend.connections == 1
        trustme.CA().cert_pem.write_to_path(str(ca_file), append=True)
        await sender.send(post(backend, scheme="https"))
        assert backend.connections == 2
        await until(lambda: backend.open == 1)
        ca_file.write_text("broken")
        await sender.send(post(backend, scheme="https"))
        assert backend.connections == 2
    await sender.aclose()
