"""The dead letters of a destination: a topic of their own, so that any machine may keep one."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import Any

from aiokafka.errors import GroupAuthorizationFailedError, KafkaError
from aiokafka.structs import TopicPartition

from alloypy.queueing.errors import Closed, Full
from alloypy.queueing.record import Record
from alloypy.streaming.client import REQUEST_SECONDS, Access, Unreachable, in_time
from alloypy.streaming.sending import Sender
from alloypy.streaming.settings import StreamSettings
from alloypy.streaming.topic import Topics, Wanted, missing

_LONGEST_TOPIC = 249
_MOST_WORDS = 500


class Grave:
    """Keeps the dead letters of one destination, and counts them."""

    def __init__(self, access: Access, sender: Sender, logger: logging.Logger, destination: str) -> None:
        self._access = access
        self._sender = sender
        self._logger = logger
        self._topic = dead_topic(access.place.topic, destination)
        self._group = f"{access.place.group}.dead.{destination}"
        self._is_there: bool | None = None

    async def bury(self, settings: StreamSettings, record: Record, why: str, words: str) -> bool:
        """Keep a dead letter; False if that is impossible, or not wanted.

        Raises ConnectionError if the brokers do not answer now.
        """
        if not settings.dead_letter_size:
            return False
        if self._is_there is None:
            self._is_there = await self._made(settings)
        if not self._is_there:
            return False
        headers = [("reason", why.encode()), ("words", words[:_MOST_WORDS].encode())]
        try:
            await self._sender.send(self._topic, "", record.received_at, record.meta, record.body, headers)
        except Full as reason:
            if reason.reason == "too_large":
                return False
            raise ConnectionError(str(reason)) from None
        except Closed as reason:
            raise ConnectionError(str(reason)) from None
        return True

    async def _made(self, settings: StreamSettings) -> bool:
        """Whether there is a topic, made if it may be. Raises ConnectionError."""
        place = settings.place
        wanted = Wanted(
            self._topic,
            1,
            place.replicas,
            place.max_message_bytes,
            settings.dead_letter_size,
            settings.dead_letter_age,
        )
        try:
            async with Topics(self._access) as topics:
                if await topics.found(self._topic) is not None:
                    return True
                problem = missing(self._topic)
                if place.creates:
                    problem = await topics.create(wanted)
        except (Unreachable, KafkaError, OSError) as reason:
            raise ConnectionError(str(reason)) from None
        if problem:
            fields = {"topic": self._topic, "err": problem}
            message = "there is no topic for dead letters: what is refused for good is dropped"
            self._logger.warning(message, extra={"fields": fields})
        return not problem

    async def count(self, consumer: Any, admin: Any) -> int:
        """How many messages are in the topic, less those that a queue has delivered that replays them.

        consumer, admin: clients of a reader. Raises KafkaError.
        """
        if not self._is_there:
            if await Topics(self._access, admin).found(self._topic) is None:
                return 0
            self._is_there = True
        name = TopicPartition(self._topic, 0)
        try:
            first = (await in_time(consumer.beginning_offsets([name]), REQUEST_SECONDS))[name]
            end = (await in_time(consumer.end_offsets([name]), REQUEST_SECONDS))[name]
        except KafkaError:
            self._is_there = None  # it may have been deleted
            raise
        return int(end - max(first, await self._replayed(admin, name))) if end > first else 0

    async def _replayed(self, admin: Any, name: TopicPartition) -> int:
        """The offset before which all is replayed, or -1."""
        try:
            offsets = await in_time(
                admin.list_consumer_group_offsets(self._group, partitions=[name]), REQUEST_SECONDS
            )
        except GroupAuthorizationFailedError:
            return -1
        return int(offsets[name].offset) if name in offsets else -1


def dead_topic(topic: str, destination: str) -> str:
    """The topic of the dead letters of a destination."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", f"{topic}.dead.{destination}")
    if len(name) <= _LONGEST_TOPIC:
        return name
    return f"{name[:200]}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"
