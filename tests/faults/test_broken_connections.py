"""Broken connections: they leave nothing to the cycle collector, and every byte is returned."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest
import trustme

from alloypy.components.pyroscope.receiving.blocks import TLS
from alloypy.lang.go.duration import Duration
from alloypy.lang.values import Secret
from tests.support.loops import both_event_loops
from tests.support.receiving import (
    PUSH,
    Client,
    Collected,
    Receiving,
    arguments,
    ask,
    connected,
    receiving,
    request_bytes,
)

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops

CHUNKED = [("Transfer-Encoding", "chunked")]
PROTO = [("Content-Type", "application/proto")]
EXPECTING = [("Expect", "100-continue")]
BEGUN = b"POST /ingest?name=a HTTP/1.1\r\nHost: x\r\n"
LARGE = request_bytes("/ingest?name=a", b"x" * 1_000_000)
CHUNKS = request_bytes("/ingest?name=a", headers=CHUNKED, length=False)
PUSHED = request_bytes(PUSH, b"x" * 1_000_000, PROTO)
HUGE = 200_000
"""Bytes: whatever is larger was made of what a client sent."""

SENT: dict[str, bytes] = {
    "nothing": b"",
    "half a head": BEGUN + b"A: ",
    "a long head": BEGUN + b"A: " + b"b" * 300_000,
    "a head of many lines": BEGUN + b"a: b\r\n" * 9_000,
    "a head without a body": LARGE[:-1_000_000],
    "a small part of a body": LARGE[:-999_000],
    "half a body": LARGE[:-500_000],
    "all but a byte": LARGE[:-1],
    "half a Push": PUSHED[:-500_000],
    "half an unpacked body": request_bytes("/debuginfo.v1alpha1.DebuginfoService/Upload/a", b"x" * 300_000)[
        :-9
    ],
    "no chunk": CHUNKS,
    "half a chunk": CHUNKS + b"fffff\r\n" + b"x" * 500_000,
    "a chunk and half a size": CHUNKS + b"1\r\nx\r\n5",
    "small chunks": CHUNKS + b"1\r\nx\r\n" * 50_000,
    "half a trailer": CHUNKS + b"1\r\nx\r\n0\r\nA: b",
    "malformed chunks": CHUNKS + b"5\r\nabcde\r\nzz\r\n",
    "a head that is refused": BEGUN + b"A b: c\r\n\r\n",
    "many lines that are refused": BEGUN + b"a:\r\n" * 60_000,
    "a method nobody has": b"GARBAGE" + LARGE,
    "no 100 is waited for": request_bytes("/ingest?name=a", b"x" * 500_000, EXPECTING)[:-9],
    "two lengths": BEGUN + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nabc",
    "too much": request_bytes("/ingest?name=a", b"x" * 3_000_000)[:-1_000_000],
    "too much at once": CHUNKS + b"fffffff\r\n" + b"x" * 300_000,
    "nothing that is there": request_bytes("/nope", b"x" * 400_000)[:-100_000],
    "an offer of something else": request_bytes(
        "/ingest?name=a", b"x" * 400_000, [("Connection", "Upgrade"), ("Upgrade", "h2c")]
    )[:-9],
    "requests one after the other": request_bytes("/ingest?name=a", b"abc") * 300 + LARGE[:-9],
    "answers nobody reads": request_bytes("/ingest?name=a", b"abc") * 300,
    "a whole profile": LARGE,
}


def reset(client: Client) -> None:
    """Leave as a killed process does."""
    connection = client.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()


def hang_up(client: Client) -> None:
    client.writer.close()


def half_close(client: Client) -> None:
    client.writer.write_eof()


async def send(client: Client, raw: bytes) -> None:
    """Send as much as the server accepts."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(0.5):
            await client.send(raw)


def ours(known: set[int]) -> list[str]:
    """The objects that exist only because of connections. known: identities of bytes to ignore."""
    kinds = (
        *("Exchange", "ResponseWriter", "HttpProtocol", "HeadReader", "HttpRequestParser", "Backlog"),
        *("CountedBody", "ChunkedBody", "Chunks", "LargeBody", "Claim"),
    )
    found = [type(each).__name__ for each in gc.get_objects() if type(each).__name__ in kinds]
    # The collector does not know bytes, but it knows what holds them.
    held = {id(each): each for holder in gc.get_objects() for each in _bytes_in(holder)}
    return found + [f"{type(each).__name__} of {len(each)}" for key, each in held.items() if key not in known]


def _bytes_in(holder: object) -> Iterator[bytes | bytearray]:
    if isinstance(holder, list | tuple | dict):
        values: Any = holder.values() if isinstance(holder, dict) else holder
        for each in list(values):
            if isinstance(each, bytes | bytearray) and len(each) > HUGE:
                yield each


@contextlib.contextmanager
def uncollected() -> Iterator[set[int]]:
    """While nothing is collected; the large bytes that there are, which the tests themselves hold."""
    gc.collect()
    gc.disable()
    try:
        yield {id(each) for holder in gc.get_objects() for each in _bytes_in(holder)}
    finally:
        gc.enable()


async def nobody_there(receiver: Receiving) -> None:
    """Wait until the server has forgotten all connections."""
    server = receiver.server
    async with asyncio.timeout(30):
        while server.connection_count or server._state.tasks or server._config.budget.held:
            await asyncio.sleep(0.005)
    for _ in range(3):
        await asyncio.sleep(0)


SHORT = {f"server_{kind}_timeout": Duration(2 * 10**8) for kind in ("read", "idle")}


@contextlib.asynccontextmanager
async def empty_afterwards(**changes: Any) -> AsyncIterator[Receiving]:
    """A receiver that must keep nothing of what was sent in the block."""
    given = {"max_body_size": 2_000_000, "max_bytes_in_flight": 50_000_000, **changes}
    collected = Collected()
    with uncollected() as known:
        async with receiving(arguments(collected, **given)) as receiver:
            assert (await ask(receiver.port, "/ingest?name=a", b"abc")).status == 200
            yield receiver
            await nobody_there(receiver)
            collected.ingests.clear()
            assert ours(known) == []
            assert not [line for line in receiver.log.lines if "handler failed" in line]
            assert (await ask(receiver.port, "/ingest?name=a", b"abc")).status == 200


Leave = Callable[[Client], None]


@pytest.mark.parametrize("leave", [reset, hang_up, half_close])
async def test_a_connection_that_breaks_leaves_nothing(leave: Leave) -> None:
    async def broken(port: int, raw: bytes) -> None:
        async with connected(port) as client:
            await send(client, raw)
            await asyncio.sleep(0.02)
            with contextlib.suppress(OSError):
                leave(client)
            if leave is half_close:
                with contextlib.suppress(ConnectionError, TimeoutError):
                    async with asyncio.timeout(2):
                        await client.reader.read()

    async with empty_afterwards() as receiver:
        await all_at_once(broken(receiver.port, raw) for raw in SENT.values())


async def all_at_once(coroutines: Iterator[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for each in coroutines:
            tasks.create_task(each)


async def test_a_connection_that_stalls_leaves_nothing() -> None:
    async def stalled(port: int, raw: bytes) -> None:
        async with connected(port) as client:
            await send(client, raw)
            with contextlib.suppress(ConnectionError):
                await client.reader.read()

    async with empty_afterwards(http=SHORT) as receiver:
        await all_at_once(stalled(receiver.port, raw) for raw in SENT.values())


async def test_a_connection_that_breaks_over_tls_leaves_nothing() -> None:
    ca = trustme.CA()
    certificate = ca.issue_cert("localhost")
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    tls = TLS(
        cert_pem="".join(blob.bytes().decode() for blob in certificate.cert_chain_pems),
        key_pem=Secret(certificate.private_key_pem.bytes().decode()),
    )
    options: dict[str, Any] = {"ssl": trusting, "server_hostname": "localhost"}

    async def broken(port: int, raw: bytes) -> None:
        async with connected(port, **options) as client:
            await send(client, raw)
            await asyncio.sleep(0.02)
            reset(client)

    collected = Collected()
    given = arguments(collected, http={"tls": tls}, max_body_size=2_000_000, max_bytes_in_flight=50_000_000)
    with uncollected() as known:
        async with receiving(given) as receiver:
            await broken(receiver.port, b"")
            await nobody_there(receiver)
            await all_at_once(broken(receiver.port, raw) for raw in SENT.values())
            await nobody_there(receiver)
            collected.ingests.clear()
            # asyncio's own TLS keeps protocols in cycles; they no longer hold anything.
            left = [each for each in ours(known) if each != "HttpProtocol"]
        assert left == []


async def test_a_client_that_leaves_before_its_answer_leaves_nothing() -> None:
    collected = Collected()
    with uncollected() as known:
        async with receiving(arguments(collected)) as receiver:
            collected.gate.clear()
            async with connected(receiver.port) as client:
                await client.send(LARGE)
                await collected.entered.wait()
                reset(client)
            while receiver.server.connection_count:
                await asyncio.sleep(0.005)
            collected.gate.set()
            await nobody_there(receiver)
            assert [each.labels["__name__"] for each in collected.ingests] == ["a"]
            collected.ingests.clear()
            assert ours(known) == []


async def test_what_an_idle_connection_has_sent_is_not_kept() -> None:
    with uncollected():
        async with receiving(arguments(Collected())) as receiver, connected(receiver.port) as client:
            for headers in ([("A", "b" * 500_000)], [(f"A{n}", "b") for n in range(9_000)]):
                await client.send(request_bytes("/ingest?name=a", b"abc", headers))
                assert (await client.reply()).status == 200
                assert receiver.server._config.budget.held == 0
                protocol: Any
                (protocol,) = receiver.server._connections
                heads, backlog = protocol._heads, protocol._backlog
                assert (heads._headers, heads._url, backlog.rest) == ([], b"", b"")
