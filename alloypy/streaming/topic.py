"""The topic of a queue: looked up, compared with the settings, or created."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from alloypy.streaming.client import REQUEST_SECONDS, Access, Unreachable, closed, in_time

_BATCH_BYTES = 100
_DEFAULT_MESSAGE_BYTES = 1048588
_LEAST_SEGMENT_BYTES = 1 << 20
_MOST_SEGMENT_BYTES = 1 << 30
_SEGMENTS = 8
"""What is too old is deleted by segments, so a segment is a small part of what a partition may keep."""


class Found(NamedTuple):
    """A topic as it is. settings: its configuration, {} if it may not be read."""

    partitions: int
    replicas: int
    settings: Mapping[str, str]


class Wanted(NamedTuple):
    """A topic as the settings have it. max_size: bytes. max_age: seconds, 0 = for ever."""

    name: str
    partitions: int
    replicas: int
    max_message_bytes: int
    max_size: int
    max_age: float

    def configuration(self, replicas: int) -> dict[str, str]:
        """The configuration of a new topic with so many replicas."""
        share = max(_LEAST_SEGMENT_BYTES, self.max_size // self.partitions)
        settings = {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "retention.bytes": str(share),
            "segment.bytes": str(max(_LEAST_SEGMENT_BYTES, min(share // _SEGMENTS, _MOST_SEGMENT_BYTES))),
            "max.message.bytes": str(max(_DEFAULT_MESSAGE_BYTES, self.max_message_bytes + _BATCH_BYTES)),
        }
        if replicas > 2:
            settings["min.insync.replicas"] = "2"
        return settings

    @property
    def retention_ms(self) -> int:
        """How long a topic keeps messages, as Kafka writes it."""
        return int(self.max_age * 1000) or -1


class Topics:
    """Looks topics up and creates them, with a client that is open as long as that takes, or is given."""

    def __init__(self, access: Access, admin: Any = None) -> None:
        self._access = access
        self._admin = admin

    async def __aenter__(self) -> Topics:
        options = await self._access.options()
        admin = AIOKafkaAdminClient(**options, request_timeout_ms=int(REQUEST_SECONDS * 1000))
        await self._access.started(admin)
        self._admin = admin
        return self

    async def __aexit__(self, *_: object) -> None:
        await closed(self._admin)

    async def found(self, name: str) -> Found | None:
        """A topic; None if there is none. Raises KafkaError.

        Its configuration is asked for first: asking for the metadata of a missing topic makes some brokers
        create it.
        """
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        answers = await in_time(self._admin.describe_configs([resource]), REQUEST_SECONDS)
        code, _, _, _, entries = answers[0].resources[0]
        error = for_code(code)
        if error is UnknownTopicOrPartitionError:
            return None
        if error is TopicAuthorizationFailedError:  # one may use a topic, and not see its configuration
            if name not in await in_time(self._admin.list_topics(), REQUEST_SECONDS):
                return None
        elif error is not NoError:
            raise error()
        topics = await in_time(self._admin.describe_topics([name]), REQUEST_SECONDS)
        partitions = topics[0]["partitions"]
        replicas = min((len(each["replicas"]) for each in partitions), default=0)
        return Found(len(partitions), replicas, {entry[0]: entry[1] for entry in entries or ()})

    async def create(self, wanted: Wanted, *, only_check: bool = False) -> str:
        """Create a topic, unless another one has done so; returns why that is impossible, or "".

        only_check: only ask the brokers whether they would. Raises KafkaError.
        """
        replicas = wanted.replicas or min(3, await self._brokers())
        settings = wanted.configuration(replicas)
        topic = NewTopic(wanted.name, wanted.partitions, replicas, topic_configs=settings)
        answer = await in_time(self._admin.create_topics([topic], validate_only=only_check), REQUEST_SECONDS)
        _, code, *words = answer.topic_errors[0]
        error = for_code(code)
        if error in (NoError, TopicAlreadyExistsError):
            return ""
        if getattr(error, "retriable", False):
            raise error()
        return f"the topic {wanted.name} cannot be created: {(words and words[0]) or error.__name__}"

    async def _brokers(self) -> int:
        found = await in_time(self._admin.describe_cluster(), REQUEST_SECONDS)
        return len(found["brokers"])


def missing(name: str) -> str:
    """The fault when there is no topic, and none may be made."""
    return f"the brokers have no topic {name}, and create_topic is false"


def faults(wanted: Wanted, found: Found) -> Iterator[str]:
    """Why a topic cannot be that of a queue."""
    if "compact" in found.settings.get("cleanup.policy", ""):
        yield f"the topic {wanted.name} is compacted and so loses profiles: set its cleanup.policy to delete"
    most = int(found.settings.get("max.message.bytes", 1 << 31))
    if most < wanted.max_message_bytes:
        yield (
            f"the topic {wanted.name} takes messages of at most {most} bytes: "
            "set its max.message.bytes to max_message_bytes, or that to less"
        )


def differences(wanted: Wanted, found: Found) -> Iterator[str]:
    """How a topic keeps profiles otherwise than the settings say."""
    kept = int(found.settings.get("retention.ms", wanted.retention_ms))
    if kept != wanted.retention_ms:
        yield f"its retention.ms is {kept}, and max_age means {wanted.retention_ms}"
    wished = wanted.max_size // max(1, found.partitions)
    space = int(found.settings.get("retention.bytes", wished))
    if space != max(wished, _LEAST_SEGMENT_BYTES):
        yield f"its retention.bytes is {space} for each partition, and max_size means {wished}"
    if found.settings.get("min.insync.replicas") == "1" and found.replicas > 1:
        yield "its min.insync.replicas is 1: a broker that dies can take acknowledged profiles with it"


async def fault(access: Access, wanted: Wanted, creates: bool) -> str:
    """Why the brokers do not let the queue have its topic, as far as they answer and say so, or "".

    Changes nothing.
    """
    try:
        async with Topics(access) as topics:
            found = await topics.found(wanted.name)
            if found is None:
                return await topics.create(wanted, only_check=True) if creates else missing(wanted.name)
    except Unreachable as reason:
        return str(reason) if reason.refused else ""
    except (KafkaError, OSError):
        return ""
    return "" if found is None else next(faults(wanted, found), "")
