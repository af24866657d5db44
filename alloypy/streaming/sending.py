"""Stores records in Kafka: they are stored once all replicas that have to have answered."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import OrderedDict, deque
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import murmur2

from alloypy.profiles.model import Buffer
from alloypy.queueing.errors import Closed, Full
from alloypy.queueing.record import MOST_BODY_BYTES, MOST_META_BYTES
from alloypy.streaming.client import Access, Unreachable, closed, in_background, in_time
from alloypy.streaming.parts import Headers, Message, messages, room
from alloypy.threads import heard

_BATCH_BYTES = 1 << 20
_PARTS_AT_A_TIME = 4
_LARGE_SECONDS = 30.0
"""How long a record in parts waits for the one before: one at a time bounds memory."""

_REMEMBERED = 10_000


class Sender:
    """Sends records to topics.

    fault: why the last one could not be stored, or "". unknown: sends of which it is not known whether they
    were stored. parts: messages that were parts of a record.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._place = access.place
        self.fault = ""
        self.unknown = 0
        self.parts = 0
        self._producer: Any = None
        self._starting: asyncio.Task[Any] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._large = asyncio.Semaphore(1)
        self._given_up: OrderedDict[bytes, asyncio.Future[Any]] = OrderedDict()
        self._is_closed = False

    async def send(
        self,
        topic: str,
        key: str,
        received_at: int,
        meta: bytes,
        body: Sequence[Buffer],
        headers: Headers = (),
    ) -> None:
        """Store a record. headers: further ones, for one that fits into a message.

        Raises Full and Closed; then it is not stored, or `unknown` counts it.
        """
        size = sum(map(len, body))
        if len(meta) > MOST_META_BYTES or size > MOST_BODY_BYTES:
            raise Full("too_large", f"a record of {len(meta) + size} bytes is too large for a queue")
        most = room(self._place.max_message_bytes)
        try:
            if len(meta) + size < most // 2 or len(meta) + size + 16 <= most:
                await self._whole(topic, key, received_at, meta, body, headers)
            else:
                await in_time(self._large.acquire(), _LARGE_SECONDS)
                try:
                    await self._in_parts(topic, key, messages(received_at, meta, body, most))
                finally:
                    self._large.release()
        except Unreachable as reason:
            self.fault = str(reason)
            raise Full("broker", self.fault) from None
        except KafkaError as error:
            self.fault = self._access.words(error)
            raise Full("broker", self.fault) from None
        self.fault = ""

    async def _whole(
        self, topic: str, key: str, received_at: int, meta: bytes, body: Sequence[Buffer], headers: Headers
    ) -> None:
        deadline = asyncio.get_running_loop().time() + self._place.timeout
        known = self._given_up.get(_digest(meta, body)) if self._given_up else None
        if known is not None:  # sent before, and nobody has heard since what has become of it
            if await _ended(known, deadline):
                known.result()
                return
            raise KafkaTimeoutError
        message = next(messages(received_at, meta, body, room(self._place.max_message_bytes)))
        future = await self._begun(topic, key, None, message._replace(headers=headers), deadline)
        if await _ended(future, deadline):
            self._result(future)
            return
        self.unknown += 1
        self._give_up(_digest(meta, body), future)
        raise KafkaTimeoutError

    async def _in_parts(self, topic: str, key: str, parts: Any) -> None:
        """Send parts in order, few at a time; each may take the whole time."""
        loop = asyncio.get_running_loop()
        partition: int | None = None
        out: deque[asyncio.Future[Any]] = deque()
        for message in parts:
            deadline = loop.time() + self._place.timeout
            if len(out) >= _PARTS_AT_A_TIME:
                await self._answered(out.popleft(), deadline)
            future = await self._begun(topic, key, partition, message, deadline)
            if partition is None:
                partition = await self._partition_of(future, deadline)
            self.parts += 1
            out.append(future)
        try:
            for future in out:
                await self._answered(future, loop.time() + self._place.timeout)
        except KafkaTimeoutError:
            self.unknown += 1
            raise

    async def _partition_of(self, future: asyncio.Future[Any], deadline: float) -> int:
        """Where the first part went, once it is there: all others follow it."""
        await self._answered(future, deadline)
        return int(future.result().partition)

    async def _answered(self, future: asyncio.Future[Any], deadline: float) -> None:
        if not await _ended(future, deadline):
            raise KafkaTimeoutError
        self._result(future)

    async def _begun(
        self, topic: str, key: str, partition: int | None, message: Message, deadline: float
    ) -> asyncio.Future[Any]:
        """Hand a message to the producer. Raises KafkaTimeoutError: then it is not sent."""
        try:
            async with asyncio.timeout_at(deadline):
                producer = await self._started()
                if partition is None:
                    partition = _chosen(key, await producer.partitions_for(topic))
                future: asyncio.Future[Any] = await producer.send(
                    topic,
                    value=message.value,
                    key=key.encode() or None,
                    partition=partition,
                    headers=message.headers,
                )
        except TimeoutError:
            raise KafkaTimeoutError from None
        future.add_done_callback(heard)
        return future

    def _result(self, future: asyncio.Future[Any]) -> None:
        """Raises what a send has failed with; its producer cannot be used any more."""
        if future.exception() is not None:
            self._renew()
        future.result()

    def _give_up(self, digest: bytes, future: asyncio.Future[Any]) -> None:
        """Remember a send whose sender is told that it failed, so that it is not sent twice."""
        self._given_up[digest] = future
        while len(self._given_up) > _REMEMBERED:
            self._given_up.popitem(last=False)
        future.add_done_callback(lambda _: self._forget_failed(digest, future))

    def _forget_failed(self, digest: bytes, future: asyncio.Future[Any]) -> None:
        if future.cancelled() or future.exception() is not None:
            self._given_up.pop(digest, None)

    async def _started(self) -> Any:
        """The producer, started. Raises Unreachable."""
        if self._is_closed:
            raise Closed("the queue is closed")
        if self._producer is not None:
            return self._producer
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
            self._starting.add_done_callback(self._has_started)
        return await asyncio.shield(self._starting)

    def _has_started(self, task: asyncio.Task[Any]) -> None:
        self._starting = None
        if not task.cancelled() and task.exception() is None:
            self._producer = task.result()

    async def _start(self) -> Any:
        place = self._place
        producer = AIOKafkaProducer(
            **await self._access.options(),
            acks="all",
            enable_idempotence=True,
            compression_type=None if place.compression == "none" else place.compression,
            max_batch_size=min(place.max_message_bytes, _BATCH_BYTES),
            max_request_size=place.max_message_bytes,
            request_timeout_ms=int(min(max(place.timeout, 1.0), 30.0) * 1000),
        )
        await self._access.started(producer)
        _mend(producer)
        return producer

    def _renew(self) -> None:
        """Go on with another producer: after a failure, this one's numbers of messages have a gap."""
        if self._producer is not None:
            in_background(self._ending, _stopped(self._producer))
            self._producer = None

    async def close(self) -> None:
        """Send what is being sent, as far as the brokers let it."""
        self._is_closed = True
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, KafkaError, Unreachable):
                await self._starting
        self._renew()
        if self._ending:
            await asyncio.wait(self._ending)


def _mend(producer: Any) -> None:
    """Replace what aiokafka calls when a producer breaks: its own fails, unless there are transactions."""
    sender, accumulator = producer._sender, producer._message_accumulator  # noqa: SLF001

    def fail(task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            accumulator.fail_all(error)

    sender.sender_task.remove_done_callback(sender._fail_all)  # noqa: SLF001
    sender.sender_task.add_done_callback(fail)


async def _stopped(producer: Any) -> None:
    """Stop a producer; what it cannot send within a while is given up."""

    def give_up() -> None:
        accumulator = producer._message_accumulator  # noqa: SLF001 -- it would try for ever
        for batches in accumulator._batches.values():  # noqa: SLF001
            accumulator._pending_batches.update(batches)  # noqa: SLF001 -- where it looks for all it gives up
        accumulator.fail_all(KafkaTimeoutError())

    await closed(producer, give_up)


def _chosen(key: str, partitions: Any) -> int:
    """The partition of a key, as Kafka's own clients choose it; any for none."""
    numbers = sorted(partitions)
    if not key:
        return int(random.choice(numbers))  # noqa: S311 -- nothing secret
    return int(numbers[(murmur2(key.encode()) & 0x7FFFFFFF) % len(numbers)])


async def _ended(future: asyncio.Future[Any], deadline: float) -> bool:
    left = deadline - asyncio.get_running_loop().time()
    await asyncio.wait((future,), timeout=max(0.0, left))
    return future.done()


def _digest(meta: bytes, body: Sequence[Buffer]) -> bytes:
    digest = blake2b(meta, digest_size=16)
    for piece in body:
        digest.update(piece)
    return digest.digest()
