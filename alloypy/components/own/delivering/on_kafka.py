"""The store of a queue in Kafka."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from alloypy.components.own.delivering.arguments import Arguments
from alloypy.components.own.delivering.kafka_arguments import KafkaArguments, KafkaTLSArguments
from alloypy.components.own.delivering.messages import label_of
from alloypy.components.own.delivering.storing import Receiver
from alloypy.families import Family, counter, counters, gauges
from alloypy.net.client.tls import TLSSettings
from alloypy.preloading import check_installed
from alloypy.runtime.contract.component import Extra
from alloypy.streaming.settings import Login, Place, StreamSettings
from alloypy.threads import WORK

if TYPE_CHECKING:
    from alloypy.streaming.stream import Stream

_AIOKAFKA = Extra("aiokafka", "aiokafka", "kafka")
_IMPORT_SECONDS = 30.0
_VERSIONS = {"": "", "1.0": "TLS10", "1.1": "TLS11", "1.2": "TLS12", "1.3": "TLS13"}
_READY_SHARE = 4


class OnKafka:
    """Opens the topic of a queue."""

    left = "a destination was taken out while profiles wait for it: the topic keeps them for its retention"
    since = "since the start of the process"

    def __init__(self, component: str, logger: logging.Logger) -> None:
        self._component = component
        self._logger = logger

    def place(self, arguments: Arguments) -> object:
        """Where the topic is, how it is reached, and what it is compared with when it is opened."""
        return _place(_kafka(arguments)), arguments.max_size, arguments.max_age

    async def fault(self, arguments: Arguments) -> str:
        """Why the queue cannot be in the topic, as far as the brokers answer and say so."""
        own = _kafka(arguments)
        for receiver in arguments.forward_to:
            other = receiver.kafka if isinstance(receiver, Receiver) else None
            if other is not None and (other.brokers, other.topic) == (own.brokers, own.topic):
                return f"{receiver.component} stores in the same topic: profiles would go round for ever"
        missing = _AIOKAFKA.missing(f"kafka in {self._component}")
        if missing:
            return missing
        await WORK.run(_imported, _IMPORT_SECONDS)
        from alloypy.streaming.stream import Stream

        return await Stream.check(_settings(arguments))

    async def open(self, arguments: Arguments, destinations: Sequence[str]) -> Stream:
        """Open the topic, or make it. Raises QueueError."""
        from alloypy.streaming.stream import Stream

        return await Stream.open(_settings(arguments), destinations, self._logger)

    def use(self, store: Stream, arguments: Arguments) -> None:
        """Let a stream have other settings."""
        store.use(_settings(arguments))

    def families(self, store: Stream | None) -> Iterator[Family]:
        """The metrics of a stream; without values while it is not open."""
        if store is None:
            return
        facts = store.facts()
        lags: dict[tuple[str, ...], float] = {(*names,): lag for names, lag in facts.lags.items()}
        yield gauges(
            "alloypy_queue_lag",
            "Messages of the partitions of this machine that wait.",
            ("destination", "partition"),
            lags,
        )
        buried: dict[tuple[str, ...], float] = {(name,): count for name, count in facts.buried.items()}
        yield counters(
            "alloypy_queue_dead_lettered_total",
            "Dead letters that this process has put into their topic.",
            ("destination",),
            buried,
        )
        parts: dict[tuple[str, ...], float] = {(outcome,): number for outcome, number in facts.parts.items()}
        yield counters(
            "alloypy_queue_parts_total", "Messages that were parts of a record.", ("outcome",), parts
        )
        yield counter(
            "alloypy_queue_unknown_sends_total",
            "Records that were not acknowledged in time, and may be stored.",
            facts.unknown,
        )


def _imported() -> None:
    """Import what is needed: 0.2 s that the event loop does not have. Raises ImportError."""
    check_installed("alloypy.streaming.stream")
    import alloypy.streaming.stream  # noqa: F401


def _kafka(arguments: Arguments) -> KafkaArguments:
    if arguments.kafka is None:
        raise TypeError("the queue is not in Kafka")
    return arguments.kafka


def _settings(arguments: Arguments) -> StreamSettings:
    kafka, dead = _kafka(arguments), arguments.dead_letter
    return StreamSettings(
        place=_place(kafka),
        key_of=partial(label_of, name=kafka.partition_by),
        max_size=arguments.max_size,
        max_age=arguments.max_age.seconds,
        in_flight=arguments.delivery.max_in_flight,
        memory=max(1, arguments.delivery.max_bytes_in_flight // _READY_SHARE),
        dead_letter_size=dead.max_size,
        dead_letter_age=dead.max_age.seconds,
    )


def _place(given: KafkaArguments) -> Place:
    return Place(
        brokers=given.brokers,
        topic=given.topic,
        group=given.group_id,
        partition_by=given.partition_by,
        timeout=given.timeout.seconds,
        max_message_bytes=given.max_message_bytes,
        compression=given.compression,
        creates=given.create_topic,
        partitions=given.partitions,
        replicas=given.replication_factor,
        from_start=given.initial_offset == "earliest",
        login=_login(given),
        tls=_tls(given.tls),
    )


def _login(given: KafkaArguments) -> Login | None:
    plaintext, sasl = given.authentication.plaintext, given.authentication.sasl
    if plaintext is not None:
        return Login("PLAIN", plaintext.username, plaintext.password)
    return None if sasl is None else Login(sasl.mechanism, sasl.username, sasl.password)


def _tls(given: KafkaTLSArguments | None) -> TLSSettings | None:
    if given is None or given.insecure:
        return None
    return TLSSettings(
        ca_pem=given.ca_pem,
        ca_file=given.ca_file,
        cert_pem=given.cert_pem,
        cert_file=given.cert_file,
        key_pem=given.key_pem,
        key_file=given.key_file,
        server_name=given.server_name,
        insecure_skip_verify=given.insecure_skip_verify,
        min_version=_VERSIONS[given.min_version],
    )
