"""Files in the directory of a queue that it did not write, or that are gone: no record is lost by them."""

from __future__ import annotations

import pytest

from tests.support.log_life import Lives, drained, lawful
from tests.support.memory_disk import Inode

SEGMENT = "/q/v1/{:012d}.seg"


def filled(lives: Lives, first: int = 0, count: int = 90) -> list[bytes]:
    """Puts records into some files; returns them."""
    bodies = [each.to_bytes(8, "big") * 500 for each in range(first, first + count)]

    async def put() -> None:
        assert lives.log is not None
        for each in bodies:
            await lives.log.put(b"meta", [each])

    lives.run(put())
    return bodies


def copied(lives: Lives, old: str, new: str) -> None:
    lives.disk.names_now[new] = Inode(bytes(lives.disk.names_now[old].data))


@pytest.mark.parametrize("copy", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("number", [0, 99])
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_copy_of_a_file_of_records_costs_none(copy: int, number: int, is_closed: bool) -> None:
    lives = Lives()
    lives.open()
    stored = filled(lives)
    if is_closed:
        lives.close()
    lives.end(lives.disk.kill())
    assert SEGMENT.format(6) in lives.disk.names_now
    copied(lives, SEGMENT.format(copy), SEGMENT.format(number))
    log = lives.open()
    aside = [path for path in lives.disk.names_now if path.endswith(".seg.aside")]
    assert len(aside) == 1
    assert aside[0] in log.warnings[0]
    for _ in range(2):
        found = lives.run(drained(log, "a"))
        assert sorted(found.elements()) == sorted(stored)
        assert lawful(log.cursor("a").counts)
        lives.end(lives.disk.kill())
        log = lives.open()
        assert not log.warnings
    lives.free()


def test_a_file_of_another_queue_costs_none() -> None:
    other = Lives()
    other.open()
    filled(other, 5000, 4)
    other.close()
    foreign = other.disk.names_now[SEGMENT.format(1)]
    other.free()
    lives = Lives()
    lives.open()
    stored = filled(lives)
    lives.end(lives.disk.kill())
    lives.disk.names_now[SEGMENT.format(77)] = Inode(bytes(foreign.data))
    log = lives.open()
    assert sorted(lives.run(drained(log, "a")).elements()) == sorted(stored)
    assert "to be deleted by you" in log.warnings[0]
    lives.free()


def test_an_old_copy_of_the_file_that_was_being_written_costs_none() -> None:
    lives = Lives()
    lives.open()
    stored = filled(lives, count=5)
    copied(lives, SEGMENT.format(1), SEGMENT.format(9))
    lives.clock.time += 1
    stored += filled(lives, 5, 5)
    lives.end(lives.disk.kill())
    log = lives.open()
    assert sorted(lives.run(drained(log, "a")).elements()) == sorted(stored)
    lives.free()


def test_a_copy_of_a_file_that_was_delivered_and_deleted_costs_none() -> None:
    lives = Lives()
    log = lives.open()
    stored = filled(lives)
    copied(lives, SEGMENT.format(1), SEGMENT.format(99))

    async def deliver() -> None:
        cursor = log.cursor("a")
        for _ in range(30):
            cursor.done((await cursor.next()).place)

    lives.run(deliver())
    assert SEGMENT.format(1) not in lives.disk.names_now
    lives.end(lives.disk.kill())
    log = lives.open()
    assert sorted(lives.run(drained(log, "a")).elements()) == sorted(stored[30:])
    lives.free()
