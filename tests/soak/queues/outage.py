"""An outage of an hour, sixty times as fast: pauses are a sixtieth, the process is killed twice meanwhile.

Nothing is lost; the first delivery comes within the longest pause after the recovery; the backlog is drained
at three times the rate of what arrives; then profiles are fresh again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from pathlib import Path

from tests.soak import clients
from tests.soak.queues.base import (
    IN_FLIGHT,
    PATIENCE,
    Outcome,
    Process,
    Sink,
    drained,
    lawless,
    memory_megabytes,
    metrics_of,
)
from tests.soak.queues.senders import Senders
from tests.support.queue_law import Law, law
from tests.support.running import Running

KILLS = 2
LONGEST_PAUSE = 0.5
FRESH_SECONDS = 5.0
MEGABYTES = 150.0
_DELIVERY = f'min_backoff_period = "8ms"\n max_backoff_period = "{LONGEST_PAUSE}s"'
_WATCH_SECONDS = 0.2


class Outage:
    """What was measured; times are of `time.monotonic`."""

    def __init__(self) -> None:
        self.recovered = 0.0
        self.drained = 0.0
        self.ended = 0.0
        self.backlog = 0
        self.megabytes = 0.0


async def soak(seconds: float, rate: float, seed: int, folder: Path) -> Outcome:
    """An outage of so many seconds, with a kill after each third, under so many profiles a second."""
    chance = random.Random(seed)
    sink, outage = Sink(chance), Outage()
    async with sink:
        process = Process(folder, {"out": sink.url}, 'max_age = "24m"', _DELIVERY)
        world = clients.World("127.0.0.1", process.port, chance, 50)
        senders = Senders(world, rate)
        sink.fault = "500"
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(senders.running())
            for _ in range(KILLS):
                with process.started() as running:
                    await process.ready(running, time.monotonic())
                    await _watch(running, outage, seconds / (KILLS + 1))
                    running.process.kill()
            with process.started() as running:
                await process.ready(running, time.monotonic())
                await _watch(running, outage, seconds / (KILLS + 1))
                await _recovery(running, sink, outage)
                await _watch(running, outage, max(1.0, seconds / 10))
                outage.ended = time.monotonic()
                await stack.aclose()
                found = await drained(running)
                code = await asyncio.to_thread(running.stop)
    faults = [*process.faults, *lawless(found, len(world.acknowledged))]
    if code or "Traceback" in running.text:
        faults.append(f"the last run ended with {code}:\n{running.text}")
    return _outcome(process, senders, sink, outage, found, faults)


async def _watch(running: Running, outage: Outage, seconds: float) -> None:
    """Let time pass, and note the memory."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        outage.megabytes = max(outage.megabytes, memory_megabytes(running.process.pid))
        await asyncio.sleep(_WATCH_SECONDS)


async def _recovery(running: Running, sink: Sink, outage: Outage) -> None:
    """The destination works again; ends once no more waits than is being delivered."""
    outage.backlog = law(await metrics_of(running)).waiting
    sink.fault = "ok"
    outage.recovered = time.monotonic()
    while time.monotonic() < outage.recovered + PATIENCE:
        await _watch(running, outage, _WATCH_SECONDS)
        if law(await metrics_of(running)).waiting <= IN_FLIGHT:
            break
    outage.drained = time.monotonic()


def _outcome(
    process: Process,
    senders: Senders,
    sink: Sink,
    outage: Outage,
    found: dict[str, Law],
    faults: list[str],
) -> Outcome:
    acknowledged = senders.world.acknowledged
    lost = acknowledged - sink.taken
    first = min(sink.at.values(), default=float("inf")) - outage.recovered
    took = outage.drained - outage.recovered
    delivered = sum(outage.recovered <= at <= outage.drained for at in sink.at.values()) / took
    arriving = sum(outage.recovered <= at <= outage.drained for at in senders.acknowledged.values()) / took
    waits = [
        sink.at[number] - at
        for number, at in senders.acknowledged.items()
        if outage.drained < at < outage.ended and number in sink.at
    ]
    slowest = max(waits, default=0.0)
    report = [
        f"{len(acknowledged)} acknowledged, {len(lost)} lost, {sink.twice} arrived twice, {KILLS} kills",
        f"{outage.backlog} waited; the first was delivered {first:.2f} s after the recovery",
        f"drained in {took:.1f} s at {delivered:.0f}/s, while {arriving:.0f}/s arrived",
        f"after that, {len(waits)} waited at most {slowest:.2f} s; {outage.megabytes:.0f} MB at most",
        f"counts: {found}",
        process.starts_report(),
    ]
    if lost:
        faults.append(f"lost: {sorted(lost)[:10]}")
    if sink.twice > KILLS * IN_FLIGHT:
        faults.append(f"{sink.twice} arrived twice after {KILLS} kills")
    if any(each.dropped or each.dead for each in found.values()):
        faults.append(f"profiles were given up: {found}")
    if outage.megabytes > MEGABYTES:
        faults.append(f"it took {outage.megabytes:.0f} MB")
    missed = []
    if first > LONGEST_PAUSE:
        missed.append(f"the first delivery came {first:.2f} s after the recovery")
    if delivered < 3 * arriving:
        missed.append(f"drained at {delivered:.0f}/s while {arriving:.0f}/s arrived")
    if slowest > FRESH_SECONDS or not waits:
        missed.append(f"fresh profiles waited {slowest:.2f} s")
    return Outcome(report, faults, missed)
