"""How brokers are reached: certificates that change, and errors in plain words."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from aiokafka import errors

from alloypy.lang.values import Secret
from alloypy.net.client.tls import TLSSettings
from alloypy.streaming.client import Access, Unreachable
from alloypy.streaming.settings import Login, Place
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


def place(**changes: object) -> Place:
    values = {
        "brokers": ("kafka:9092",),
        "topic": "profiles",
        "group": "alloypy",
        "partition_by": "",
        "timeout": 5.0,
        "max_message_bytes": 900_000,
        "compression": "none",
        "creates": True,
        "partitions": 6,
        "replicas": 0,
        "from_start": True,
        "login": None,
        "tls": None,
    }
    return Place(**(values | changes))  # type: ignore[arg-type]


async def test_new_connections_use_certificates_that_were_replaced(watchful: None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(trustme.CA().cert_pem.bytes())
    settings = TLSSettings(ca_file=str(file), server_name="kafka.test")
    options = await Access(place(tls=settings)).options()
    context = options["ssl_context"]

    def connection() -> ssl.SSLObject:
        made: ssl.SSLObject = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="kafka")
        return made

    before = connection()
    assert before.server_hostname == "kafka.test"
    file.write_bytes(trustme.CA().cert_pem.bytes() * 2)
    await until(lambda: connection().context is not before.context)
    file.write_text("broken")
    after = connection().context
    assert connection().context is after


async def test_files_of_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"unable to read file .*/none.pem") as found:
        await Access(place(tls=TLSSettings(ca_file=str(tmp_path / "none.pem")))).options()
    assert found.value.refused


async def test_a_user_goes_with_or_without_tls() -> None:
    login = Login("SCRAM-SHA-256", "u", Secret("p"))
    assert (await Access(place()).options())["security_protocol"] == "PLAINTEXT"
    assert (await Access(place(login=login)).options())["security_protocol"] == "SASL_PLAINTEXT"
    with_tls = await Access(place(login=login, tls=TLSSettings())).options()
    assert with_tls["security_protocol"] == "SASL_SSL"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            errors.TopicAuthorizationFailedError("profiles"),
            "do not allow this user to use the topic profiles",
        ),
        (errors.GroupAuthorizationFailedError("alloypy.x"), r"consumer groups named alloypy\.\*"),
        (errors.KafkaTimeoutError(), "do not answer"),
        (errors.NotEnoughReplicasError(), "too few replicas"),
        (errors.MessageSizeTooLargeError(), "does not take messages of max_message_bytes"),
        (errors.UnknownTopicOrPartitionError(), "the topic profiles is gone"),
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (errors.KafkaError("odd"), "the brokers fail: odd"),
    ],
)
async def test_errors_are_told_in_plain_words(error: Exception, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(Access(place()).words(error))
