"""Bodies in tiny chunks: however many clients send them, others are served; those that leave are gone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from alloypy.net.server.listener import Server
from tests.support.receiving import Collected, Receiving, arguments, receiving, request_bytes
from tests.support.watchdog import watching

pytestmark = pytest.mark.anyio

HEAD = request_bytes("/ingest?name=a", headers=[("Transfer-Encoding", "chunked")], length=False)
MIXED = b"1\r\na\r\n2\r\nbc\r\n"
ALIKE = b"1\r\na\r\n"


@contextlib.contextmanager
def crowd(port: int, size: int, raw: bytes) -> Iterator[list[socket.socket]]:
    """Clients that have sent as much of `raw` as the system accepts, before the event loop looks at any."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(size):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.setblocking(False)
            clients.append(client)
            client.send(HEAD)
            with contextlib.suppress(BlockingIOError):
                client.send(raw)
        yield clients


def server_of(receiver: Receiving) -> Server:
    serving = receiver.component._serving
    assert serving is not None
    return serving.server


async def in_turns(receiver: Receiving, count: int) -> int:
    """Let the event loop turn until there are `count` connections."""
    server = server_of(receiver)
    turns = 0
    while server.connection_count != count:
        turns += 1
        assert turns < 10_000
        await asyncio.sleep(0)
    return turns


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def half_close(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)


async def turns_until_given_up(receiver: Receiving) -> int:
    """Let the event loop turn until nobody is being answered."""
    turns = 0
    while server_of(receiver).requests:
        turns += 1
        await asyncio.sleep(0)
    return turns


@pytest.mark.parametrize("chunks", [MIXED, ALIKE], ids=["mixed", "alike"])
async def test_a_crowd_with_tiny_chunks_leaves_others_their_turn(chunks: bytes) -> None:
    collected = Collected()
    sent = chunks * (50_000 // len(chunks))
    loop = asyncio.get_running_loop()
    async with receiving(arguments(collected)) as receiver:
        with crowd(receiver.port, 150, sent) as clients, watching():
            for client in clients:
                await loop.sock_sendall(client, b"0\r\n\r\n")
            for client in clients:
                assert (await loop.sock_recv(client, 1000)).startswith(b"HTTP/1.1 200 ")
    content = {b"".join(one.body) for one in collected.ingests}
    assert content == {b"abc" * (len(sent) // len(MIXED)) if chunks == MIXED else b"a" * (len(sent) // 6)}
    assert len(collected.ingests) == 150


@pytest.mark.parametrize("leaves", [reset, half_close], ids=["reset", "half closed"])
async def test_a_client_that_leaves_within_a_body_is_no_longer_read(
    leaves: Callable[[socket.socket], None],
) -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver:
        with crowd(receiver.port, 20, MIXED * 50_000) as clients:
            await in_turns(receiver, 20)
            for client in clients:
                leaves(client)
            assert await turns_until_given_up(receiver) < 10
        assert not collected.ingests
        assert server_of(receiver)._config.budget.held == 0


async def test_a_client_that_has_half_closed_is_answered() -> None:
    collected = Collected()
    loop = asyncio.get_running_loop()
    async with receiving(arguments(collected)) as receiver:
        with crowd(receiver.port, 20, MIXED * 3_000 + b"0\r\n\r\n") as clients:
            for client in clients:
                half_close(client)
            for client in clients:
                assert (await loop.sock_recv(client, 1000)).startswith(b"HTTP/1.1 200 ")
    assert {b"".join(one.body) for one in collected.ingests} == {b"abc" * 3_000}
