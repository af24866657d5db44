"""Clients of a receiver: good ones, whose every success is recorded, and those it has to survive.

Each is one visit: it connects, does its work and leaves.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.soak import wire
from tests.support.push_messages import protobuf_of

PATIENCE = 90.0
PUSH = "/push.v1.PusherService/Push"
_PADDING = bytes(range(256)) * 16


class World:
    """What all clients share.

    acknowledged: the numbers of the profiles whose client was answered with 200. answers: how often each
    status was seen. waits: seconds that good clients waited, in order.
    """

    def __init__(self, host: str, port: int, chance: random.Random, variety: int) -> None:
        self.acknowledged: set[int] = set()
        self.answers: Counter[str] = Counter()
        self.waits: list[float] = []
        self.chance = chance
        self.variety = variety
        self._address = host, port
        self._number = 0

    def profile(self, size: int = 0) -> tuple[int, bytes]:
        """A profile and the number that it contains."""
        self._number += 1
        return self._number, b"soak-%012d" % self._number + _PADDING[: size or self.chance.randrange(3000)]

    def label(self) -> str:
        """One of many label values."""
        return f"value-{self.chance.randrange(self.variety)}"

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to the receiver; broken off at the end."""
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def send(self, request: bytes, numbers: list[int]) -> None:
        """Send a good request; its profiles count as acknowledged when it is answered with 200."""
        async with self.connection() as (reader, writer):
            began = time.monotonic()
            writer.write(request)
            answer = await wire.read_message(reader)
            self.waits.append(time.monotonic() - began)
        status = answer.status if answer is not None else 0
        self.answers[f"good: {status}"] += 1
        if status == 200:
            self.acknowledged.update(numbers)

    async def annoy(self, *parts: bytes, pause: float = 0.0, listen: float = 2.0) -> None:
        """Send something invalid, in parts; any answer is counted and dropped."""
        async with self.connection() as (reader, writer):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            if listen:
                async with asyncio.timeout(listen):
                    answer = await wire.read_message(reader)
                    self.answers[f"bad: {answer.status if answer else 'closed'}"] += 1


Visit = Callable[[World], Awaitable[None]]


# Good ones


async def ingest(world: World) -> None:
    """What most SDKs send."""
    number, body = world.profile()
    name = f"app{{pod={world.label()},soak=yes}}"
    target = f"/ingest?name={name}&from=1&until=2&format=pprof"
    await world.send(wire.post(target, body, host=f"{world.label()}.example"), [number])


async def push(world: World) -> None:
    """A Push of some series, in gzip or not."""
    series, numbers = [], []
    for index in range(world.chance.choice([1, 1, 1, 5])):
        number, body = world.profile()
        numbers.append(number)
        labels = [("service_name", "app"), ("__name__", "cpu"), ("pod", world.label()), ("i", str(index))]
        series.append((labels, [(body, "")]))
    message = protobuf_of(series).SerializeToString()
    packed = {"content_encoding": "gzip"} if world.chance.random() < 0.5 else {}
    body = gzip.compress(message) if packed else message
    await world.send(wire.post(PUSH, body, content_type="application/proto", **packed), numbers)


async def push_json(world: World) -> None:
    """A Push in JSON."""
    number, body = world.profile()
    pairs = {"service_name": "app", "__name__": "cpu", "pod": world.label()}
    labels = [{"name": name, "value": value} for name, value in pairs.items()]
    series = [{"labels": labels, "samples": [{"rawProfile": base64.b64encode(body).decode()}]}]
    text = json.dumps({"series": series}).encode()
    await world.send(wire.post(PUSH, text, content_type="application/json"), [number])


async def large(world: World) -> None:
    """A megabyte in one profile."""
    number, mark = world.profile(1)
    body = mark + bytes(1 << 20)
    await world.send(wire.post(f"/ingest?name=large{{pod={world.label()}}}&format=pprof", body), [number])


async def keep_alive(world: World) -> None:
    """Many profiles over one connection."""
    async with world.connection() as (reader, writer):
        for _ in range(20):
            number, body = world.profile(200)
            began = time.monotonic()
            writer.write(wire.post(f"/ingest?name=app{{pod={world.label()}}}", body))
            answer = await wire.read_message(reader)
            if answer is None:
                return
            world.waits.append(time.monotonic() - began)
            world.answers[f"good: {answer.status}"] += 1
            if answer.status == 200:
                world.acknowledged.add(number)


# Broken and slow ones


async def half_a_head(world: World) -> None:
    """It leaves before its request is complete."""
    await world.annoy(b"POST /ingest?name=a HTTP/1.1\r\nHo", listen=0)


async def half_a_body(world: World) -> None:
    """It leaves in the middle of a large body."""
    head = b"POST /ingest?name=a HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n\r\n"
    await world.annoy(head, bytes(2 << 20), listen=0)


async def half_a_chunk(world: World) -> None:
    """It leaves in the middle of a chunk."""
    head = b"POST /ingest?name=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    await world.annoy(head, b"100000\r\n" + bytes(60_000), listen=0)


async def leaves_without_its_answer(world: World) -> None:
    """It sends everything and does not wait for the answer."""
    await world.annoy(wire.post("/ingest?name=a", bytes(5000)), listen=0)


async def dripping(world: World) -> None:
    """A byte at a time."""
    request = wire.post("/ingest?name=slow", bytes(50))
    await world.annoy(*(request[at : at + 1] for at in range(len(request))), pause=0.02)


async def stalled(world: World) -> None:
    """It announces a large body, sends a third and then pauses."""
    head = b"POST /ingest?name=a HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n"
    await world.annoy(head, bytes(10_000_000), pause=3.0, listen=0)


async def silent(world: World) -> None:
    """It connects and sends nothing."""
    async with world.connection():
        await asyncio.sleep(world.chance.uniform(0.1, 5.0))


async def deaf(world: World) -> None:
    """It requests a lot and reads none of it."""
    async with world.connection() as (_, writer):
        for _ in range(500):
            writer.write(b"GET /nothing/here HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(3.0)


# Hostile ones


async def no_http(world: World) -> None:
    """Bytes at random."""
    await world.annoy(world.chance.randbytes(2000))


async def many_headers(world: World) -> None:
    """A head of short lines."""
    await world.annoy(b"POST /ingest?name=a HTTP/1.1\r\nHost: a\r\n", b"a:\r\n" * 100_000, b"\r\n")


async def long_target(world: World) -> None:
    """A target of almost a megabyte."""
    await world.annoy(f"GET /{'a/' * 450_000} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


async def tiny_chunks(world: World) -> None:
    """A body in chunks of one byte."""
    head = b"POST /ingest?name=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    await world.annoy(head, b"1\r\na\r\n" * 300_000, b"0\r\n\r\n")


async def bad_chunks(world: World) -> None:
    """A chunk whose size is invalid, or too large."""
    head = b"POST /ingest?name=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    await world.annoy(head, world.chance.choice([b"zz\r\n", b"ffffffffffffffffffff\r\n", b"7fffffff\r\n"]))


async def smuggler(world: World) -> None:
    """Two contradictory lengths of the body."""
    lines = b"Host: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    await world.annoy(b"POST /ingest?name=a HTTP/1.1\r\n" + lines + b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n")


async def gzip_bomb(world: World) -> None:
    """60 MB of nothing in 60 kB."""
    body = wire.bomb(bytes(1000), 60_000)
    await world.annoy(wire.post(PUSH, body, content_type="application/proto", content_encoding="gzip"))


async def escapes(world: World) -> None:
    """A JSON string that consists only of escapes."""
    text = b'{"series":[{"labels":[{"name":"a","value":"' + b"\\u4e00" * 300_000 + b'"}]}]}'
    body = gzip.compress(text)
    await world.annoy(wire.post(PUSH, body, content_type="application/json", content_encoding="gzip"))


async def deep_json(world: World) -> None:
    """Deeply nested JSON, to calls that expect little."""
    text = b'{"x":[' + b"[]," * 300_000 + b"[]]}"
    await world.annoy(
        wire.post(
            "/debuginfo.v1alpha1.DebuginfoService/UploadFinished", text, content_type="application/json"
        )
    )


async def empty_series(world: World) -> None:
    """Series without labels or samples: an error for each."""
    body = gzip.compress(b"\x0a\x00" * 20_000)
    await world.annoy(wire.post(PUSH, body, content_type="application/proto", content_encoding="gzip"))


async def wrong_names(world: World) -> None:
    """Invalid label names, with long values."""
    series = [([("wrong name", "v" * 20_000)], [(b"x", "")]) for _ in range(50)]
    message = protobuf_of(series).SerializeToString()
    await world.annoy(wire.post(PUSH, message, content_type="application/proto"))


async def huge_label(world: World) -> None:
    """A label value of a megabyte, each time another one."""
    value = world.chance.randbytes(8).hex() + "v" * 1_000_000
    message = protobuf_of([([("service_name", "huge"), ("v", value)], [(b"x", "")])]).SerializeToString()
    await world.annoy(wire.post(PUSH, message, content_type="application/proto"), listen=20)


async def digits(world: World) -> None:
    """Numbers longer than any number."""
    request = wire.post(PUSH, b"", content_type="application/grpc", grpc_timeout="9" * 5000 + "m")
    await world.annoy(request)


async def burst(world: World) -> None:
    """More connections than the process has descriptors, all at the same time."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(1100):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await stack.enter_async_context(world.connection())
        await asyncio.sleep(1)


GOOD: dict[Visit, int] = {ingest: 10, push: 10, push_json: 3, large: 1, keep_alive: 4}
"""Visits and how often they happen, relative to each other."""

BAD: dict[Visit, int] = {
    half_a_head: 5,
    half_a_body: 3,
    half_a_chunk: 5,
    leaves_without_its_answer: 5,
    dripping: 5,
    stalled: 1,
    silent: 10,
    deaf: 2,
    no_http: 3,
    many_headers: 2,
    long_target: 2,
    tiny_chunks: 1,
    bad_chunks: 3,
    smuggler: 3,
    gzip_bomb: 1,
    escapes: 1,
    deep_json: 1,
    empty_series: 2,
    wrong_names: 2,
    huge_label: 1,
    digits: 2,
}


async def visitor(world: World, visits: dict[Visit, int]) -> None:
    """One visit after the other, until cancelled. Errors on the way do not count."""
    kinds, weights = list(visits), list(visits.values())
    while True:
        (visit,) = world.chance.choices(kinds, weights)
        try:
            async with asyncio.timeout(PATIENCE):
                await visit(world)
        except (
            OSError,
            TimeoutError,
            ValueError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ) as error:
            world.answers[f"{visit.__name__}: {type(error).__name__}"] += 1
        await asyncio.sleep(0.01)


async def bursts(world: World, seconds: float) -> None:
    """A burst of connections every `seconds`, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        await burst(world)
