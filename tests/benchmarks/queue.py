"""`alloypy.queue`: CPU to store a profile and deliver it, without the HTTP on both sides.

Every profile is that of a client which waits for the answer; the destination takes it at once.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from alloypy.components.own.delivering.arguments import Arguments, DiskArguments, Exports
from alloypy.components.own.queue import Queue
from alloypy.profiles.model import IngestProfile, ProfilesReceiver, Push, RawSample, Series
from alloypy.runtime.contract.component import Metrics
from tests.support.receiving import component_options

CLIENTS = 16
SIZES = ((5_000, 8_000), (500_000, 320))
SYNCS = ("always", "interval")
LABELS = {f"label{number}": f"value{number}" for number in range(8)} | {
    "__name__": "process_cpu",
    "service_name": "shop",
}
IDENTITY = "3b241101-e2bb-4255-8caf-4136c566a962"


class Destination(ProfilesReceiver):
    """Takes all that comes."""

    def __init__(self) -> None:
        self.component = "destination"
        self.taken = 0

    async def append(self, push: Push) -> None:
        self.taken += 1

    async def append_ingest(self, profile: IngestProfile) -> None:
        self.taken += 1


async def cost(path: Path, sync: str, size: int, count: int) -> float:
    """Milliseconds of CPU for each profile."""
    exports: list[Exports] = []
    destination = Destination()
    options = component_options(Metrics(), logging.Logger("queue"), id="queue", set_exports=exports.append)
    disk = DiskArguments(min_free=0, sync=sync)
    queue = Queue(options._replace(storage=path), Arguments(forward_to=(destination,), disk=disk))
    await queue.prepare()
    running = asyncio.create_task(queue.run())
    receiver = exports[-1].receiver

    async def client(profiles: int) -> None:
        for _ in range(profiles):
            profile = gzip.compress(b"") + os.urandom(size)
            await receiver.append(Push((Series(LABELS, (RawSample(profile, IDENTITY),)),)))

    await client(1)  # opens the queue
    before, expected = time.process_time(), count // CLIENTS * CLIENTS + 1
    await asyncio.gather(*(client(count // CLIENTS) for _ in range(CLIENTS)))
    while destination.taken < expected:
        await asyncio.sleep(0.001)
    used = time.process_time() - before
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return used / (expected - 1) * 1000


def own_cost(size: int) -> float:
    """Milliseconds of CPU that making the profile itself takes."""
    before = time.process_time()
    for _ in range(200):
        gzip.compress(b"") + os.urandom(size)
    return (time.process_time() - before) / 200 * 1000


def measured(sync: str, size: int, count: int) -> None:
    """Print the figures of one case."""
    found = []
    for _ in range(3):
        # Not /tmp, which may be memory.
        path = tempfile.mkdtemp(prefix="queue-", dir=os.environ.get("ALLOYPY_BENCH_DIR", "."))
        try:
            found.append(run(cost(Path(path), sync, size, count)))
        finally:
            shutil.rmtree(path)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    figure = min(found) - own_cost(size)
    print(f"  {size // 1000} KB, sync = {sync}: {figure:.4f} ms, {memory} MB", flush=True)


def run(coroutine: object) -> float:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)  # type: ignore[arg-type, no-any-return]
    return uvloop.run(coroutine)  # type: ignore[arg-type, no-any-return]


def main() -> None:
    print("CPU to store and deliver a profile (best of 3), most memory of the process", flush=True)
    for size, count in SIZES:
        for sync in SYNCS:  # each in a process of its own, for its memory
            case = (sys.executable, "-m", "tests.benchmarks.queue", sync, str(size), str(count))
            assert os.spawnv(os.P_WAIT, sys.executable, case) == 0


if __name__ == "__main__":
    if sys.argv[1:]:
        measured(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
