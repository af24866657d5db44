"""Dead letters survive damage to what says that they are some, and a disk that takes nothing."""

from __future__ import annotations

import pytest

from alloypy.queueing.cursor import Cursor
from alloypy.queueing.log import Log
from alloypy.queueing.marks import MARK_BYTES, Kind, head
from tests.support.log_life import Lives, contents, lawful
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
