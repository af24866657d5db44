"""A queue that is stopped with SIGTERM under load, again and again: nothing is lost, nothing delivered twice.

The destination is slow, or does not answer any more; then the process ends without its answers.
"""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from tests.soak import clients
from tests.soak.queues.base import Outcome, Process, Sink, drained, lawless
from tests.soak.queues.kills import everybody

CLIENTS = 8
DRAIN_SECONDS = 2.0
_DELIVERY = f'drain_timeout = "{DRAIN_SECONDS}s"'
_SLOW, _SILENT = 0.1, 3600.0


async def soak(stops: int, seed: int, folder: Path) -> Outcome:
    """Stop so often, every second time while the destination does not answer."""
    chance = random.Random(seed)
    sink = Sink(chance)
    faults, took = [], []
    async with sink:
        process = Process(folder, {"out": sink.url}, delivery=_DELIVERY)
        world = clients.World("127.0.0.1", process.port, chance, 50)
        async with everybody(world, CLIENTS):
            for number in range(stops):
                sink.delay = _SILENT if number % 2 else _SLOW
                before = len(world.acknowledged)
                with process.started() as running:
                    await process.ready(running, time.monotonic())
                    await asyncio.sleep(chance.uniform(0.3, 0.6))
                    began = time.monotonic()
                    code = await asyncio.to_thread(running.stop)
                    took.append(time.monotonic() - began)
                if code or "Traceback" in running.text:
                    faults.append(f"it ended with {code}:\n{running.text}")
                if len(world.acknowledged) == before:
                    faults.append("nothing was acknowledged")
        sink.delay = 0.0
        with process.started() as running:
            await process.ready(running, time.monotonic())
            found = await drained(running)
            await asyncio.to_thread(running.stop)
    lost = world.acknowledged - sink.taken
    report = [
        f"{stops} stops, {len(world.acknowledged)} acknowledged, {len(lost)} lost, {sink.twice} twice",
        f"the slowest took {max(took):.2f} s, with {DRAIN_SECONDS:.0f} s for deliveries in progress",
        f"counts: {found}",
        process.starts_report(),
    ]
    faults += [*process.faults, *lawless(found, len(world.acknowledged))]
    if lost:
        faults.append(f"lost: {sorted(lost)[:10]}")
    if sink.twice:
        faults.append(f"{sink.twice} arrived twice")
    if any(each.dropped or each.dead for each in found.values()):
        faults.append(f"profiles were given up: {found}")
    missed = [] if max(took) <= DRAIN_SECONDS + 1 else [f"a stop took {max(took):.2f} s"]
    return Outcome(report, faults, missed)
