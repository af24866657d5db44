"""A receiver under good, broken, slow and hostile clients, reloads and backend faults, all at the same time.

    python3 dev.py soak receiver [--minutes 30] [--seed 1]

The process has 1,024 descriptors and 512 MB of memory. At the end nothing acknowledged may be lost, memory
and descriptors must be level, no traceback in the log, every component healthy; the longest stalls are named.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

from tests.soak import clients
from tests.soak.backend import Backend
from tests.soak.limits import limited
from tests.support.running import Running, free_port
from tests.support.watchdog import FAILING

MEMORY = 512 << 20
BUDGET = MEMORY // 4
DESCRIPTORS = 1024
VARIETY = 50_000
SETTLED = 300.0
"""Seconds after which memory should be level; until then the heap is still growing to its size."""
_BAD_CONFIG = 'pyroscope.write "broken" { endpoint { } }\n'


class Sample(NamedTuple):
    """What the process held at a moment: seconds since the start, bytes of memory, descriptors."""

    at: float
    resident: int
    descriptors: int


class Outcome(NamedTuple):
    """The result of a run; `faults` is empty on success."""

    report: list[str]
    faults: list[str]


def configuration(port: int, steady: Backend, failing: Backend, tag: int = 0) -> str:
    """A receiver, a rule, and two destinations, one of which fails from time to time."""
    retries = 'min_backoff_period = "50ms"\n max_backoff_period = "500ms"\n max_backoff_retries = 200'
    return f"""
    pyroscope.receive_http "front" {{
      http {{
        listen_address = "127.0.0.1"
        listen_port    = {port}
      }}
      forward_to = [pyroscope.relabel.rules.receiver]
    }}
    pyroscope.relabel "rules" {{
      forward_to = [pyroscope.write.out.receiver]
      rule {{
        source_labels = ["pod"]
        target_label  = "copy"
        replacement   = "$1-{tag}"
      }}
    }}
    pyroscope.write "out" {{
      endpoint {{
        url = "{steady.url}"
        {retries}
      }}
      endpoint {{
        url = "{failing.url}"
        {retries}
      }}
    }}
    """


async def soak(seconds: float, seed: int, folder: Path, log: Path | None = None) -> Outcome:
    """Run everything for the given time.

    folder: for the configuration and storage. log: where alloypy's log goes in the end.
    """
    chance = random.Random(seed)
    async with Backend(chance) as steady, Backend(chance) as failing:
        return await _run(seconds, chance, folder, log, (steady, failing))


async def _run(
    seconds: float, chance: random.Random, folder: Path, log: Path | None, backends: tuple[Backend, Backend]
) -> Outcome:
    steady, failing = backends
    port = free_port()
    config = folder / "config.alloy"
    config.write_text(configuration(port, steady, failing))
    arguments = ["--stability.level=public-preview", f"--storage.path={folder}", str(config)]
    with (
        limited(MEMORY, DESCRIPTORS) as (limit, how),
        Running(arguments, folder, watchdog=True, strict=False, before=limit) as running,
    ):
        await asyncio.to_thread(running.wait_until_ready)
        world = clients.World("127.0.0.1", port, chance, VARIETY)
        samples: list[Sample] = []
        async with _everybody(world, running, samples, seconds):
            changing = (
                _reload(running, config, lambda tag: configuration(port, steady, failing, tag)),
                failing.fail_from_time_to_time(),
            )
            tasks = [asyncio.create_task(each) for each in changing]
            await asyncio.sleep(seconds)
            for task in tasks:
                task.cancel()
            failing.fault = "ok"
        try:
            return await _judge(running, world, backends, samples, how)
        finally:
            if log is not None:
                log.write_text(running.text)


@contextlib.asynccontextmanager
async def _everybody(
    world: clients.World, running: Running, samples: list[Sample], seconds: float
) -> AsyncIterator[None]:
    """All clients, while the block lasts; then they leave, the good ones with their last answers."""
    good = [asyncio.create_task(clients.visitor(world, clients.GOOD)) for _ in range(12)]
    others = [asyncio.create_task(clients.visitor(world, clients.BAD)) for _ in range(16)]
    others.append(asyncio.create_task(clients.bursts(world, max(5.0, seconds / 20))))
    others.append(asyncio.create_task(_scrape(running)))
    sampling = asyncio.create_task(_sample(running.process.pid, samples))
    try:
        yield
    finally:
        for task in (*good, *others):
            task.cancel()
        await asyncio.gather(*good, *others, return_exceptions=True)
        await asyncio.sleep(3)
        sampling.cancel()


async def _sample(pid: int, samples: list[Sample]) -> None:
    began = time.monotonic()
    process = Path(f"/proc/{pid}")
    while True:
        with contextlib.suppress(OSError):
            pages = int((process / "statm").read_text().split()[1])
            descriptors = len(list((process / "fd").iterdir()))
            samples.append(Sample(time.monotonic() - began, pages * 4096, descriptors))
        await asyncio.sleep(0.5)


async def _scrape(running: Running) -> None:
    """What operators and Prometheus ask for."""
    while True:
        for path in ("/metrics", "/-/ready", "/-/healthy", "/api/v0/web/components", "/api/v0/component/a/b"):
            with contextlib.suppress(OSError, AssertionError):
                await asyncio.to_thread(running.get, path)
        await asyncio.sleep(1)


async def _reload(running: Running, config: Path, text: Callable[[int], str]) -> None:
    """New configurations, every third of them wrong."""
    tag = 0
    while True:
        await asyncio.sleep(2)
        tag += 1
        config.write_text(_BAD_CONFIG if tag % 3 == 0 else text(tag))
        with contextlib.suppress(OSError, AssertionError):
            await asyncio.to_thread(running.get, "/-/reload", "POST")


async def _judge(
    running: Running, world: clients.World, backends: tuple[Backend, Backend], samples: list[Sample], how: str
) -> Outcome:
    await asyncio.sleep(1)
    healthy = await asyncio.to_thread(running.get, "/-/healthy")
    left = len(list(Path(f"/proc/{running.process.pid}/fd").iterdir()))
    lost = [len(world.acknowledged - backend.taken) for backend in backends]
    turns = running.turns()
    longest = running.longest_turn()
    try:
        code: int | str = await asyncio.to_thread(running.stop)
    except subprocess.TimeoutExpired:
        code = "nothing: it did not end in time"
    waits = sorted(world.waits)
    peak = max(sample.resident for sample in samples)
    middle, last = _thirds(samples)
    late = waits[len(waits) * 99 // 100]
    report = [
        f"limited by {how}; {len(waits)} good requests, {len(world.acknowledged)} profiles acknowledged",
        f"lost: {lost[0]} at the steady backend, {lost[1]} at the failing one",
        f"memory: peak {peak >> 20} MB, median of the second third {middle >> 20} MB, last {last >> 20} MB",
        f"descriptors: peak {max(sample.descriptors for sample in samples)}, {left} at the end",
        f"waits: median {statistics.median(waits):.3f} s, 99 % {late:.2f} s, longest {waits[-1]:.1f} s",
        f"longest turn of the loop: {longest * 1000:.0f} ms of CPU; {len(turns)} above 50 ms",
        f"answers: {dict(sorted(world.answers.items()))}",
    ]
    if turns:
        longest_stack = max(turns, key=lambda turn: turn.seconds).stack.split("\n\n")[-1]
        report += ["where the longest turn was:", *longest_stack.splitlines()[-6:]]
    checks = {
        "acknowledged profiles were lost": not any(lost),
        "nothing was acknowledged": bool(world.acknowledged),
        "memory went above 60 MB and twice the budget": peak <= (60 << 20) + 2 * BUDGET,
        "memory grows": samples[-1].at < SETTLED or last <= middle * 1.2 + (16 << 20),
        "descriptors were left open": left <= 100,  # those to backends stay open for a while
        "a traceback is in the log": "Traceback" not in running.text,
        f"a component is unhealthy: {healthy.text}": healthy.status == 200,
        f"the process ended with {code}": code == 0,
        "the loop was held for too long": longest <= FAILING,
    }
    return Outcome(report, [fault for fault, well in checks.items() if not well])


def _thirds(samples: list[Sample]) -> tuple[int, int]:
    """Median of resident memory in the middle and in the last third."""
    third = max(1, len(samples) // 3)
    middle, last = samples[third : 2 * third], samples[-third:]
    return (
        int(statistics.median(sample.resident for sample in middle or last)),
        int(statistics.median(sample.resident for sample in last)),
    )


def main(argv: list[str]) -> int:
    """Run and report; returns 1 if something was wrong."""
    parser = argparse.ArgumentParser(prog="dev.py soak receiver")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="where to write the log of alloypy")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(soak(given.minutes * 60, given.seed, Path(folder), given.log))
    print("\n".join(outcome.report))
    for fault in outcome.faults:
        print(f"FAULT: {fault}")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
