"""A log: what is put comes out in order, once, and is still there after a restart until it is delivered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from alloypy.queueing.errors import Closed
from alloypy.queueing.log import Log
from alloypy.queueing.settings import LogSettings

SETTINGS = LogSettings(max_size=1 << 20, segment_size=64 << 10, min_free=0)


async def opened(path: Path, *destinations: str, settings: LogSettings = SETTINGS) -> Log:
    return await Log.open(str(path), settings=settings, destinations=destinations or ("a",))


def syncs(log: Log) -> int:
    return sum(log.facts().syncs.counts)


async def turns(count: int = 10) -> None:
    """Let the loop work, and threads not."""
    for _ in range(count):
        await asyncio.sleep(0)


async def taken(log: Log, destination: str, count: int) -> list[bytes]:
    found = []
    for _ in range(count):
        record = await log.cursor(destination).next()
        found.append(b"".join(record.body))
        log.cursor(destination).done(record.place)
    return found


@pytest.mark.anyio
async def test_records_come_out_in_order(tmp_path: Path) -> None:
    log = await opened(tmp_path)
    bodies = [f"{number}".encode() * 100 for number in range(50)]
    places = await asyncio.gather(*(log.put(b"meta", [body[:7], body[7:]]) for body in bodies))
    assert places == sorted(places)
    assert await taken(log, "a", 50) == bodies
    await log.close()


@pytest.mark.anyio
async def test_what_was_not_delivered_is_there_after_a_restart(tmp_path: Path) -> None:
    log = await opened(tmp_path)
    for number in range(300):
        await log.put(b"", [number.to_bytes(2, "big") * 500])
    cursor = log.cursor("a")
    records = [await cursor.next() for _ in range(20)]
    for record in records[::2]:
        cursor.done(record.place)
    await log.close()
    log = await opened(tmp_path)
    found = [int.from_bytes(each[:2], "big") for each in await taken(log, "a", 290)]
    assert found == [*range(1, 20, 2), *range(20, 300)]
    assert log.cursor("a").counts[:2] == (300, 300)
    await log.close()


@pytest.mark.anyio
async def test_closing_ends_those_who_wait(tmp_path: Path) -> None:
    log = await opened(tmp_path)
    waiting = asyncio.create_task(log.cursor("a").next())
    await asyncio.sleep(0)
    await log.close()
    with pytest.raises(Closed):
        await waiting
    with pytest.raises(Closed):
        await log.put(b"", [b""])


@pytest.mark.anyio
async def test_a_record_that_is_given_back_comes_again_before_later_ones(tmp_path: Path) -> None:
    log = await opened(tmp_path, settings=LogSettings(min_free=0, memory=0))
    for number in range(4):
        await log.put(b"", [b"%d" % number])
    cursor = log.cursor("a")
    first, second = await cursor.next(), await cursor.next()
    cursor.back(second.place)
    cursor.back(first.place)
    assert await taken(log, "a", 4) == [b"0", b"1", b"2", b"3"]
    await log.close()


@pytest.mark.anyio
async def test_those_who_were_answered_together_share_the_next_sync(tmp_path: Path) -> None:
    log = await opened(tmp_path, settings=replace(SETTINGS, gathering=3600))
    await asyncio.gather(*(log.put(b"", [b"first"]) for _ in range(3)))
    before = syncs(log)
    waiting = []
    for _ in range(3):
        waiting.append(log.put(b"", [b"second"]))
        await turns()
    await asyncio.gather(*waiting)
    assert syncs(log) == before + 1
    await log.close()


@pytest.mark.anyio
async def test_one_sender_alone_waits_for_nobody(tmp_path: Path) -> None:
    log = await opened(tmp_path, settings=replace(SETTINGS, gathering=3600))
    for _ in range(5):
        await log.put(b"", [b"alone"])
    await log.close()


@pytest.mark.anyio
async def test_who_does_not_come_back_is_waited_for_only_briefly(tmp_path: Path) -> None:
    log = await opened(tmp_path, settings=replace(SETTINGS, gathering=0.01))
    await asyncio.gather(*(log.put(b"", [b"first"]) for _ in range(3)))
    await log.put(b"", [b"second"])
    await log.close()


@pytest.mark.anyio
async def test_a_log_that_is_closed_waits_for_nobody(tmp_path: Path) -> None:
    log = await opened(tmp_path, settings=replace(SETTINGS, gathering=3600))
    await asyncio.gather(*(log.put(b"", [b"first"]) for _ in range(3)))
    waiting = log.put(b"", [b"second"])
    await turns()
    await log.close()
    await waiting
