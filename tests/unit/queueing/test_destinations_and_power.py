"""Destinations that come and return: what is stored from then on is theirs, also when the power fails."""

from __future__ import annotations

import pytest

from alloypy.queueing.errors import QueueError
from tests.support.counts import repeated
from tests.support.log_life import Lives, drained, lawful


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
