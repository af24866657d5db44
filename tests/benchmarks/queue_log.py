"""The queue on disk: CPU to store and deliver a profile; time and memory to open a backlog of 1 GB."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from alloypy.queueing.log import Log
from alloypy.queueing.settings import LogSettings

CLIENTS = 16
_SYNCS: tuple[Literal["always", "interval"], ...] = ("always", "interval")
META = json.dumps({"kind": "push", "labels": {"service_name": "shop", "pod": "shop-7d9f-abcde"}}).encode()


@contextmanager
def directory() -> Iterator[str]:
    # Not /tmp, which may be memory.
    path = tempfile.mkdtemp(prefix="queue-", dir=os.environ.get("ALLOYPY_BENCH_DIR", "."))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def stored_and_delivered(
    path: str, sync: Literal["always", "interval"], size: int, count: int
) -> float:
    """Milliseconds of CPU for each record, put by 16 clients and delivered."""
    log = await Log.open(path, settings=LogSettings(sync=sync, min_free=0), destinations=["a"])
    cursor, body = log.cursor("a"), os.urandom(size)

    async def client() -> None:
        for _ in range(count // CLIENTS):
            await log.put(META, [body])

    async def deliver() -> None:
        left = count // CLIENTS * CLIENTS
        while left:
            records = cursor.ready(CLIENTS, 8 << 20) or [await cursor.next()]
            cursor.done(*(record.place for record in records))
            left -= len(records)

    before = cpu_seconds()
    async with asyncio.TaskGroup() as group:
        group.create_task(deliver())
        for _ in range(CLIENTS):
            group.create_task(client())
    used = cpu_seconds() - before
    await log.close()
    return used / count * 1000


async def fill(path: str, size: int, count: int) -> None:
    log = await Log.open(path, settings=LogSettings(sync="interval", min_free=0), destinations=["a"])
    body = os.urandom(size)
    for _ in range(count // 100):
        await asyncio.gather(*(log.put(META, [body]) for _ in range(100)))
    os._exit(0)  # as after a kill: the last file has no footer


async def opened(path: str) -> None:
    began, cpu = time.perf_counter(), cpu_seconds()
    log = await Log.open(path, settings=LogSettings(min_free=0), destinations=["a"])
    known = time.perf_counter() - began
    await log.cursor("a").next()
    first = time.perf_counter() - began
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    memory = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    waiting = log.cursor("a").behind
    used = (cpu_seconds() - cpu) * 1000
    print(
        f"  {waiting.records} records, {waiting.bytes >> 20} MB: known after {known * 1000:.0f} ms, first "
        f"read after {first * 1000:.0f} ms, {used:.0f} ms of CPU, {int(memory) >> 10} MB"
    )
    await log.close()


def run(coroutine: object) -> object:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)  # type: ignore[arg-type]
    return uvloop.run(coroutine)  # type: ignore[arg-type]


def main() -> None:
    print("stored and delivered, CPU per record (best of 3)")
    for size, count in ((5_000, 8_000), (500_000, 320)):
        for sync in _SYNCS:
            found = []
            for _ in range(3):
                with directory() as path:
                    found.append(run(stored_and_delivered(path, sync, size, count)))
            print(f"  {size // 1000} KB, sync = {sync}: {min(found):.4f} ms")  # type: ignore[type-var]
    print("opening a backlog after a kill")
    for size, count in ((5_000, 200_000), (500_000, 2_000)):
        with directory() as path:
            for step in ("fill", "open"):
                status = os.spawnl(
                    os.P_WAIT, sys.executable, sys.executable, __file__, step, path, str(size), str(count)
                )
                assert status == 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["fill"]:
        run(fill(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    elif sys.argv[1:2] == ["open"]:
        run(opened(sys.argv[2]))
    else:
        main()
