"""Kills processes that write to a queue, and counts what is lost.

`python -m tests.support.queue_crashes DIRECTORY KILLS`. Each process opens the queue, says what waits, and
puts and delivers until it is killed. A record counts as stored once its process has said so, and as delivered
from when the process says that it is about to be.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import time
from random import Random

from alloypy.queueing.log import Log
from alloypy.queueing.settings import LogSettings

SETTINGS = LogSettings(max_size=256 << 20, segment_size=1 << 20, min_free=0)
CLIENTS = 16
KEPT = 60
"""How many records are delivered slowly; of a longer backlog the rest is delivered at once."""
_BASE = bytes(range(256)) * 8000


def body(number: int) -> bytes:
    size = 1_000_000 if number % 157 == 0 else 200_000 if number % 17 == 0 else 3000 + number % 5000
    return number.to_bytes(8, "big") + _BASE[number % 251 : number % 251 + size]


async def life(path: str, output: int, first: int) -> None:
    """Never returns."""
    began = time.perf_counter()
    log = await Log.open(path, settings=SETTINGS, destinations=["a"])
    took = time.perf_counter() - began
    cursor = log.cursor("a")
    counts = cursor.counts
    parts = counts.delivered + sum(counts.dropped.values()) + counts.dead + counts.waiting
    assert counts.stored == parts, counts
    found = []
    records = [await cursor.next() for _ in range(counts.waiting)]
    for record in records:
        number = int.from_bytes(bytes(record.body[0][:8]), "big")
        assert b"".join(record.body) == body(number), number
        found.append(number)
    damaged = counts.dropped["damaged"]
    os.write(output, f"found {took} {damaged} {' '.join(map(str, found))}\n".encode())
    numbers = iter(range(first, first + 10**9))

    async def client() -> None:
        for number in numbers:
            await log.put(b"{}", [body(number)])
            os.write(output, f"stored {number}\n".encode())

    async def deliver() -> None:
        for at in range(10**9):
            record = records[at] if at < len(records) else await cursor.next()
            number = int.from_bytes(bytes(record.body[0][:8]), "big")
            os.write(output, f"delivering {number}\n".encode())
            cursor.done(record.place)
            await asyncio.sleep(0 if at < len(records) - KEPT else 0.0005)

    await asyncio.gather(deliver(), *(client() for _ in range(CLIENTS)))


def forked(path: str, first: int) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            asyncio.run(life(path, writing, first))
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
        os._exit(3)
    os.close(writing)
    return child, reading


def said(reading: int, seconds: float, child: int) -> bytes:
    """What a process says until it has told what it found, and `seconds` more; then it is killed."""
    data, deadline = b"", None
    while deadline is None or time.monotonic() < deadline:
        wait = 60 if deadline is None else max(0.0, deadline - time.monotonic())
        if select.select([reading], [], [], wait)[0]:
            part = os.read(reading, 1 << 16)
            if not part:
                break
            data += part
        elif deadline is None:
            break
        if deadline is None and b"\n" in data:
            deadline = time.monotonic() + seconds
    os.kill(child, signal.SIGKILL)
    while part := os.read(reading, 1 << 16):
        data += part
    os.close(reading)
    return data[: data.rfind(b"\n") + 1]


def main(path: str, kills: int) -> None:
    random = Random(kills)
    must: set[int] = set()
    result = {"kills": kills, "stored": 0, "lost": 0, "again": 0, "damaged": 0, "failures": 0}
    starts = []
    first = 1
    for _ in range(kills + 1):
        child, reading = forked(path, first)
        lines = said(reading, random.uniform(0.005, 0.12), child).decode().splitlines()
        status = os.waitpid(child, 0)[1]
        result["failures"] += not os.WIFSIGNALED(status) or not lines
        delivering: set[int] = set()
        for line in lines:
            word, *rest = line.split()
            if word == "found":
                starts.append(float(rest[0]))
                result["damaged"] = int(rest[1])
                found = [int(each) for each in rest[2:]]
                result["lost"] += len(must - set(found))
                result["again"] += len(found) - len(set(found))
                must = set(found)
                first = max([first, *(number + 1 for number in found)])
            elif word == "stored":
                result["stored"] += 1
                must.add(int(rest[0]))
                first = max(first, int(rest[0]) + 1)
            else:
                delivering.add(int(rest[0]))
        must -= delivering
        first += CLIENTS
    starts.sort()
    result["slowest_start_ms"] = round(starts[-1] * 1000)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
