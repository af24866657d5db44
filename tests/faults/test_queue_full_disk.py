"""A queue on a disk that is full: senders are asked to come back, nothing is lost, and no start is needed."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path

import pytest

from tests.soak import wire
from tests.soak.clients import World
from tests.soak.queues.base import Process, Sink, drained, lawless, metrics_of
from tests.support.counts import FULL
from tests.support.queue_law import law
from tests.support.small_disk import small_disk

MEGABYTES = 48 if FULL else 8
PROFILE_BYTES = 150_000
REFUSED = 5


async def send(world: World) -> int:
    """Send a profile; returns the status of the answer."""
    number, body = world.profile(1)
    before = world.answers.copy()
    request = wire.post("/ingest?name=large&format=pprof", body + bytes(PROFILE_BYTES))
    await world.send(request, [number])
    ((answer, _),) = (world.answers - before).items()
    return int(answer.removeprefix("good: "))


async def fill(world: World) -> None:
    """Send until the disk is full. Then all is refused."""
    taken = 0
    while (status := await send(world)) == 200:
        taken += 1
    assert 10 < taken < (MEGABYTES << 20) / PROFILE_BYTES
    assert {status, *[await send(world) for _ in range(REFUSED)]} == {503}


async def scenario(folder: Path) -> None:
    sink = Sink(random.Random(7))
    async with sink:
        process = Process(folder, {"out": sink.url}, delivery='max_backoff_period = "500ms"')
        world = World("127.0.0.1", process.port, random.Random(7), 50)
        sink.fault = "500"
        with process.started() as running:
            await process.ready(running, time.monotonic())
            await fill(world)
            sink.fault = "ok"
            found = await drained(running)
            assert not lawless(found, len(world.acknowledged))
            assert sink.taken == world.acknowledged
            assert {await send(world) for _ in range(10)} == {200}
            assert not lawless(await drained(running), len(world.acknowledged))
            sink.fault = "500"
            await fill(world)
            running.process.kill()
        with process.started() as running:  # also while it is full
            await process.ready(running, time.monotonic())
            before = law(await metrics_of(running))
            assert before.holds and before.waiting > 10
            sink.fault = "ok"
            found = await drained(running)
            assert {await send(world) for _ in range(10)} == {200}
            found = await drained(running)
            assert await asyncio.to_thread(running.stop) == 0
            assert "Traceback" not in running.text
    assert not lawless(found, len(world.acknowledged))
    assert sink.taken == world.acknowledged
    assert sink.twice <= 16


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a small file system")
def test_a_full_disk_refuses_until_there_is_room_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path, MEGABYTES) as disk:
        asyncio.run(scenario(disk))
