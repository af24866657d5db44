"""A queue whose process is killed again and again, under clients that note what was acknowledged.

    python3 dev.py soak queue [--kills 500] [--acknowledged 50000] [--seed 1]

At the end everything acknowledged must have arrived, wait, or be a dead letter. What arrives twice is at most
what was being delivered at each kill, and the counts of the queue add up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from alloypy.queueing.log import Log
from alloypy.queueing.settings import LogSettings
from tests.soak import clients, wire
from tests.soak.backend import Backend
from tests.support.running import Running, free_port

CLIENTS = 16
IN_FLIGHT = 16
DESTINATION = "pyroscope.write.out"
_MARK = re.compile(rb"soak-([0-9]{12})")
_PATIENCE = 120.0
_VISITS = (clients.ingest, clients.push, clients.push_json, clients.keep_alive, clients.keep_alive)


class Sink(Backend):
    """Takes profiles a little late, so that some are always being delivered. arrived: how often each has."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance)
        self.arrived: Counter[int] = Counter()

    def take(self, request: wire.Message) -> None:
        """Count the profiles of a request."""
        super().take(request)
        self.arrived.update(map(int, _MARK.findall(wire.unpacked(request))))


class Outcome(NamedTuple):
    """The result of a run; `faults` is empty on success."""

    report: list[str]
    faults: list[str]


class Loop:
    """The runs of one queue. starts: seconds until each was ready, in order."""

    def __init__(self, folder: Path, sink: Sink, chance: random.Random) -> None:
        port = free_port()
        self.folder = folder
        self.sink = sink
        self.world = clients.World("127.0.0.1", port, chance, 50)
        self.starts: list[float] = []
        self.kills = 0
        self._chance = chance
        config = folder / "config.alloy"
        config.write_text(configuration(port, sink.url, folder / "queue"))
        storage = f"--storage.path={folder / 'storage'}"
        self._arguments = ["--stability.level=experimental", storage, str(config)]

    def started(self) -> Running:
        """A process with the queue."""
        return Running(self._arguments, self.folder)

    async def round(self) -> None:
        """Start, and kill at a random moment: each fifth time while it is still starting."""
        self.sink.fault = self._chance.choice(["ok"] * 5 + ["503 with Retry-After", "reset"])
        with self.started() as running:
            began = time.monotonic()
            if self.kills % 5 == 4:
                await asyncio.sleep(self._chance.uniform(0.1, 0.5))
            else:
                await asyncio.to_thread(running.wait_until_ready)
                self.starts.append(time.monotonic() - began)
                await asyncio.sleep(self._chance.uniform(0.01, 0.5))
            running.process.kill()
            self.kills += 1


def configuration(port: int, url: str, path: Path) -> str:
    """A receiver, a queue, and a destination."""
    return f"""
    pyroscope.receive_http "front" {{
      http {{
        listen_address = "127.0.0.1"
        listen_port    = {port}
      }}
      forward_to = [alloypy.queue.kept.receiver]
    }}
    alloypy.queue "kept" {{
      forward_to = [{DESTINATION}.receiver]
      disk {{
        path         = "{path}"
        segment_size = "256KiB"
        min_free     = "0"
      }}
      delivery {{
        max_in_flight = {IN_FLIGHT}
      }}
    }}
    pyroscope.write "out" {{
      endpoint {{
        url = "{url}"
      }}
    }}
    """


async def soak(kills: int, acknowledged: int, seed: int, folder: Path) -> Outcome:
    """Kill so often, and go on until so many profiles were acknowledged, at most three times as often."""
    chance = random.Random(seed)
    sink = Sink(chance)
    async with sink:
        loop = Loop(folder, sink, chance)
        async with _everybody(loop.world):
            while loop.kills < kills or (
                len(loop.world.acknowledged) < acknowledged and loop.kills < 3 * kills
            ):
                await loop.round()
        sink.fault = "ok"
        with loop.started() as running:
            await asyncio.to_thread(running.wait_until_ready)
            await _drained(running)
            metrics = running.get("/metrics").text
            log = running.text
            code = await asyncio.to_thread(running.stop)
        kept = await _kept(folder / "queue")
    return _outcome(loop, acknowledged, kept, metrics, code, log)


@contextlib.asynccontextmanager
async def _everybody(world: clients.World) -> AsyncIterator[None]:
    """The clients, who go on whatever happens."""
    tasks = [asyncio.create_task(_visit(world)) for _ in range(CLIENTS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _visit(world: clients.World) -> None:
    while True:
        try:
            async with asyncio.timeout(clients.PATIENCE):
                await world.chance.choice(_VISITS)(world)
        except (OSError, EOFError, ValueError):
            world.answers["good: broken off"] += 1
        await asyncio.sleep(0.01)


async def _drained(running: Running) -> None:
    """Wait until the queue is open, and nothing waits."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        law = _law((await asyncio.to_thread(running.get, "/metrics")).text)
        if law["stored"] and not law["waiting"]:
            return
        await asyncio.sleep(0.1)


async def _kept(path: Path) -> set[int]:
    """The numbers of the profiles that are dead letters."""
    log = await Log.open(str(path), settings=LogSettings(min_free=0), destinations=None)
    try:
        found = set()
        for seq in await log.dead_letters(DESTINATION):
            letter = await log.dead_letter(DESTINATION, seq)
            assert letter is not None
            found |= set(map(int, _MARK.findall(b"".join(letter.record.body))))
        return found
    finally:
        await log.close()


def _outcome(loop: Loop, acknowledged: int, kept: set[int], metrics: str, code: int, log: str) -> Outcome:
    world, sink = loop.world, loop.sink
    twice = sum(count - 1 for count in sink.arrived.values())
    lost = world.acknowledged - sink.taken - kept
    law = _law(metrics)
    report = [
        f"{loop.kills} kills, {len(world.acknowledged)} acknowledged, {len(lost)} lost",
        f"{twice} arrived twice, {len(kept)} dead letters",
        "counts: " + ", ".join(f"{name} {count:.0f}" for name, count in law.items()),
        "answers: " + ", ".join(f"{name} x{count}" for name, count in sorted(world.answers.items())),
    ]
    if starts := sorted(loop.starts):
        report.append(f"ready after {starts[len(starts) // 2]:.2f} s, at most {starts[-1]:.2f} s")
    faults = []
    if lost:
        faults.append(f"lost: {sorted(lost)[:10]}")
    if len(world.acknowledged) < acknowledged:
        faults.append(f"only {len(world.acknowledged)} were acknowledged")
    if twice > IN_FLIGHT * loop.kills:
        faults.append(f"{twice} arrived twice after {loop.kills} kills")
    if law["stored"] != law["delivered"] + law["dropped"] + law["dead"] + law["waiting"]:
        faults.append(f"the counts do not add up: {law}")
    if law["dropped"] or law["waiting"] or law["stored"] < len(world.acknowledged):
        faults.append(f"the counts are not those of a queue that has delivered all: {law}")
    if code or "Traceback" in log:
        faults.append(f"the last run ended with {code}:\n{log}")
    return Outcome(report, faults)


def _law(metrics: str) -> dict[str, float]:
    """What the queue counts for its destination, over restarts."""
    names = {
        "stored": "stored_total",
        "delivered": "delivered_total",
        "dropped": "dropped_total",
        "dead": "dead_letter_records",
        "waiting": "records",
    }
    found = {}
    for key, name in names.items():
        values = re.findall(rf"^alloypy_queue_{name}\{{.*\}} (\S+)$", metrics, re.MULTILINE)
        found[key] = sum(map(float, values))
    return found


def main() -> None:
    """Run it and print the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--acknowledged", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1000))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(soak(given.kills, given.acknowledged, given.seed, Path(folder)))
    print("\n".join(outcome.report))
    if outcome.faults:
        sys.exit("\n".join(outcome.faults))


if __name__ == "__main__":
    main()
