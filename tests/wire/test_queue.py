"""alloypy.queue between a receiver and servers that fail, over real sockets."""

# ruff: noqa: SIM117 -- servers outside, the pipeline inside reads better

from __future__ import annotations

import asyncio
import re
from collections import Counter
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from alloypy.components.own.delivering import courier
from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.push_wire import encode_push
from alloypy.queueing.record import HEAD_BYTES
from alloypy.runtime.contract.component import Flow
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.counts import FULL
from tests.support.pipeline import Pipeline, pipeline
from tests.support.receiving import Reply, ask
from tests.support.scripted import Backend, Peer, scripted
from tests.support.sending import INGEST_OK, PUSH_OK, answer
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

PUSH = "/push.v1.PusherService/Push"
PROTO = [("Content-Type", "application/proto")]
RECEIVER = """
pyroscope.receive_http "default" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = RECV
  }
  forward_to = [alloypy.queue.default.receiver]
}
"""
PATIENT = 'delivery {\n min_backoff_period = "10ms"\n max_backoff_period = "20ms"\n}\n'


def queue(*destinations: str, settings: str = "", delivery: str = PATIENT, name: str = "default") -> str:
    """The configuration of a queue that tries again soon."""
    forward = ", ".join(f"pyroscope.write.{each}.receiver" for each in destinations)
    if "disk {" not in settings:
        settings += 'disk {\nmin_free = "0"\n}\n'
    return f'alloypy.queue "{name}" {{\nforward_to = [{forward}]\n{settings}{delivery}}}\n'


def write(name: str, backend: Backend) -> str:
    """The configuration of a destination."""
    return f'pyroscope.write "{name}" {{\nendpoint {{\nurl = "http://127.0.0.1:{backend.port}"\n}}\n}}\n'


class Server:
    """A server whose answer a test sets. taken: how often it has taken each profile, by its name."""

    def __init__(self) -> None:
        self.status = 200
        self.words = b"why"
        self.taken: Counter[str] = Counter()
        self.order: list[str] = []
        self.queries: list[dict[str, list[str]]] = []

    async def __call__(self, peer: Peer) -> None:
        while seen := await peer.request():
            is_push = PUSH in seen.line
            name = _name(seen.line.split()[1], seen.body)
            if self.status != 200:
                await peer.say(answer(f"{self.status} Reason", self.words))
                continue
            self.taken[name] += 1
            self.order.append(name)
            self.queries.append(parse_qs(urlsplit(seen.line.split()[1]).query))
            await peer.say(PUSH_OK if is_push else INGEST_OK)


def _name(target: str, body: bytes) -> str:
    query = parse_qs(urlsplit(target).query)
    if "name" in query:
        return query["name"][0].partition("{")[0]
    return re.search(rb"service_name\x12.(\w+)", body)[1].decode()  # type: ignore[index]


async def ingest(running: Pipeline, name: str, query: str = "") -> Reply:
    """Send an /ingest profile."""
    return await ask(running.port, f"/ingest?name={name}{query}", b"main 10")


async def push(running: Pipeline, *names: str, profile: bytes = b"raw") -> Reply:
    """Send a Push with a series for each name."""
    series = [
        Series({"__name__": "cpu", "service_name": name}, [RawSample(profile)], at)
        for at, name in enumerate(names)
    ]
    return await ask(running.port, PUSH, b"".join(encode_push(series)), PROTO)


def counted(running: Pipeline, name: str, **labels: str) -> int:
    """A metric of the queue."""
    return int(running.metric(f"alloypy_queue_{name}", **labels) or 0)


def no_more_than(running: Pipeline, records: int) -> bool:
    """Whether so few records are left in the queue."""
    return counted(running, "records") <= records


def more_than(taken: Counter[str], count: int) -> bool:
    """Whether so many have been taken."""
    return len(taken) > count


def shows(running: Pipeline, destinations: tuple[str, ...]) -> bool:
    """Whether the metrics of the queue have these destinations."""
    names = ("a", "b", "c")
    found = (running.metric("alloypy_queue_records", destination=f"pyroscope.write.{each}") for each in names)
    shown = tuple(name for name, value in zip(names, found, strict=True) if value is not None)
    return shown == destinations


def check_law(running: Pipeline, *destinations: str) -> None:
    """Every stored record is accounted for, at each destination."""
    for each in destinations:
        at = {"destination": f"pyroscope.write.{each}"}
        stored = counted(running, "stored_total", **at)
        ended = counted(running, "delivered_total", **at) + counted(running, "dropped_total", **at)
        assert stored == ended + counted(running, "records", **at) + counted(
            running, "dead_letter_records", **at
        )


async def test_an_outage_is_invisible_to_clients_and_shifts_no_times(tmp_path: Path) -> None:
    server = Server()
    server.status = 503
    async with scripted(server) as backend:
        text = RECEIVER + queue("a") + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            for reply in (
                await ingest(running, "none"),
                await ingest(running, "past", "&from=now-1h"),
                await ingest(running, "given", "&from=1700000000&until=1700000010"),
                await push(running, "one", "two"),
            ):
                assert reply.status == 200
            await until(lambda: counted(running, "tries_total", outcome="destination") > 3)
            assert counted(running, "circuit_open") == 1
            assert server.taken == {}
            server.status = 200
            await until(lambda: counted(running, "delivered_total") == 5)
            check_law(running, "a")
            assert counted(running, "circuit_open") == 0
    assert server.taken == dict.fromkeys(("none", "past", "given", "one", "two"), 1)
    times = {name: query for name, query in zip(server.order, server.queries, strict=True) if query}
    assert {len(times[name]["from"][0]) for name in ("none", "past")} == {19}
    difference = int(times["none"]["from"][0]) - int(times["past"]["from"][0])
    assert difference == pytest.approx(3600 * 10**9, abs=60 * 10**9)
    assert (times["given"]["from"], times["given"]["until"]) == (["1700000000"], ["1700000010"])


@pytest.mark.parametrize("status", [401, 403, 404, 302, 429])
async def test_a_destination_with_wrong_settings_empties_no_queue(tmp_path: Path, status: int) -> None:
    server = Server()
    server.status = status
    async with scripted(server) as backend:
        async with pipeline(RECEIVER + queue("a") + write("a", backend), tmp_path) as running:
            assert (await ingest(running, "one")).status == 200
            assert (await push(running, "two")).status == 200
            outcome = "busy" if status == 429 else "destination"
            await until(lambda: counted(running, "tries_total", outcome=outcome) > 3)
            assert counted(running, "records") == 2
            server.status = 200
            await until(lambda: counted(running, "delivered_total") == 2)
    assert server.taken == {"one": 1, "two": 1}


@pytest.mark.parametrize(
    ("words", "reason"), [(b"broken", "dead"), (b"x is outside of ingestion window (y)", "too_old")]
)
async def test_what_is_refused_for_good_holds_up_nothing(tmp_path: Path, words: bytes, reason: str) -> None:
    server = Server()
    server.status, server.words = 400, words
    async with scripted(server) as backend:
        async with pipeline(RECEIVER + queue("a") + write("a", backend), tmp_path) as running:
            for number in range(5):
                assert (await ingest(running, f"bad{number}")).status == 200
            await until(lambda: counted(running, "tries_total") == 5)
            await until(lambda: counted(running, "records") == 0)
            if reason == "dead":
                assert counted(running, "dead_letter_records") == 5
                assert counted(running, "dropped_total") == 0
            else:
                assert counted(running, "dropped_total", reason="too_old") == 5
            server.status = 200
            assert (await ingest(running, "good")).status == 200
            await until(lambda: server.taken["good"])
            check_law(running, "a")
            said = [line for line in running.log.lines if "WARNING profiles are" in line]
            assert len(said) == 1
            assert ("check the clock of their sender" in said[0]) == (reason == "too_old")
            assert words.decode() in said[0]


async def test_pages_show_what_waits_and_what_has_become_of_the_rest(tmp_path: Path) -> None:
    servers = {"a": Server(), "b": Server(), "c": Server()}
    servers["b"].status, servers["c"].status = 400, 503
    servers["b"].words = b"<i>no</i>\npassword=hush\n"
    async with scripted(servers["a"]) as a, scripted(servers["b"]) as b, scripted(servers["c"]) as c:
        text = RECEIVER + queue(*servers) + write("a", a) + write("b", b) + write("c", c)
        async with pipeline(text, tmp_path) as running:
            for number in range(3):
                assert (await ingest(running, f"p{number}")).status == 200
            await until(lambda: counted(running, "dead_letter_records") == 3)
            await until(lambda: counted(running, "delivered_total") == 3)
            await until(lambda: counted(running, "circuit_open") == 1)
            flows = {each.id: each.flow for each in running.controller.passages()}
            assert flows["alloypy.queue.default"] == Flow("profiles", 3, 3, 3)
            (table,) = running.controller.tables("", "alloypy.queue.default")
            rows = {row[0]: dict(zip(table.columns[1:], row[1:], strict=True)) for row in table.rows}
            said = "".join(line for line in running.log.lines if "refused for good" in line)
        async with pipeline(text, tmp_path) as running:
            await until(lambda: counted(running, "dead_letter_records") == 3)
            flows = {each.id: each.flow for each in running.controller.passages()}
            assert flows["alloypy.queue.default"] == Flow("profiles", 0, 0, 0)
    assert [row.pop("State") for row in rows.values()] == ["takes profiles"] * 2 + [
        "fails; tried again after pauses"
    ]
    assert str(rows["pyroscope.write.c"].pop("Oldest")).endswith(" s")
    errors = [str(row.pop("Last error")) for row in rows.values()]
    assert errors[0] == "-"
    for error, status in zip(errors[1:], (400, 503), strict=True):
        assert re.fullmatch(rf"\d+ s ago: .*{status}.*", error)
    assert errors[1].endswith("<i>no</i> password=xxxxx")
    assert "<i>no</i> password=xxxxx" in said
    assert "hush" not in said
    assert rows == {
        "pyroscope.write.a": {"Waiting": 0, "Oldest": "-", "Delivered": 3, "Dropped": 0, "Dead letters": 0},
        "pyroscope.write.b": {"Waiting": 0, "Oldest": "-", "Delivered": 0, "Dropped": 0, "Dead letters": 3},
        "pyroscope.write.c": {"Waiting": 3, "Delivered": 0, "Dropped": 0, "Dead letters": 0},
    }


@pytest.mark.parametrize("through", ["alloypy.queue.default", "pyroscope.relabel.r"])
async def test_headers_that_are_stored_are_warned_of(tmp_path: Path, through: str) -> None:
    relabel = 'pyroscope.relabel "r" {\nforward_to = [alloypy.queue.default.receiver]\n}\n'
    headers = 'forward_headers = ["X-Token"]\n  forward_to = ['
    receiver = RECEIVER.replace("alloypy.queue.default", through).replace("forward_to = [", headers)
    async with scripted(Server()) as backend:
        plain = RECEIVER + relabel + queue("a") + write("a", backend)
        async with pipeline(plain, tmp_path) as running:
            assert not [line for line in running.log.lines if "secret" in line]
            await running.load(receiver + relabel + queue("a") + write("a", backend))
            (said,) = [line for line in running.log.lines if "may be secret" in line]
    assert "WARNING request headers are stored with each profile" in said
    assert "X-Token" in said
    assert "alloypy.queue.default" in said


async def test_metrics_say_how_long_the_disk_takes_and_how_much_was_taken(tmp_path: Path) -> None:
    server = Server()
    async with scripted(server) as backend:
        text = RECEIVER + queue("a") + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            for name in ("one", "two"):
                assert (await ingest(running, name)).status == 200
            await until(lambda: counted(running, "delivered_total") == 2)
            assert counted(running, "sync_seconds_count") == 2
            assert 0 < (running.metric("alloypy_queue_sync_seconds_sum") or 0) < 60
            assert counted(running, "sync_seconds_bucket", le="+Inf") == 2
            assert 0 < (running.metric("alloypy_queue_start_seconds") or 0) < 60
            stored = counted(running, "stored_bytes_total")
            assert stored > 2 * len(b"main 10")
            # a file has a head before each record
            assert counted(running, "delivered_bytes_total") == stored + 2 * HEAD_BYTES


async def test_one_dead_destination_holds_up_no_other(tmp_path: Path) -> None:
    dead, alive = Server(), Server()
    dead.status = 500
    async with scripted(dead) as first, scripted(alive) as second:
        text = RECEIVER + queue("a", "b") + write("a", first) + write("b", second)
        async with pipeline(text, tmp_path) as running:
            for number in range(30):
                assert (await ingest(running, f"p{number}")).status == 200
            await until(lambda: len(alive.taken) == 30)
            assert counted(running, "records", destination="pyroscope.write.a") == 30
            check_law(running, "a", "b")
            dead.status = 200
            await until(lambda: len(dead.taken) == 30)
    assert set(dead.taken.values()) == set(alive.taken.values()) == {1}


async def test_what_waits_is_delivered_after_a_restart_and_nothing_twice(tmp_path: Path) -> None:
    server = Server()
    async with scripted(server) as backend:
        text = RECEIVER + queue("a") + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            await ingest(running, "before")
            await until(lambda: counted(running, "delivered_total") == 1)
            server.status = 503
            for number in range(20):
                assert (await ingest(running, f"p{number}")).status == 200
        server.status = 200
        async with pipeline(text, tmp_path) as running:
            await until(lambda: len(server.taken) == 21)
            await until(lambda: counted(running, "delivered_total") == 21)
            assert counted(running, "replayed_total") == 20
            check_law(running, "a")
    assert set(server.taken.values()) == {1}


async def test_one_at_a_time_keeps_the_order(tmp_path: Path) -> None:
    server = Server()
    server.status = 503
    async with scripted(server) as backend:
        delivery = PATIENT.replace("{\n", "{\nmax_in_flight = 1\n", 1)
        async with pipeline(
            RECEIVER + queue("a", delivery=delivery) + write("a", backend), tmp_path
        ) as running:
            for number in range(10):
                await ingest(running, f"p{number}")
            await until(lambda: counted(running, "tries_total") > 2)
            server.status = 200
            await until(lambda: len(server.taken) == 10)
    assert server.order == [f"p{number}" for number in range(10)]


async def test_a_full_queue_asks_clients_to_come_back(tmp_path: Path) -> None:
    server = Server()
    server.status = 503
    large = b"x" * (150 << 10)
    async with scripted(server) as backend:
        text = RECEIVER + queue("a", settings='max_size = "1MiB"\n') + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            replies = [await push(running, f"p{number}", profile=large) for number in range(10)]
            taken = [reply.status for reply in replies].index(503)
            assert taken >= 4
            refused = replies[taken]
            assert refused.headers["retry-after"] == "5"
            assert b'"code":"unavailable"' in refused.body
            reply = await ask(running.port, "/ingest?name=more", large)
            assert (reply.status, reply.headers["retry-after"]) == (503, "5")
            assert counted(running, "rejected_total", reason="full") == 11 - taken
            server.status = 200
            await until(lambda: len(server.taken) == taken)
            await until(lambda: counted(running, "records") == 0)
            assert (await push(running, "again", profile=large)).status == 200
            await until(lambda: server.taken["again"])
            check_law(running, "a")
    assert set(server.taken.values()) == {1}


async def test_the_oldest_give_way_where_that_is_wanted(tmp_path: Path) -> None:
    server = Server()
    server.status = 503
    large = b"x" * (150 << 10)
    async with scripted(server) as backend:
        settings = 'max_size = "1MiB"\nwhen_full = "drop_oldest"\n'
        text = RECEIVER + queue("a", settings=settings) + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            for number in range(20):
                assert (await push(running, f"p{number}", profile=large)).status == 200
            dropped = counted(running, "dropped_total", reason="overflow")
            assert dropped >= 13
            check_law(running, "a")
            server.status = 200
            await until(lambda: counted(running, "records") == 0)
            check_law(running, "a")
    assert "p19" in server.taken
    assert "p5" not in server.taken


async def test_a_clients_mistake_is_not_stored(tmp_path: Path) -> None:
    server = Server()
    async with scripted(server) as backend:
        async with pipeline(RECEIVER + queue("a") + write("a", backend), tmp_path) as running:
            series = [Series({"service_name": "a", "b c": "d"}, [RawSample(b"x")])]
            reply = await ask(running.port, PUSH, b"".join(encode_push(series)), PROTO)
            assert (reply.status, b"invalid_argument" in reply.body) == (400, True)
            assert counted(running, "stored_total") == 0


async def test_destinations_may_leave_and_come_back(tmp_path: Path) -> None:
    first, second = Server(), Server()
    first.status = 503
    async with scripted(first) as one, scripted(second) as two:
        writes = write("a", one) + write("b", two)
        async with pipeline(RECEIVER + queue("a", "b") + writes, tmp_path) as running:
            await ingest(running, "before")
            await until(lambda: second.taken["before"])
            await running.load(RECEIVER + queue("b") + writes)
            await until(lambda: any("destination was taken out" in line for line in running.log.lines))
            await ingest(running, "meanwhile")
            await until(lambda: second.taken["meanwhile"])
            first.status = 200
            await running.load(RECEIVER + queue("a", "b") + writes)
            await ingest(running, "after")
            await until(lambda: second.taken["after"] and len(first.taken) == 2)
            check_law(running, "a", "b")
    assert first.taken == {"before": 1, "after": 1}
    assert second.taken == {"before": 1, "meanwhile": 1, "after": 1}


async def test_a_destination_taken_out_while_alloypy_was_stopped_is_told(tmp_path: Path) -> None:
    server = Server()
    server.status = 503
    async with scripted(server) as backend:
        writes = write("a", backend) + write("b", backend)
        async with pipeline(RECEIVER + queue("a") + writes, tmp_path) as running:
            await ingest(running, "one")
        for renamed in ("b", "a"):
            async with pipeline(RECEIVER + queue(renamed) + writes, tmp_path) as running:
                await until(lambda: running.metric("alloypy_queue_start_seconds") is not None)
                told = [line for line in running.log.lines if "was taken out while profiles wait" in line]
                assert len(told) == (renamed == "b")
                assert all("pyroscope.write.a" in line for line in told)


async def test_a_queue_may_be_renamed_and_may_move(tmp_path: Path) -> None:
    server = Server()
    server.status = 503

    def text(name: str, folder: str) -> str:
        disk = f'disk {{\nmin_free = "0"\npath = "{tmp_path}/{folder}"\n}}\n'
        receiver = RECEIVER.replace("queue.default", f"queue.{name}")
        return receiver + queue("a", settings=disk, name=name) + write("a", backend)

    async with scripted(server) as backend:
        async with pipeline(text("default", "one"), tmp_path) as running:
            assert (await ingest(running, "before")).status == 200
            await running.load(text("other", "one"))
            assert (await ingest(running, "renamed")).status == 200
            await running.load(text("other", "two"))
            await until((tmp_path / "two").exists)
            assert (await ingest(running, "moved")).status == 200
            server.status = 200
            await until(lambda: server.taken["moved"])
            assert set(server.taken) == {"moved"}
            await running.load(text("other", "one"))
            await until(lambda: len(server.taken) == 3)
    assert set(server.taken.values()) == {1}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('max_size = "1KiB"\n', "max_size must be at least 1MiB"),
        ('disk {\nsegment_size = "1KiB"\n}\n', "segment_size must be between 64KiB and 1GiB"),
        ('disk {\npath = "FOLDER/file"\n}\n', "FOLDER/file"),
        ('when_full = "wait"\n', 'unrecognized when_full "wait"'),
    ],
)
async def test_settings_that_make_no_sense_are_refused_at_load(
    tmp_path: Path, settings: str, words: str
) -> None:
    (tmp_path / "file").write_text("x")
    settings = settings.replace("FOLDER", str(tmp_path))
    async with scripted(Server()) as backend:
        with pytest.raises(DiagnosticsError, match=re.escape(words.replace("FOLDER", str(tmp_path)))):
            async with pipeline(queue("a", settings=settings) + write("a", backend), tmp_path):
                pass
    assert (tmp_path / "file").read_text() == "x"


async def test_two_queues_share_no_directory(tmp_path: Path) -> None:
    disk = f'disk {{\npath = "{tmp_path}/q"\n}}\n'
    async with scripted(Server()) as backend:
        text = write("a", backend) + queue("a", settings=disk) + queue("a", settings=disk, name="other")
        alone = write("a", backend) + queue("a", settings=disk)
        async with pipeline(alone, tmp_path) as running:
            await until(lambda: running.metric("alloypy_queue_segments") == 0)
        with pytest.raises(DiagnosticsError, match="two queues cannot share one"):
            async with pipeline(text, tmp_path):
                pass


async def test_poison_among_good_profiles_changes_no_order_and_takes_bounded_space(tmp_path: Path) -> None:
    class Picky(Server):
        async def __call__(self, peer: Peer) -> None:
            while seen := await peer.request():
                name = _name(seen.line.split()[1], seen.body)
                if name.startswith("bad"):
                    await peer.say(answer("400 Bad Request", b"never"))
                    continue
                self.order.append(name)
                await peer.say(PUSH_OK)

    count, at_a_time = 10_000 if FULL else 300, 50
    server = Picky()
    settings = 'dead_letter {\nmax_size = "64KiB"\n}\n'
    delivery = PATIENT.replace("{\n", "{\nmax_in_flight = 1\n", 1)
    async with scripted(server) as backend:
        text = RECEIVER + queue("a", settings=settings, delivery=delivery) + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            for first in range(0, count, at_a_time):
                numbers = range(first, min(count, first + at_a_time))
                names = [f"{kind}{number}" for number in numbers for kind in ("bad", "good")]
                assert (await push(running, *names)).status == 200
            for left in (*range(2 * count, 0, -1_000), 0):  # so that no wait is for all of them
                await until(partial(no_more_than, running, left))
            check_law(running, "a")
            dead, dropped = counted(running, "dead_letter_records"), counted(running, "dropped_total")
            assert dead + dropped == counted(running, "dropped_total", reason="refused") + dead == count
            assert dead > 20
            assert 0 < counted(running, "dead_letter_bytes") <= 64 << 10
            assert counted(running, "delivered_total") == count
            said = [line for line in running.log.lines if "refused for good" in line]
            assert len(said) < 10
    assert server.order == [f"good{number}" for number in range(count)]


@pytest.mark.parametrize("at_a_time", [128, 1])
async def test_a_profile_that_never_passes_blocks_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    """Also if it is the first one, and nothing has passed yet: then the destination seems to fail."""

    class Faulty(Server):
        async def __call__(self, peer: Peer) -> None:
            while seen := await peer.request():
                name = _name(seen.line.split()[1], seen.body)
                self.order.append(name)
                await peer.say(answer("500 Fault", b"no") if name == "bad" else INGEST_OK)

    monkeypatch.setattr(courier, "TRIES", 4)
    monkeypatch.setattr(courier, "SECONDS", 0.01)
    server = Faulty()
    delivery = PATIENT.replace("{\n", f"{{\nmax_in_flight = {at_a_time}\n", 1)
    async with scripted(server) as backend:
        text = RECEIVER + queue("a", delivery=delivery) + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            assert (await ingest(running, "bad")).status == 200
            await until(lambda: server.order.count("bad") > 4)
            for number in range(3):
                assert (await ingest(running, f"good{number}")).status == 200
            await until(lambda: counted(running, "delivered_total") == 3)
            assert counted(running, "records") == 1
            check_law(running, "a")


async def test_reloads_while_a_backlog_drains_lose_and_double_nothing(tmp_path: Path) -> None:
    class Slow(Server):
        async def __call__(self, peer: Peer) -> None:
            while seen := await peer.request():
                await asyncio.sleep(0.005)
                name = _name(seen.line.split()[1], seen.body)
                if self.status != 200:
                    await peer.say(answer(f"{self.status} Reason", b""))
                    continue
                self.taken[name] += 1
                await peer.say(INGEST_OK)

    first, second = Slow(), Slow()
    first.status = second.status = 503

    def text(*destinations: str, name: str = "default", folder: str = "one") -> str:
        disk = f'disk {{\nmin_free = "0"\npath = "{tmp_path}/{folder}"\n}}\n'
        return (
            RECEIVER.replace("queue.default", f"queue.{name}")
            + writes
            + queue(*destinations, settings=disk, name=name)
        )

    async with scripted(first) as one, scripted(second) as two:
        writes = write("a", one) + write("b", two) + write("c", one)
        async with pipeline(text("a", "b"), tmp_path) as running:
            for number in range(150):
                assert (await ingest(running, f"p{number}")).status == 200
            first.status = second.status = 200
            for number, (changed, destinations) in enumerate(
                (
                    (text("b"), ("b",)),
                    (text("a", "b"), ("a", "b")),
                    (text("a", "b", name="other"), ("a", "b")),
                    (text("b", "c", name="other"), ("b", "c")),
                    (text("a", "b", "c", name="other", folder="two"), ("a", "b", "c")),
                    (text("a", "b", name="other"), ("a", "b")),
                    (text("a", "b"), ("a", "b")),
                )
            ):
                await until(partial(more_than, second.taken, number * 12))
                await running.load(changed)
                await until(partial(shows, running, destinations))
                assert (await ingest(running, f"during{number}")).status == 200
                check_law(running, *destinations)
            await until(lambda: counted(running, "records") == 0)
            check_law(running, "a", "b")
            await running.load(text("a", "b", "c", name="other", folder="two"))
            await until(lambda: shows(running, ("a", "b", "c")) and len(second.taken) == 157)
            await until(lambda: counted(running, "records") == 0)
            check_law(running, "a", "b", "c")
    assert set(second.taken.values()) == {1}
    everything = {f"p{number}" for number in range(150)} | {f"during{number}" for number in range(7)}
    assert set(second.taken) == everything
    # a was out for the first and the fourth; c was there for the fourth and, beside a, for the fifth
    assert set(first.taken) == everything - {"during0"}
    assert first.taken["during4"] == 2
    assert sum(first.taken.values()) == len(first.taken) + 1


async def test_a_server_that_answers_late_gets_many_profiles_at_a_time(tmp_path: Path) -> None:
    """Pyroscope answers when it has written a segment: few deliveries at a time could not keep up."""
    at_once, waiting, enough = 100, 0, asyncio.Event()

    async def late(peer: Peer) -> None:
        nonlocal waiting
        while await peer.request():
            waiting += 1
            if waiting == at_once:
                enough.set()
            await enough.wait()
            await peer.say(PUSH_OK)

    async with scripted(late) as backend:
        async with pipeline(RECEIVER + queue("a") + write("a", backend), tmp_path) as running:
            assert (await push(running, *(f"p{number}" for number in range(at_once)))).status == 200
            await until(lambda: counted(running, "delivered_total") == at_once)


async def test_a_new_destination_does_not_wait_for_one_that_does_not_answer(tmp_path: Path) -> None:
    """Otherwise it would never get what is stored while deliveries to the old one may still end."""
    answers = asyncio.Event()

    async def silent(peer: Peer) -> None:
        while await peer.request():
            await answers.wait()
            await peer.say(INGEST_OK)

    server = Server()
    delivery = PATIENT.replace("{\n", '{\ndrain_timeout = "5m"\n', 1)
    async with scripted(silent) as old, scripted(server) as new:
        writes = write("a", old) + write("b", new)
        async with pipeline(RECEIVER + queue("a", delivery=delivery) + writes, tmp_path) as running:
            assert (await ingest(running, "before")).status == 200
            await until(lambda: old.seen)
            await running.load(RECEIVER + queue("b", delivery=delivery) + writes)
            await until(lambda: running.metric("alloypy_queue_records", destination="pyroscope.write.b") == 0)
            assert (await ingest(running, "after")).status == 200
            await until(lambda: server.taken["after"])
            assert counted(running, "in_flight", destination="pyroscope.write.a") == 1
            answers.set()
            await until(lambda: shows(running, ("b",)))
    assert server.taken == {"after": 1}
