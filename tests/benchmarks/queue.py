"""`alloypy.queue`: CPU to store a profile and deliver it, more than handing it to the destination.

Every profile is that of a client which waits for the answer; the destination takes it at once. Without HTTP.

    python -m tests.benchmarks.queue [sync size count clients]
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
from alloypy.profiles.model import IngestProfile, Push, RawSample, Series
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.runtime.contract.component import Metrics
from tests.support.receiving import component_options

CASES = ((5_000, 1_600, 1), (5_000, 8_000, 16), (5_000, 8_000, 64), (500_000, 320, 16))
"""Bytes of a profile, how many, and from how many clients."""

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


async def send(receiver: ProfilesReceiver, size: int, count: int) -> None:
    """What one client does."""
    profile = gzip.compress(b"") + os.urandom(size)
    for _ in range(count):
        await receiver.append(Push((Series(LABELS, (RawSample(profile, IDENTITY),)),)))


async def used(
    receiver: ProfilesReceiver, destination: Destination, size: int, count: int, clients: int
) -> float:
    """Milliseconds of CPU for each profile until all have arrived."""
    before, expected = time.process_time(), destination.taken + count // clients * clients
    await asyncio.gather(*(send(receiver, size, count // clients) for _ in range(clients)))
    while destination.taken < expected:
        await asyncio.sleep(0.001)
    return (time.process_time() - before) / count * 1000


async def cost(path: Path, sync: str, size: int, count: int, clients: int) -> float:
    """Milliseconds of CPU for each profile, more than without a queue."""
    exports: list[Exports] = []
    destination = Destination()
    options = component_options(Metrics(), logging.Logger("queue"), id="queue", set_exports=exports.append)
    disk = DiskArguments(min_free=0, sync=sync)
    queue = Queue(options._replace(storage=path), Arguments(forward_to=(destination,), disk=disk))
    await queue.prepare()
    running = asyncio.create_task(queue.run())
    receiver = exports[-1].receiver
    await send(receiver, size, 1)  # opens the queue
    while not destination.taken:
        await asyncio.sleep(0.001)
    with_queue = await used(receiver, destination, size, count, clients)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return with_queue - await used(destination, destination, size, count, clients)


def measured(sync: str, size: int, count: int, clients: int) -> None:
    """Print the figures of one case."""
    found = []
    for _ in range(5):
        # Not /tmp, which may be memory.
        path = tempfile.mkdtemp(prefix="queue-", dir=os.environ.get("ALLOYPY_BENCH_DIR", "."))
        try:
            found.append(run(cost(Path(path), sync, size, count, clients)))
        finally:
            shutil.rmtree(path)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    case = f"{size // 1000} KB, {clients} clients, sync = {sync}"
    print(f"  {case}: {min(found):.4f} ms, median {sorted(found)[2]:.4f} ms, {memory} MB", flush=True)


def run(coroutine: object) -> float:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)  # type: ignore[arg-type, no-any-return]
    return uvloop.run(coroutine)  # type: ignore[arg-type, no-any-return]


def main() -> None:
    print(
        "CPU for each profile, more than without a queue (best of 5), most memory of the process", flush=True
    )
    for size, count, clients in CASES:
        for sync in SYNCS:  # each in a process of its own, for its memory
            case = (sync, str(size), str(count), str(clients))
            command = (sys.executable, "-m", "tests.benchmarks.queue", *case)
            assert os.spawnv(os.P_WAIT, sys.executable, command) == 0


if __name__ == "__main__":
    if sys.argv[1:]:
        measured(sys.argv[1], *map(int, sys.argv[2:5]))
    else:
        main()
