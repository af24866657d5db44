"""The settings of a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from alloypy.lang.values import Secret
from alloypy.net.client.tls import TLSSettings


class Login(NamedTuple):
    """How to authenticate. mechanism: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`."""

    mechanism: str
    username: str
    password: Secret


class Place(NamedTuple):
    """What a stream is opened with; another one if any of it changes.

    group: what the names of the consumer groups begin with.
    timeout: seconds that a record may take to be stored.
    max_message_bytes: of one message; larger records go in parts.
    compression: of messages: `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    creates: whether a missing topic is created. partitions: of a new topic. replicas: likewise; 0 = three,
        or as many as there are brokers.
    from_start: whether a new destination gets what the topic already has.
    """

    brokers: tuple[str, ...]
    topic: str
    group: str
    partition_by: str
    timeout: float
    max_message_bytes: int
    compression: str
    creates: bool
    partitions: int
    replicas: int
    from_start: bool
    login: Login | None
    tls: TLSSettings | None


class StreamSettings(NamedTuple):
    """How a stream works.

    key_of: the text by which a record's partition is chosen, of its meta; "" for any partition.
    max_size: bytes that the topic keeps. max_age: seconds that it keeps them; 0 = for ever.
    memory: bytes of records kept ready for a destination. in_flight: deliveries at a time.
    dead_letter_size: bytes that a topic of dead letters keeps; 0 = there is none.
    dead_letter_age: seconds; 0 = for ever.
    """

    place: Place
    key_of: Callable[[bytes], str]
    max_size: int
    max_age: float
    memory: int
    in_flight: int
    dead_letter_size: int
    dead_letter_age: float
