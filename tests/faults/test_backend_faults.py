"""Backends that fail in every way: what was acknowledged has arrived; the other endpoint is unaffected."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest

from alloypy.lang.go.duration import Duration
from alloypy.profiles.model import DeliveryError
from alloypy.profiles.push_wire import decode_push
from tests.support.loops import both_event_loops
from tests.support.scripted import Backend, Peer, scripted
from tests.support.sending import (
    INGEST_OK,
    LABELS,
    PUSH_OK,
    Writing,
    answer,
    arguments,
    endpoint,
    ingest,
    push,
    writing,
)
from tests.support.waiting import until

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops

PROFILES = 40
MILLISECOND = 10**6


def at(backend: Backend) -> str:
    return f"http://127.0.0.1:{backend.port}"


def ok(line: str) -> bytes:
    return PUSH_OK if "Push" in line else INGEST_OK


class Flaky:
    """Does one of `faults` with the given probability, else accepts the profile."""

    def __init__(self, seed: int, chance: float, *faults: Callable[[Peer, str], Any]) -> None:
        self._random = random.Random(seed)
        self._chance = chance
        self._faults = faults
        self.taken: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        while request := await peer.request():
            if self._random.random() < self._chance:
                if not await self._random.choice(self._faults)(peer, request.line):
                    return
                continue
            self.taken.append(request.body)
            await peer.say(ok(request.line))


async def close(peer: Peer, _: str) -> bool:
    return False


async def reset(peer: Peer, _: str) -> bool:
    peer.reset()
    return False


async def reset_in_reply(peer: Peer, line: str) -> bool:
    await peer.say(ok(line)[:25])
    peer.reset()
    return False


async def half_a_body(peer: Peer, _: str) -> bool:
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nContent-Length: 50\r\n\r\nabc")
    return False


async def garbage(peer: Peer, _: str) -> bool:
    await peer.say(random.Random(7).randbytes(200))
    return False


async def busy(peer: Peer, _: str) -> bool:
    await peer.say(answer("503 Busy", b"x" * 5000))
    return True


async def endless(peer: Peer, _: str) -> bool:
    await peer.say(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await peer.say(b"1000\r\n" + b"x" * 4096 + b"\r\n")


async def hang(peer: Peer, _: str) -> bool:
    await peer.closed_by_client()
    return False


async def goodbye(peer: Peer, line: str) -> bool:
    """Accepts nothing and closes cleanly, as a server that restarts."""
    await peer.say(answer("503 Shutting down", b"", "Connection: close"))
    return False


async def hand_in(running: Writing, count: int, at_once: int = 8) -> tuple[list[bytes], list[str]]:
    """Pass profiles in; returns those acknowledged, and the errors of the others."""
    acknowledged: list[bytes] = []
    errors: list[str] = []
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            body = f"profile {number:04d} ".encode() * 50
            try:
                if number % 2:
                    await running.receiver.append_ingest(ingest(body=(body,)))
                else:
                    await running.receiver.append(push(LABELS, profile=body))
            except DeliveryError as error:
                errors.append(str(error))
            else:
                acknowledged.append(body)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return acknowledged, errors


def arrived(taken: list[bytes]) -> set[bytes]:
    found = set()
    for body in taken:
        if body.startswith(b"profile"):
            found.add(body)
        else:
            found |= {bytes(s.profile).removesuffix(b"0") for one in decode_push(body) for s in one.samples}
    return found


FAULTS = {
    "close": (close,),
    "reset": (reset,),
    "reset in reply": (reset_in_reply,),
    "half a body": (half_a_body,),
    "garbage": (garbage,),
    "busy": (busy,),
    "endless": (endless,),
    "restart": (goodbye, close),
    "everything": (close, reset, reset_in_reply, half_a_body, garbage, busy, endless, goodbye),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_what_is_acknowledged_has_arrived(name: str) -> None:
    flaky, steady = Flaky(3, 0.4, *FAULTS[name]), Flaky(0, 0.0, close)
    async with scripted(flaky) as bad, scripted(steady) as good:
        given = arguments(endpoint(at(bad), max_backoff_retries=30), endpoint(at(good)))
        async with writing(given) as running:
            acknowledged, errors = await hand_in(running, PROFILES)
            assert errors == []
            assert running.metric("sent_profiles_total", endpoint=at(bad)) == PROFILES
            assert running.metric("sent_profiles_total", endpoint=at(good)) == PROFILES
            assert running.metric("dropped_profiles_total") is None
            assert (running.metric("retries_total", endpoint=at(bad)) or 0) > 0
    assert set(acknowledged) == arrived(flaky.taken) == arrived(steady.taken)
    assert len(steady.taken) == PROFILES


@pytest.mark.parametrize(
    "fault", [close, reset, garbage, busy, hang, endless], ids=lambda each: each.__name__
)
async def test_a_dead_backend_costs_the_other_nothing(fault: Callable[[Peer, str], Any]) -> None:
    dead, steady = Flaky(1, 1.0, fault), Flaky(0, 0.0, close)
    async with scripted(dead) as bad, scripted(steady) as good:
        quick = endpoint(at(bad), remote_timeout=Duration(100 * MILLISECOND), max_backoff_retries=2)
        async with writing(arguments(quick, endpoint(at(good)))) as running:
            acknowledged, errors = await hand_in(running, 12)
            assert acknowledged == []
            assert len(errors) == 12
            assert all(at(bad) in error and at(good) not in error for error in errors)
            assert running.metric("dropped_profiles_total", endpoint=at(bad)) == 12
            assert running.metric("sent_profiles_total", endpoint=at(good)) == 12
            await until(lambda: bad.open == 0 or fault is busy)
    assert len(arrived(steady.taken)) == 12


async def test_a_backend_that_reads_slowly() -> None:
    async def script(peer: Peer) -> None:
        head = await peer.head()
        left = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        while left:
            await asyncio.sleep(0.001)
            part = await peer.reader.read(min(left, 1 << 16))
            got.append(part)
            left -= len(part)
        await peer.say(INGEST_OK)

    got: list[bytes] = []
    body = random.Random(1).randbytes(1 << 22)
    async with scripted(script) as backend, writing(arguments(endpoint(at(backend)))) as running:
        await running.receiver.append_ingest(ingest(body=(body[:1000], memoryview(body)[1000:])))
    assert b"".join(got) == body


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_backend_that_comes_and_goes() -> None:
    """Down at first, then there, then away, then there again, always on the same address."""
    taken: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        peer = Peer(0, reader, writer, [])
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while request := await peer.request():
                taken.append(request.body)
                await peer.say(ok(request.line))
        writer.transport.abort()

    async def more_than(count: int) -> None:
        await until(lambda: len(taken) > count or work.done())

    async def go(server: asyncio.Server) -> None:
        server.close()
        await server.wait_closed()
        for writer in writers:
            writer.transport.abort()
        writers.clear()

    async with scripted(Flaky(0, 0.0, close)) as probe:
        port = probe.port
    patient = endpoint(
        f"http://127.0.0.1:{port}",
        max_backoff_retries=0,
        min_backoff_period=Duration(10 * MILLISECOND),
        max_backoff_period=Duration(20 * MILLISECOND),
    )
    async with writing(arguments(patient)) as running:
        work = asyncio.create_task(hand_in(running, PROFILES, at_once=4))
        for _ in range(3):
            await asyncio.sleep(0.05)
            server = await asyncio.start_server(serve, "127.0.0.1", port)
            count = len(taken)
            await more_than(count + 4)
            await go(server)
        server = await asyncio.start_server(serve, "127.0.0.1", port)
        acknowledged, errors = await work
        await go(server)
    assert errors == []
    assert set(acknowledged) <= arrived(taken)
    assert len(acknowledged) == PROFILES
