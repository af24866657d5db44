"""What a destination gets of its partitions, without a broker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence

import pytest
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from alloypy.queueing.errors import Closed
from alloypy.queueing.record import Record
from alloypy.streaming.cursor import StreamCursor
from alloypy.streaming.partition import Partition
from alloypy.streaming.parts import PATIENCE_SECONDS, Message, messages
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
        self.assign(self.partition)

    async def _bury(self, record: Record, why: str, words: str) -> bool:
        if self.refuses is None:
            raise ConnectionError
        self.kept.append(f"{bytes(record.body[0]).decode()} {why} {words}")
        return self.refuses

    def assign(self, *partitions: Partition) -> None:
        """As the reader does: what is open is committed before anything is given out."""
        self.cursor.assign({each.name: each for each in partitions})
        self.commit()

    def commit(self) -> None:
        for each in self.cursor.partitions.values():
            each.committed = each.state(is_open=True)
            each.noted = each.notes
        self.cursor.committed(0)

    def new(self, number: int, first: int = 0) -> Partition:
        return Partition(TopicPartition("topic", number), Progress(first))

    def feed(self, *texts: str, first: int = 0, partition: Partition | None = None) -> None:
        for offset, text in enumerate(texts, first):
            [message] = messages(1, b"{}", [text.encode()], 1000)
            self.cursor.feed(partition or self.partition, offset, message.value, message.headers, 0.0)

    def messages(self, stored: Sequence[Message], first: int) -> None:
        """Feed the messages from offset `first` on."""
        for offset, message in enumerate(stored, first):
            self.cursor.feed(self.partition, offset, message.value, message.headers, 0.0)

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
    bench.assign(bench.partition, other)
    bench.feed("a", "b")
    bench.feed("x", "y", partition=other)
    out = await bench.cursor.next()
    bench.assign(other)
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
    assert bench.texts() == []
    bench.commit()
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
    with pytest.raises(ConnectionError):
        await bench.cursor.dead(three.place, "refused", "why")
    assert bench.cursor.held(three.place) is three
    counts = bench.cursor.counts
    assert (counts.dead, counts.dropped["refused"]) == (1, 1)
    assert bench.kept == ["a refused why", "b refused why"]
    bench.refuses = True
    assert await bench.cursor.dead(three.place, "refused", "why")
    assert bench.cursor.held(three.place) is None


async def test_what_is_set_aside_holds_up_no_partition_and_goes_with_its_own() -> None:
    bench = Bench()
    forgotten: list[int] = []
    bench.cursor.watch(forgotten.extend)
    bench.feed("a", "b")
    one, two = bench.given()
    bench.cursor.done(one.place)
    bench.cursor.set_aside(two.place)
    async with asyncio.timeout(60):
        await bench.cursor.pause(600)
    bench.cursor.assign({bench.partition.name: bench.partition})
    assert bench.cursor.held(two.place) is two
    bench.cursor.assign({})
    assert forgotten == [two.place.seq]
    assert bench.cursor.held(two.place) is None


async def test_parts_that_nobody_completes_free_the_partition_and_are_counted() -> None:
    bench = Bench()
    for offset, message in enumerate([*messages(1, b"{}", [b"a" * 100], 50)][:2]):
        bench.cursor.feed(bench.partition, offset, message.value, message.headers, 0.0)
    bench.feed("b", first=2)
    bench.cursor.done((await bench.cursor.next()).place)
    assert bench.partition.progress.first == 0
    bench.cursor.expire(PATIENCE_SECONDS + 1)
    assert bench.partition.progress.first == 3
    assert bench.cursor.parts == {"unfinished": 2, "orphaned": 0, "read_again": 0}


async def test_parts_of_many_senders_take_bounded_memory_and_what_is_complete_is_delivered() -> None:
    """Senders alternate, and half of them never complete their record."""
    bench = Bench(memory=500)
    senders = [[*messages(1, b"{}", [bytes([97 + number]) * 200], 50)] for number in range(20)]
    log = [(number, part) for part in range(5) for number in range(20) if part < 4 or number % 2]
    stored = [senders[number][part] for number, part in log]
    most = 0
    for offset, message in enumerate(stored):
        bench.cursor.feed(bench.partition, offset, message.value, message.headers, 0.0)
        most = max(most, bench.partition.assembly.held)
    assert most <= 550
    found: list[str] = []
    for _ in range(100):
        for record in bench.given():
            found.append(bytes(record.body[0]).decode())
            bench.cursor.done(record.place)
        for name, first in bench.cursor.turns():
            assert name == bench.partition.name
            bench.messages(stored[first:], first)
    assert sorted(found) == [chr(97 + number) * 200 for number in range(1, 20, 2)]
    assert bench.cursor.parts["read_again"] > 0
    assert bench.partition.progress.first == 0
    bench.cursor.expire(PATIENCE_SECONDS + 1)
    assert bench.cursor.parts["unfinished"] == 40
    assert bench.partition.progress.first == len(stored)


@given(
    kinds=st.lists(st.sampled_from(["small", "large", "unfinished", "foreign"]), max_size=12),
    order=st.randoms(use_true_random=False),
    memory=st.integers(1, 400),
)
def test_nothing_is_committed_past_that_is_not_delivered_or_accounted_for(
    kinds: list[str], order: random.Random, memory: int
) -> None:
    bench = Bench(memory)
    sent = [records_of(kind, number) for number, kind in enumerate(kinds)]
    log = [number for number, each in enumerate(sent) for _ in each]
    order.shuffle(log)
    waiting = [iter(each) for each in sent]
    stored = [next(waiting[number]) for number in log]
    owner = dict(enumerate(log))
    last = {number: offset for offset, number in owner.items()}
    delivered: set[int] = set()
    bench.messages(stored, 0)
    for _ in range(2 * len(kinds) + 2):
        for record in [*bench.given()]:
            number = int(bytes(record.body[0])[:3])
            if order.random() < 0.3:
                bench.cursor.back(record.place)
                continue
            bench.cursor.done(record.place)
            assert number not in delivered
            delivered.add(number)
        for offset in range(bench.partition.progress.first):
            assert owner[offset] in delivered or kinds[owner[offset]] == "foreign"
        for _, first in bench.cursor.turns():
            bench.messages(stored[first:], first)
    for record in bench.given():
        delivered.add(int(bytes(record.body[0])[:3]))
        bench.cursor.done(record.place)
    bench.cursor.expire(PATIENCE_SECONDS + 1)
    assert delivered == {number for number in last if kinds[number] in ("small", "large")}
    assert bench.partition.progress.first == len(stored)
    assert bench.partition.assembly.held == 0
    counts = bench.cursor.counts
    assert (counts.stored, counts.delivered) == (len(delivered) + kinds.count("foreign"), len(delivered))
    assert counts.dropped["damaged"] == kinds.count("foreign")
    assert bench.cursor.parts["unfinished"] == sum(
        len(sent[number]) for number, kind in enumerate(kinds) if kind == "unfinished"
    )


def records_of(kind: str, number: int) -> list[Message]:
    """The messages of a record, as its sender leaves them."""
    text = f"{number:03d}".encode()
    if kind == "small":
        return [*messages(1, b"{}", [text], 1000)]
    if kind == "foreign":
        return [Message(text, ())]
    parts = [*messages(1, b"{}", [text + bytes(200)], 60)]
    return parts[:-1] if kind == "unfinished" else parts


async def test_a_large_record_is_put_together_though_it_is_larger_than_the_memory_for_parts() -> None:
    bench = Bench(memory=100)
    bench.messages([*messages(1, b"{}", [b"a" * 1000], 50)], 0)
    assert bench.texts() == ["a" * 1000]


async def test_what_retention_deletes_before_it_is_read_again_is_counted() -> None:
    bench = Bench(memory=60)
    one, two = ([*messages(1, b"{}", [each * 100], 50)] for each in (b"a", b"b"))
    stored = [each for pair in zip(one, two, strict=True) for each in pair]
    bench.messages(stored, 0)
    assert bench.texts() == ["a" * 100]
    assert bench.cursor.turns() == [(bench.partition.name, 1)]
    bench.feed("c", first=9)
    assert bench.cursor.turns() == [(bench.partition.name, 10)]
    assert bench.texts() == ["c"]
    assert bench.cursor.counts.dropped["overflow"] == 1 + 9 - len(stored)


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
