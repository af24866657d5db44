"""Which records are found to end the process, by what one process after the other reads and commits."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from aiokafka.structs import TopicPartition

from alloypy.components.own.delivering.quarantine import GUILTY, SUSPECTED
from alloypy.queueing.tries import NO_ENDS, Ends
from alloypy.streaming import crashes
from alloypy.streaming.crashes import Crashes
from alloypy.streaming.partition import Partition
from alloypy.streaming.progress import Progress

NAME = TopicPartition("topic", 0)
MOST = 4


class Group:
    """What the group of a destination has committed of a partition with so many messages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, messages: int = 10) -> None:
        self.messages = messages
        self.committed = 0, ""
        self._monkeypatch = monkeypatch
        self._lives = 0

    def life(self) -> Partition:
        """The partition as another process begins with it, all of which it has read."""
        self._lives += 1
        self._monkeypatch.setattr(crashes, "_PROCESS", f"process{self._lives}")
        partition = Partition.of_commit(NAME, *self.committed, MOST)
        self.commit(partition)
        partition.read_until(self.messages)
        for offset in range(partition.progress.first, self.messages):
            if not partition.progress.is_settled(offset):
                partition.crashes_at(offset)
        return partition

    def commit(self, partition: Partition, *, is_open: bool = True) -> None:
        self.committed = partition.state(is_open=is_open)


def ends(partition: Partition, offsets: Sequence[int]) -> list[int]:
    return [partition.crashes.ends(offset).all for offset in offsets]


def test_what_is_being_tried_at_two_ends_is_suspected_and_later_records_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group = Group(monkeypatch)
    assert ends(group.life(), range(10)) == [0] * 10
    assert ends(group.life(), range(10)) == [1] * MOST + [0] * 6
    assert ends(group.life(), range(10)) == [SUSPECTED] * MOST + [0] * 6


def test_what_was_settled_between_two_ends_clears_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(monkeypatch)
    group.life()
    second = group.life()
    second.progress.settle([0, 1, 2, 3, 4])
    group.commit(second)
    third = group.life()
    assert ends(third, range(5, 10)) == [1, 1, 1, 1, 0]
    third.progress.settle([5, 6, 8, 9])
    group.commit(third)
    assert ends(group.life(), [7]) == [SUSPECTED]


def test_leaving_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(monkeypatch)
    group.commit(group.life(), is_open=False)
    assert group.committed == (0, "")
    assert ends(group.life(), range(10)) == [0] * 10


def test_a_process_that_gets_its_own_partition_back_has_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(monkeypatch)
    group.commit(group.life())
    again = Partition.of_commit(NAME, *group.committed, MOST)
    again.read_until(10)
    assert again.crashes_at(0) == 0


def test_a_record_that_ends_the_process_alone_is_guilty_after_enough_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group = Group(monkeypatch)
    for _ in range(2):
        group.life()
    for number in range(GUILTY):
        partition = group.life()
        assert partition.crashes.ends(2) == Ends(max(SUSPECTED, number), number)
        partition.crashes.tried_alone(2)
        group.commit(partition)
    partition = group.life()
    assert partition.crashes.ends(2) == Ends(GUILTY, GUILTY)
    assert partition.crashes.over(2)
    partition.progress.settle([0, 1, 2, 3])
    group.commit(partition, is_open=False)
    assert group.committed == (4, "")


def test_a_try_that_does_not_end_the_process_clears_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(monkeypatch)
    for _ in range(2):
        group.life()
    partition = group.life()
    partition.crashes.tried_alone(1)
    group.commit(partition)
    partition = group.life()
    assert partition.crashes.ends(1).alone == 1
    partition.crashes.tried_alone(1)
    assert partition.crashes.survived(1)
    assert partition.crashes.ends(1) == NO_ENDS
    group.commit(partition)
    assert group.life().crashes.ends(1).alone == 0


def test_a_try_that_was_not_made_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(monkeypatch)
    partition = group.life()
    partition.crashes.tried_alone(1)
    assert partition.crashes.stopped(1)
    group.commit(partition)
    assert group.life().crashes.ends(1).alone == 0


def test_an_end_before_all_has_been_read_counts_for_what_is_found_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group = Group(monkeypatch)
    group.life()
    for life in ("second", "third"):
        monkeypatch.setattr(crashes, "_PROCESS", life)
        partition = Partition.of_commit(NAME, *group.committed, MOST)
        group.commit(partition)  # and then it ends
    assert ends(group.life(), range(10)) == [SUSPECTED] * MOST + [0] * 6


def test_messages_that_come_after_an_end_have_nothing_to_do_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(monkeypatch, messages=2)
    group.life()
    partition = group.life()
    for offset in (2, 3):
        partition.crashes_at(offset)
    assert ends(partition, range(4)) == [1, 1, 0, 0]


def test_text_of_other_programs_and_of_versions_without_crashes_says_nothing() -> None:
    for text in ("", "open", "consumer-7", "open=x;once=many", "open=x;alone=1", "alone=1:2:3", "a=b=c"):
        assert Crashes(text, MOST).ends(0) == NO_ENDS
    partition = Partition.of_commit(NAME, 5, "2,4-5", MOST)
    assert [partition.progress.is_settled(offset) for offset in (6, 7, 8, 9)] == [False, True, False, True]
    assert partition.crashes.ends(6) == NO_ENDS


def test_a_commit_has_a_bound() -> None:
    partition = Partition(
        NAME, Progress(0), Crashes(f"open=x;alone={','.join(f'{n}:2' for n in range(500))}", 9)
    )
    partition.progress.settle(range(10**15, 10**15 + 100_000, 2))
    assert len(partition.state(is_open=True)[1]) < 4096
