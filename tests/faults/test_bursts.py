"""Bursts of large profiles: they are received one after the other, all of them, in bounded memory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import trustme

from alloypy.components.pyroscope.receiving.blocks import TLS
from alloypy.lang.go.duration import Duration
from alloypy.lang.values import Secret
from alloypy.net.server import budget as budget_module
from alloypy.net.server.body import Receive, Scope, Send, read_body
from alloypy.net.server.budget import ByteBudget
from alloypy.net.server.config import ServerConfig, Timeouts
from alloypy.net.server.http1.protocol import HTTP1
from alloypy.net.server.listener import Server
from tests.support.compiled import pure_only
from tests.support.loops import both_event_loops
from tests.support.receiving import (
    PUSH,
    Client,
    Collected,
    Receiving,
    Reply,
    arguments,
    ask,
    connected,
    receiving,
    request_bytes,
)

pytestmark = [pytest.mark.anyio, pure_only("the budget is replaced by one that records its maximum")]
anyio_backend = both_event_loops

MEGABYTE = 1_000_000
FIRST_PART = 256 << 10  # of a body, which is received before it has to wait
NEVER = 3600.0
PROTO = [("Content-Type", "application/proto")]


class Watched(ByteBudget):
    """A budget that records its maximum."""

    most = 0

    def take(self, count: int) -> bool:
        taken = super().take(count)
        self.most = max(self.most, self.held)
        return taken


class Bursts(Receiving):
    """A receiver and its budget."""

    budget: Watched

    async def waiting(self, count: int) -> None:
        """Wait until `count` bodies wait for their turn."""
        while self.budget.waiting != count:
            await asyncio.sleep(0.001)

    async def holding(self, count: int) -> None:
        """Wait until `count` bytes are held."""
        while self.budget.held != count:
            await asyncio.sleep(0.001)


Serve = Callable[..., contextlib.AbstractAsyncContextManager[Bursts]]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Makes receivers with a mark of 2 MB and a limit of 100 MB; at the end nothing may be held or wait."""

    @contextlib.asynccontextmanager
    async def serve(
        collected: Collected, mark: int = 2 * MEGABYTE, patience: float = NEVER, **changes: Any
    ) -> AsyncIterator[Bursts]:
        budgets: list[Watched] = []

        def make(limit: int) -> Watched:
            budgets.append(Watched(limit, mark, patience))
            return budgets[-1]

        faults: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        budget_module.process_budget()  # which stays once it exists: ours must not create it
        monkeypatch.setattr(budget_module, "ByteBudget", make)
        given = arguments(collected, **{"max_bytes_in_flight": 100 * MEGABYTE, **changes})
        async with receiving(given) as running:
            receiver = Bursts(running.component, running.registry, running.log, running.sockets)
            receiver.task = running.task
            receiver.budget = budgets[-1]
            yield receiver
        budget = budgets[-1]
        assert (budget.held, budget.waiting, budget._promised, budget._held_in_queue) == (0, 0, 0, 0)
        assert budget._timer is None
        assert faults == []

    return serve


def profile(number: int, size: int = MEGABYTE) -> bytes:
    return bytes([number]) * size


def ingest(number: int, size: int = MEGABYTE) -> bytes:
    return request_bytes(f"/ingest?name=p{number}", profile(number, size))


async def sent(port: int, number: int, size: int = MEGABYTE, **options: Any) -> Reply:
    async with connected(port, **options) as client:
        await client.send(ingest(number, size))
        return await client.reply()


def came_whole(collected: Collected, count: int, size: int = MEGABYTE) -> bool:
    """Whether exactly the profiles 0 to `count` came, with their own content."""
    found = {each.labels["__name__"]: b"".join(map(bytes, each.body)) for each in collected.ingests}
    assert len(collected.ingests) == count
    return found == {f"p{number}": profile(number, size) for number in range(count)}


@contextlib.asynccontextmanager
async def one_waits(receiver: Bursts, collected: Collected, raw: bytes) -> AsyncIterator[Client]:
    """A client whose request waits, since two profiles are held that cannot be delivered."""
    collected.gate.clear()
    async with asyncio.TaskGroup() as tasks, connected(receiver.port) as client:
        delivering = [tasks.create_task(sent(receiver.port, number)) for number in range(2)]
        await receiver.holding(2 * MEGABYTE)
        # The server does not read from the client, so it cannot send all of it.
        sending = tasks.create_task(client.send(raw))
        await receiver.waiting(1)
        yield client
        collected.gate.set()
        assert [(await each).status for each in delivering] == [200, 200]
        sending.cancel()


# Everything gets through


async def test_a_burst_comes_through_completely_in_bounded_memory(serve: Serve) -> None:
    collected = Collected()
    async with serve(collected) as receiver:
        replies = await asyncio.gather(*(sent(receiver.port, number) for number in range(24)))
        assert {reply.status for reply in replies} == {200}
        assert receiver.budget.most <= 2 * MEGABYTE + 24 * FIRST_PART
    assert came_whole(collected, 24)


async def test_a_burst_comes_through_over_tls(serve: Serve) -> None:
    collected, ca = Collected(), trustme.CA()
    certificate = ca.issue_cert("localhost")
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    tls = TLS(
        cert_pem="".join(blob.bytes().decode() for blob in certificate.cert_chain_pems),
        key_pem=Secret(certificate.private_key_pem.bytes().decode()),
    )
    options: dict[str, Any] = {"ssl": trusting, "server_hostname": "localhost"}
    async with serve(collected, http={"tls": tls}) as receiver:
        replies = await asyncio.gather(*(sent(receiver.port, number, **options) for number in range(8)))
        assert {reply.status for reply in replies} == {200}
    assert came_whole(collected, 8)


async def test_profiles_larger_than_the_mark_come_one_by_one(serve: Serve) -> None:
    collected, size = Collected(), 5 * MEGABYTE
    async with serve(collected) as receiver:
        replies = await asyncio.gather(*(sent(receiver.port, number, size) for number in range(4)))
        assert {reply.status for reply in replies} == {200}
        assert receiver.budget.most <= size + 4 * FIRST_PART
    assert came_whole(collected, 4, size)


async def test_a_connection_serves_on_after_a_body_that_waited(serve: Serve) -> None:
    collected = Collected()
    async with serve(collected) as receiver, one_waits(receiver, collected, ingest(2)) as client:
        collected.gate.set()
        assert (await client.reply()).status == 200
        await client.send(ingest(3), request_bytes("/ingest?name=p4", profile(4)))
        assert [(await client.reply()).status for _ in range(2)] == [200, 200]
    assert came_whole(collected, 5)


async def test_small_and_chunked_profiles_never_wait(serve: Serve) -> None:
    collected = Collected()
    chunked = request_bytes("/ingest?name=b", headers=[("Transfer-Encoding", "chunked")], length=False)
    async with (
        serve(collected) as receiver,
        one_waits(receiver, collected, ingest(2)) as client,
        connected(receiver.port) as small,
        connected(receiver.port) as unknown,
    ):
        before = receiver.budget.held
        await small.send(request_bytes("/ingest?name=a", bytes(200_000)))
        await unknown.send(chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (500_000, bytes(500_000)))
        await receiver.holding(before + 700_000)
        assert receiver.budget.waiting == 1
        collected.gate.set()
        assert [(await each.reply()).status for each in (small, unknown, client)] == [200] * 3


async def test_bodies_that_are_only_announced_keep_nobody_waiting(serve: Serve) -> None:
    collected = Collected()
    announced = request_bytes("/ingest?name=a", headers=[("Content-Length", "50000000")], length=False)
    async with serve(collected, 8 * MEGABYTE) as receiver, contextlib.AsyncExitStack() as stack:
        for _ in range(10):
            client = await stack.enter_async_context(connected(receiver.port))
            await client.send(announced + bytes(20_000))
        while receiver.metric("inflight_requests", method="POST", route="ingest") != 10:
            await asyncio.sleep(0.001)
        assert (await sent(receiver.port, 0)).status == 200


# A backend that hangs


async def test_while_a_backend_hangs_the_rest_waits_outside(serve: Serve) -> None:
    collected = Collected()
    collected.gate.clear()
    async with serve(collected) as receiver, asyncio.TaskGroup() as tasks:
        replies = [tasks.create_task(sent(receiver.port, number)) for number in range(6)]
        await receiver.waiting(4)
        await receiver.holding(receiver.budget._held_in_queue + 2 * MEGABYTE)
        collected.gate.set()
        assert [(await each).status for each in replies] == [200] * 6
    assert came_whole(collected, 6)


async def test_after_some_time_as_much_is_held_as_the_limit_allows(serve: Serve) -> None:
    collected = Collected()
    collected.gate.clear()
    async with serve(collected, patience=0.05) as receiver, asyncio.TaskGroup() as tasks:
        replies = [tasks.create_task(sent(receiver.port, number)) for number in range(6)]
        await receiver.holding(6 * MEGABYTE)
        collected.gate.set()
        assert [(await each).status for each in replies] == [200] * 6
    assert came_whole(collected, 6)


@pytest.mark.parametrize(("target", "headers"), [("/ingest?name=a", []), (PUSH, PROTO)])
async def test_beyond_the_limit_clients_are_sent_away_immediately(
    serve: Serve, target: str, headers: Any
) -> None:
    collected = Collected()
    limit = 3 * MEGABYTE
    async with (
        serve(collected, max_bytes_in_flight=limit) as receiver,
        one_waits(receiver, collected, ingest(2, 700_000)) as client,
    ):
        reply = await ask(receiver.port, target, bytes(MEGABYTE), headers)
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert receiver.budget.waiting == 1
        collected.gate.set()
        assert (await client.reply()).status == 200


async def test_a_body_that_waited_in_vain_is_sent_away(serve: Serve) -> None:
    collected = Collected()
    async with serve(collected) as receiver, one_waits(receiver, collected, ingest(2)) as client:
        receiver.budget.limit = receiver.budget.held + 1000
        receiver.budget.mark = 100 * MEGABYTE
        receiver.budget.give_back(0)
        reply = await client.reply()
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")


# Ends of a wait


async def test_a_client_that_left_makes_room_for_the_next(serve: Serve) -> None:
    collected = Collected()
    async with (
        serve(collected) as receiver,
        connected(receiver.port) as later,
        one_waits(receiver, collected, ingest(2)[: MEGABYTE // 2]) as client,
    ):
        sending = asyncio.create_task(later.send(ingest(3)))
        await receiver.waiting(2)
        client.writer.transport.abort()
        collected.gate.set()
        await sending
        assert (await later.reply()).status == 200
    assert {each.labels["__name__"] for each in collected.ingests} == {"p0", "p1", "p3"}


async def test_a_deadline_passes_while_a_body_waits(serve: Serve) -> None:
    collected = Collected()
    raw = request_bytes(PUSH, bytes(MEGABYTE), [*PROTO, ("Connect-Timeout-Ms", "200")])
    async with serve(collected) as receiver, one_waits(receiver, collected, raw) as client:
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (504, "close")
        assert b"context deadline exceeded" in reply.body
        await receiver.waiting(0)
        assert await client.ended()


async def test_an_answer_without_the_body_that_waits_ends_the_connection() -> None:
    budget = ByteBudget(100 * MEGABYTE, MEGABYTE, NEVER)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(TimeoutError):
            await read_body(scope, receive, MEGABYTE, asyncio.get_running_loop().time() + 0.05)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    config = ServerConfig(
        application, logger=logging.getLogger("alloypy.test"), timeouts=Timeouts(), budget=budget
    )
    server = Server(config, [socket.create_server(("127.0.0.1", 0))], (HTTP1,))
    server.start()
    assert budget.take(MEGABYTE)
    async with connected(server.addresses[0][1]) as client:
        await client.send(ingest(0, 300_000), ingest(1, 10))
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert await client.ended()
    assert await server.stop(1) == 0
    assert (budget.held, budget.waiting) == (MEGABYTE, 0)


async def test_the_time_to_send_stands_still_while_a_body_waits(serve: Serve) -> None:
    collected = Collected()
    short = {"server_read_timeout": Duration(10**9)}
    async with (
        serve(collected, http=short) as receiver,
        one_waits(receiver, collected, ingest(2)) as client,
    ):
        await asyncio.sleep(1.2)
        assert receiver.budget.waiting == 1
        collected.gate.set()
        assert (await client.reply()).status == 200


async def test_a_body_that_stalls_after_its_turn_came_is_given_up(serve: Serve) -> None:
    collected = Collected()
    short = {"server_read_timeout": Duration(10**9 // 2)}
    async with (
        serve(collected, http=short) as receiver,
        one_waits(receiver, collected, ingest(2)[: MEGABYTE // 2]) as client,
    ):
        collected.gate.set()
        assert (await client.reply()).status == 500
        assert await client.ended()


async def test_the_receiver_stops_while_a_body_waits(serve: Serve) -> None:
    collected = Collected()
    collected.gate.clear()
    grace = Duration(10**8)
    async with (
        serve(collected, graceful_shutdown_timeout=grace) as receiver,
        connected(receiver.port) as client,
    ):
        delivering = [asyncio.create_task(sent(receiver.port, number)) for number in range(2)]
        await receiver.holding(2 * MEGABYTE)
        sending = asyncio.create_task(client.send(ingest(2)))
        await receiver.waiting(1)
        await receiver.stop()
        assert (receiver.budget.waiting, receiver.budget.held) == (0, 0)
        assert [(await each).status for each in delivering] == [503, 503]
        await asyncio.gather(sending, return_exceptions=True)


async def test_uploads_that_stall_delay_nobody(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_module, "_STALL_SECONDS", 0.3)
    collected = Collected()
    begun = request_bytes("/ingest?name=stalled", bytes(5 * MEGABYTE))[: MEGABYTE // 2]
    async with serve(collected, 8 * MEGABYTE) as receiver, contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            client = await stack.enter_async_context(connected(receiver.port))
            await client.send(begun)
        async with asyncio.timeout(30):  # if the turns were kept, it would be forever
            assert {(await sent(receiver.port, number)).status for number in range(3)} == {200}
    assert came_whole(collected, 3)


async def test_an_upload_that_stalls_and_goes_on_comes_through(serve: Serve) -> None:
    collected = Collected()
    raw = ingest(0, 5 * MEGABYTE)
    async with serve(collected, 6 * MEGABYTE) as receiver, connected(receiver.port) as client:
        await client.send(raw[:MEGABYTE])
        while not receiver.budget._turns:
            await asyncio.sleep(0.001)
        (claim,) = receiver.budget._turns
        claim.last -= 5
        collected.gate.clear()
        async with asyncio.TaskGroup() as tasks:
            other = tasks.create_task(sent(receiver.port, 1, 3 * MEGABYTE))
            await receiver.waiting(1)
            sending = tasks.create_task(client.send(raw[MEGABYTE:]))
            collected.gate.set()
            assert (await other).status == 200
            await sending
        assert (await client.reply()).status == 200
    assert sorted(sum(map(len, each.body)) for each in collected.ingests) == [3 * MEGABYTE, 5 * MEGABYTE]
