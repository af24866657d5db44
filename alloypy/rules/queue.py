"""Rules of alloypy.queue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alloypy.lang.go.text import quote
from alloypy.rules.forms import at_least, not_both, not_empty, one_of, positive
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_LEAST_SIZE = 1 << 20
_LEAST_SEGMENT = 64 << 10
_LARGEST_SEGMENT = 1 << 30
_LEAST_MESSAGE = 16 << 10
_LARGEST_MESSAGE = 64 << 20
_LONGEST_SYNC = 60 * 1_000_000_000


def _not_negative(name: str) -> Rule:
    return at_least(name, 0, f"{name} must not be negative")


def backoff(body: View) -> Iterator[Fault]:
    """The longest pause is not shorter than the shortest."""
    if body.get("max_backoff_period") < body.get("min_backoff_period"):
        yield Fault("max_backoff_period", "max_backoff_period must not be less than min_backoff_period")


def segment_size(body: View) -> Iterator[Fault]:
    """Files are neither so small that there are thousands, nor so large that space is never freed."""
    if not _LEAST_SEGMENT <= body.get("segment_size") <= _LARGEST_SEGMENT:
        yield Fault("segment_size", "segment_size must be between 64KiB and 1GiB")


def sync_interval(body: View) -> Iterator[Fault]:
    """The time that a loss of power may cost is short."""
    if not 0 < body.get("sync_interval") <= _LONGEST_SYNC:
        yield Fault("sync_interval", "sync_interval must be greater than 0 and at most 1m")


def forward_to(body: View) -> Iterator[Fault]:
    """Somebody gets the profiles: a destination, or other machines."""
    if not body.given("kafka") and not body.filled("forward_to"):
        yield Fault("forward_to", "forward_to must name at least one receiver")


def one_store(body: View) -> Iterator[Fault]:
    """Profiles are stored in one place."""
    if body.given("disk") and body.given("kafka"):
        yield Fault("kafka", "disk and kafka are mutually exclusive: a queue stores profiles in one place")


def broker_names(body: View) -> Iterator[Fault]:
    """Brokers have names and ports."""
    for broker in body.get("brokers"):
        host, colon, port = broker.rpartition(":")
        if not host or not colon or not port.isdigit() or not 0 < int(port) < 1 << 16:
            yield Fault("brokers", f"brokers must be written as host:port, not {quote(broker)}")
            return


def topic_name(body: View) -> Iterator[Fault]:
    """Kafka takes the name of the topic, and of that for dead letters."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", body.text("topic")):
        yield Fault("topic", "topic must have 1 to 200 letters, digits, dots, underscores and hyphens")


def message_size(body: View) -> Iterator[Fault]:
    """A message holds more than what surrounds a profile."""
    if not _LEAST_MESSAGE <= body.get("max_message_bytes") <= _LARGEST_MESSAGE:
        yield Fault("max_message_bytes", "max_message_bytes must be between 16384 and 67108864")


def one_login(body: View) -> Iterator[Fault]:
    """There is one user."""
    if body.given("plaintext") and body.given("sasl"):
        yield Fault("sasl", "plaintext and sasl are mutually exclusive")


def certificate_and_key(body: View) -> Iterator[Fault]:
    """A client certificate has its key, and a key its certificate."""
    cert = body.filled("cert_pem") or body.filled("cert_file")
    key = body.filled("key_pem") or body.filled("key_file")
    if cert and not key:
        at = "cert_pem" if body.filled("cert_pem") else "cert_file"
        yield Fault(at, "a client certificate needs key_pem or key_file")
    if key and not cert:
        at = "key_pem" if body.filled("key_pem") else "key_file"
        yield Fault(at, "a client key needs cert_pem or cert_file")


BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "alloypy.queue": (
        forward_to,
        one_store,
        at_least("max_size", _LEAST_SIZE, "max_size must be at least 1MiB"),
        _not_negative("max_age"),
    ),
    "alloypy.queue/disk": (segment_size, sync_interval, _not_negative("min_free")),
    "alloypy.queue/kafka": (
        not_empty("brokers", "brokers must name at least one broker"),
        broker_names,
        topic_name,
        not_empty("group_id", "group_id must not be empty"),
        positive("timeout"),
        message_size,
        positive("partitions"),
        _not_negative("replication_factor"),
    ),
    "alloypy.queue/kafka/authentication": (one_login,),
    "alloypy.queue/kafka/authentication/sasl": (
        one_of(
            "mechanism",
            "PLAIN",
            "SCRAM-SHA-256",
            "SCRAM-SHA-512",
            message="mechanism must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; {quoted} is not supported",
        ),
    ),
    "alloypy.queue/kafka/tls": (
        not_both("ca_pem", "ca_file", "at most one of ca_pem and ca_file must be configured"),
        not_both("cert_pem", "cert_file", "at most one of cert_pem and cert_file must be configured"),
        not_both("key_pem", "key_file", "at most one of key_pem and key_file must be configured"),
        certificate_and_key,
        one_of(
            "min_version", "", "1.0", "1.1", "1.2", "1.3", message="min_version must be 1.0, 1.1, 1.2 or 1.3"
        ),
    ),
    "alloypy.queue/delivery": (
        positive("max_in_flight"),
        positive("max_bytes_in_flight"),
        positive("min_backoff_period"),
        backoff,
        _not_negative("drain_timeout"),
    ),
    "alloypy.queue/dead_letter": (_not_negative("max_size"), _not_negative("max_age")),
}
"""Rules by component and inner blocks."""
