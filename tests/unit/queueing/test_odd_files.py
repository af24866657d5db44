"""Files in the directory of a queue that it did not write, or that are gone: no record is lost by them."""

from __future__ import annotations

import errno

import pytest

from tests.support.log_life import Lives, drained, lawful
from tests.support.memory_disk import Inode
from tests.support.waiting import until

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


def deliver_all(lives: Lives, name: str) -> None:
    async def deliver() -> None:
        assert lives.log is not None
        cursor = lives.log.cursor(name)
        while cursor.counts.waiting:
            cursor.done((await cursor.next()).place)

    lives.run(deliver())


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


@pytest.mark.parametrize("data", ["none", "rubbish", "of a"])
@pytest.mark.parametrize("is_wanted", [True, False])
def test_a_lost_file_of_marks_lets_all_wait_again(data: str, is_wanted: bool) -> None:
    lives = Lives("a", "b")
    lives.open()
    stored = filled(lives, count=40)
    deliver_all(lives, "a")
    lives.end(lives.disk.kill())
    if data == "none":
        del lives.disk.names_now["/q/v1/done-b.log"]
    elif data == "rubbish":
        lives.disk.names_now["/q/v1/done-b.log"].data[:] = b"rubbish" * 99
    else:
        copied(lives, "/q/v1/done-a.log", "/q/v1/done-b.log")
    if not is_wanted:
        lives.destinations = ["a"]
        lives.open()
        lives.close()
        lives.end(lives.disk.kill())
        lives.destinations = ["a", "b"]
    log = lives.open()
    assert [*log.warnings] == is_wanted * [
        "the marks of b are lost or damaged: 40 records wait for it again, also those that it has got"
    ]
    assert sorted(lives.run(drained(log, "b")).elements()) == sorted(stored)
    assert log.cursor("a").counts.waiting == 0
    assert all(lawful(log.cursor(each).counts) for each in "ab")
    lives.free()


def test_a_new_destination_begins_at_the_end_also_under_the_name_of_one_that_is_forgotten() -> None:
    lives = Lives("a", "b")
    lives.open()
    filled(lives, count=40)
    deliver_all(lives, "b")
    lives.end(lives.disk.kill())
    lives.destinations = ["a"]
    log = lives.open()
    lives.run(log._members.forget(log.is_old))
    assert "/q/v1/done-b.log" not in lives.disk.names_now
    for destinations in (["a", "b"], ["a", "b", "c"]):
        lives.end(lives.disk.kill())
        lives.destinations = destinations
        log = lives.open()
        assert not log.warnings
        assert {each: log.cursor(each).counts.waiting for each in destinations} == {
            "a": 40,
            **dict.fromkeys(destinations[1:], 0),
        }
    lives.free()


def test_the_directory_of_a_version_without_the_names_of_destinations_opens() -> None:
    lives = Lives("a", "b")
    lives.open()
    stored = filled(lives, count=40)
    deliver_all(lives, "b")
    lives.end(lives.disk.kill())
    del lives.disk.names_now["/q/v1/destinations"]
    lives.destinations = ["a", "b", "c"]
    log = lives.open()
    assert [log.cursor(each).counts.waiting for each in "abc"] == [len(stored), 0, 0]
    assert "/q/v1/destinations" in lives.disk.names_now
    lives.free()


def test_files_of_marks_and_tries_that_are_too_large_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloypy.queueing.survey.MOST_BYTES", 1 << 20)
    monkeypatch.setattr("alloypy.queueing.tries._MOST_BYTES_READ", 1 << 20)
    lives = Lives()
    lives.open()
    stored = filled(lives, count=3)
    lives.end(lives.disk.kill())
    for name in ("done-a.log", "tries.log"):
        lives.disk.names_now[f"/q/v1/{name}"].data.extend(bytes(2 << 20))
    log = lives.open()
    assert lives.disk.bytes_read < 1 << 20
    assert "the marks of a are lost" in log.warnings[0]
    assert sorted(lives.run(drained(log, "a")).elements()) == sorted(stored)
    lives.free()


def test_a_file_that_cannot_be_renamed_is_not_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    lives = Lives()
    lives.open()
    stored = filled(lives)
    lives.close()
    lives.end(lives.disk.kill())
    copied(lives, SEGMENT.format(2), SEGMENT.format(99))
    rename = lives.disk.rename

    def refused(old: str, new: str) -> None:
        if new.endswith(".aside"):
            raise PermissionError(errno.EPERM, "not permitted")
        rename(old, new)

    monkeypatch.setattr(lives.disk, "rename", refused)
    log = lives.open()
    (warning,) = log.warnings
    assert "it cannot be renamed (operation not permitted), and stays as it is; move it away" in warning
    assert "it is now" not in warning
    assert not [path for path in lives.disk.names_now if path.endswith(".aside")]
    assert sorted(lives.run(drained(log, "a")).elements()) == sorted(stored)
    lives.free()


def test_names_of_destinations_that_cannot_be_written_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lives = Lives()
    rename = lives.disk.rename

    def refused(old: str, new: str) -> None:
        if new.endswith("/destinations"):
            raise IsADirectoryError(errno.EISDIR, "is a directory")
        rename(old, new)

    monkeypatch.setattr(lives.disk, "rename", refused)
    log = lives.open()
    assert [*log.warnings] == ["cannot note the names of the destinations: is a directory"]
    lives.free()


def test_what_is_free_is_known_and_stays_current_though_nothing_is_put(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alloypy.queueing.log._WATCH_SECONDS", 0.01)
    lives = Lives()
    log = lives.open()

    async def free(expected: int) -> None:
        await until(lambda: log.facts().free == expected)

    lives.run(free(lives.disk.space - lives.disk.used()))
    lives.disk.space = 12_345 + lives.disk.used()
    lives.run(free(12_345))
    lives.free()
