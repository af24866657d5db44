"""Reads a topic for one destination, and commits what has become of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from alloypy.streaming.client import (
    REQUEST_SECONDS,
    Access,
    Unreachable,
    closed,
    in_background,
    in_time,
)
from alloypy.streaming.cursor import StreamCursor
from alloypy.streaming.grave import Grave
from alloypy.streaming.partition import Partition
from alloypy.streaming.progress import Progress
from alloypy.threads import heard

SESSION_SECONDS = 10.0
"""After this time without a sign of life, the group gives a consumer's partitions to others."""

_HEARTBEAT_SECONDS = 3.0
_COMMIT_SECONDS = 0.02
_AGAIN_SECONDS = 0.2
_LOOK_SECONDS = 5.0
_LEAVE_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.1
_LONG_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 5.0
_NEVER_MS = (1 << 31) - 1
_FETCH_BYTES = 4 << 20
_RECORDS = 100


class Reader(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads for one cursor, as a member of the group of its destination.

    fault: why it cannot read, or "".
    """

    def __init__(
        self, access: Access, group: str, cursor: StreamCursor, grave: Grave, logger: logging.Logger
    ) -> None:
        self._access = access
        self._group = group
        self._cursor = cursor
        self._grave = grave
        self._logger = logger
        self.fault = ""
        self._consumer: Any = None
        self._admin: Any = None
        self._is_assigned = False
        self._working: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Read until cancelled; then what is settled is committed, and the group told."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                await self._read()
            except Unreachable as reason:
                self._fails(str(reason))
            except (KafkaError, OSError) as error:
                self._fails(self._access.words(error))
            except Exception as error:
                self._fails("internal error")
                self._logger.error("reading from Kafka failed", exc_info=error)
            if time.monotonic() - began > _LONG_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _fails(self, words: str) -> None:
        if words and not self.fault:
            fields = {"destination": self._cursor.destination, "err": words}
            self._logger.warning("profiles cannot be read", extra={"fields": fields})
        elif self.fault and not words:
            fields = {"destination": self._cursor.destination}
            self._logger.info("profiles are read again", extra={"fields": fields})
        self.fault = words

    async def _read(self) -> None:
        """Read until that fails."""
        place = self._access.place
        options = await self._access.options()
        consumer = AIOKafkaConsumer(
            **options,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_interval_ms=_NEVER_MS,  # brokers learn of a dead reader by its missing heartbeats
            rebalance_timeout_ms=int(2 * SESSION_SECONDS * 1000),
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(_HEARTBEAT_SECONDS * 1000),
            request_timeout_ms=int(2 * REQUEST_SECONDS * 1000),
            max_partition_fetch_bytes=max(1 << 20, place.max_message_bytes),
            fetch_max_bytes=_FETCH_BYTES,
        )
        consumer.subscribe([place.topic], listener=self)
        self._consumer, self._is_assigned = consumer, False
        try:
            admin = AIOKafkaAdminClient(**options, request_timeout_ms=int(REQUEST_SECONDS * 1000))
            await self._access.started(admin)
            self._admin = admin
            await self._access.started(consumer)
            self._fails("")
            async with asyncio.TaskGroup() as group:
                group.create_task(self._fetch())
                group.create_task(self._commit_often())
                group.create_task(self._look_often())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            await self._leave()

    async def _leave(self) -> None:
        consumer, self._consumer, self._is_assigned = self._consumer, None, False
        with contextlib.suppress(KafkaError):
            await in_time(self._commit(consumer), _LEAVE_SECONDS)
        self._cursor.assign({})
        admin, self._admin = self._admin, None
        await asyncio.gather(*(closed(each) for each in (consumer, admin) if each is not None))
        for task in list(self._working):
            task.cancel()

    async def _fetch(self) -> None:
        cursor, consumer = self._cursor, self._consumer
        while True:
            await cursor.has_room.wait()
            for name, offset in cursor.turns() if self._is_assigned else ():
                consumer.seek(name, offset)
            found = await consumer.getmany(timeout_ms=1000, max_records=_RECORDS)
            now = time.monotonic()
            if not self._is_assigned:  # they will be read again, from where the group has got to
                continue
            for name, messages in found.items():
                partition = cursor.partitions.get(name)
                if partition is not None:
                    self._fails("")
                    self._feed(partition, messages, now)
            cursor.expire(now)

    def _feed(self, partition: Partition, messages: Sequence[Any], now: float) -> None:
        end = self._consumer.highwater(partition.name)
        if end is not None:
            progress = partition.progress
            if end < progress.following and messages[0].offset < progress.first:
                partition = self._begun_anew(partition, messages[0].offset)
            partition.read_until(end)
        for message in messages:
            self._cursor.feed(partition, message.offset, message.value, message.headers, now)

    def _begun_anew(self, partition: Partition, first: int) -> Partition:
        """The partition of a topic that was deleted and made again: it ends before what was read of it."""
        fields = {"destination": self._cursor.destination, "partition": partition.name.partition}
        self._logger.warning("the topic has begun anew", extra={"fields": fields})
        anew = Partition(partition.name, Progress(first))
        self._cursor.assign({**self._cursor.partitions, partition.name: anew})
        self._cursor.settled.set()
        return anew

    async def _commit_often(self) -> None:
        """Commit soon after anything is settled, so that a crash makes little come twice."""
        while True:
            await self._cursor.settled.wait()
            self._cursor.settled.clear()
            try:
                await self._commit(self._consumer)
            except KafkaError:
                self._cursor.settled.set()
                await asyncio.sleep(_AGAIN_SECONDS)
            if self._cursor.uncommitted < self._cursor.most_uncommitted // 2:
                await asyncio.sleep(_COMMIT_SECONDS)

    async def _commit(self, consumer: Any) -> None:
        """Commit what is settled, and whether more of a partition is going to be tried. Raises KafkaError."""
        is_open = self._is_assigned
        offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        partitions, number = list(self._cursor.partitions.values()), self._cursor.uncommitted
        notes = [partition.notes for partition in partitions]
        for partition in partitions:
            state = partition.state(is_open=is_open)
            if state != partition.committed or not is_open:
                offsets[partition.name] = OffsetAndMetadata(*state)
            if not is_open:  # whatever becomes of this commit, a further one has to say that it is open
                partition.notes += 1
                partition.committed = partition.committed[0], ""
        if offsets:
            await in_time(asyncio.shield(self._begun(consumer.commit(offsets))), REQUEST_SECONDS)
        for partition, noted in zip(partitions, notes, strict=True):
            if partition.name in offsets:
                partition.committed = (offsets[partition.name].offset, offsets[partition.name].metadata)
            partition.noted = noted
        self._cursor.committed(number)

    def _begun(self, work: Any) -> asyncio.Future[None]:
        """Work in a task: aiokafka leaves errors for nobody to hear if its own calls are cancelled."""
        task = in_background(self._working, work)
        task.add_done_callback(heard)
        return task

    async def _look_often(self) -> None:
        """See from time to time how much waits, and whether the brokers are there."""
        while True:
            await self._count_dead_letters()
            await asyncio.sleep(_LOOK_SECONDS)
            partitions = dict(self._cursor.partitions)
            if not partitions:
                continue
            try:
                ends = await in_time(self._consumer.end_offsets([*partitions]), REQUEST_SECONDS)
            except KafkaError as error:
                self._fails(self._access.words(error))
                continue
            self._fails("")
            for name, end in ends.items():
                partitions[name].end = end

    async def _count_dead_letters(self) -> None:
        try:
            self._cursor.dead_letters = await self._grave.count(self._consumer, self._admin)
        except Exception as error:  # as in `on_partitions_assigned`; the last figure is the best one
            self._logger.debug(
                "dead letters cannot be counted", extra={"fields": {"err": self._access.words(error)}}
            )

    # What aiokafka calls.

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """The group is about to share its partitions anew: commit what is settled until then."""
        self._is_assigned = False
        if not revoked or self._consumer is None:
            return
        await self._cursor.pause(_LEAVE_SECONDS)
        with contextlib.suppress(KafkaError):
            await in_time(self._commit(self._consumer), _LEAVE_SECONDS)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Go on where the group has got to; what is here of partitions that stay is kept."""
        names, pause = list(assigned), _FIRST_PAUSE_SECONDS
        while names and self._consumer is not None:
            try:
                committed = await in_time(
                    self._admin.list_consumer_group_offsets(self._group, partitions=names), REQUEST_SECONDS
                )
                await self._take(names, committed)
                break
            except Exception as error:  # its client also asserts that there is a coordinator
                self._fails(self._access.words(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            self._cursor.assign({})
        self._is_assigned = True

    async def _take(self, names: list[TopicPartition], committed: Any) -> None:
        if not committed.keys() >= set(names):  # also when its coordinator is not ready
            raise KafkaError(f"the offsets of the group {self._group} are not known")
        new = [name for name in names if committed[name].offset < 0]
        starts: dict[TopicPartition, int] = {}
        if new:
            at_end = not self._access.place.from_start
            look = self._consumer.end_offsets if at_end else self._consumer.beginning_offsets
            starts = await in_time(look(new), REQUEST_SECONDS)
        partitions = {}
        for name in names:
            partition = self._cursor.partitions.get(name)
            if name in starts:
                partition = Partition(name, Progress(starts[name]))
            elif partition is None or partition.committed[0] != committed[name].offset:
                most = 2 * self._cursor.most_uncommitted  # being tried, and settled but not committed
                partition = Partition.of_commit(name, committed[name].offset, committed[name].metadata, most)
            partitions[name] = partition
        self._cursor.assign(partitions)
        self._cursor.settled.set()  # where new ones start, and that they are open, is committed at once
        for name, partition in partitions.items():
            self._consumer.seek(name, partition.progress.following)
