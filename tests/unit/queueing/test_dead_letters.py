"""Dead letters survive damage to what says that they are some, and a disk that takes nothing."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from alloypy.queueing.cursor import Cursor
from alloypy.queueing.log import Log
from alloypy.queueing.marks import MARK_BYTES, Kind, head
from tests.support.log_life import SMALL, Lives, contents, lawful
from tests.support.memory_disk import MemoryDisk

MARKS = "/q/v1/done-a.log"


async def store(log: Log, count: int) -> None:
    for number in range(count):
        await log.put(b"meta", [b"%d" % number * 100])


async def bury(log: Log, count: int, *, of: int = 1) -> None:
    """Store records; every `of`th becomes a dead letter, the others are delivered."""
    cursor = log.cursor("a")
    for number in range(count):
        await log.put(b"meta", [b"%d" % number * 100])
        place = (await cursor.next()).place
        if number % of:
            cursor.done(place)
        else:
            await cursor.dead(place, "refused", "the server's words")


def flipped(disk: MemoryDisk, kind: Kind | None) -> None:
    """Flip a bit of each mark of a kind; None = of the head."""
    data = disk.names_now[MARKS].data
    begin = len(head("a"))
    places = [at for at in range(begin, len(data), MARK_BYTES) if data[at] == kind] if kind else [9 - 7]
    assert places
    for at in places:
        data[at + 9] ^= 16


def without_records(disk: MemoryDisk) -> None:
    """As it is once nobody waits for the files of records."""
    for path in [each for each in disk.names_now if each.startswith("/q/v1/0")]:
        del disk.names_now[path]


@pytest.mark.parametrize("is_closed", [True, False], ids=["written anew", "appended to"])
@pytest.mark.parametrize("kind", [None, Kind.JOINED, Kind.DEAD], ids=["head", "first", "dead"])
def test_lost_marks_delete_no_dead_letters(kind: Kind | None, *, is_closed: bool) -> None:
    lives = Lives()
    lives.run(bury(lives.open(), 9, of=2))
    lives.close()
    if is_closed:  # written anew at the start
        lives.open()
        lives.close()
    lives.end(lives.disk.kill())
    without_records(lives.disk)
    flipped(lives.disk, kind)
    for kept in (5, 0):
        log = lives.open()
        assert [each for each in log.warnings if f"{kept} dead letters" in each] == [*log.warnings]
        assert len(log.warnings) == bool(kept)
        assert lives.run(log.dead_letters("a")) == [1, 3, 5, 7, 9]
        letter = lives.run(log.dead_letter("a", 9))
        assert letter is not None and contents(letter.record) == b"8" * 100
        counts = log.cursor("a").counts
        assert lawful(counts) and (counts.dead, counts.waiting) == (5, 0)
        assert not counts.dropped["damaged"]
        lives.close()
        lives.end(lives.disk.kill())
    log = lives.open()
    lives.run(bury(log, 1))  # its number is a new one
    assert lives.run(log.dead_letters("a")) == [1, 3, 5, 7, 9, 10]
    lives.free()


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "intact"])
def test_dead_letters_that_were_dropped_or_delivered_do_not_return(*, is_lost: bool) -> None:
    lives = Lives()
    log = lives.open()
    lives.run(bury(log, 6))

    async def settle() -> None:
        await log.evict("a", [2])
        log.replay("a", [3, 4])
        log.cursor("a").done((await log.cursor("a").next()).place)

    lives.run(settle())
    lives.close()
    lives.end(lives.disk.kill())
    without_records(lives.disk)
    if is_lost:
        flipped(lives.disk, Kind.DEAD)
    log = lives.open()
    assert lives.run(log.dead_letters("a")) == [1, 5, 6]
    assert log.cursor("a").counts.waiting == 1
    assert lawful(log.cursor("a").counts)
    lives.free()


def test_the_directory_of_dead_letters_survives_a_loss_of_power(monkeypatch: pytest.MonkeyPatch) -> None:
    lives = Lives()
    log = lives.open()
    synced: list[str] = []
    sync = lives.disk.sync_directory

    def noted(path: str) -> None:
        synced.append(path)
        sync(path)

    lives.run(store(log, 1))  # syncs the directory for its own file
    monkeypatch.setattr(lives.disk, "sync_directory", noted)

    async def refuse() -> None:
        await log.cursor("a").dead((await log.cursor("a").next()).place, "refused", "no")

    lives.run(refuse())
    assert synced.index("/q/v1") < synced.index("/q/v1/dead-a")
    lives.free()


def test_records_lost_while_the_queue_was_closed_are_counted_once_and_told() -> None:
    lives = Lives("a", "b")
    log = lives.open()

    async def deliver(cursor: Cursor) -> None:
        for _ in range(2):
            cursor.done((await cursor.next()).place)

    lives.run(store(log, 7))
    lives.run(deliver(log.cursor("b")))
    lives.close()
    lives.end(lives.disk.kill())
    lives.run(store(lives.open(), 1))  # in the next file
    lives.close()
    lives.end(lives.disk.kill())
    del lives.disk.names_now["/q/v1/000000000001.seg"]
    log = lives.open()
    assert [log.cursor(each).counts.dropped["damaged"] for each in "ab"] == [7, 5]
    assert log.facts().damaged == 7
    assert [each.split(":")[0] for each in log.warnings] == [
        "7 records for a are lost",
        "5 records for b are lost",
    ]
    lives.close()
    lives.end(lives.disk.kill())
    log = lives.open()
    assert not log.warnings and not log.facts().damaged
    lives.free()


async def refuse(log: Log, body: bytes) -> None:
    """Store a record, and try to make a dead letter of it."""
    await log.put(b"meta", [body])
    await log.cursor("a").dead((await log.cursor("a").next()).place, "refused", "no")


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "closed"])
def test_a_full_disk_evicts_no_dead_letter_and_the_new_one_waits(*, is_killed: bool) -> None:
    lives = Lives()
    log = lives.open()
    evicted: list[object] = []
    log.watch_evictions(lambda *each: evicted.append(each))
    lives.run(bury(log, 5))

    async def refuse_on_full_disk() -> None:
        cursor = log.cursor("a")
        await log.put(b"meta", [b"new" * 100])
        record = await cursor.next()
        lives.disk.space = lives.disk.used()
        files = set(lives.disk.names_now)
        for _ in range(3):
            with pytest.raises(OSError, match="no space left") as raised:
                await cursor.dead(record.place, "refused", "no")
            assert raised.value.errno == errno.ENOSPC
        assert cursor.held(record.place) is record
        assert set(lives.disk.names_now) == files
        assert await log.dead_letters("a") == [1, 2, 3, 4, 5]
        assert (cursor.counts.dead, cursor.counts.waiting) == (5, 1)
        assert lawful(cursor.counts)
        assert log.facts().write_errors == 3

    lives.run(refuse_on_full_disk())
    if not is_killed:
        lives.close()
    lives.disk.space = 1 << 40
    lives.end(lives.disk.kill())
    log = lives.open()

    async def refuse_again() -> None:
        cursor = log.cursor("a")
        record = await cursor.next()
        assert contents(record) == b"new" * 100
        assert await cursor.dead(record.place, "refused", "no")
        assert await log.dead_letters("a") == [1, 2, 3, 4, 5, 6]
        assert lawful(cursor.counts)

    lives.run(refuse_again())
    assert not evicted
    lives.free()


@pytest.mark.parametrize("count", [0, 3], ids=["new file", "old file"])
@pytest.mark.parametrize("fault", ["create", "open", "write", "truncate", "sync", "sync_directory", "close"])
def test_a_disk_that_fails_once_costs_no_dead_letter(fault: str, count: int) -> None:
    lives = Lives()
    log = lives.open()
    lives.run(bury(log, count))

    async def refuse_with_fault() -> None:
        cursor = log.cursor("a")
        await log.put(b"meta", [b"new" * 100])
        record = await cursor.next()
        faults = ["write", fault] if fault == "truncate" else [fault]
        lives.disk.faults = [(each, errno.EIO) for each in faults]
        try:
            await cursor.dead(record.place, "refused", "no")
        except OSError as error:
            assert error.errno == errno.EIO
            lives.disk.faults.clear()
            assert cursor.counts.waiting == 1
            assert await cursor.dead(record.place, "refused", "no")
        lives.disk.faults.clear()
        for _ in range(3):
            await refuse(log, b"more" * 100)
        assert lawful(cursor.counts)

    lives.run(refuse_with_fault())
    expected = [*range(1, count + 5)]
    for _ in range(2):
        assert lives.run(log.dead_letters("a")) == expected
        for seq in expected:
            assert lives.run(log.dead_letter("a", seq)) is not None
        lives.end(lives.disk.kill())
        log = lives.open()
    lives.free()


def test_what_limits_evict_is_told() -> None:
    lives = Lives()
    log = lives.open()
    evicted: list[tuple[str, str, int]] = []
    log.watch_evictions(lambda *each: evicted.append(each))
    for _ in range(9):
        lives.run(refuse(log, bytes(30_000)))
    for _ in range(8):
        lives.run(refuse(log, bytes(30_000)))
    assert evicted == [("a", "size", 2)]  # not for each of them
    log._graves.tell_rest()
    assert evicted.pop() == ("a", "size", 8)
    lives.clock.time += int(SMALL.dead_letter_age * 1e9) + 1
    lives.run(refuse(log, b"young"))
    lives.run(log._graves.evict_old())
    assert evicted == [("a", "size", 2), ("a", "age", 7)]
    assert lives.run(log.dead_letters("a")) == [18]
    assert lawful(log.cursor("a").counts)
    lives.free()


def test_dead_letters_make_room_only_once_that_frees_space(monkeypatch: pytest.MonkeyPatch) -> None:
    lives = Lives()
    log = lives.open()

    sync = lives.disk.sync

    def fails_on_marks(descriptor: int) -> None:
        file = lives.disk.descriptors[descriptor]
        if any(file is each for path, each in lives.disk.names_now.items() if "/done-" in path):
            raise OSError(errno.EIO, "input/output error")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(lives.disk, "sync", fails_on_marks)
        for _ in range(14):
            lives.run(refuse(log, bytes(30_000)))
        assert lives.run(log.dead_letters("a")) == [*range(1, 15)]
    for _ in range(2):
        lives.run(refuse(log, bytes(30_000)))
    assert lives.run(log.dead_letters("a")) == [*range(9, 17)]
    assert log.facts().dead_bytes["a"] <= SMALL.dead_letter_size
    lives.free()


def test_what_was_dropped_while_it_became_a_dead_letter_is_none() -> None:
    lives = Lives()
    log = lives.open()
    lives.run(store(log, 1))

    async def refuse_what_is_dropped() -> None:
        cursor = log.cursor("a")
        place = (await cursor.next()).place
        log._books.drop(log._books.done["a"].account, next(iter(log._segments)), "overflow")
        assert not await cursor.dead(place, "refused", "no")
        assert await log.dead_letters("a") == []
        assert cursor.counts.dropped["overflow"] == 1
        assert lawful(cursor.counts)

    lives.run(refuse_what_is_dropped())
    assert not [each for each in lives.disk.names_now if "/dead-a/" in each]
    lives.free()


def test_what_is_set_aside_holds_no_piece_of_a_file() -> None:
    lives = Lives()
    lives.run(store(lives.open(), 3))
    lives.end(lives.disk.kill())
    log = lives.open()

    async def set_aside() -> None:
        cursor = log.cursor("a")
        record = await cursor.next()
        assert isinstance(record.body[0], memoryview)
        cursor.set_aside(record.place)
        held = cursor.held(record.place)
        assert held is not None and isinstance(held.body[0], bytes)
        assert (contents(held), held.size) == (contents(record), record.size)
        assert cursor.being_tried == []
        assert [contents(await cursor.next())[:1] for _ in range(2)] == [b"1", b"2"]

    lives.run(set_aside())
    lives.free()


@pytest.mark.anyio
@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "with a file of others"])
async def test_what_others_do_to_the_directory_keeps_no_dead_letter_from_becoming_one(
    tmp_path: Path, *, is_deleted: bool
) -> None:
    log = await Log.open(str(tmp_path), settings=SMALL, destinations=["a"])
    directory = tmp_path / "v1" / "dead-a"
    await refuse(log, b"first")
    if is_deleted:
        shutil.rmtree(directory)
    else:
        (directory / "000000000002.seg").write_bytes(b"of others")
    await log.put(b"meta", [bytes(70_000)])  # does not fit into the first file
    record = await log.cursor("a").next()
    for _ in range(3):
        try:
            assert await log.cursor("a").dead(record.place, "refused", "no")
        except OSError:
            continue
        break
    assert await log.dead_letters("a") == [1, 2] or is_deleted
    assert await log.dead_letter("a", 2) is not None
    assert lawful(log.cursor("a").counts)
    await log.close()
