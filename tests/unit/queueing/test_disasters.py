"""What a log survives: loss of power, damage, disks that fail or are full, others in its directory."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Literal

import pytest

from alloypy.queueing.directory import check
from alloypy.queueing.disk import Disk
from alloypy.queueing.errors import Full, QueueError
from alloypy.queueing.log import Log
from alloypy.queueing.looking import look
from alloypy.queueing.settings import LogSettings
from tests.support.counts import repeated
from tests.support.log_life import SMALL, Lives, contents, drained, lawful
from tests.support.memory_disk import Crash, MemoryDisk
from tests.support.small_disk import small_disk


def body(number: int, random: Random) -> bytes:
    size = random.choice([40, 900, 5000, 5000, 5000, 20_000, 90_000])
    return number.to_bytes(8, "big") * (size // 8)


async def put_all(log: Log, bodies: list[bytes], stored: set[bytes]) -> None:
    async def one(each: bytes) -> None:
        await log.put(b"meta", [each])
        stored.add(each)

    async with asyncio.TaskGroup() as group:
        for each in bodies:
            group.create_task(one(each))


def test_loss_of_power_loses_nothing_that_was_stored() -> None:
    """Images: all that was synced stays; pages, names and sizes changed since then may be as before."""
    kept = 0
    for seed in range(repeated(2_000)):
        random = Random(seed)
        lives = Lives()
        lives.disk.random = random
        log = lives.open()
        stored: set[bytes] = set()
        asked = [body(number, random) for number in range(1, random.randint(10, 120))]
        lives.disk.crash_at = lives.disk.calls + random.randint(1, 40)
        try:
            for first in range(0, len(asked), 12):
                lives.run(put_all(log, asked[first : first + 12], stored))
        except Crash:
            pass
        lives.end(lives.disk.power_loss())
        log = lives.open()
        found = lives.run(drained(log, "a"))
        assert stored <= set(found) <= set(asked)
        assert max(found.values(), default=0) <= 1
        kept += len(found) - len(stored)
        lives.run(put_all(log, [b"new"], stored))
        lives.free()
    assert kept  # what was not stored yet may survive, too


DAMAGES = ("bit", "hole", "cut")


def damage(disk: MemoryDisk, random: Random, how: str) -> str:
    """Damage one file of records; returns its path."""
    files = {path: inode for path, inode in disk.names_now.items() if path.endswith(".seg") and inode.data}
    path = random.choice(sorted(files))
    data = files[path].data
    if how == "bit":
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif how == "hole":
        at = random.randrange(len(data)) // 4096 * 4096
        data[at : at + 4096] = bytes(min(4096, len(data) - at))
    else:
        del data[max(0, len(data) - 10_240) :]
    return path


def test_damage_stays_where_it_is() -> None:
    """It costs the records that it touches, never the start, never a wrong byte; and it is counted."""
    for seed in range(repeated(300)):
        random = Random(seed)
        how = DAMAGES[seed % 3]
        lives = Lives(settings=replace(SMALL, memory=0))
        lives.disk.random = random
        log = lives.open()
        stored: set[bytes] = set()
        bodies = [number.to_bytes(8, "big") * 625 for number in range(1, 61)]
        for first in range(0, 60, 10):
            lives.run(put_all(log, bodies[first : first + 10], stored))
        if random.random() < 0.5:
            lives.close()
        disk = lives.disk.kill()
        path = damage(disk, random, how)
        is_last = path == max(each for each in disk.names_now if each.endswith(".seg"))
        lives.end(disk)
        log = lives.open()
        found: set[bytes] = set()

        async def read(log: Log = log, found: set[bytes] = found) -> None:
            cursor = log.cursor("a")
            while cursor.counts.waiting > len(found):
                try:
                    found.add(contents(await asyncio.wait_for(cursor.next(), 0.2)))
                except TimeoutError:
                    assert cursor.counts.waiting == len(found)

        lives.run(read())
        assert found <= stored
        assert len(stored - found) <= 3
        counts = log.cursor("a").counts
        assert lawful(counts)
        lost = len(stored - found)
        if is_last:  # what is missing at the end of the last file was never there, as far as anybody can tell
            assert counts.dropped["damaged"] <= lost
            assert counts.dropped["damaged"] == lost or log.facts().cut_bytes or counts.stored < 60
        else:
            assert counts.dropped["damaged"] == lost
        lives.run(put_all(log, [b"new"], stored))
        lives.free()


def test_a_sync_that_failed_is_not_repeated() -> None:
    lives = Lives()
    log = lives.open()
    stored: set[bytes] = set()
    lives.run(put_all(log, [b"first"], stored))
    old = lives.disk.names_now["/q/v1/000000000001.seg"]
    lives.disk.faults.append(("sync", errno.EIO))
    lives.run(put_all(log, [b"second"], stored))
    assert log.facts().write_errors == 1
    left = bytes(old.data)
    lives.run(put_all(log, [b"third"], stored))
    assert bytes(old.data) == left
    assert b"second" in lives.disk.names_now["/q/v1/000000000002.seg"].data
    assert set(lives.run(drained(log, "a"))) == {b"first", b"second", b"third"}
    lives.free()


def test_what_a_full_disk_did_not_take_is_cut_off() -> None:
    lives = Lives()
    log = lives.open()
    stored: set[bytes] = set()
    lives.run(put_all(log, [bytes(5000)], stored))
    lives.disk.space = lives.disk.used() + 2000
    with pytest.raises(ExceptionGroup) as caught:
        lives.run(put_all(log, [bytes(6000)], stored))
    assert [type(each) for each in caught.value.exceptions] == [Full]
    before = lives.disk.used()
    assert before <= lives.disk.space - 1900
    lives.disk.space += 100_000
    lives.run(put_all(log, [bytes(6000)], stored))
    assert len(lives.run(drained(log, "a"))) == 2
    assert log.facts().segments == 1
    lives.free()


def test_interval_writes_again_what_the_disk_may_have_lost() -> None:
    lives = Lives(settings=replace(SMALL, sync="interval", sync_interval=0.01))
    log = lives.open()
    stored: set[bytes] = set()
    lives.disk.faults.append(("sync", errno.EIO))
    lives.run(put_all(log, [bytes([each]) * 900 for each in range(9)], stored))
    while log.facts().write_errors < 1:
        lives.run(asyncio.sleep(0.01))
    lives.end(lives.disk.power_loss())
    assert set(lives.run(drained(lives.open(), "a"))) == stored
    lives.free()


def test_a_destination_that_is_behind_alone_loses_its_oldest() -> None:
    """So a dead one neither stops nor slows the other, and its backlog is bounded."""
    lives = Lives("live", "dead", settings=replace(SMALL, max_size=1 << 20))
    log = lives.open()
    delivered = []

    async def work() -> None:
        for number in range(repeated(2_000)):
            await log.put(b"", [number.to_bytes(8, "big") * 2500])
            record = await log.cursor("live").next()
            delivered.append(contents(record)[:8])
            log.cursor("live").done(record.place)

    lives.run(work())
    count = len(delivered)
    assert delivered == [number.to_bytes(8, "big") for number in range(count)]
    live, dead = log.cursor("live").counts, log.cursor("dead").counts
    assert (live.stored, live.delivered) == (count, count)
    assert lawful(dead)
    assert dead.dropped["overflow"] > count // 2
    assert dead.waiting == count - dead.dropped["overflow"]
    assert log.facts().disk_bytes <= 1 << 20
    lives.free()


@pytest.mark.parametrize("when_full", ["reject", "drop_oldest"])
def test_when_all_are_behind(when_full: Literal["reject", "drop_oldest"]) -> None:
    lives = Lives("a", "b", settings=replace(SMALL, max_size=1 << 20, when_full=when_full))
    log = lives.open()
    stored: set[bytes] = set()

    async def fill() -> None:
        for number in range(80):
            await put_all(log, [number.to_bytes(8, "big") * 2500], stored)

    if when_full == "reject":
        with pytest.raises(ExceptionGroup) as caught:
            lives.run(fill())
        (full,) = caught.value.exceptions
        assert isinstance(full, Full) and full.reason == "full"
        assert set(lives.run(drained(log, "a"))) == stored
    else:
        lives.run(fill())
        found = lives.run(drained(log, "a"))
        assert set(found) == {number.to_bytes(8, "big") * 2500 for number in range(80 - len(found), 80)}
        assert log.cursor("b").counts.dropped["overflow"] == 80 - len(found)
    lives.free()


def test_min_free_stays_free() -> None:
    lives = Lives(settings=replace(SMALL, min_free=1 << 20))
    log = lives.open()
    lives.disk.space = lives.disk.used() + (1 << 20) + 5000
    stored: set[bytes] = set()
    lives.clock.time += 2_000_000_000
    lives.run(put_all(log, [bytes(3000)], stored))
    with pytest.raises(ExceptionGroup) as caught:
        lives.run(put_all(log, [bytes(3001)], stored))
    (full,) = caught.value.exceptions
    assert isinstance(full, Full) and full.reason == "no_space"
    lives.free()


def test_age_is_judged_after_a_failed_try_only() -> None:
    lives = Lives(settings=replace(SMALL, max_age=60.0))
    log = lives.open()
    stored: set[bytes] = set()
    for number in range(3):
        lives.run(put_all(log, [bytes([number]) * 30_000 for _ in range(3)], set()))
        lives.run(put_all(log, [bytes([number]) * 70_000], stored))
    lives.clock.time += 61 * 10**9
    lives.run(put_all(log, [b"fresh"], stored))
    assert log.cursor("a").counts.waiting == 13

    async def fail() -> bool:
        record = await log.cursor("a").next()
        return log.cursor("a").failed(record.place)

    assert lives.run(fail())
    counts = log.cursor("a").counts
    assert counts.dropped["age"] >= 9
    assert counts.waiting >= 1
    assert lawful(counts)
    lives.free()


@pytest.mark.parametrize("jump", [-(10**18), 10**18])
def test_a_clock_that_jumps_between_two_starts_empties_no_queue(jump: int) -> None:
    lives = Lives(settings=replace(SMALL, max_age=60.0))
    log = lives.open()
    stored: set[bytes] = set()
    lives.run(put_all(log, [bytes([each]) * 900 for each in range(9)], stored))
    lives.close()
    lives.end(lives.disk.kill())
    lives.clock.time += jump
    assert set(lives.run(drained(lives.open(), "a"))) == stored
    lives.free()


def test_a_record_that_kills_the_process_is_found() -> None:
    lives = Lives()
    lives.run(put_all(lives.open(), [b"poison", b"good"], set()))
    for crashes in range(4):
        log = lives.log
        assert log is not None

        async def try_first(log: Log = log) -> int:
            cursor = log.cursor("a")
            records = [await cursor.next(), await cursor.next()]
            cursor.tried(*(record.place for record in records))
            cursor.failed(records[1].place)
            assert records[1].crashes == 0
            return records[0].crashes

        assert lives.run(try_first()) == crashes
        lives.end(lives.disk.kill())
        lives.open()
    lives.close()  # a clean end is no crash
    lives.end(lives.disk.kill())
    log = lives.open()

    async def first() -> int:
        return (await log.cursor("a").next()).crashes

    assert lives.run(first()) == 4
    lives.free()


def test_what_was_being_tried_alone_at_an_end_is_known_and_comes_last() -> None:
    lives = Lives()
    lives.run(put_all(lives.open(), [b"1", b"2", b"3"], set()))

    async def life(name: bytes, *, is_alone: bool) -> list[tuple[bytes, int, int]]:
        assert lives.log is not None
        cursor = lives.log.cursor("a")
        records = [await cursor.next() for _ in range(3)]
        for record in records:
            if contents(record) == name or not is_alone:
                cursor.tried(record.place, is_alone=is_alone)
        return [(contents(each), *cursor.ends(each.place)) for each in records]

    def killed() -> None:
        lives.end(lives.disk.kill())
        lives.open()

    assert lives.run(life(b"2", is_alone=False)) == [(b"1", 0, 0), (b"2", 0, 0), (b"3", 0, 0)]
    killed()
    assert lives.run(life(b"1", is_alone=True)) == [(b"1", 1, 0), (b"2", 1, 0), (b"3", 1, 0)]
    killed()
    assert lives.run(life(b"3", is_alone=True)) == [(b"2", 1, 0), (b"3", 1, 0), (b"1", 2, 1)]
    lives.close()  # a clean end counts for nothing, and forgets nothing
    killed()

    async def survive() -> list[tuple[bytes, int, int]]:
        found = await life(b"2", is_alone=True)
        assert lives.log is not None
        cursor = lives.log.cursor("a")
        place = next(each.place for each in cursor._out.values() if contents(each) == b"2")
        cursor.survived(place)
        assert cursor.ends(place) == (0, 0)
        return found

    assert lives.run(survive()) == [(b"2", 1, 0), (b"3", 1, 0), (b"1", 2, 1)]
    killed()
    assert lives.run(life(b"", is_alone=True)) == [(b"3", 1, 0), (b"1", 2, 1), (b"2", 0, 0)]
    lives.free()


def test_dead_letters_are_kept_replayed_and_evicted() -> None:
    lives = Lives()
    log = lives.open()
    bodies = [bytes([each]) * 30_000 for each in range(40)]
    for each in bodies:
        lives.run(put_all(log, [each], set()))

    async def bury() -> None:
        cursor = log.cursor("a")
        for _ in bodies:
            await cursor.dead((await cursor.next()).place, "refused", "the server's words")

    lives.run(bury())
    counts = log.cursor("a").counts
    assert lawful(counts)
    assert 0 < counts.dead < 10
    assert counts.dropped["refused"] == 40 - counts.dead
    assert log.facts().dead_bytes["a"] <= SMALL.dead_letter_size
    lives.end(lives.disk.kill())
    log = lives.open()
    numbers = lives.run(log.dead_letters("a"))
    assert numbers == list(range(41 - counts.dead, 41))
    letter = lives.run(log.dead_letter("a", 40))
    assert letter is not None and letter.words == "the server's words"
    assert contents(letter.record) == bodies[39]

    async def replay() -> list[bytes]:
        log.replay("a", numbers[:2])
        found = [await log.cursor("a").next() for _ in range(2)]
        for each in found:
            log.cursor("a").done(each.place)
        return [contents(each) for each in found]

    assert lives.run(replay()) == bodies[numbers[0] - 1 : numbers[1]]
    after = log.cursor("a").counts
    assert (after.delivered, after.dead) == (2, counts.dead - 2)
    assert lawful(after)
    lives.free()


def test_a_removed_destination_goes_on_where_it_was() -> None:
    lives = Lives("a", "b")
    log = lives.open()
    stored: set[bytes] = set()

    async def change(log: Log) -> None:
        await put_all(log, [b"1", b"2"], stored)
        assert log.remove_destination("b") == 2
        await put_all(log, [b"3"], stored)

    lives.run(change(log))
    assert log.facts().removed == {"b": 2}
    lives.destinations = ["a"]
    lives.end(lives.disk.kill())
    log = lives.open()
    assert log.facts().removed == {"b": 2}

    async def back() -> None:
        await log.add_destination("b")
        await log.add_destination("c")
        await put_all(log, [b"4"], stored)

    lives.run(back())
    assert sorted(lives.run(drained(log, "b"))) == [b"1", b"2", b"4"]
    assert sorted(lives.run(drained(log, "c"))) == [b"4"]
    assert sorted(lives.run(drained(log, "a"))) == [b"1", b"2", b"3", b"4"]
    assert all(lawful(log.cursor(each).counts) for each in "abc")
    lives.free()


@pytest.mark.parametrize("is_restarted", [False, True])
def test_what_the_disk_cannot_read_costs_its_records_only(
    is_restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloypy.queueing.log._AGAIN_SECONDS", 0.0)
    lives = Lives(settings=replace(SMALL, memory=0))
    log = lives.open()
    stored: set[bytes] = set()
    bodies = [bytes([each]) * 9000 for each in range(30)]
    lives.run(put_all(log, bodies, stored))
    if is_restarted:
        lives.end(lives.disk.kill())
    file = lives.disk.names_now["/q/v1/000000000001.seg"]
    lives.disk.unreadable = [(file, 100_000)]
    log = lives.open() if is_restarted else log
    found: list[bytes] = []

    async def read() -> None:
        cursor = log.cursor("a")
        while len(found) < 28:  # the page is in two records
            found.append(contents(await cursor.next()))

    lives.run(read())
    assert len(set(found)) == 28
    counts = log.cursor("a").counts
    assert counts.dropped["damaged"] == 2
    assert lawful(counts)
    lives.free()


def test_marks_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloypy.queueing.done_log._MOST_BYTES", 2000)
    monkeypatch.setattr("alloypy.queueing.tries._MOST_BYTES", 2000)
    lives = Lives()
    log = lives.open()

    async def work() -> None:
        cursor = log.cursor("a")
        for number in range(500):
            await log.put(b"", [b"%d" % number])
            record = await cursor.next()
            cursor.tried(record.place)
            if number % 10:
                cursor.done(record.place)
            await asyncio.sleep(0)

    lives.run(work())
    for name in ("done-a.log", "tries.log"):
        assert len(lives.disk.names_now[f"/q/v1/{name}"].data) < 4000
    lives.end(lives.disk.kill())
    assert sorted(map(int, lives.run(drained(lives.open(), "a")))) == list(range(0, 500, 10))
    lives.free()


def test_lost_marks_lead_to_a_second_delivery_not_to_a_loss() -> None:
    for path in ("/q/v1/done-a.log", "/q/v1/tries.log", "/q/v1/lock"):
        for data in (None, b"", b"rubbish" * 100):
            lives = Lives()
            stored: set[bytes] = set()
            lives.run(put_all(lives.open(), [b"1", b"2"], stored))
            lives.end(lives.disk.kill())
            if data is None:
                del lives.disk.names_now[path]
            else:
                lives.disk.names_now[path].data[:] = data
            log = lives.open()
            assert set(lives.run(drained(log, "a"))) == stored, path
            assert lawful(log.cursor("a").counts)
            lives.free()


def test_only_the_file_that_was_being_written_is_read_at_start() -> None:
    lives = Lives()
    stored: set[bytes] = set()
    log = lives.open()
    for number in range(100):
        lives.run(put_all(log, [bytes([number]) * 30_000], stored))
    lives.end(lives.disk.kill())
    log = lives.open()
    assert log.facts().segments > 20
    assert log.cursor("a").behind.records == 100
    assert lives.disk.bytes_read < 120_000
    assert set(lives.run(drained(log, "a"))) == stored
    lives.free()


# Directories that are none of a queue.


def listing(path: Path) -> list[tuple[str, int]]:
    return sorted((str(each), each.stat().st_mtime_ns) for each in path.rglob("*"))


async def refused(path: Path) -> str:
    before = listing(path.parent)
    with pytest.raises(QueueError) as opening:
        await Log.open(str(path), settings=SMALL, destinations=["a"])
    with pytest.raises(QueueError) as checking:
        await Log.check(str(path))
    assert listing(path.parent) == before
    assert str(opening.value) == str(checking.value)
    return str(opening.value)


@pytest.mark.anyio
async def test_a_foreign_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "photos").mkdir()
    assert "is not the directory of a queue: it contains photos" in await refused(tmp_path / "q")


@pytest.mark.anyio
async def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q").write_bytes(b"")
    assert "not a directory" in await refused(tmp_path / "q")


@pytest.mark.anyio
async def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q" / "v2").mkdir(parents=True)
    assert "not the directory of a queue: it contains v2" in await refused(tmp_path / "q")
    (tmp_path / "q" / "v2" / "lock").touch()
    assert "another version of alloypy (v2)" in await refused(tmp_path / "q")


@pytest.mark.anyio
async def test_what_is_only_called_like_a_version_is_none(tmp_path: Path) -> None:
    (tmp_path / "v4").touch()
    (tmp_path / "v5").mkdir()
    (tmp_path / "v5" / "notes.txt").touch()
    assert "not the directory of a queue: it contains v4" in await refused(tmp_path)
    with pytest.raises(QueueError, match="has no queue: name the directory"):
        look(str(tmp_path))
    (tmp_path / "v1").mkdir()
    log = await Log.open(str(tmp_path), settings=SMALL, destinations=["a"])
    await log.put(b"meta", [b"body"])
    await log.close()
    assert look(str(tmp_path)).waiting("a").records == 1


@pytest.mark.anyio
async def test_rubbish_in_the_place_of_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q" / "v1").mkdir(parents=True)
    (tmp_path / "q" / "v1" / "notes.txt").write_bytes(b"")
    assert "contains notes.txt" in await refused(tmp_path / "q")


@pytest.mark.anyio
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
async def test_the_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q" / "v1").mkdir(parents=True)
    os.chown(tmp_path / "q" / "v1", 12345, 12345)
    assert "belongs to user 12345" in await refused(tmp_path / "q")


class Stubborn(Disk):
    def __init__(self, **errors: int) -> None:
        self.errors = errors

    def may_write(self, path: str) -> bool:
        return "may_write" not in self.errors

    def lock(self, descriptor: int) -> None:
        if "lock" in self.errors:
            raise OSError(self.errors["lock"], os.strerror(self.errors["lock"]))
        super().lock(descriptor)


def test_a_read_only_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QueueError, match="may not write to"):
        check(Stubborn(may_write=errno.EROFS), str(tmp_path / "q"))
    assert not listing(tmp_path)


@pytest.mark.anyio
async def test_a_file_system_without_locks_is_refused(tmp_path: Path) -> None:
    disk = Stubborn(lock=errno.ENOLCK)
    with pytest.raises(QueueError, match="needs a file system with locks"):
        await Log.open(str(tmp_path / "q"), settings=SMALL, destinations=["a"], disk=disk)


@pytest.mark.anyio
async def test_one_directory_has_one_queue(tmp_path: Path) -> None:
    log = await Log.open(str(tmp_path), settings=SMALL, destinations=["a"])
    with pytest.raises(QueueError, match="in use by another queue of this process"):
        await Log.open(str(tmp_path), settings=SMALL, destinations=["a"])
    await log.close()
    log = await Log.open(str(tmp_path), settings=SMALL, destinations=["a"])
    await log.close()


@pytest.mark.anyio
async def test_only_the_owner_may_read(tmp_path: Path) -> None:
    log = await Log.open(str(tmp_path / "q"), settings=SMALL, destinations=["a"])
    await log.put(b"", [b"secret"])
    await log.cursor("a").dead((await log.cursor("a").next()).place, "refused", "no")
    await log.put(b"", [b"secret"])
    modes = {each.relative_to(tmp_path): each.stat().st_mode & 0o777 for each in tmp_path.rglob("*")}
    assert len(modes) >= 7
    assert {mode for path, mode in modes.items()} == {0o600, 0o700}
    await log.close()


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(QueueError, match="max_size must be at least"):
        LogSettings(max_size=1000)
    with pytest.raises(QueueError, match="segment_size must be"):
        LogSettings(segment_size=0)
    with pytest.raises(QueueError, match="sync_interval must be"):
        LogSettings(sync="interval", sync_interval=0)
    with pytest.raises(QueueError, match="min_free must not be negative"):
        LogSettings(min_free=-1)


@pytest.fixture
def disk_to_fill(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MB."""
    with small_disk(tmp_path, 48) as mount:
        yield mount


@pytest.mark.anyio
async def test_a_full_disk_takes_nothing_loses_nothing_and_recovers(disk_to_fill: Path) -> None:
    settings = LogSettings(max_size=1 << 30, segment_size=4 << 20, min_free=0)
    log = await Log.open(str(disk_to_fill / "q"), settings=settings, destinations=["a"])
    stored = []
    number = 0
    with pytest.raises(Full):
        while True:
            each = number.to_bytes(8, "big") * (25_000 if number % 5 == 0 else 625)
            await log.put(b"", [each])
            stored.append(each)
            number += 1
    assert 200 < number < 2000
    cursor = log.cursor("a")
    for each in stored[: number * 2 // 3]:  # delivering goes on, and frees files
        record = await cursor.next()
        assert contents(record) == each
        cursor.done(record.place)
    del stored[: number * 2 // 3]
    await log.close()
    log = await Log.open(str(disk_to_fill / "q"), settings=settings, destinations=["a"])
    for each in (bytes([count]) * 200_000 for count in range(50)):
        await log.put(b"", [each])
        stored.append(each)
    cursor = log.cursor("a")
    for each in stored:
        assert contents(await cursor.next()) == each
    assert lawful(cursor.counts)
    await log.close()
