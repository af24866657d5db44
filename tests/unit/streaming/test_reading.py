"""Where a destination begins to read, without a broker."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from alloypy.queueing.record import Record
from alloypy.streaming.client import Access
from alloypy.streaming.cursor import StreamCursor
from alloypy.streaming.reading import Reader
from tests.unit.streaming.test_client import place

pytestmark = pytest.mark.anyio

ONE, TWO = TopicPartition("profiles", 0), TopicPartition("profiles", 1)


class Brokers:
    """Answers as a consumer and as a client for groups. answers: the offsets of the group, call by call."""

    def __init__(self, *answers: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self.answers = list(answers)
        self.sought: dict[TopicPartition, int] = {}

    async def list_consumer_group_offsets(self, group: str, partitions: Any) -> Any:
        return self.answers.pop(0)

    async def beginning_offsets(self, partitions: Any) -> Any:
        return dict.fromkeys(partitions, 3)

    async def end_offsets(self, partitions: Any) -> Any:
        return dict.fromkeys(partitions, 9)

    def seek(self, name: TopicPartition, offset: int) -> None:
        self.sought[name] = offset


async def bury(record: Record, why: str, words: str) -> bool:
    return True


def reader(brokers: Brokers, *, from_start: bool = True) -> tuple[Reader, StreamCursor]:
    cursor = StreamCursor("to", 1 << 20, 16, lambda _: False, bury)
    made = Reader(Access(place(from_start=from_start)), "alloypy.to", cursor, logging.getLogger("alloypy"))
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
