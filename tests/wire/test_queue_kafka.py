"""alloypy.queue in a real Kafka."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from alloypy.streaming.parts import messages
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.counts import FULL
from tests.support.kafka_broker import Broker
from tests.support.pipeline import Pipeline, pipeline
from tests.support.receiving import ask
from tests.support.recorder import Recorder
from tests.support.running import Running, free_port
from tests.support.scripted import scripted
from tests.support.waiting import until, wait_until
from tests.wire.test_queue import PATIENT, RECEIVER, Server, counted, ingest, push, write

pytestmark = pytest.mark.anyio

_topics = count()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker for all tests of this module."""
    with Broker(tmp_path_factory.mktemp("kafka"), ["group.min.session.timeout.ms=500"]) as started:
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


@asynccontextmanager
async def admin(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that changes topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


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


@pytest.mark.parametrize(
    ("settings", "kafka", "words"),
    [
        (None, "create_topic = false\n", "have no topic .*, and create_topic is false"),
        ({"cleanup.policy": "compact"}, "", "compacted"),
        ({"max.message.bytes": "20000"}, "", "takes messages of at most 20000 bytes"),
    ],
)
async def test_a_topic_that_would_lose_profiles_is_refused_at_load(
    settings: dict[str, str] | None, kafka: str, words: str, broker: Broker, topic: str, tmp_path: Path
) -> None:
    if settings is not None:
        async with admin(broker) as client:
            await client.create_topics([NewTopic(topic, 1, 1, topic_configs=settings)])
    with pytest.raises(DiagnosticsError, match=words):
        async with pipeline(queue(broker, topic, kafka=kafka), tmp_path):
            pass


async def test_a_queue_that_delivers_into_its_own_topic_is_refused(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    other = queue(broker, topic).replace('"default"', '"other"')
    text = queue(broker, topic).replace("forward_to = []", "forward_to = [alloypy.queue.other.receiver]")
    with pytest.raises(DiagnosticsError, match=r"alloypy\.queue\.other stores in the same topic"):
        async with pipeline(text + other, tmp_path):
            pass


async def test_a_topic_is_created_as_the_queue_is_and_differences_are_told(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    sizes = 'max_size = "64MiB"\nmax_age = "2h"\n'
    async with pipeline(queue(broker, topic, settings=sizes), tmp_path) as running:
        await until(lambda: any("created the topic" in line for line in running.log.lines))
    async with pipeline(queue(broker, topic, settings=sizes), tmp_path) as running:
        await until(lambda: counted(running, "unknown_sends_total") is not None)
        assert not [line for line in running.log.lines if "not set up" in line]
    async with pipeline(queue(broker, topic, settings='max_age = "3h"\n'), tmp_path) as running:
        await until(lambda: sum("not set up" in line for line in running.log.lines) == 2)
        told = "\n".join(line for line in running.log.lines if "not set up" in line)
    assert "its retention.ms is 7200000, and max_age means 10800000" in told
    assert "its retention.bytes is 33554432 for each partition" in told


async def test_dead_letters_are_in_a_topic_of_their_own_which_another_queue_delivers(
    broker: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloypy.streaming.reading._LOOK_SECONDS", 0.2)
    server = Server()
    async with scripted(server) as backend:
        destination = write("a", backend)
        async with pipeline(RECEIVER + queue(broker, topic, "a") + destination, tmp_path) as running:
            server.status = 422
            assert (await ingest(running, "refused")).status == 200
            await until(lambda: counted(running, "dead_letter_records") == 1)
            server.status = 200
            assert (await ingest(running, "fine")).status == 200
            await delivered(running, 1)
            assert counted(running, "lag") == 0
            assert law(running) == {"stored": 2, "delivered": 1, "dropped": 0, "dead": 1, "waiting": 0}
        async with pipeline(RECEIVER + queue(broker, topic, "a") + destination, tmp_path) as running:
            await until(lambda: counted(running, "dead_letter_records") == 1)
            assert not any(law(running).values())
            [table] = running.controller.tables("", "alloypy.queue.default")
            assert table.title == "Destinations, counted since the start of the process"
            assert dict(zip(table.columns, table.rows[0], strict=True))["Dead letters"] == 1
            shown = running.controller.component("", "alloypy.queue.default").debug_info
            assert shown.disk_bytes is None
            assert [each.dead_letters for each in shown.destinations] == [1]
            dead = queue(broker, f"{topic}.dead.pyroscope.write.a", "a", kafka='group_id = "alloypy.dead"\n')
            async with pipeline(dead + destination, tmp_path / "replay") as replaying:
                await delivered(replaying, 1)
            await until(lambda: counted(running, "dead_letter_records") == 0)
            server.status = 422
            assert (await ingest(running, "worthless")).status == 200
            await until(lambda: counted(running, "dead_letter_records") == 1)
            grave = TopicPartition(f"{topic}.dead.pyroscope.write.a", 0)
            async with admin(broker) as client:
                await client.delete_records({grave: RecordsToDelete(before_offset=-1)})
            await until(lambda: counted(running, "dead_letter_records") == 0)
    assert server.taken == {"refused": 1, "fine": 1}


def law(running: Pipeline) -> dict[str, float]:
    """What adds up in a queue in Kafka; it does."""
    names = {"stored": "stored_total", "delivered": "delivered_total", "dropped": "dropped_total"}
    names |= {"dead": "dead_lettered_total", "waiting": "records"}
    found: dict[str, float] = {key: counted(running, name) or 0 for key, name in names.items()}
    assert found["stored"] == sum(found.values()) - found["stored"]
    return found


def test_only_the_profile_that_ends_the_process_is_given_up(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    port = free_port()
    with Recorder() as sink:
        deliverer = queue(broker, topic, "a").replace("partitions = 2", "partitions = 1")
        deliverer += f'pyroscope.write "a" {{\nendpoint {{\nurl = "{sink.url}"\n}}\n}}\n'
        receiver = RECEIVER + queue(broker, topic).replace("partitions = 2", "partitions = 1")
        (tmp_path / "receiver.alloy").write_text(receiver.replace("RECV", str(port)))
        (tmp_path / "deliverer.alloy").write_text(deliverer)
        arguments = ["--stability.level=experimental", "--storage.path=data"]
        names = [f"{'deadly' if number == 7 else 'good'}{number}" for number in range(16)]
        with Running([*arguments, "receiver.alloy"], tmp_path) as running:
            running.wait_until_ready()
            for name in names:
                url = f"http://127.0.0.1:{port}/ingest?name={name}"
                with urllib.request.urlopen(url, b"main 10", timeout=60) as answer:
                    assert answer.status == 200
            assert running.stop() == 0
        ends = 0
        while ends < 10:
            mortal = (sys.executable, "-m", "tests.support.mortal")
            with Running([*arguments, "deliverer.alloy"], tmp_path, {"KAFKA": "yes"}, mortal) as running:
                if drained(running):
                    text = running.get("/metrics").text
                    assert running.stop() == 0
                    break
            ends += 1
        assert ends == 5  # twice among others, three times alone
        assert running.text.count("ended three times") == 1
        assert re.search(r"^alloypy_queue_dead_lettered_total\{.*\} 1$", text, re.MULTILINE)
        arrived = Counter(request.query["name"].partition("{")[0] for request in sink.requests)
        assert set(arrived) == {name for name in names if not name.startswith("deadly")}


def drained(running: Running) -> bool:
    """Whether nothing waits any more, rather than that the process has ended before."""
    while running.process.poll() is None:
        with contextlib.suppress(OSError):
            text = running.get("/metrics").text
            ended = re.search(r"^alloypy_queue_dead_lettered_total\{.*\} 1$", text, re.MULTILINE)
            if ended and re.search(r"^alloypy_queue_records\{.*\} 0$", text, re.MULTILINE):
                return True
        time.sleep(0.02)
    return False


async def test_a_sender_that_dies_between_parts_holds_nobody_up(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    server = Server()
    async with scripted(server) as backend:
        text = RECEIVER + queue(broker, topic, "a", kafka='partition_by = ""\n') + write("a", backend)
        text = text.replace("partitions = 2", "partitions = 1")
        async with pipeline(text, tmp_path) as running:
            assert (await ingest(running, "before")).status == 200
            producer = AIOKafkaProducer(bootstrap_servers=broker.address)
            await producer.start()
            for message in [*messages(1, b"{}", [b"x" * 3000], 1000)][:2]:
                await producer.send_and_wait(topic, message.value, headers=message.headers)
            await producer.stop()
            assert (await ingest(running, "after")).status == 200
            await delivered(running, 2)
        async with pipeline(text, tmp_path) as running:
            assert (await ingest(running, "later")).status == 200
            await delivered(running, 1)
            assert counted(running, "lag") == 4  # the two parts, and what is settled beyond them
    assert server.taken == {"before": 1, "after": 1, "later": 1}


async def test_parts_that_take_too_much_memory_are_read_again_when_all_are_there(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    server = Server()
    meta = b'{"service_name":"%s"}\n{"path":"/ingest","query":"name=a&from=1&until=2"}'
    records = [
        [*messages(1, meta % name, [bytes(3000)], 1000)]
        for name in (b"one", b"two", b"unfinished", b"three", b"four")
    ]
    async with scripted(server) as backend:
        text = queue(broker, topic, "a").replace("partitions = 2", "partitions = 1")
        text = text.replace("delivery {", 'delivery {\nmax_bytes_in_flight = "8KiB"\n') + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            await until(lambda: counted(running, "lag") == 0)
            producer = AIOKafkaProducer(bootstrap_servers=broker.address)
            await producer.start()
            for number in range(len(records[0])):
                for record in records:
                    if record is not records[2] or number < 2:
                        await producer.send_and_wait(
                            topic, record[number].value, headers=record[number].headers
                        )
            await producer.stop()
            await delivered(running, 4)
            assert (running.metric("alloypy_queue_parts_total", outcome="read_again") or 0) > 0
            assert counted(running, "dropped_total") == 0
            assert (counted(running, "lag") or 0) > 0  # nothing is committed past the unfinished one
    assert server.taken == {"one": 1, "two": 1, "three": 1, "four": 1}


HOSTILE = [
    b"hello",
    *(
        next(messages(1, meta, [b"x"], 100_000)).value
        for meta in (
            b"",
            b"[]\n{}",
            b'{"a": 1}\n{"path": "/ingest", "query": ""}',
            b'{"a": "b"}\n{"path": 1, "query": ""}',
            b'{"a": "b"}\n{"push": [[1]]}',
            b'{"a": "b"}\n{"push": [[0, 1, {}]]}',
            b'{"a": "b"}\n{"path": "/ingest", "query": "", "headers": [["a", 1]]}',
            b'{"a": "b"}\n' + b"[" * 50_000,
        )
    ),
]


async def test_what_others_write_to_the_topic_is_dropped_and_holds_nobody_up(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    server = Server()
    async with scripted(server) as backend:
        text = RECEIVER + queue(broker, topic, "a") + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            assert (await ingest(running, "before")).status == 200
            producer = AIOKafkaProducer(bootstrap_servers=broker.address)
            await producer.start()
            for value in HOSTILE:
                await producer.send_and_wait(topic, value)
            await producer.send_and_wait(topic, None, key=b"tombstone")
            await producer.stop()
            assert (await ingest(running, "after")).status == 200
            await delivered(running, 2)
            await until(lambda: counted(running, "lag") == 0)
            assert counted(running, "dropped_total", reason="damaged") == len(HOSTILE) + 1
            assert not [line for line in running.log.lines if line.startswith("ERROR")]
    assert server.taken == {"before": 1, "after": 1}


async def test_a_new_destination_gets_what_the_topic_has_or_what_comes(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    server = Server()
    async with scripted(server) as backend:
        async with pipeline(RECEIVER + queue(broker, topic), tmp_path) as running:
            assert (await ingest(running, "early")).status == 200
        for offset in ("latest", "earliest"):
            kafka = f'initial_offset = "{offset}"\ngroup_id = "{offset}"\n'
            text = RECEIVER + queue(broker, topic, "a", kafka=kafka) + write("a", backend)
            async with pipeline(text, tmp_path) as running:
                await until(lambda: len(lags(running)) == 2)
                assert (await ingest(running, offset)).status == 200
                await delivered(running, 1 if offset == "latest" else 3)
                await until(lambda: counted(running, "lag") == 0)
    assert server.taken == {"latest": 2, "early": 1, "earliest": 1}


async def test_what_retention_deletes_before_it_is_delivered_is_counted(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    server = Server()
    async with scripted(server) as backend:
        text = RECEIVER + queue(broker, topic, "a") + write("a", backend)
        text = text.replace("partitions = 2", "partitions = 1")
        async with pipeline(text, tmp_path) as running:
            assert (await ingest(running, "first")).status == 200
            await delivered(running, 1)
        alone = RECEIVER + queue(broker, topic)
        async with pipeline(alone, tmp_path) as running:
            for number in range(5):
                assert (await ingest(running, f"lost{number}")).status == 200
            assert (await ingest(running, "kept")).status == 200
        async with admin(broker) as client:
            await client.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=6)})
        async with pipeline(text, tmp_path) as running:
            await delivered(running, 1)
            assert counted(running, "dropped_total", reason="overflow") == 5
    assert server.taken == {"first": 1, "kept": 1}


async def test_a_topic_that_is_made_again_is_read_from_its_start(
    broker: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloypy.streaming.client.METADATA_SECONDS", 1.0)
    server = Server()
    async with scripted(server) as backend:
        text = RECEIVER + queue(broker, topic, "a") + write("a", backend)
        text = text.replace("partitions = 2", "partitions = 1")
        async with pipeline(text, tmp_path) as running, admin(broker) as client:
            for number in range(5):
                assert (await ingest(running, f"before{number}")).status == 200
            await delivered(running, 5)
            await client.delete_topics([topic])
            while (await client.create_topics([NewTopic(topic, 1, 1)])).topic_errors[0][1]:
                await asyncio.sleep(0.1)
            while (await ingest(running, "after")).status != 200:
                await asyncio.sleep(0.1)
            await until(lambda: server.taken["after"])
    assert server.taken.keys() == {"after", *(f"before{number}" for number in range(5))}


async def test_machines_that_come_and_go_share_the_topic_and_nothing_comes_twice(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    server, sent = Server(), 0
    async with scripted(server) as backend:
        text = queue(broker, topic, "a") + write("a", backend)
        async with pipeline(RECEIVER + text, tmp_path / "one") as one:

            async def send(number: int) -> None:
                nonlocal sent
                for _ in range(number):
                    assert (await ingest(one, f"app{sent}")).status == 200
                    sent += 1

            await send(10)
            await delivered(one, 10)
            async with pipeline(text, tmp_path / "two") as two:
                sending = asyncio.create_task(send(50))
                await until(lambda: len(lags(two)) == 1)
                await sending
                await until(lambda: len(server.taken) == sent)
                assert len(lags(one)) == 1
            await until(lambda: len(lags(one)) == 2)
            await send(10)
            await until(lambda: len(server.taken) == sent)
    assert set(server.taken.values()) == {1}
    async with admin(broker) as client:
        committed = await client.list_consumer_group_offsets("alloypy.pyroscope.write.a")
    assert [each.metadata for name, each in committed.items() if name.topic == topic] == ["", ""]


def lags(running: Pipeline) -> list[str]:
    """The partitions that a machine reads."""
    families = [family for source in running.controller.metrics() for family in source.collect()]
    found = [each for family in families if family.name == "alloypy_queue_lag" for each in family.samples]
    return [each.labels["partition"] for each in found]


async def test_a_reload_moves_a_queue_between_disk_and_kafka_and_changes_destinations(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    first, second = Server(), Server()
    async with scripted(first) as one, scripted(second) as two:
        both = write("a", one) + write("b", two)
        kafka = RECEIVER + queue(broker, topic, "a") + both
        disk = kafka[: kafka.index("kafka {")] + 'disk {\nmin_free = "0"\n}\n}\n' + both
        async with pipeline(disk, tmp_path) as running:
            assert (await ingest(running, "disk")).status == 200
            await delivered(running, 1)
            await running.load(kafka)
            assert (await ingest(running, "kafka")).status == 200
            await delivered(running, 1)
            await running.load(RECEIVER + queue(broker, topic, "a", "b") + both)
            assert (await ingest(running, "both")).status == 200
            await until(lambda: second.taken["both"] and first.taken["both"])
            await running.load(RECEIVER + queue(broker, topic, "b") + both)
            assert (await ingest(running, "one")).status == 200
            await until(lambda: second.taken["one"])
            await running.load(kafka)
            await until(lambda: first.taken["one"])
            assert "Traceback" not in "\n".join(running.log.lines)
    assert first.taken == {"disk": 1, "kafka": 1, "both": 1, "one": 1}
    assert second.taken == {"kafka": 1, "both": 1, "one": 1}


async def test_a_queue_on_disk_in_front_bridges_an_outage_of_kafka(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    server = Server()
    spool = f'alloypy.queue "spool" {{\nforward_to = [alloypy.queue.default.receiver]\n{PATIENT}'
    spool += 'disk {\nmin_free = "0"\n}\n}\n'
    async with scripted(server) as backend:
        kafka = queue(broker, topic, "a", kafka='timeout = "1s"\n')
        text = RECEIVER.replace("queue.default", "queue.spool") + spool + kafka + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            assert (await ingest(running, "before")).status == 200
            await until(lambda: server.taken["before"])
            broker.kill()
            for number in range(20):
                assert (await ingest(running, f"during{number}")).status == 200
            await until(lambda: counted(running, "circuit_open", destination="alloypy.queue.default") == 1)
            await asyncio.to_thread(broker.start)
            await until(lambda: len(server.taken) == 21)
            assert counted(running, "circuit_open") == 0
    assert set(server.taken.values()) == {1}


async def test_senders_are_told_to_come_back_while_no_broker_answers(topic: str, tmp_path: Path) -> None:
    broker = Broker(tmp_path / "kafka")
    kafka = queue(broker, topic, "a", kafka='timeout = "1s"\n')
    text = RECEIVER + kafka + 'pyroscope.write "a" {\nendpoint {\nurl = "http://127.0.0.1:9"\n}\n}\n'
    async with pipeline(text, tmp_path) as running:
        reply = await ingest(running, "refused")
        assert reply.status == 503
        assert reply.headers["retry-after"] == "5"
        assert b"no broker answers at" in reply.body
        assert b"connection refused" in reply.body
        assert counted(running, "rejected_total", reason="closed") == 1
        assert len([line for line in running.log.lines if "not open yet" in line]) == 1
        assert not [line for line in running.log.lines if "ERROR" in line]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_large_profiles_take_little_memory(broker: Broker, topic: str, tmp_path: Path) -> None:
    sizes = (1, 5, 20, 64) if FULL else (1, 5)
    body = Random(2).randbytes(max(sizes) * 1_000_000)
    port = free_port()
    with Recorder() as sink:
        text = (
            queue(broker, topic, "a") + f'pyroscope.write "a" {{\nendpoint {{\nurl = "{sink.url}"\n}}\n}}\n'
        )
        (tmp_path / "config.alloy").write_text((RECEIVER + text).replace("RECV", str(port)))
        arguments = ["--stability.level=experimental", "--storage.path=data", "config.alloy"]
        with Running(arguments, tmp_path) as running:
            running.wait_until_ready()
            for size in sizes:
                url = f"http://127.0.0.1:{port}/ingest?name=large{size}"
                request = urllib.request.Request(url, body[: size * 1_000_000], method="POST")
                with urllib.request.urlopen(request, timeout=60) as reply:
                    assert reply.status == 200
            wait_until(lambda: len(sink.requests) == len(sizes))
            status = Path(f"/proc/{running.process.pid}/status").read_text()
            most = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])  # type: ignore[index]
            assert running.stop() == 0
    assert [len(each.body) for each in sink.requests] == [size * 1_000_000 for size in sizes]
    assert all(each.body == body[: len(each.body)] for each in sink.requests)
    assert most < 250_000
