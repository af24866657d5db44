"""Targets that are slow, endless, broken or hostile cost only themselves."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alloypy.components.pyroscope.fanout import Relay
from alloypy.components.pyroscope.scraping import checks
from alloypy.components.pyroscope.scraping.arguments import (
    Arguments,
    BlockArguments,
    GoroutineArguments,
    MemoryArguments,
    MutexArguments,
    ProcessCPUArguments,
    ProfilingArguments,
)
from alloypy.components.pyroscope.scraping.deltas import Deltas
from alloypy.components.pyroscope.scraping.fetching import Fetcher, Times
from alloypy.components.pyroscope.scraping.loop import Loop, LoopHealth
from alloypy.components.pyroscope.scraping.pool import Around, Pool
from alloypy.components.pyroscope.scraping.targets import BadTarget, Recipe
from alloypy.lang.targets import Target
from alloypy.net.client.client import Client, ClientSettings
from alloypy.net.client.connection import TOO_MUCH_HELD
from alloypy.net.memory import large_answers
from alloypy.profiles.model import DeliveryError
from alloypy.runtime.contract.events import Events
from tests.support.component_cases.profiles import number
from tests.support.protobuf import piece
from tests.support.receiving import Collected
from tests.support.scripted import Peer, answering, scripted

pytestmark = pytest.mark.anyio

OCTETS = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
PROFILE = b"\x0a\x04\x08\x01\x10\x02" + b"x" * 100
INTERVAL = 0.15


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def reply(body: bytes, head: bytes = OCTETS) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def fetcher(timeout: float = 0.5, **settings: Any) -> Fetcher:
    client = Client(ClientSettings(**settings), environ={}, user_agent="test")
    return Fetcher(client, "test", Times(INTERVAL, timeout))


class Scraping:
    """A pool at work, and where its profiles go."""

    def __init__(self, pool: Pool, receiver: Collected, relay: Relay) -> None:
        self.pool = pool
        self.receiver = receiver
        self.relay = relay

    async def of(self, ports: Mapping[str, int], *, memory: bool = False) -> dict[str, Loop]:
        """Scrape one profile of each target from now on; returns the loops by the names of targets."""
        profiling = ProfilingArguments(
            memory=MemoryArguments(enabled=memory),
            blocking=BlockArguments(enabled=False),
            mutex=MutexArguments(enabled=False),
            process_cpu=ProcessCPUArguments(enabled=False),
            goroutine=GoroutineArguments(enabled=not memory),
        )
        recipe = Recipe(Arguments(targets=(), forward_to=(), profiling_config=profiling))
        found = {
            each.identity: each
            for name, port in ports.items()
            for each in recipe.wanted(Target({"__address__": f"127.0.0.1:{port}", "name": name}))
        }
        await self.pool.keep(found)
        return {loop.wanted.sent["name"]: loop for loop in self.pool.loops.values()}

    def came_from(self, name: str) -> int:
        return sum(push.series[0].labels["name"] == name for push in self.receiver.pushes)


@asynccontextmanager
async def scraping(using: Fetcher | None = None) -> AsyncIterator[Scraping]:
    receiver, logger = Collected(), logging.getLogger("test")
    relay, differences = Relay([receiver], logger), Deltas()
    pool = Pool(Around(relay, logger, Events(), "pyroscope.scrape.test"), using or fetcher(), differences)
    try:
        yield Scraping(pool, receiver, relay)
    finally:
        await pool.close(0)
        await pool.abandon()
        await differences.close()
        await pool.fetcher.aclose()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def drip(peer: Peer) -> None:
    await peer.request()
    await peer.say(OCTETS + b"Content-Length: 1000\r\n\r\n")
    while True:
        await peer.say(b"x")
        await asyncio.sleep(0.05)


async def endless(peer: Peer) -> None:
    await peer.request()
    await peer.say(OCTETS + b"\r\n")
    while True:
        await peer.say(bytes(65536))


async def half(peer: Peer) -> None:
    await peer.request()
    await peer.say(OCTETS + b"Content-Length: 1000\r\n\r\nxx")


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.closed_by_client()


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (drip, "failed to read body: context deadline exceeded"),
        (silent, "context deadline exceeded"),
        (half, "failed to read body: unexpected EOF"),
        (answering(reply(b"<!doctype html>")), "text response instead of pprof"),
        (answering(b"SSH-2.0-x\r\n"), "malformed HTTP"),
        (answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), "HTTP status (503) 503 Busy"),
    ],
)
async def test_a_bad_target_costs_only_itself(script: Any, error: str) -> None:
    async with scripted(script) as bad, scripted(answering(reply(PROFILE))) as good, scraping() as work:
        loops = await work.of({"bad": bad.port, "good": good.port})
        await until(lambda: loops["bad"].health is LoopHealth.DOWN and work.came_from("good") >= 3)
        assert error in loops["bad"].error
        assert loops["good"].health is LoopHealth.UP
        assert not work.came_from("bad")
        assert work.pool.healths[LoopHealth.DOWN] == 1


async def test_an_endless_profile_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloypy.components.pyroscope.scraping.fetching.MOST_BYTES", 1 << 20)
    monkeypatch.setattr(checks, "MOST_BYTES", 1 << 20)
    async with scripted(endless) as bad, scraping(fetcher(timeout=20)) as work:
        loops = await work.of({"bad": bad.port})
        await until(lambda: loops["bad"].health is LoopHealth.DOWN)
        assert "larger than 1 MiB" in loops["bad"].error


async def test_all_targets_together_take_no_more_memory_than_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = large_answers()
    monkeypatch.setattr(held, "most", 5 << 20)
    most = 0

    async def much(peer: Peer) -> None:
        nonlocal most
        while await peer.request():
            await peer.say(OCTETS + b"Content-Length: %d\r\n\r\n" % (30 << 20))
            for _ in range(3):
                await peer.say(gzip.compress(b"") + bytes(1 << 20))
                most = max(most, held.now)
            await peer.closed_by_client()

    async with (
        scripted(much) as large,
        scripted(answering(reply(PROFILE))) as good,
        scraping(fetcher(timeout=0.4)) as work,
    ):
        names = [f"large{number}" for number in range(6)]
        loops = await work.of({"good": good.port} | dict.fromkeys(names, large.port))
        await until(lambda: any(TOO_MUCH_HELD in loops[name].error for name in names))
        await until(lambda: work.came_from("good") >= 2)
    assert 0 < most <= held.most
    assert held.now == 0


async def test_a_large_profile_counts_until_it_has_been_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    held = large_answers()
    monkeypatch.setattr(held, "most", 5 << 20)
    profile = PROFILE + bytes(3 << 20)
    async with scripted(answering(reply(profile))) as backend, scraping(fetcher(timeout=5)) as work:
        work.receiver.gate.clear()
        loops = await work.of({"one": backend.port, "two": backend.port})
        await until(lambda: LoopHealth.DOWN in {loop.health for loop in loops.values()})
        await until(lambda: held.now == len(profile))
        work.receiver.gate.set()
        await until(lambda: {loop.health for loop in loops.values()} == {LoopHealth.UP})
    assert held.now == 0


async def test_secrets_of_targets_are_neither_logged_nor_in_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    recipe = Recipe(Arguments(targets=(), forward_to=(), params={"api_key": ("hush",), "debug": ("0",)}))
    targets = [
        {"__address__": "127.0.0.1:1", "__param_token": "hush", "password": "hush", "name": "x"},
        {"__address__": "user:hush@127.0.0.1:1"},
        {"__address__": "user:hush@127.0.0.1:1", "__scheme__": "1x"},
    ]
    found = {each.identity: each for target in targets for each in recipe.wanted(Target(target))}
    async with scraping() as work:
        await work.pool.keep(found)
        loops = work.pool.loops.values()
        await until(lambda: all(loop.health is LoopHealth.DOWN for loop in loops))
        texts = [loop.error for loop in loops]
    texts += [repr(vars(record)) for record in caplog.records]
    assert not [text for text in texts if "hush" in text]
    assert any("debug=0" in text and "token=xxxxx" in text for text in texts)
    with pytest.raises(BadTarget) as caught:
        recipe.wanted(Target({"__address__": "user:hush@host/x"}))
    assert str(caught.value) == '"user:xxxxx@host/x" is not a valid hostname'


async def test_a_target_that_recovers_is_up_again() -> None:
    async def script(peer: Peer) -> None:
        while await peer.request() is not None:
            await peer.say(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" if not healed else reply(PROFILE))

    healed = False
    async with scripted(script) as target, scraping() as work:
        loops = await work.of({"a": target.port})
        await until(lambda: loops["a"].health is LoopHealth.DOWN)
        healed = True
        await until(lambda: loops["a"].health is LoopHealth.UP)
        assert not loops["a"].error
        assert work.pool.healths == {LoopHealth.UNKNOWN: 0, LoopHealth.DOWN: 0, LoopHealth.UP: 1}


async def test_headers_do_not_pile_up_and_connections_are_used_again() -> None:
    async with scripted(answering(reply(PROFILE))) as target:
        async with scraping(fetcher(http_headers=(("X-A", ("1",)),))) as work:
            await work.of({"a": target.port})
            await until(lambda: work.came_from("a") >= 3)
        assert all(seen.values("x-a") == ["1"] for seen in target.requests)
        assert target.connections == 1


async def test_a_redirect_takes_no_headers_to_another_port() -> None:
    async with scripted(answering(reply(PROFILE))) as other:
        moved = (
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:%d/x\r\n\r\n" % other.port
        )
        async with scripted(answering(moved)) as target:
            async with scraping(fetcher(http_headers=(("X-Token", ("secret",)),))) as work:
                await work.of({"a": target.port})
                await until(lambda: work.came_from("a") >= 1)
            assert target.requests[0].values("x-token") == ["secret"]
            assert not other.requests[0].values("x-token")


async def test_other_receivers_reach_running_loops() -> None:
    async with scripted(answering(reply(PROFILE))) as target, scraping() as work:
        await work.of({"a": target.port})
        await until(lambda: work.came_from("a") >= 1)
        another = Collected()
        work.relay.children = (another,)
        await until(lambda: len(another.pushes) >= 2)


async def test_a_restart_in_the_middle_of_a_scrape_loses_nothing_that_arrives() -> None:
    async def script(peer: Peer) -> None:
        while await peer.request() is not None:
            await go.wait()
            await peer.say(reply(PROFILE))

    go = asyncio.Event()
    async with scripted(script) as target, scraping(fetcher(timeout=20)) as work:
        loops = await work.of({"a": target.port})
        await until(lambda: loops["a"].running)
        before = await work.pool.restart(fetcher())
        retiring = asyncio.create_task(before.retire())
        await asyncio.sleep(0.05)
        go.set()
        await retiring
        await until(lambda: work.came_from("a") >= 3)


async def test_a_target_that_goes_is_not_scraped_again_and_its_last_profile_is_kept() -> None:
    async def script(peer: Peer) -> None:
        while await peer.request() is not None:
            await go.wait()
            await peer.say(reply(PROFILE))

    go = asyncio.Event()
    async with scripted(script) as target, scraping(fetcher(timeout=20)) as work:
        loops = await work.of({"a": target.port})
        await until(lambda: loops["a"].running)
        await work.pool.keep({})
        go.set()
        await until(lambda: work.came_from("a") == 1)
        await asyncio.sleep(3 * INTERVAL)
        assert work.came_from("a") == 1
        assert not +work.pool.healths


async def test_a_profile_that_receivers_refuse_shows_at_the_target() -> None:
    def refuse(_: Any) -> None:
        raise DeliveryError("no room")

    async with scripted(answering(reply(PROFILE))) as target, scraping() as work:
        work.receiver.fail = refuse
        loops = await work.of({"a": target.port})
        await until(lambda: loops["a"].health is LoopHealth.DOWN)
        assert "* no room" in loops["a"].error


HEAP = b"".join(
    (
        piece(1, number(1, 1) + number(2, 2)),
        piece(2, number(1, 1) + number(2, 7)),
        piece(4, number(1, 1) + number(3, 4096)),
        *(piece(6, text) for text in (b"", b"alloc_objects", b"count")),
    )
)


@pytest.mark.parametrize(
    ("bomb", "error"),
    [
        (gzip.compress(bytes(66 << 20), 1), "larger than 64 MiB when unpacked"),
        (gzip.compress(b"") * 200_000, "more than 1000 gzip members"),
    ],
    ids=["large", "members"],
)
async def test_a_bomb_costs_one_target_and_not_the_differences_of_others(bomb: bytes, error: str) -> None:
    bomb, harmless = reply(bomb), reply(HEAP)
    async with (
        scripted(answering(bomb)) as bad,
        scripted(answering(harmless)) as good,
        scraping(fetcher(timeout=20)) as work,
    ):
        loops = await work.of({"bad": bad.port, "good": good.port}, memory=True)
        await until(lambda: loops["bad"].health is LoopHealth.DOWN and work.came_from("good") >= 2)
        assert error in loops["bad"].error
        assert not work.came_from("bad")


async def test_differences_go_on_when_their_process_is_killed() -> None:
    async with scripted(answering(reply(HEAP))) as target, scraping() as work:
        loops = await work.of({"a": target.port}, memory=True)
        await until(lambda: work.came_from("a") >= 1)
        process = work.pool._deltas._workers[0]._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        before = work.came_from("a")
        await until(lambda: work.came_from("a") >= before + 2)
        await until(lambda: loops["a"].health is LoopHealth.UP)


async def test_a_process_that_cannot_start_is_an_error_of_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    async with scripted(answering(reply(HEAP))) as target, scraping() as work:
        loops = await work.of({"a": target.port}, memory=True)
        await until(lambda: loops["a"].health is LoopHealth.DOWN)
        assert "cannot start: no such file or directory" in loops["a"].error


async def test_processes_end_with_the_component() -> None:
    async with scripted(answering(reply(HEAP))) as target:
        async with scraping() as work:
            await work.of({"a": target.port}, memory=True)
            await until(lambda: work.came_from("a") >= 1)
            process = work.pool._deltas._workers[0]._process
        assert process is not None
        assert process.returncode == 0
