"""What a destination gets of its partitions, without a broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka.structs import TopicPartition

from alloypy.queueing.errors import Closed
from alloypy.queueing.record import Record
from alloypy.streaming.cursor import Partition, StreamCursor
from alloypy.streaming.parts import PATIENCE_SECONDS, messages
from alloypy.streaming.progress import Progress

pytestmark = pytest.mark.anyio


class Bench:
    """A cursor with one partition, and what is in it."""

    def __init__(self, memory: int = 1 << 20, most_uncommitted: int = 16) -> None:
        self.is_old = False
        self.kept: list[str] = []
        self.refuses: bool | None = True
        self.cursor = StreamCursor("to", memory, most_uncommitted, lambda _: self.is_old, self._bury)
        self.partition = self.new(0)
        self.cursor.assign({self.partition.name: self.partition})

    async def _bury(self, record: Record, why: str, words: str) -> bool:
        if self.refuses is None:
            raise ConnectionError
        self.kept.append(f"{bytes(record.body[0]).decode()} {why} {words}")
        return self.refuses

    def new(self, number: int, first: int = 0) -> Partition:
        return Partition(TopicPartition("topic", number), Progress(first))

    def feed(self, *texts: str, first: int = 0, partition: Partition | None = None) -> None:
        for offset, text in enumerate(texts, first):
            [message] = messages(1, b"{}", [text.encode()], 1000)
            self.cursor.feed(partition or self.partition, offset, message.value, message.headers, 0.0)

    def given(self) -> Iterator[Record]:
        while records := self.cursor.ready(1, 1):
            yield records[0]

    def texts(self) -> list[str]:
        return [bytes(each.body[0]).decode() for each in self.given()]


async def test_records_come_in_order_and_the_offset_follows_what_is_settled() -> None:
    bench = Bench()
    bench.feed("a", "b", "c")
    one, two, three = bench.given()
    bench.cursor.done(two.place)
    assert bench.partition.progress.first == 0
    assert bench.partition.progress.text() == "1"
    bench.cursor.done(one.place)
    assert bench.partition.progress.first == 2
    bench.cursor.drop(three.place, "too_old")
    assert bench.partition.progress.first == 3
    counts = bench.cursor.counts
    assert (counts.delivered, counts.dropped["too_old"], counts.waiting) == (2, 1, 0)


async def test_what_is_returned_comes_again_before_the_rest() -> None:
    bench = Bench()
    bench.feed("a", "b", "c")
    one = await bench.cursor.next()
    two = await bench.cursor.next()
    bench.cursor.back(two.place)
    bench.cursor.back(one.place)
    assert bench.texts() == ["a", "b", "c"]


async def test_what_is_read_twice_is_delivered_once() -> None:
    bench = Bench()
    bench.feed("a", "b")
    bench.feed("a", "b", "c")
    assert bench.texts() == ["a", "b", "c"]


async def test_what_was_deleted_before_it_was_read_is_counted() -> None:
    bench = Bench()
    bench.feed("x", first=5)
    assert bench.texts() == ["x"]
    assert bench.cursor.counts.dropped["overflow"] == 5
    assert bench.partition.progress.first == 5


async def test_partitions_of_others_are_neither_delivered_nor_marked() -> None:
    bench = Bench()
    other = bench.new(1)
    bench.cursor.assign({bench.partition.name: bench.partition, other.name: other})
    bench.feed("a", "b")
    bench.feed("x", "y", partition=other)
    out = await bench.cursor.next()
    bench.cursor.assign({other.name: other})
    assert bench.texts() == ["x", "y"]
    bench.cursor.done(out.place)
    assert bench.partition.progress.first == 0
    assert bench.cursor.counts.delivered == 1
    bench.cursor.back(out.place)
    assert bench.texts() == []


async def test_nothing_is_given_out_while_partitions_are_shared_anew() -> None:
    bench = Bench()
    bench.feed("a", "b")
    out = await bench.cursor.next()
    pausing = asyncio.create_task(bench.cursor.pause(60))
    await asyncio.sleep(0)
    assert bench.texts() == []
    bench.cursor.done(out.place)
    await pausing
    bench.cursor.assign({bench.partition.name: bench.partition})
    assert bench.texts() == ["b"]


async def test_reading_stops_while_enough_is_ready() -> None:
    bench = Bench(memory=100)
    bench.feed("a" * 50, "b" * 50)
    assert not bench.cursor.has_room.is_set()
    bench.texts()
    assert bench.cursor.has_room.is_set()


async def test_nothing_more_is_delivered_while_brokers_take_no_commits() -> None:
    bench = Bench(most_uncommitted=2)
    bench.feed("a", "b", "c", "d")
    for _ in range(2):
        bench.cursor.done((await bench.cursor.next()).place)
    assert bench.texts() == []
    bench.cursor.committed(2)
    assert bench.texts() == ["c", "d"]


async def test_old_records_are_dropped_after_a_failed_try_only() -> None:
    bench = Bench()
    bench.is_old = True
    bench.feed("a")
    record = await bench.cursor.next()
    assert bench.cursor.failed(record.place)
    assert bench.cursor.counts.dropped["age"] == 1
    assert bench.partition.progress.first == 1


async def test_dead_letters_are_kept_dropped_or_tried_again() -> None:
    bench = Bench()
    bench.feed("a", "b", "c")
    one, two, three = bench.given()
    assert await bench.cursor.dead(one.place, "refused", "why")
    bench.refuses = False
    assert not await bench.cursor.dead(two.place, "refused", "why")
    bench.refuses = None
    assert not await bench.cursor.dead(three.place, "refused", "why")
    counts = bench.cursor.counts
    assert (counts.dead, counts.dropped["refused"]) == (1, 1)
    assert bench.kept == ["a refused why", "b refused why"]
    assert bench.texts() == ["c"]


async def test_parts_that_nobody_completes_free_the_partition_and_are_counted() -> None:
    bench = Bench()
    for offset, message in enumerate([*messages(1, b"{}", [b"a" * 100], 50)][:2]):
        bench.cursor.feed(bench.partition, offset, message.value, message.headers, 0.0)
    bench.feed("b", first=2)
    bench.cursor.done((await bench.cursor.next()).place)
    assert bench.partition.progress.first == 0
    bench.cursor.expire(PATIENCE_SECONDS + 1)
    assert bench.partition.progress.first == 3
    assert bench.cursor.dropped_parts == 2


async def test_foreign_messages_are_dropped_as_damaged() -> None:
    bench = Bench()
    bench.cursor.feed(bench.partition, 0, None, (), 0.0)
    bench.cursor.feed(bench.partition, 1, b"hello", (), 0.0)
    assert bench.cursor.counts.dropped["damaged"] == 2
    assert bench.partition.progress.first == 2


async def test_a_closed_cursor_gives_nothing_out() -> None:
    bench = Bench()
    waiting = asyncio.create_task(bench.cursor.next())
    await asyncio.sleep(0)
    bench.cursor.close()
    with pytest.raises(Closed):
        await waiting
