"""Whatever a server sends, in whatever pieces, the transport settles the request once and stays usable."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alloypy.net.client.connection import (
    _LARGEST_KNOWN_REPLY_BYTES,
    _MOST_KNOWN_REPLIES,
    Connection,
    _known_replies,
)
from alloypy.net.client.messages import MAX_HEAD_BYTES, Response, SendError
from tests.support.profiles import contents

LIMIT = 64

REPLIES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: 1\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nConnection: close\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 200,
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n\0\1",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 2,
]
TOKENS = [
    b"\r\n",
    b"\n",
    b"\0",
    b":",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"ffffffff\r\n",
    b"HTTP/1.1 ",
    b"-1",
    b"x" * 300,
    b"\xff",
]


class FakeTransport:
    """Takes what is written; counts how it ends."""

    def __init__(self) -> None:
        self.aborted = 0

    def write(self, data: bytes) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.aborted += 1


class FakePool:
    """Counts what comes back."""

    def __init__(self) -> None:
        self.released = 0
        self.forgotten = 0

    def release(self, _: Connection) -> None:
        self.released += 1

    def forget(self, _: Connection) -> None:
        self.forgotten += 1


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    reply = bytearray(draw(st.sampled_from(REPLIES)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(reply)))
        kind = draw(st.sampled_from(["insert", "delete", "flip", "append"]))
        if kind == "insert":
            reply[at:at] = draw(st.sampled_from(TOKENS))
        elif kind == "delete":
            del reply[at : at + draw(st.integers(1, 8))]
        elif kind == "flip" and at < len(reply):
            reply[at] = draw(st.integers(0, 255))
        else:
            reply += draw(st.sampled_from(REPLIES))
    return bytes(reply)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    bounds = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(bounds)]


async def play(parts: list[bytes], ending: str) -> tuple[Any, FakePool, FakeTransport, Connection]:
    """Send a request, pass in the parts, then the ending; returns the outcome and what is left."""
    loop = asyncio.get_running_loop()
    pool, transport = FakePool(), FakeTransport()
    connection = Connection(pool, loop, None)
    connection.connection_made(transport)  # type: ignore[arg-type]
    task = loop.create_task(connection.exchange(b"POST / HTTP/1.1\r\n\r\n", (), LIMIT, loop.time() + 60))
    await asyncio.sleep(0)
    for part in parts:
        if not transport.aborted:
            connection.data_received(part)
    if not transport.aborted:
        if ending == "eof":
            connection.eof_received()
        elif ending == "lost":
            connection.connection_lost(ConnectionResetError(104, "reset"))
        else:
            connection.abort()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    connection.connection_lost(None)
    return outcome, pool, transport, connection


def check(data: bytes, cuts: list[int], ending: str) -> None:
    outcome, pool, transport, connection = asyncio.run(play(pieces(data, cuts), ending))
    assert isinstance(outcome, Response | SendError), outcome
    assert connection.closed
    assert transport.aborted == 1
    assert pool.forgotten == 1
    assert pool.released <= 1
    if isinstance(outcome, Response):
        assert 101 <= outcome.status <= 999
        assert len(outcome.body) <= LIMIT
        assert sum(len(name) + len(value) for name, value in outcome.headers) <= MAX_HEAD_BYTES
        assert all(name == name.lower() for name, _ in outcome.headers)
    if pool.released:
        assert isinstance(outcome, Response)
        assert not outcome.broken


@settings(max_examples=300)
@given(mutated(), st.lists(st.integers(0, 2000), max_size=6), st.sampled_from(["eof", "lost", "abort"]))
def test_mutated_replies(data: bytes, cuts: list[int], ending: str) -> None:
    check(data, cuts, ending)


@settings(max_examples=100)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=4))
@example(b"", [])
def test_random_bytes(data: bytes, cuts: list[int]) -> None:
    check(data, cuts, "eof")


def told(outcome: Any) -> Any:
    """A reply as its values, anything else as text."""
    return contents(outcome) if isinstance(outcome, Response) else str(outcome)


@settings(max_examples=60)
@given(st.sampled_from(REPLIES[:6]), st.lists(st.integers(0, 2000), max_size=10))
def test_the_outcome_does_not_depend_on_the_pieces(data: bytes, cuts: list[int]) -> None:
    whole, *_ = asyncio.run(play([data], "eof"))
    parts, *_ = asyncio.run(play(pieces(data, cuts), "eof"))
    assert isinstance(whole, Response)
    assert told(parts) == told(whole)


@settings(max_examples=200)
@given(mutated(), mutated(), st.sampled_from(["eof", "lost"]))
@example(REPLIES[0], REPLIES[0], "eof")
def test_a_reply_that_was_seen_before_is_read_as_if_it_were_new(
    data: bytes, other: bytes, ending: str
) -> None:
    """The cache of replies must have no visible effect, whether the same bytes follow or different ones."""
    _known_replies.clear()
    new, new_pool, *_ = asyncio.run(play([data], ending))
    again, again_pool, *_ = asyncio.run(play([data], ending))
    assert told(again) == told(new)
    assert (again_pool.released, again_pool.forgotten) == (new_pool.released, new_pool.forgotten)
    after, *_ = asyncio.run(play([other], ending))
    _known_replies.clear()
    alone, *_ = asyncio.run(play([other], ending))
    assert told(after) == told(alone)


def test_a_known_reply_is_cut_where_less_of_its_body_is_wanted() -> None:
    _known_replies.clear()
    reply = REPLIES[0]

    async def ask(limit: int) -> Response:
        pool, transport = FakePool(), FakeTransport()
        loop = asyncio.get_running_loop()
        connection = Connection(pool, loop, None)
        connection.connection_made(transport)  # type: ignore[arg-type]
        task = loop.create_task(connection.exchange(b"", (), limit, loop.time() + 60))
        await asyncio.sleep(0)
        connection.data_received(reply)
        response = await task
        connection.abort()
        return response

    assert asyncio.run(ask(5)).body == b"hello"
    assert reply in _known_replies
    assert asyncio.run(ask(4)).body == b"hell"


def test_replies_are_remembered_within_bounds() -> None:
    _known_replies.clear()
    for number in range(2 * _MOST_KNOWN_REPLIES):
        asyncio.run(play([b"HTTP/1.1 200 OK\r\nX: %d\r\nContent-Length: 0\r\n\r\n" % number], "eof"))
    assert 0 < len(_known_replies) <= _MOST_KNOWN_REPLIES
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: %s\r\n\r\n" % (b"x" * _LARGEST_KNOWN_REPLY_BYTES)
    closing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    for reply in (long, closing, REPLIES[7]):
        asyncio.run(play([reply], "eof"))
        assert reply not in _known_replies
