"""Destinations that come and return: what is stored from then on is theirs, also when the power fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log
from alloypy.queueing.members import Members
from tests.support.counts import repeated
from tests.support.log_life import SMALL, Lives, drained, lawful


async def put(lives: Lives, bodies: list[bytes]) -> None:
    assert lives.log is not None
    for each in bodies:
        await lives.log.put(b"meta", [each])


async def removed(lives: Lives, name: str) -> None:
    assert lives.log is not None
    lives.log.remove_destination(name)


@pytest.mark.parametrize("name", ["b", "c"])
def test_a_loss_of_power_takes_nothing_from_a_destination_that_has_come(name: str) -> None:
    """b returns, c is new."""
    after = [b"after %d" % each for each in range(10)]
    for seed in range(repeated(60)):
        lives = Lives("a", "b")
        lives.disk.random.seed(seed)
        log = lives.open()
        lives.run(put(lives, [b"1", b"2"]))
        lives.run(removed(lives, "b"))
        lives.run(put(lives, [b"3"]))
        lives.close()
        lives.end(lives.disk.kill())
        lives.destinations = ["a"]
        log = lives.open()
        lives.run(log.add_destination(name))
        lives.run(put(lives, after))
        lives.destinations = ["a", name]
        lives.end(lives.disk.power_loss())
        log = lives.open()
        found = lives.run(drained(log, name))
        assert not set(after) - set(found), f"seed {seed}"
        assert lawful(log.cursor(name).counts)
        lives.free()


def test_a_lost_mark_takes_nothing_from_a_destination_that_has_returned() -> None:
    size = 32
    marks = 1
    at = 0
    while at < marks:
        lives = Lives("a", "b")
        log = lives.open()
        lives.run(removed(lives, "b"))
        lives.run(put(lives, [b"1"]))
        lives.run(log.add_destination("b"))
        lives.run(put(lives, [b"2"]))
        lives.end(lives.disk.kill())
        data = lives.disk.names_now["/q/v1/done-b.log"].data
        head = len(data) % size
        marks = len(data) // size
        data[head + at * size] ^= 0xFF
        assert b"2" in lives.run(drained(lives.open(), "b")), at
        lives.free()
        at += 1


def test_a_destination_that_cannot_return_is_told_so_and_can_later() -> None:
    lives = Lives("a", "b")
    log = lives.open()
    lives.run(removed(lives, "b"))
    lives.run(put(lives, [b"1"]))
    lives.disk.faults = [("rename", 5)]
    with pytest.raises(QueueError, match="cannot add b to the queue"):
        lives.run(log.add_destination("b"))
    assert log.destinations == ["a"]
    lives.run(put(lives, [b"2"]))
    lives.run(log.add_destination("b"))
    lives.run(put(lives, [b"3"]))
    assert sorted(lives.run(drained(log, "b"))) == [b"3"]
    assert lawful(log.cursor("b").counts)
    lives.free()


@pytest.mark.anyio
async def test_a_destination_that_returns_while_it_is_forgotten_is_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await Log.open(str(tmp_path), settings=SMALL, destinations=["a", "b"])
    write_roll, may_write, begun = Members._write_roll, asyncio.Event(), asyncio.Event()

    async def slow(self: Members, names: Iterable[str]) -> None:
        begun.set()
        await may_write.wait()
        await write_roll(self, names)

    monkeypatch.setattr(Members, "_write_roll", slow)
    log.remove_destination("b")
    forgetting = asyncio.create_task(log._members.forget(lambda _: False))
    await begun.wait()
    returning = asyncio.create_task(log.add_destination("b"))
    await asyncio.sleep(0)
    may_write.set()
    cursor = await returning
    await forgetting
    await log.put(b"meta", [b"body"])
    cursor.done((await cursor.next()).place)
    assert cursor.counts.delivered == 1
    assert lawful(cursor.counts)
    await log.close()
    log = await Log.open(str(tmp_path), settings=SMALL, destinations=["a", "b"])
    assert (log.cursor("b").counts.waiting, log.cursor("b").counts.delivered) == (0, 1)
    await log.close()
