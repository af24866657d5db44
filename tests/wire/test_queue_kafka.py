"""alloypy.queue in a real Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random

import pytest

from tests.support.kafka_broker import Broker
from tests.support.pipeline import Pipeline, pipeline
from tests.support.receiving import ask
from tests.support.scripted import scripted
from tests.support.waiting import until
from tests.wire.test_queue import PATIENT, RECEIVER, Server, counted, ingest, push, write

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

_topics = count()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker for all tests of this module."""
    with Broker(tmp_path_factory.mktemp("kafka")) as started:
        yield started


@pytest.fixture
def topic() -> str:
    """A topic that no other test has."""
    return f"profiles-{next(_topics)}"


def queue(broker: Broker, topic: str, *destinations: str, kafka: str = "", settings: str = "") -> str:
    """The configuration of a queue in Kafka."""
    forward = ", ".join(f"pyroscope.write.{each}.receiver" for each in destinations)
    return (
        f'alloypy.queue "default" {{\nforward_to = [{forward}]\n{settings}{PATIENT}'
        f'kafka {{\nbrokers = ["{broker.address}"]\ntopic = "{topic}"\npartitions = 2\n{kafka}}}\n}}\n'
    )


async def delivered(running: Pipeline, number: int) -> None:
    """Wait until so many profiles have been delivered."""
    await until(lambda: counted(running, "delivered_total") >= number)


async def test_profiles_of_any_size_pass_through_kafka_once_and_survive_a_restart(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    server = Server()
    large = Random(1).randbytes(3_000_000)
    async with scripted(server) as backend:
        text = RECEIVER + queue(broker, topic, "a") + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            assert (await ingest(running, "small")).status == 200
            assert (await push(running, "one", "two")).status == 200
            assert (await ask(running.port, "/ingest?name=large", large)).status == 200
            await delivered(running, 4)
            assert running.metric("alloypy_queue_parts_total", outcome="sent") == 4
            server.status = 503
            assert (await ingest(running, "later")).status == 200
            await until(lambda: counted(running, "tries_total", outcome="destination") > 1)
            assert counted(running, "lag") == 1
        server.status = 200
        async with pipeline(text, tmp_path) as running:
            await delivered(running, 1)
    assert server.taken == dict.fromkeys(("small", "one", "two", "large", "later"), 1)
