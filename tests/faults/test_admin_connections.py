"""Connections of the admin port, where uvicorn's own would wait or answer differently. Raw sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import weakref
from collections.abc import AsyncIterator

import pytest

from alloypy.net.server.config import Timeouts
from alloypy.partial_import import parts_of

with parts_of("uvicorn", Config="uvicorn.config"):
    from alloypy.services.admin.uvicorn_server import AdminUvicorn

from alloypy.services.admin.messages import Receive, Scope, Send
from tests.support.loops import both_event_loops
from tests.support.waiting import until

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops

LONG = Timeouts(read=100, write=0, idle=100, stall=100)
GET = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path; /fails raises, /hangs never answers, /large is more than a client reads."""
    path: str = scope["path"]
    if path == "/fails":
        raise RuntimeError("on purpose")
    if path == "/hangs":
        await asyncio.Event().wait()
    if path == "/waits":
        while (await receive())["type"] != "http.disconnect":
            pass
    body = b"x" * (32 << 20) if path == "/large" else path.encode(errors="surrogateescape")
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def no_tls() -> None:
    return None


@contextlib.asynccontextmanager
async def served(timeouts: Timeouts = LONG, grace: float = 0) -> AsyncIterator[tuple[AdminUvicorn, int]]:
    """A running server and its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    log = logging.getLogger("alloypy.test")
    server = AdminUvicorn(
        application, [listening], log=log, timeouts=timeouts, tls=no_tls, most_idle=0, grace=grace
    )
    await server.startup()
    try:
        yield server, port
    finally:
        await server.shutdown()


async def answers(port: int, *parts: bytes, ends: bool = False) -> bytes:
    """All bytes until the server closes. ends: whether the client half-closes its side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if ends:
            writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


async def test_answers_have_a_date_and_do_not_name_the_server() -> None:
    async with served() as (_, port):
        head = (await answers(port, LAST)).partition(b"\r\n\r\n")[0].lower()
    assert b"\r\ndate: " in head
    assert b"\r\nserver:" not in head


async def test_any_number_of_pipelined_requests_is_answered_in_turn() -> None:
    async with served() as (server, port):
        paths = [b"%d" % number for number in range(1500)]
        received = await answers(port, b"".join(GET % path for path in paths) + LAST)
        assert statuses(received) == [200] * 1501
        assert [part[1:].partition(b"HTTP")[0] for part in received.split(b"\r\n\r\n")[1:-1]] == paths
        assert not server.server_state.tasks


@pytest.mark.parametrize("last", [b"", b"GET / HTTP/1.1\r\nHost: lo", b"nonsense\r\n\r\n"])
async def test_all_is_answered_to_a_client_that_says_no_more(last: bytes) -> None:
    async with served() as (server, port):
        received = await answers(port, GET % b"waits" + GET % b"" * 1500 + last, ends=True)
        assert statuses(received) == [200] * 1501 + [400] * last.startswith(b"nonsense")
        assert not server.server_state.tasks


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1_100_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a:\r\n" * 11_000 + b"\r\n", 431),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_read_is_refused_after_the_answers_before_it(
    request_: bytes, status: int
) -> None:
    async with served() as (_, port):
        assert statuses(await answers(port, GET % b"a" + request_ + GET % b"b")) == [200, status]


@pytest.mark.parametrize("path", [b"a", b"waits"])
async def test_a_client_that_ends_its_side_gets_its_answer(path: bytes) -> None:
    async with served() as (_, port):
        received = await answers(port, GET % path, ends=True)
    assert statuses(received) == [200]
    assert received.endswith(b"/" + path)


async def test_an_offer_to_speak_something_else_is_passed_over() -> None:
    offer = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with served() as (_, port):
        assert (await answers(port, offer)).endswith(b"/a")


async def test_a_fault_is_logged_and_answered(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as (_, port):
        received = await answers(port, GET % b"fails")
    assert statuses(received) == [500]
    assert b"on purpose" not in received
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("alloypy.test", "request handler failed")


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"])
async def test_a_client_that_does_not_ask_is_closed(sent: bytes) -> None:
    async with served(LONG._replace(read=0.1)) as (_, port):
        with contextlib.suppress(ConnectionResetError):
            assert await answers(port, sent) == b""


async def test_a_client_that_stops_in_its_second_request_is_closed() -> None:
    async with served(LONG._replace(read=0.2)) as (_, port):
        with contextlib.suppress(ConnectionResetError):
            assert statuses(await answers(port, GET % b"a", b"GET")) == [200]


async def test_a_connection_that_rests_is_closed() -> None:
    async with served(LONG._replace(idle=1)) as (_, port):
        assert statuses(await answers(port, GET % b"a")) == [200]


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    async with served(LONG._replace(stall=0.1)) as (server, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(GET % b"large")
            while not server.server_state.connections:
                await asyncio.sleep(0.01)
            while server.server_state.connections:
                await asyncio.sleep(0.01)


async def test_a_stop_does_not_wait_for_idle_clients() -> None:
    """The test would run into its time limit."""
    async with served(grace=1000) as (server, port):
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        silent[1].sendall(b"GET / HT")
        silent[2].sendall(GET % b"a")
        while len(server.server_state.connections) < 3 or not server.server_state.total_requests:
            await asyncio.sleep(0.01)
        await server.shutdown()
        assert not server.server_state.connections
    for client in silent:
        client.close()


async def test_a_request_cut_off_by_a_stop_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as (server, port):
        asking = asyncio.create_task(answers(port, GET % b"hangs"))
        while not server.server_state.tasks:
            await asyncio.sleep(0.01)
        await server.shutdown()
        with contextlib.suppress(ConnectionResetError):
            assert await asking == b""
    assert caplog.records == []


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: local",
        GET % b"",
        GET % b"" * 3,
        GET % b"waits",
        GET % b"waits" + GET % b"",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf",
    ],
)
async def test_a_connection_that_has_ended_keeps_no_memory(request_: bytes) -> None:
    async with served() as (server, port):
        await answers(port, LAST)
        gc.collect()
        gc.disable()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await until(lambda: len(server.server_state.connections) == 1)
            connection = weakref.ref(next(iter(server.server_state.connections)))
            writer.write(request_)
            await asyncio.sleep(0.02)
            writer.transport.abort()
            await until(lambda: connection() is None)
        finally:
            gc.enable()
