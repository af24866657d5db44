"""The arguments of the block `kafka` of alloypy.queue. Its `authentication` and `tls` are those of Alloy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from alloypy.lang.go.duration import SECOND, Duration
from alloypy.lang.values import Secret
from alloypy.rules import faults_of
from alloypy.schema.choices import choice
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block

COMPRESSION = choice(
    "Compression",
    "none",
    "gzip",
    "snappy",
    "lz4",
    "zstd",
    error="unrecognized compression %q, expected none, gzip, snappy, lz4 or zstd",
)
OFFSET = choice(
    "Offset", "earliest", "latest", error="unrecognized initial_offset %q, expected earliest or latest"
)


@arguments
class PlaintextArguments:
    """Arguments of `plaintext`."""

    username: str = attribute(doc="User name, sent with the mechanism PLAIN.")
    password: Secret = attribute(doc="Password.")


@arguments(rules="alloypy.queue/kafka/authentication/sasl")
class SASLArguments:
    """Arguments of `sasl`."""

    username: str = attribute(doc="User name.")
    password: Secret = attribute(doc="Password.")
    mechanism: str = attribute(doc="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments(rules="alloypy.queue/kafka/authentication")
class AuthenticationArguments:
    """Arguments of `authentication`."""

    plaintext: PlaintextArguments | None = block(default=None, doc="User name and password as they are.")
    sasl: SASLArguments | None = block(default=None, doc="User name and password by a mechanism of SASL.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments(rules="alloypy.queue/kafka/tls")
class KafkaTLSArguments:
    """Arguments of `tls`."""

    ca_pem: str = attribute(default="", doc="PEM text of the authorities to trust.")
    ca_file: str = attribute(default="", doc="PEM file with the authorities to trust.")
    cert_pem: str = attribute(default="", doc="PEM text of the client certificate.")
    cert_file: str = attribute(default="", doc="PEM file with the client certificate.")
    key_pem: Secret | None = attribute(default=None, doc="PEM text of its key.")
    key_file: str = attribute(default="", doc="PEM file with its key.")
    min_version: str = attribute(default="", doc="Lowest TLS version: 1.0, 1.1, 1.2 or 1.3.")
    insecure: bool = attribute(default=False, doc="Do not use TLS.")
    insecure_skip_verify: bool = attribute(default=False, doc="Do not verify the brokers' certificates.")
    server_name: str = attribute(default="", doc="Name to ask for and to verify instead of the brokers'.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments(rules="alloypy.queue/kafka")
class KafkaArguments:
    """Arguments of `kafka`."""

    brokers: tuple[str, ...] = attribute(doc="Some brokers of the cluster, as `host:port`.")
    topic: str = attribute(default="alloypy-profiles", doc="Topic that profiles are stored in.")
    group_id: str = attribute(
        default="alloypy", doc="Each destination has the consumer group of this name, a dot and its own."
    )
    partition_by: str = attribute(
        default="service_name",
        doc="Label whose value chooses the partition, in which the order is kept; empty for any partition.",
    )
    timeout: Duration = attribute(
        default=Duration(5 * SECOND), doc="Time to store a profile; after it the sender gets 503."
    )
    max_message_bytes: int = attribute(
        default=900_000, doc="Size of the largest message; larger profiles go in parts."
    )
    compression: Annotated[str, COMPRESSION] = attribute(
        default="none", doc="Compression of messages; most profiles are compressed already."
    )
    create_topic: bool = attribute(default=True, doc="Create the topic if there is none.")
    partitions: int = attribute(default=6, doc="Partitions of a new topic.")
    replication_factor: int = attribute(
        default=0, doc="Replicas of a new topic; 0 for 3, or as many as there are brokers."
    )
    initial_offset: Annotated[str, OFFSET] = attribute(
        default="earliest",
        doc="What a new destination gets: all that the topic has (`earliest`), or what comes (`latest`).",
    )
    authentication: AuthenticationArguments = block(
        default=AuthenticationArguments(), doc="How to authenticate with the brokers."
    )
    tls: KafkaTLSArguments | None = block(
        default=None, doc="TLS settings; without the block there is no TLS."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)
