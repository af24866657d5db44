"""A queue whose process is killed again and again, under clients that send what SDKs have sent.

At the end everything acknowledged must have arrived. What arrives twice is at most what was being delivered
at each kill; nothing is a dead letter; the counts of the queue add up.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.soak import clients, recorded
from tests.soak.queues.base import (
    IN_FLIGHT,
    Outcome,
    Process,
    Sink,
    at,
    dead_letters,
    drained,
    lawless,
    meanwhile,
)
from tests.support.queue_law import Law

CLIENTS = 16
START_SECONDS = 0.5
_FAULTS = ("ok", "ok", "ok", "ok", "ok", "503 with Retry-After", "reset")


async def soak(kills: int, acknowledged: int, seed: int, folder: Path) -> Outcome:
    """Kill so often, and go on until so many profiles were acknowledged, at most three times as often."""
    chance = random.Random(seed)
    began = time.monotonic()
    sink = Sink(chance)
    async with sink:
        process = Process(folder, {"out": sink.url})
        world = clients.World("127.0.0.1", process.port, chance, 50)
        done = 0
        async with everybody(world, CLIENTS):
            while done < kills or (len(world.acknowledged) < acknowledged and done < 3 * kills):
                sink.fault = chance.choice(_FAULTS)
                await _round(process, chance, is_early=done % 5 == 4)
                done += 1
        sink.fault = "ok"
        with process.started() as running:
            await process.ready(running, time.monotonic())
            found = await drained(running)
            code = await asyncio.to_thread(running.stop)
        dead = await dead_letters(folder / "queue")
    faults = [*process.faults, *lawless(found, len(world.acknowledged))]
    if code or "Traceback" in running.text:
        faults.append(f"the last run ended with {code}:\n{running.text}")
    return _outcome(process, world, sink, done, acknowledged, found, dead, faults, time.monotonic() - began)


async def _round(process: Process, chance: random.Random, *, is_early: bool) -> None:
    """Start, and kill at a random moment. is_early: while it is still starting."""
    with process.started() as running:
        if is_early:
            await asyncio.sleep(chance.uniform(0.1, 0.5))
        else:
            await process.ready(running, time.monotonic())
            await asyncio.sleep(chance.uniform(0.01, 0.5))
        running.process.kill()


def everybody(world: clients.World, count: int) -> AbstractAsyncContextManager[None]:
    """So many clients, who go on whatever happens while the block lasts."""
    return meanwhile(_visit(world) for _ in range(count))


async def _visit(world: clients.World) -> None:
    while True:
        try:
            async with asyncio.timeout(clients.PATIENCE):
                await recorded.visit(world)
        except (OSError, EOFError, ValueError):
            world.answers["good: broken off"] += 1
            await asyncio.sleep(0.05)


def _outcome(
    process: Process,
    world: clients.World,
    sink: Sink,
    kills: int,
    acknowledged: int,
    found: dict[str, Law],
    dead: set[int],
    faults: list[str],
    seconds: float,
) -> Outcome:
    lost = world.acknowledged - sink.taken
    report = [
        f"{kills} kills in {seconds:.0f} s, {len(world.acknowledged)} acknowledged, {len(lost)} lost",
        f"{sink.twice} arrived twice (at most {IN_FLIGHT * kills}), {len(dead)} dead letters",
        f"counts: {found}",
        "answers: " + ", ".join(f"{name} x{count}" for name, count in sorted(world.answers.items())),
        process.starts_report(),
    ]
    if lost:
        faults.append(f"lost: {sorted(lost)[:10]}")
    if len(world.acknowledged) < acknowledged:
        faults.append(f"only {len(world.acknowledged)} were acknowledged")
    if sink.twice > IN_FLIGHT * kills:
        faults.append(f"{sink.twice} arrived twice after {kills} kills")
    if dead or any(each.dropped for each in found.values()):
        faults.append(f"innocent profiles were given up: {sorted(dead)[:10]}, {found}")
    missed = []
    slowest = at([each.ready for each in process.starts], 0.99)
    if slowest > START_SECONDS:
        missed.append(f"a start took {slowest:.2f} s (p99)")
    return Outcome(report, faults, missed)
