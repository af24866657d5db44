"""Where a destination begins to read, without a broker."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from alloypy.queueing.record import Record
from alloypy.streaming import crashes
from alloypy.streaming.client import Access
from alloypy.streaming.cursor import StreamCursor
from alloypy.streaming.grave import Grave
from alloypy.streaming.parts import messages
from alloypy.streaming.reading import Reader
from alloypy.streaming.sending import Sender
from alloypy.streaming.topic import Topics
from tests.unit.streaming.test_client import place

pytestmark = pytest.mark.anyio

ONE, TWO = TopicPartition("profiles", 0), TopicPartition("profiles", 1)
GRAVE = TopicPartition("profiles.dead.to", 0)


class Brokers:
    """Answers as a consumer and as a client for groups. answers: the offsets of the group, call by call."""

    def __init__(self, *answers: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self.answers = list(answers)
        self.sought: dict[TopicPartition, int] = {}
        self.commits: list[dict[TopicPartition, OffsetAndMetadata]] = []
        self.groups: list[str] = []
        self.fails = False

    async def list_consumer_group_offsets(self, group: str, partitions: Any) -> Any:
        self.groups.append(group)
        return self.answers.pop(0)

    async def beginning_offsets(self, partitions: Any) -> Any:
        return dict.fromkeys(partitions, 3)

    async def end_offsets(self, partitions: Any) -> Any:
        return dict.fromkeys(partitions, 9)

    async def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        if self.fails:
            raise KafkaError
        self.commits.append(offsets)

    def seek(self, name: TopicPartition, offset: int) -> None:
        self.sought[name] = offset


async def bury(record: Record, why: str, words: str) -> bool:
    return True


def reader(brokers: Brokers, *, from_start: bool = True) -> tuple[Reader, StreamCursor]:
    cursor = StreamCursor("to", 1 << 20, 16, lambda _: False, bury)
    access, logger = Access(place(from_start=from_start)), logging.getLogger("alloypy")
    made = Reader(access, "alloypy.to", cursor, Grave(access, Sender(access), logger, "to"), logger)
    made._consumer = made._admin = brokers
    return made, cursor


@pytest.mark.parametrize(("from_start", "first"), [(True, 3), (False, 9)])
async def test_a_new_group_begins_at_the_start_or_the_end_of_the_topic(from_start: bool, first: int) -> None:
    brokers = Brokers({ONE: OffsetAndMetadata(-1, ""), TWO: OffsetAndMetadata(7, "2-3")})
    made, cursor = reader(brokers, from_start=from_start)
    await made.on_partitions_assigned([ONE, TWO])
    assert brokers.sought == {ONE: first, TWO: 7}
    assert cursor.partitions[TWO].progress.is_settled(10)
    assert cursor.settled.is_set()


async def test_a_coordinator_that_is_not_ready_makes_no_group_new() -> None:
    brokers = Brokers({}, {ONE: OffsetAndMetadata(7, "")})
    made, cursor = reader(brokers)
    await made.on_partitions_assigned([ONE])
    assert brokers.sought == {ONE: 7}
    assert cursor.partitions[ONE].progress.first == 7


async def test_a_partition_that_stays_goes_on_where_it_was() -> None:
    same = {ONE: OffsetAndMetadata(7, "")}
    brokers = Brokers(same, same, {ONE: OffsetAndMetadata(8, "")})
    made, cursor = reader(brokers)
    await made.on_partitions_assigned([ONE])
    before = cursor.partitions[ONE]
    before.progress.following = 12
    await made.on_partitions_assigned([ONE])
    assert cursor.partitions[ONE] is before
    assert brokers.sought == {ONE: 12}
    await made.on_partitions_assigned([ONE])  # meanwhile another consumer had it
    assert cursor.partitions[ONE] is not before
    assert not before.is_ours
    assert brokers.sought == {ONE: 8}


async def test_a_partition_is_committed_as_open_before_anything_is_delivered_and_closed_on_leaving(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group = {ONE: OffsetAndMetadata(7, "")}
    brokers = Brokers(group, group)
    made, cursor = reader(brokers)
    await made.on_partitions_assigned([ONE])
    feed(cursor, 7, "a", "b")
    assert cursor.ready(1, 1) == []
    await made._commit(brokers)
    assert brokers.commits[-1][ONE] == (7, f";open={crashes._PROCESS}")
    [record] = cursor.ready(1, 1)
    monkeypatch.setattr("alloypy.streaming.reading._LEAVE_SECONDS", 0.01)
    await made.on_partitions_revoked([ONE])
    assert brokers.commits[-1] == {ONE: OffsetAndMetadata(7, "")}
    cursor.done(record.place)  # late, while the group shares its partitions anew
    await made._commit(brokers)
    assert brokers.commits[-1] == {ONE: OffsetAndMetadata(8, "")}
    assert cursor.ready(1, 1) == []
    brokers.answers[0] = brokers.commits[-1]
    await made.on_partitions_assigned([ONE])
    assert cursor.ready(1, 1) == []
    await made._commit(brokers)
    assert brokers.commits[-1][ONE] == (8, f";open={crashes._PROCESS}")
    assert [bytes(each.body[0]) for each in cursor.ready(9, 99)] == [b"b"]


async def test_a_partition_is_open_again_whatever_has_become_of_the_commit_on_leaving() -> None:
    brokers = Brokers({ONE: OffsetAndMetadata(7, "")}, {ONE: OffsetAndMetadata(7, "")})
    made, cursor = reader(brokers)
    await made.on_partitions_assigned([ONE])
    await made._commit(brokers)
    brokers.fails = True
    await made.on_partitions_revoked([ONE])
    brokers.fails = False
    await made.on_partitions_assigned([ONE])
    feed(cursor, 7, "a")
    assert cursor.ready(1, 1) == []
    await made._commit(brokers)
    assert len(brokers.commits) == 2
    assert len(cursor.ready(1, 1)) == 1


async def test_a_suspected_record_is_tried_alone_once_that_is_committed() -> None:
    brokers = Brokers({ONE: OffsetAndMetadata(7, ";open=another;once=9")})
    made, cursor = reader(brokers)
    await made.on_partitions_assigned([ONE])
    feed(cursor, 7, "a", "b", "c")
    await made._commit(brokers)
    records = cursor.ready(9, 99)
    assert [each.crashes for each in records] == [2, 2, 1]
    cursor.tried(records[0].place, is_alone=True)
    noting = asyncio.create_task(cursor.noted(records[0].place))
    cursor.committed(0)  # one that was begun before
    await asyncio.sleep(0)
    assert not noting.done()
    await made._commit(brokers)
    assert await noting
    assert brokers.commits[-1][ONE].metadata.endswith(";once=10;twice=9;alone=7:1")
    assert cursor.failed(records[0].place) is False
    assert cursor.ends(records[0].place).all == 0
    await made._commit(brokers)
    assert "alone" not in brokers.commits[-1][ONE].metadata


async def test_a_suspected_record_that_another_machine_gets_is_not_tried() -> None:
    brokers = Brokers({ONE: OffsetAndMetadata(7, ";open=another;once=9")})
    made, cursor = reader(brokers)
    await made.on_partitions_assigned([ONE])
    feed(cursor, 7, "a")
    await made._commit(brokers)
    [record] = cursor.ready(1, 1)
    cursor.tried(record.place, is_alone=True)
    noting = asyncio.create_task(cursor.noted(record.place))
    await asyncio.sleep(0)
    cursor.assign({})
    assert not await noting


@pytest.mark.parametrize(
    ("replayed", "dead"), [({}, 6), ({GRAVE: -1}, 6), ({GRAVE: 5}, 4), ({GRAVE: 9}, 0), ({GRAVE: 2}, 6)]
)
async def test_dead_letters_are_those_in_the_topic_that_were_not_replayed(
    replayed: dict[TopicPartition, int], dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    brokers = Brokers({name: OffsetAndMetadata(offset, "") for name, offset in replayed.items()})
    made, cursor = reader(brokers)
    topics: set[str] = set()

    async def found(self: Topics, name: str) -> object:
        return name if name in topics else None

    monkeypatch.setattr(Topics, "found", found)
    await made._count_dead_letters()
    assert cursor.dead_letters == 0
    topics.add("profiles.dead.to")
    await made._count_dead_letters()
    assert cursor.dead_letters == dead
    assert brokers.groups == ["alloypy.dead.to"]
    await made._count_dead_letters()  # no more answers: the last figure stays
    assert cursor.dead_letters == dead


def feed(cursor: StreamCursor, first: int, *texts: str) -> None:
    """Let a cursor have messages of the first partition."""
    partition = cursor.partitions[ONE]
    partition.read_until(first + len(texts))
    for offset, text in enumerate(texts, first):
        [message] = messages(1, b"{}", [text.encode()], 1000)
        cursor.feed(partition, offset, message.value, message.headers, 0.0)
