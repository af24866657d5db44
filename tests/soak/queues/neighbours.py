"""Two destinations, one of which is dead from time to time: the other does not notice.

Rounds with both alive and rounds with one dead follow each other. Profiles wait as long for the living one in
both; the backlog of the dead one is bounded by the size of the queue.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from pathlib import Path

from tests.soak import clients
from tests.soak.queues.base import Outcome, Process, Sink, at, drained, laws_on_disk, metrics_of
from tests.soak.queues.senders import Senders
from tests.support.queue_law import laws
from tests.support.running import Running

LIVE, DEAD = "pyroscope.write.live", "pyroscope.write.dead"
MOST_BYTES = 2 << 20
MORE = 1.1
_QUEUE = f'max_size = "{MOST_BYTES >> 20}MiB"'
_DELIVERY = 'min_backoff_period = "50ms"\n max_backoff_period = "500ms"'
_SAMPLE_SECONDS = 0.25
_SILENT = 3600.0


async def soak(rounds: int, seconds: float, rate: float, seed: int, folder: Path) -> Outcome:
    """So many rounds of so many seconds with one dead, and as many without."""
    chance = random.Random(seed)
    live, dead = Sink(chance), Sink(chance)
    faults: list[str] = []
    periods: dict[str, list[tuple[float, float]]] = {"both alive": [], "one dead": []}
    async with live, dead:
        process = Process(folder, {"live": live.url, "dead": dead.url}, _QUEUE, _DELIVERY)
        world = clients.World("127.0.0.1", process.port, chance, 50)
        senders = Senders(world, rate)
        with process.started() as running:
            await process.ready(running, time.monotonic())
            async with senders.running():
                for number in range(2 * rounds):
                    dies = number % 2 == 1
                    dead.fault = "500" if dies and number % 4 == 1 else "ok"
                    dead.delay = _SILENT if dies and number % 4 == 3 else 0.0
                    began = time.monotonic()
                    faults += await _watched(running, seconds)
                    periods["one dead" if dies else "both alive"].append((began, time.monotonic()))
                    dead.fault, dead.delay = "ok", 0.0
                    if dies:
                        await _caught_up(running)
            await drained(running)
            code = await asyncio.to_thread(running.stop)
        found = await laws_on_disk(folder / "queue")
    lost = world.acknowledged - live.taken
    waits = {
        name: [
            live.at[number] - when
            for number, when in senders.acknowledged.items()
            if number in live.at and any(begin <= when <= end for begin, end in spans)
        ]
        for name, spans in periods.items()
    }
    p99 = {name: at(values, 0.99) for name, values in waits.items()}
    report = [
        f"{len(world.acknowledged)} acknowledged, {len(lost)} lost, {live.twice} arrived twice",
        *(
            f"{name}: {len(values)} waited {at(values, 0.5):.4f} s (p50), {p99[name]:.4f} s (p99)"
            for name, values in waits.items()
        ),
        f"counts: {found}",
    ]
    if lost or live.twice:
        faults.append(f"lost at the living one: {sorted(lost)[:10]}, {live.twice} arrived twice")
    if any(not law.holds or law.waiting for law in found.values()):
        faults.append(f"the counts do not add up: {found}")
    if found[LIVE].dropped or found[LIVE].dead or found[LIVE].stored < len(world.acknowledged):
        faults.append(f"the living one has not got all: {found[LIVE]}")
    # What gives way to others while it is on its way counts as dropped, and may arrive all the same.
    counted = found[DEAD].delivered + found[DEAD].dropped
    if not found[DEAD].delivered <= len(dead.taken) <= counted or found[DEAD].dead:
        faults.append(f"the dead one's counts are wrong: {found[DEAD]}, {len(dead.taken)} taken")
    if code or "Traceback" in running.text:
        faults.append(f"it ended with {code}:\n{running.text}")
    missed = [] if p99["one dead"] <= MORE * p99["both alive"] else ["waits grew while one was dead"]
    return Outcome(report, faults, missed)


async def _watched(running: Running, seconds: float) -> list[str]:
    """Let time pass; returns whether the queue has become too large."""
    deadline = time.monotonic() + seconds
    largest = 0
    while time.monotonic() < deadline:
        await asyncio.sleep(_SAMPLE_SECONDS)
        found = re.search(r"^alloypy_queue_disk_bytes\{.*\} (\S+)$", await metrics_of(running), re.MULTILINE)
        largest = max(largest, int(float(found[1])) if found else 0)
    return [f"{largest} bytes on the disk"] if largest > MOST_BYTES else []


async def _caught_up(running: Running) -> None:
    """Wait until the one that was dead has got what waited for it."""
    while laws(await metrics_of(running))[DEAD].waiting > 20:
        await asyncio.sleep(_SAMPLE_SECONDS)
