"""The series of a Push that are sent from reply to reply, over existing connections."""

# ruff: noqa: SIM117 -- servers outside, the component inside reads better

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from alloypy.components.http_client import TLSArguments
from alloypy.components.pyroscope.sending.endpoint import MOST_AT_ONCE
from alloypy.components.pyroscope.sending.lanes import Begun, Lanes, SoFar
from alloypy.components.pyroscope.sending.outgoing import Outgoing, Refusal
from alloypy.lang.go.duration import Duration
from alloypy.net.client.messages import Dropped, Response, SendError, Told
from alloypy.profiles.model import DeliveryError, DeliveryErrors, Series
from alloypy.profiles.push_wire import decode_push
from tests.support.compiled import pure_only
from tests.support.scripted import Backend, Peer, scripted
from tests.support.sending import (
    LABELS,
    MILLISECOND,
    PUSH_OK,
    Writing,
    answer,
    arguments,
    endpoint,
    push,
    writing,
)
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

MANY = [{**LABELS, "n": str(number)} for number in range(MOST_AT_ONCE + 10)]
BYTES = sum(len(f"raw{number}") for number in range(len(MANY)))


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return "asyncio", {"use_uvloop": request.param}


def sample_id(body: bytes) -> str:
    return decode_push(body)[0].samples[0].id


def ids(backend: Backend) -> Counter[str]:
    """How often each series arrived."""
    return Counter(sample_id(request.body) for request in backend.requests)


class Server:
    """Accepts every series, unless it has its own script, which returns whether to continue after it."""

    def __init__(self) -> None:
        self.special: dict[str, Any] = {}

    async def script(self, peer: Peer) -> None:
        while request := await peer.request():
            special = self.special.get(sample_id(request.body))
            if special is None:
                await peer.say(PUSH_OK)
            elif not await special(peer):
                return


@asynccontextmanager
async def warm(server: Server, **settings: Any) -> AsyncIterator[tuple[Backend, Writing]]:
    """A server, and a pyroscope.write that has a connection for each lane, with all counts at MANY."""
    async with scripted(server.script) as backend:
        given = endpoint(f"http://127.0.0.1:{backend.port}", **settings)
        async with writing(arguments(given)) as running:
            await running.receiver.append(push(*MANY))
            backend.seen.clear()
            yield backend, running


def counted(running: Writing, **expected: int) -> None:
    """All MANY series of the first Push have been accepted, and the expected effect has happened."""
    counts = running.counts()
    assert counts.pop("sent_profiles") == len(MANY) + expected.pop("sent_profiles")
    del counts["sent_bytes"]
    counts.pop("dropped_bytes", None)
    assert counts == expected


async def test_connections_go_from_series_to_series() -> None:
    async with warm(Server()) as (backend, running):
        connections = backend.connections
        assert connections <= MOST_AT_ONCE
        for _ in range(3):
            await running.receiver.append(push(*MANY))
        assert backend.connections == backend.open == connections
        assert set(ids(backend).values()) == {3}
        assert running.counts() == {"sent_bytes": 4 * BYTES, "sent_profiles": 4 * len(MANY)}
        for what in ("push_total", "push_endpoint", "push_downstream"):
            assert running.metric("latency_count", type=what) == 4 * len(MANY)


async def test_over_tls_as_well(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = TLSArguments(ca_file=str(tmp_path / "ca.pem"))
    async with scripted(Server().script, context) as backend:
        given = endpoint(f"https://localhost:{backend.port}", tls_config=tls)
        async with writing(arguments(given)) as running:
            for _ in range(2):
                await running.receiver.append(push(*MANY))
            assert running.counts() == {"sent_bytes": 2 * BYTES, "sent_profiles": 2 * len(MANY)}
            assert backend.connections <= MOST_AT_ONCE


async def test_a_connection_that_ends_in_the_middle_costs_no_series() -> None:
    """A reused connection may be closed by the server at any time: the request is sent once more."""
    closed = []

    async def close_once(peer: Peer) -> bool:
        closed.append(peer.number)
        if len(closed) > 1:
            await peer.say(PUSH_OK)
        return len(closed) > 1

    server = Server()
    async with warm(server) as (backend, running):
        connections = backend.connections
        server.special["id-20"] = close_once
        await running.receiver.append(push(*MANY))
        counted(running, sent_profiles=len(MANY))
        assert ids(backend)["id-20"] == 2
        assert ids(backend).total() == len(MANY) + 1
        assert closed[1] == connections  # a fresh connection
        await running.receiver.append(push(*MANY))
        counted(running, sent_profiles=2 * len(MANY))


async def test_a_fresh_connection_that_ends_as_well_is_a_failed_try() -> None:
    left = [False, False, True]

    async def close(peer: Peer) -> bool:
        if left[0]:
            await peer.say(PUSH_OK)
        return left.pop(0)

    server = Server()
    async with warm(server) as (backend, running):
        server.special["id-20"] = close
        await running.receiver.append(push(*MANY))
        counted(running, sent_profiles=len(MANY), retries=1)
        assert ids(backend)["id-20"] == 3


async def test_a_server_that_has_forgotten_all_connections_costs_no_try() -> None:
    server = Server()
    async with warm(server) as (backend, running):
        connections = backend.connections

        async def forget(peer: Peer) -> bool:
            if peer.number < connections:
                peer.reset()
                return False
            await peer.say(PUSH_OK)
            return True

        server.special |= {f"id-{number}": forget for number in range(len(MANY))}
        await running.receiver.append(push(*MANY))
        counted(running, sent_profiles=len(MANY))
        assert ids(backend).total() == len(MANY) + connections
        assert backend.open <= MOST_AT_ONCE


async def test_a_timeout_in_the_middle_concerns_one_series_and_its_connection() -> None:
    hanging: list[int] = []

    async def too_late(peer: Peer) -> bool:
        hanging.append(peer.number)
        if len(hanging) > 1:
            await peer.say(PUSH_OK)
            return True
        await peer.closed_by_client()
        await peer.say(answer("400 Late"))
        return False

    server = Server()
    async with warm(server, remote_timeout=Duration(300 * MILLISECOND)) as (backend, running):
        connections = backend.connections
        server.special["id-20"] = too_late
        await running.receiver.append(push(*MANY))
        counted(running, sent_profiles=len(MANY), retries=1)
        assert ids(backend)["id-20"] == 2
        assert [sample_id(each.body) for number, each in backend.seen if number == hanging[0]][-1] == "id-20"
        await until(lambda: backend.open <= connections)
        del server.special["id-20"]
        backend.seen.clear()
        await running.receiver.append(push(*MANY))
        assert hanging[0] not in {number for number, _ in backend.seen}
        counted(running, sent_profiles=2 * len(MANY), retries=1)


async def test_refusals_and_redirects_in_the_middle() -> None:
    async def refuse(peer: Peer) -> bool:
        await peer.say(answer("400 No"))
        return True

    async def redirect(peer: Peer) -> bool:
        del server.special["id-21"]
        await peer.say(answer("307 Elsewhere", b"", "Location: /elsewhere"))
        return True

    server = Server()
    async with warm(server) as (backend, running):
        server.special |= {"id-20": refuse, "id-3": refuse, "id-21": redirect}
        with pytest.raises(DeliveryErrors) as caught:
            await running.receiver.append(push(*MANY))
        assert [each.series for each in caught.value.errors] == [3, 20]
        counted(running, sent_profiles=len(MANY) - 2, dropped_profiles=2)
        assert ids(backend)["id-21"] == 2
        assert "/elsewhere" in [request.line.split()[1] for request in backend.requests]


async def test_cancelling_in_the_middle_drops_what_is_left_and_closes_what_is_under_way() -> None:
    async def hang(peer: Peer) -> bool:
        await peer.closed_by_client()
        return False

    server = Server()
    async with warm(server) as (backend, running):
        connections = backend.connections
        server.special |= {f"id-{number}": hang for number in range(3, 3 + MOST_AT_ONCE)}
        task = asyncio.create_task(running.receiver.append(push(*MANY)))
        await until(lambda: len(backend.requests) == 3 + MOST_AT_ONCE)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        counted(running, sent_profiles=3, dropped_profiles=len(MANY) - 3)
        await until(lambda: backend.open == 0)
        assert connections <= MOST_AT_ONCE
        server.special.clear()
        await running.receiver.append(push(*MANY))
        counted(running, sent_profiles=3 + len(MANY), dropped_profiles=len(MANY) - 3)


async def test_cancelling_immediately_counts_what_has_not_begun() -> None:
    async with scripted(Server().script) as backend:
        async with writing(arguments(endpoint(f"http://127.0.0.1:{backend.port}"))) as running:
            task = asyncio.create_task(running.receiver.append(push(*MANY)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert running.counts() == {"dropped_bytes": BYTES, "dropped_profiles": len(MANY)}
            await asyncio.wait_for(running.stop(), 5)  # it waits for what is under way


async def test_a_stop_ends_series_under_way() -> None:
    async def hang(peer: Peer) -> bool:
        await peer.closed_by_client()
        return False

    server = Server()
    async with scripted(server.script) as backend:
        given = arguments(endpoint(f"http://127.0.0.1:{backend.port}"))
        async with writing(given, shutdown_deadline=0.05) as running:
            await running.receiver.append(push(*MANY))
            backend.seen.clear()
            server.special |= {f"id-{number}": hang for number in range(len(MANY))}
            task = asyncio.create_task(running.receiver.append(push(*MANY)))
            await until(lambda: len(backend.requests) == MOST_AT_ONCE)
            await running.stop()
            with pytest.raises(DeliveryError):
                await task
            counted(running, sent_profiles=0, dropped_profiles=len(MANY))
            await until(lambda: backend.open == 0)


class FakeDeliverer:
    """Sends nothing; what its items receive is put in `found`."""

    def __init__(self, found: SoFar | Exception) -> None:
        self.given_up = 0
        self.told: list[Told] = []
        self._found = found

    def begin(self, item: Outgoing, told: Told) -> Begun | None:
        self.told.append(told)
        return Begun(0.0, "", None, FakeExchange(told))  # type: ignore[arg-type]

    def answered(self, item: Outgoing, begun: Begun, outcome: Response | SendError) -> SoFar:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    async def carry_on(self, item: Outgoing, began: float, so_far: SoFar) -> list[DeliveryError]:
        raise NotImplementedError

    def give_up(self, item: Outgoing, begun: Begun | None = None) -> None:
        self.given_up += 1

    def give_up_series(self, series: Sequence[Series]) -> None:
        self.given_up += len(series)


class FakeItems(list[object]):
    """Items whose series are themselves."""

    def series_from(self, number: int) -> list[object]:
        return self[number:]


class FakeExchange:
    """Reports when it is aborted."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def abort(self) -> None:
        self._told(Dropped("EOF"))


WITH_FAKES = pure_only("compiled lanes take no stand-ins for items and requests")


def running_lanes(deliverer: FakeDeliverer) -> asyncio.Task[None]:
    items: Any = FakeItems([object() for _ in range(5)])
    return asyncio.create_task(Lanes(deliverer, items, lambda item, errors: None).run(2))


@WITH_FAKES
async def test_a_fault_of_ours_reaches_those_who_wait() -> None:
    deliverer = FakeDeliverer(ZeroDivisionError())
    task = running_lanes(deliverer)
    await asyncio.sleep(0)
    deliverer.told[0](Dropped("EOF"))
    with pytest.raises(ExceptionGroup) as caught:
        await task
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)
    assert deliverer.given_up == 4  # all but the one with the fault


@WITH_FAKES
async def test_a_refusal_that_comes_while_all_is_cancelled_drops_its_item() -> None:
    """The task for the item is cancelled before it has begun."""
    deliverer = FakeDeliverer(Refusal("busy", retry=True))
    task = running_lanes(deliverer)
    await asyncio.sleep(0)
    task.cancel()
    deliverer.told[0](Dropped("EOF"))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert deliverer.given_up == 5
