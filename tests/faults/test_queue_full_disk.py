"""A queue on a disk that is full: senders are asked to come back, nothing is lost, and no start is needed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import sys
import time
from pathlib import Path

import pytest

from tests.soak import backend, wire
from tests.soak.clients import World
from tests.soak.queues.base import PATIENCE, Process, Sink, dead_letters, drained, lawless, metrics_of
from tests.support.counts import FULL
from tests.support.queue_law import law
from tests.support.running import Running
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


def gauge(metrics: str, name: str) -> int:
    found = re.search(rf"^alloypy_queue_{name}\{{.*\}} (\S+)$", metrics, re.MULTILINE)
    return int(float(found[1])) if found else 0


async def metric(running: Running, name: str, value: int) -> None:
    """Wait until a gauge of the queue has this value. The counts add up meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while True:
        metrics = await metrics_of(running)
        assert law(metrics).holds
        if gauge(metrics, name) == value:
            return
        assert time.monotonic() < deadline, (name, gauge(metrics, name))
        await asyncio.sleep(0.05)


async def refusals(folder: Path) -> None:
    """A server refuses profiles for good while the disk is full."""
    kept, late, filler = 5, 20, folder / "filler"
    sink = Sink(random.Random(7))
    async with sink:
        process = Process(
            folder, {"out": sink.url}, delivery='min_backoff_period = "20ms"\nmax_backoff_period = "40ms"'
        )
        world = World("127.0.0.1", process.port, random.Random(7), 50)
        with process.started() as running:
            await process.ready(running, time.monotonic())
            sink.fault = "400"
            assert {await send(world) for _ in range(kept)} == {200}
            await metric(running, "dead_letter_records", kept)
            sink.fault = "500"
            assert {await send(world) for _ in range(late)} == {200}
            await metric(running, "records", late)
            with contextlib.suppress(OSError), filler.open("wb", 0) as file:
                while True:
                    file.write(bytes(4096))
            sink.fault = "400"
            await metric(running, "dead_letter_pending_records", late)
            await metric(running, "dead_letter_records", kept)
            assert await send(world) == 503
            assert running.text.count("dead letters cannot be kept") == 1
            running.process.kill()
        with process.started() as running:
            await process.ready(running, time.monotonic())
            await metric(running, "dead_letter_pending_records", late)
            await metric(running, "dead_letter_records", kept)
            filler.unlink()
            await metric(running, "dead_letter_records", kept + late)
            await metric(running, "records", 0)
            assert "dead letters are deleted" not in running.text
            assert await asyncio.to_thread(running.stop) == 0
            assert "Traceback" not in running.text
    assert not process.faults
    assert await dead_letters(folder / "queue") == world.acknowledged
    assert not sink.taken


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a small file system")
def test_a_full_disk_evicts_no_dead_letters_and_what_is_refused_meanwhile_becomes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(backend.FAULTS, "400", backend._status(400))
    with small_disk(tmp_path, 2 * MEGABYTES) as disk:
        asyncio.run(refusals(disk))
