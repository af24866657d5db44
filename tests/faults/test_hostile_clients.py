"""Hostile or broken clients: the receiver stays up, within its limits, and serves the others."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import random
import resource
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.receiving import (
    PUSH,
    Client,
    Collected,
    Receiving,
    arguments,
    ask,
    connected,
    milliseconds,
    receiving,
    request_bytes,
)
from tests.support.watchdog import watching

pytestmark = pytest.mark.anyio

PROTO = [("Content-Type", "application/proto")]
JSON = [("Content-Type", "application/json")]
GZIP = [*PROTO, ("Content-Encoding", "gzip")]
CHUNKED = [("Transfer-Encoding", "chunked")]
MEBIBYTE = 1 << 20


def resident() -> int:
    """Bytes of memory of this process, or 0 if unknown."""
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()
    return 0


@contextlib.asynccontextmanager
async def unharmed(**changes: Any) -> AsyncIterator[Receiving]:
    """A receiver that must serve an honest client after the block, and have logged no error."""
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    collected = Collected()
    async with receiving(arguments(collected, **changes)) as receiver:
        before = resident()
        yield receiver
        assert resident() - before < 200 * MEBIBYTE
        assert (await ask(receiver.port, "/ingest?name=honest", b"abc")).status == 200
        assert not [line for line in receiver.log.lines if "handler failed" in line]
        budget = receiver.server._config.budget
        while budget.held:
            await asyncio.sleep(0.001)
    assert collected.ingests[-1].labels["__name__"] == "honest"
    assert faults == []


async def pour(client: Client, parts: Iterator[bytes]) -> None:
    """Send until the server stops reading."""
    with contextlib.suppress(ConnectionError):
        for part in parts:
            await client.send(part)
            if client.reader.at_eof():
                break


async def answer(client: Client, parts: Iterator[bytes]) -> int | None:
    """The status of the answer to an endless request; None when the connection is only closed."""
    pouring = asyncio.create_task(pour(client, parts))
    try:
        return (await client.reply()).status
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    finally:
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)


def forever(part: bytes) -> Iterator[bytes]:
    while True:
        yield part


# Endless and oversized


async def test_an_endless_chunked_body_ends_at_the_limit() -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    async with unharmed(max_body_size=2 * MEBIBYTE) as receiver:
        for target, headers in (("/ingest?name=a", CHUNKED), (PUSH, CHUNKED + PROTO), (PUSH, CHUNKED + GZIP)):
            async with connected(receiver.port) as client:
                await client.send(request_bytes(target, b"", headers, length=False))
                assert await answer(client, forever(chunk)) in (413, None)


async def test_a_body_in_chunks_of_one_byte_takes_no_more_than_its_size() -> None:
    async with unharmed(max_body_size=MEBIBYTE) as receiver, connected(receiver.port) as client:
        await client.send(request_bytes("/ingest?name=a", b"", CHUNKED, length=False))
        assert await answer(client, forever(b"1\r\nx\r\n" * 10_000)) in (413, None)


@pytest.mark.parametrize(
    "endless",
    [
        b"A: " + b"b" * 100_000 + b"\r\n",  # many headers
        b"b" * 100_000,  # one header
    ],
)
async def test_endless_headers_are_cut_off(endless: bytes) -> None:
    async with unharmed() as receiver, connected(receiver.port) as client:
        await client.send(b"POST /ingest?name=a HTTP/1.1\r\nHost: x\r\nA: ")
        assert await answer(client, forever(endless)) in (431, None)


async def test_an_endless_target_is_cut_off() -> None:
    async with unharmed() as receiver, connected(receiver.port) as client:
        await client.send(b"POST /ingest?name=")
        assert await answer(client, forever(b"a" * 100_000)) in (431, None)


async def test_headers_just_beyond_the_limit_are_too_large() -> None:
    async with unharmed() as receiver:
        reply = await ask(receiver.port, "/ingest?name=a", b"", [("A", "x" * 1_100_000)])
        assert (reply.status, reply.body) == (431, b"431 Request Header Fields Too Large")
        assert (await ask(receiver.port, "/ingest?name=a", b"", [("A", "x" * 900_000)])).status == 200


@pytest.mark.parametrize("endless", [b"A: " + b"b" * 100_000 + b"\r\n", b"b" * 100_000])
async def test_endless_trailers_are_cut_off(endless: bytes) -> None:
    async with unharmed() as receiver, connected(receiver.port) as client:
        await client.send(request_bytes("/ingest?name=a", b"", CHUNKED, length=False) + b"1\r\nx\r\n0\r\nA: ")
        assert await answer(client, forever(endless)) in (400, None)


async def test_an_endless_chunk_extension_is_cut_off() -> None:
    async with unharmed() as receiver, connected(receiver.port) as client:
        await client.send(request_bytes("/ingest?name=a", b"", CHUNKED, length=False) + b"1;")
        assert await answer(client, forever(b"a" * 100_000)) in (400, None)


# Slow


async def test_clients_that_dribble_their_headers_are_dropped_in_time() -> None:
    async with unharmed(http={"server_read_timeout": milliseconds(300)}) as receiver:

        async def dribble() -> None:
            async with connected(receiver.port) as client:
                with contextlib.suppress(ConnectionError):
                    for byte in b"POST /ingest?name=a HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 1000:
                        await client.send(bytes([byte]))
                        await asyncio.sleep(0.01)
                assert await client.ended()

        await asyncio.gather(*(dribble() for _ in range(50)))


async def test_clients_that_dribble_their_bodies_are_dropped_in_time() -> None:
    async with unharmed(http={"server_read_timeout": milliseconds(300)}) as receiver:

        async def dribble() -> int:
            async with connected(receiver.port) as client:
                with contextlib.suppress(ConnectionError):
                    await client.send(request_bytes("/ingest?name=a", b"x" * 1_000_000)[:-999_000])
                    for _ in range(40):
                        await client.send(b"x")
                        await asyncio.sleep(0.01)
                return (await client.reply()).status

        assert await asyncio.gather(*(dribble() for _ in range(50))) == [500] * 50


async def test_large_bodies_that_are_only_announced_cost_nothing() -> None:
    async with unharmed() as receiver, contextlib.AsyncExitStack() as stack:
        for _ in range(100):
            client = await stack.enter_async_context(connected(receiver.port))
            announced = [("Content-Length", str(60 * MEBIBYTE))]
            raw = request_bytes("/ingest?name=a", headers=announced, length=False)
            await client.send(raw + b"x" * 1000)
        while receiver.metric("inflight_requests", method="POST", route="ingest") != 100:
            await asyncio.sleep(0.01)
        assert (await ask(receiver.port, "/ingest?name=b", b"abc")).status == 200


async def test_a_client_that_never_reads_does_not_fill_the_memory() -> None:
    short = {"server_write_timeout": milliseconds(500), "server_idle_timeout": milliseconds(500)}
    async with unharmed(http=short) as receiver, connected(receiver.port) as client:
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        some = request_bytes("/" + "x" * 200) * 500
        deadline = time.monotonic() + 20
        with contextlib.suppress(ConnectionError, TimeoutError):
            while time.monotonic() < deadline:
                async with asyncio.timeout(2):
                    await client.send(some)
        while receiver.metric("tcp_connections", protocol="http"):
            await asyncio.sleep(0.01)


async def test_a_thousand_idle_connections_affect_nobody() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} open files are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        async with unharmed() as receiver, contextlib.AsyncExitStack() as stack:
            for number in range(1000):
                client = await stack.enter_async_context(connected(receiver.port))
                if number % 2:
                    await client.send(b"POST /ingest")
            while receiver.metric("tcp_connections", protocol="http") != 1000:
                await asyncio.sleep(0.01)
            for _ in range(20):
                assert (await ask(receiver.port, "/ingest?name=a", b"abc")).status == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Smuggling


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length : 5\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
    ],
)
async def test_two_readings_of_a_request_are_refused(headers: bytes) -> None:
    smuggled = b"0\r\n\r\n" + request_bytes("/ingest?name=smuggled", b"abc")
    collected = Collected()
    async with receiving(arguments(collected)) as receiver, connected(receiver.port) as client:
        await client.send(b"POST /ingest?name=a HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n" + smuggled)
        reply = await client.reply()
        assert reply.status in (400, 501)
        assert reply.headers["connection"] == "close"
        assert await client.ended()
    assert collected.ingests == []


async def test_the_body_of_an_ignored_upgrade_is_not_read_as_a_request() -> None:
    hidden = request_bytes("/ingest?name=hidden", b"abc")
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "h2c")]
    collected = Collected()
    async with receiving(arguments(collected)) as receiver, connected(receiver.port) as client:
        await client.send(request_bytes("/ingest?name=a", hidden, upgrade))
        assert (await client.reply()).status == 200
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
        await client.send(request_bytes("/ingest?name=b", b"", [*upgrade, *CHUNKED], length=False) + chunks)
        assert (await client.reply()).status == 200
        await client.send(request_bytes("/ingest?name=c", b"x" * 300_000, upgrade))
        assert (await client.reply()).status == 200
    assert [each.labels["__name__"] for each in collected.ingests] == ["a", "b", "c"]
    assert [b"".join(each.body) for each in collected.ingests] == [hidden, hidden, b"x" * 300_000]


# Nonsense


async def test_random_bytes_are_survived() -> None:
    chance = random.Random(7)
    async with unharmed(http={"server_read_timeout": milliseconds(200)}) as receiver:

        async def nonsense() -> None:
            async with connected(receiver.port) as client:
                with contextlib.suppress(ConnectionError):
                    await client.send(chance.randbytes(chance.randrange(1, 5000)))
                    await client.reader.read()

        for _ in range(10):
            await asyncio.gather(*(nonsense() for _ in range(20)))


async def test_requests_with_random_damage_are_survived() -> None:
    chance = random.Random(8)
    good = (
        request_bytes("/ingest?name=a%7Bb=c%7D", b"abc", [("Content-Type", "text/plain")])
        + request_bytes(PUSH, b"\x0a\x04\x12\x02\x0a\x00", PROTO)
        + request_bytes("/ingest?name=a", b"", CHUNKED, length=False)
        + b"3\r\nabc\r\n0\r\n\r\n"
    )
    short = {f"server_{kind}_timeout": milliseconds(200) for kind in ("read", "idle")}
    async with unharmed(http=short) as receiver:

        async def damaged() -> None:
            raw = bytearray(good)
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(raw))
                raw[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
            async with connected(receiver.port) as client:
                with contextlib.suppress(ConnectionError):
                    await client.send(bytes(raw))
                    await client.reader.read()

        for _ in range(10):
            await asyncio.gather(*(damaged() for _ in range(30)))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (PROTO, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
        (PROTO, b"\x0a\xff\xff\xff\xff\x0f" + b"x" * 1000),
        (PROTO, b"\x0a\x00" * 1_000_000),  # far too many series
        (PROTO, b"\x18\x00" * 1_000_000),  # unknown fields
        (PROTO, b"\x0a\x80\x89\x7a" + b"\x0a\x00" * 1_000_000),  # labels
        (PROTO, b"\x23" * 100_000),  # groups in groups
        (JSON, b'{"x":' + b"[" * 1_000_000),
        (JSON, b'{"series":' + b'[{"labels":' * 100_000),
        (JSON, b'{"x":[' + b"1," * 1_000_000 + b"1]}"),
        (JSON, b'"' + b"\\u0041" * 100_000),
        (JSON, b"\xff" * 100_000),
        (GZIP, b"\x1f\x8b" + b"x" * 1000),
        (GZIP, gzip.compress(b"", mtime=0) * 100_000),
        (GZIP, gzip.compress(b"x" * 100_000, mtime=0)[:-9]),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else None,
)
async def test_absurd_messages_are_refused(headers: Any, body: bytes) -> None:
    async with unharmed() as receiver:
        reply = await ask(receiver.port, PUSH, body, headers)
        assert reply.status == 400
        assert json.loads(reply.body)["code"] == "invalid_argument"


async def test_a_small_bomb_of_many_bombs_is_stopped() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000) * 100
    async with unharmed() as receiver:
        assert (await ask(receiver.port, PUSH, bomb, GZIP)).status == 413


async def test_labels_without_number_are_read_in_time() -> None:
    """A name of a megabyte, of labels or in one piece, delays nobody."""
    pieces = ("a%7B" + "b=c," * 200_000 + "%7D", "a" * 900_000, "%7B" * 200_000, "a%7B" + "=" * 900_000)
    async with unharmed() as receiver:
        for name in pieces:
            reply = await ask(receiver.port, f"/ingest?name={name}", b"abc")
            assert reply.status in (200, 400)


async def test_connections_reset_at_any_point_leave_nothing_behind() -> None:
    raw = request_bytes("/ingest?name=a", b"x" * 200_000)
    async with unharmed() as receiver:
        for at in range(0, len(raw), 7919):
            async with connected(receiver.port) as client:
                client.writer.write(raw[:at])
                client.writer.transport.abort()
        while receiver.metric("tcp_connections", protocol="http"):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})], ids=["uvloop"])
@pytest.mark.parametrize("raw", [b"1\r\nx\r\n" * 500_000, request_bytes("/ingest?name=b", b"a") * 20_000])
async def test_many_small_pieces_delay_nobody(raw: bytes) -> None:
    start = request_bytes("/ingest?name=a", b"", CHUNKED, length=False) if raw[:1] == b"1" else b""
    async with receiving(arguments(Collected())) as receiver, connected(receiver.port) as client:
        with watching() as watchdog:
            sending = asyncio.create_task(client.send(start + raw))
            answered = asyncio.create_task(client.reply())
            for _ in range(5):
                assert (await ask(receiver.port, "/ingest?name=b", b"abc")).status == 200
            sending.cancel()
            answered.cancel()
            await asyncio.gather(sending, answered, return_exceptions=True)
        watchdog.check()
