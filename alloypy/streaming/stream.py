"""A topic as the store of a queue: records that are put, and cursors of those that they are delivered to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka.errors import KafkaError

from alloypy.profiles.model import Buffer
from alloypy.queueing.clock import is_older
from alloypy.queueing.errors import Closed, QueueError
from alloypy.queueing.record import Record
from alloypy.streaming.client import Access, Unreachable, codec_missing, quiet
from alloypy.streaming.cursor import StreamCursor
from alloypy.streaming.grave import Grave
from alloypy.streaming.reading import Reader
from alloypy.streaming.sending import Sender
from alloypy.streaming.settings import StreamSettings
from alloypy.streaming.topic import Topics, Wanted, differences, fault, faults, missing


class StreamFacts(NamedTuple):
    """Figures of a stream. lags: messages that wait, by destination and partition.

    parts: messages that were parts of a record, by what became of them. unknown: sends of which it is not
    known whether they were stored. buried: dead letters since the start, by destination.
    """

    lags: Mapping[tuple[str, str], int]
    parts: Mapping[str, int]
    unknown: int
    buried: Mapping[str, int]


class Stream:
    """The store of one topic. Made by `open`."""

    disk_bytes = None
    hindrances = ()

    def __init__(self, access: Access, settings: StreamSettings, logger: logging.Logger) -> None:
        self._access = access
        self._settings = settings
        self._logger = logger
        self._sender = Sender(access)
        self._cursors: dict[str, StreamCursor] = {}
        self._readers: dict[str, Reader] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @staticmethod
    async def check(settings: StreamSettings) -> str:
        """Why the brokers do not let the queue work, as far as they answer and say so, or "".

        Changes nothing.
        """
        place = settings.place
        package = codec_missing(place.compression)
        if package:
            need = f"compression {place.compression} needs {package}, which is not installed"
            return f"{need}: pip install {package}"
        quiet()
        return await fault(Access(place), _wanted(settings), place.creates)

    @classmethod
    async def open(
        cls, settings: StreamSettings, destinations: Sequence[str], logger: logging.Logger
    ) -> Stream:
        """Open the topic, or make it. Raises QueueError, whose text says what to do."""
        quiet()
        access = Access(settings.place)
        await _prepare(access, settings, logger)
        stream = cls(access, settings, logger)
        for name in destinations:
            await stream.add_destination(name)
        return stream

    def use(self, settings: StreamSettings) -> None:
        """Use other settings from now on; those of the topic stay as they are."""
        self._settings = settings
        for cursor in self._cursors.values():
            cursor.most_uncommitted = settings.in_flight

    def now(self) -> int:
        """The time in nanoseconds since 1970."""
        return time.time_ns()

    @property
    def fault(self) -> str:
        """Why nothing is taken or read, or ""."""
        return self._sender.fault or next((each.fault for each in self._readers.values() if each.fault), "")

    async def put(self, meta: bytes, body: Sequence[Buffer], note: object = None) -> None:
        """Store a record; it is stored when this returns. The pieces of its body must not change meanwhile.

        note: nothing, as whoever delivers the record may be another machine.

        Raises Full and Closed. If the caller is cancelled, it may be stored or not.
        """
        if self._is_closed:
            raise Closed("the queue is closed")
        await self._sender.send(
            self._settings.place.topic, self._settings.key_of(meta), self.now(), meta, body
        )

    async def add_destination(self, name: str) -> StreamCursor:
        """Let a destination have what is put; one that was removed goes on where its group is."""
        if name in self._cursors:
            return self._cursors[name]

        grave = Grave(self._access, self._sender, self._logger, name)

        async def bury(record: Record, why: str, words: str) -> bool:
            return await grave.bury(self._settings, record, why, words)

        cursor = StreamCursor(name, self._settings.memory, self._settings.in_flight, self._is_old, bury)
        group = f"{self._settings.place.group}.{name}"
        reader = Reader(self._access, group, cursor, grave, self._logger)
        self._cursors[name], self._readers[name] = cursor, reader
        self._tasks[name] = asyncio.get_running_loop().create_task(reader.run())
        return cursor

    def remove_destination(self, name: str) -> int:
        """Let a destination have nothing more; what waits for it stays in the topic. Returns how much.

        Raises KeyError for an unknown one.
        """
        cursor = self._cursors.pop(name)
        waiting = cursor.behind.records
        cursor.close()
        del self._readers[name]
        task = self._tasks.pop(name)
        task.cancel()
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        return waiting

    def facts(self) -> StreamFacts:
        """Figures of the stream. No I/O."""
        lags = {
            (name, str(tp.partition)): partition.lag
            for name, cursor in self._cursors.items()
            for tp, partition in cursor.partitions.items()
        }
        parts = Counter(sent=self._sender.parts, unfinished=0, orphaned=0, read_again=0)
        for each in self._cursors.values():
            parts.update(each.parts)
        buried = {name: each.counts.dead for name, each in self._cursors.items()}
        return StreamFacts(lags, parts, self._sender.unknown, buried)

    async def close(self) -> None:
        """Commit what is settled, and leave the groups. Nothing is marked by closing."""
        if self._is_closed:
            return
        self._is_closed = True
        for name in list(self._cursors):
            self.remove_destination(name)
        leaving = [*self._leaving]
        await asyncio.gather(self._sender.close(), *leaving, return_exceptions=True)

    def _is_old(self, received_at: int) -> bool:
        return is_older(received_at, self.now(), self._settings.max_age)


def _wanted(settings: StreamSettings) -> Wanted:
    place = settings.place
    return Wanted(
        place.topic,
        place.partitions,
        place.replicas,
        place.max_message_bytes,
        settings.max_size,
        settings.max_age,
    )


async def _prepare(access: Access, settings: StreamSettings, logger: logging.Logger) -> None:
    """See that there is a topic. Raises QueueError."""
    wanted = _wanted(settings)
    try:
        async with Topics(access) as topics:
            found = await topics.found(wanted.name)
            if found is None:
                problem = missing(wanted.name)
                if access.place.creates:
                    problem = await topics.create(wanted)
                    logger.info("created the topic", extra={"fields": {"topic": wanted.name}})
            else:
                problem = next(faults(wanted, found), "")
                for difference in differences(wanted, found):
                    fields = {"topic": wanted.name, "difference": difference}
                    logger.warning("the topic is not set up as the queue is", extra={"fields": fields})
    except Unreachable as reason:
        raise QueueError(str(reason)) from None
    except (KafkaError, OSError) as error:
        raise QueueError(access.words(error)) from None
    if problem:
        raise QueueError(problem)
