"""`alloypy queue` on a queue that a process has open: dead letters wait again, and records are dropped."""

# ruff: noqa: SIM117 -- servers outside, the pipeline inside reads better

from __future__ import annotations

import asyncio
import json
import socket
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alloypy.cli.main import main
from alloypy.components.own.delivering import courier as delivering
from alloypy.components.own.delivering.courier import Courier
from alloypy.queueing import desk
from alloypy.queueing.cursor import Cursor
from alloypy.queueing.desk import Attended, ask, at_control
from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log
from alloypy.queueing.orders import Changeable, Order, Outcome, read_order
from alloypy.queueing.settings import LogSettings
from tests.support.pipeline import Pipeline, pipeline
from tests.support.scripted import Peer, scripted
from tests.support.sending import INGEST_OK, answer
from tests.support.waiting import until
from tests.support.watchdog import watching
from tests.wire.test_queue import PATIENT, RECEIVER, Server, check_law, counted, ingest, queue, write

pytestmark = pytest.mark.anyio
A = "pyroscope.write.a"


def place(running: Pipeline, tmp_path: Path) -> str:
    """The directory of the queue."""
    (found,) = tmp_path.rglob("queue")
    return str(found)


async def command(*arguments: str) -> int:
    """Run `alloypy queue`; the queue goes on meanwhile."""
    return await asyncio.to_thread(main, ["queue", *arguments])


async def fill(running: Pipeline, server: Server, dead: int, waiting: int) -> None:
    """Let profiles become dead letters, and others wait."""
    server.status = 400
    for number in range(dead):
        assert (await ingest(running, f"dead{number}")).status == 200
    await until(lambda: counted(running, "dead_letter_records") == dead)
    if not waiting:
        return
    server.status = 503
    for number in range(waiting):
        assert (await ingest(running, f"waits{number}")).status == 200
    await until(lambda: counted(running, "circuit_open") == 1)


async def test_dead_letters_wait_again_while_the_queue_is_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server()
    async with scripted(server) as backend:
        text = RECEIVER + queue("a") + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            await fill(running, server, 3, 0)
            path = place(running, tmp_path)
            server.status = 200
            assert await command("replay", path, "2") == 0
            assert capsys.readouterr().out == f"{A}: 1 dead letter waits again\n"
            await until(lambda: server.taken["dead1"] == 1)
            assert counted(running, "dead_letter_records") == 2
            assert await command("replay", path, "2") == 1
            assert "there are no dead letters with the number 2; " in capsys.readouterr().err
            assert await command("replay", path, f"--destination={A}") == 0
            await until(lambda: counted(running, "delivered_total") == 3)
            check_law(running, "a")
    assert server.taken == {"dead0": 1, "dead1": 1, "dead2": 1}


async def test_records_are_dropped_while_the_queue_is_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server()
    delivery = 'delivery {\n max_in_flight = 4\n min_backoff_period = "1h"\n max_backoff_period = "1h"\n}\n'
    async with scripted(server) as backend:
        text = RECEIVER + queue("a", delivery=delivery) + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            await fill(running, server, 2, 30)
            path = place(running, tmp_path)
            said = running.controller.component("", "alloypy.queue.default").health.message
            assert said == f"profiles wait for {A}"
            assert await command("drop", path) == 1
            assert f"{A}: would delete 30 that wait and 2 dead letters" in capsys.readouterr().out
            assert counted(running, "dropped_total") == 0
            assert await command("drop", path, "--yes", "--dead-letters", "1") == 0
            assert counted(running, "dropped_total", reason="refused") == 1
            capsys.readouterr()
            await until(lambda: counted(running, "in_flight") == 0)
            assert await command("drop", path, "--yes") == 0  # also those that pause between two tries
            assert capsys.readouterr().out == f"{A}: 31 deleted\n"
            assert counted(running, "dropped_total", reason="removed") == 30
            assert counted(running, "records") == counted(running, "bytes") == 0
            assert counted(running, "circuit_open") == 0
            assert "wait" not in running.controller.component("", "alloypy.queue.default").health.message
            assert counted(running, "dead_letter_records") == 0
            check_law(running, "a")
        server.status = 200
        async with pipeline(text, tmp_path) as running:
            assert (await ingest(running, "new")).status == 200
            await until(lambda: counted(running, "delivered_total") == 1)
            assert counted(running, "records") == 0
            check_law(running, "a")
    assert server.taken == {"new": 1}


async def test_what_is_being_delivered_is_not_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = asyncio.Event()
    delivered: list[str] = []

    async def slow(peer: Peer) -> None:
        while seen := await peer.request():
            await answers.wait()
            delivered.append(seen.line)
            await peer.say(INGEST_OK)

    delivery = PATIENT.replace("{\n", "{\nmax_in_flight = 3\n", 1)
    async with scripted(slow) as backend:
        text = RECEIVER + queue("a", delivery=delivery) + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            for number in range(8):
                assert (await ingest(running, f"p{number}")).status == 200
            await until(lambda: counted(running, "in_flight") == 3)
            path, size = place(running, tmp_path), counted(running, "bytes") // 8
            assert await command("drop", path, "--yes", "7", "3") == 0
            assert capsys.readouterr().out == f"{A}: 1 deleted; 1 is being delivered and stays\n"
            assert counted(running, "records") == 7
            assert counted(running, "bytes") == 7 * size
            assert await command("drop", path, "--yes", "2", "3") == 1
            assert capsys.readouterr().out == f"{A}: 0 deleted; 2 are being delivered and stay\n"
            assert await command("drop", path, "--yes") == 0
            assert capsys.readouterr().out == f"{A}: 4 deleted; 3 are being delivered and stay\n"
            assert counted(running, "records") == 3
            assert counted(running, "bytes") == 3 * size
            check_law(running, "a")
            answers.set()
            await until(lambda: counted(running, "delivered_total") == 3)
            assert counted(running, "bytes") == 0
            check_law(running, "a")
    assert len(delivered) == 3


async def test_what_was_dropped_between_two_tries_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    couriers: list[Courier] = []

    def kept(*given: Any) -> Courier:
        couriers.append(Courier(*given))
        return couriers[-1]

    class Faulty(Server):
        async def __call__(self, peer: Peer) -> None:
            while seen := await peer.request():
                name = parse_qs(urlsplit(seen.line.split()[1]).query)["name"][0].partition("{")[0]
                self.order.append(name)
                is_good = self.status == 200 or not name.startswith("bad")
                await peer.say(INGEST_OK if is_good else answer("500 Internal Server Error", b"no"))

    monkeypatch.setattr(delivering, "Courier", kept)
    server = Faulty()
    server.status = 500
    async with scripted(server) as backend:
        async with pipeline(RECEIVER + queue("a") + write("a", backend), tmp_path) as running:
            for number in range(6):
                assert (await ingest(running, f"bad{number % 2}")).status == 200
                assert (await ingest(running, "good")).status == 200
            await until(lambda: server.order.count("good") == 6 and server.order.count("bad0") > 6)
            while counted(running, "records"):  # one that is being delivered stays
                await command("drop", place(running, tmp_path), "--yes")
            assert counted(running, "bytes") == 0
            check_law(running, "a")
            (courier,) = couriers
            assert (len(courier._suspects), courier._suspects.bytes) == (0, 0)
            assert isinstance(courier.cursor, Cursor)
            assert not courier.cursor._out
            assert not courier.cursor._paused
            server.status = 200
            server.order.clear()
            assert (await ingest(running, "last")).status == 200
            await until(lambda: counted(running, "delivered_total") == 7)
            check_law(running, "a")
    assert server.order == ["last"]


async def test_only_the_owner_gives_orders_and_nonsense_changes_nothing(tmp_path: Path) -> None:
    server = Server()
    async with scripted(server) as backend:
        async with pipeline(RECEIVER + queue("a") + write("a", backend), tmp_path) as running:
            await fill(running, server, 1, 0)
            directory = Path(place(running, tmp_path), "v1")
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            assert stat.S_IMODE((directory / "control").stat().st_mode) == 0o600
            for line, words in (
                (b"nonsense\n", "cannot be read"),
                (b'{"action": "empty"}\n', "there is no order"),
                (b'{"action": "drop", "numbers": ["x"]}\n', "cannot be read"),
                (b'{"action": "drop", "numbers": 5}\n', "cannot be read"),
                (b'{"action": "replay", "destination": "b"}\n', "nothing is delivered to b"),
                (b"", ""),
            ):
                answer = await asyncio.to_thread(said, directory, line)
                assert answer == {} if not words else words in answer["error"]
            silent = socket.socket(socket.AF_UNIX)
            with silent:  # does not stop others for long, nor the queue from closing
                at_control(str(directory), silent.connect)
                assert counted(running, "dead_letter_records") == 1
        assert not (directory / "control").exists()


def said(directory: Path, line: bytes) -> dict[str, Any]:
    """What the queue answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        at_control(str(directory), connection.connect)
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    return json.loads(answer) if answer else {}


async def test_a_long_path_and_what_a_killed_process_left_are_no_hindrance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ("long" * 40) / "queue"
    for is_killed in (True, False):
        log = await Attended.open(str(path), settings=LogSettings(min_free=0), destinations=[A])
        await log.attend()
        if not is_killed:
            await log.put(b"meta", [b"body"])
            record = await log.cursor(A).next()
            await log.cursor(A).dead(record.place, "refused", "no")
            assert await command("drop", str(path), "--yes") == 0
            assert capsys.readouterr().out == f"{A}: 1 deleted\n"
        await log.close()
        if is_killed:
            assert not (path / "v1" / "control").exists()
            (path / "v1" / "control").touch()


async def test_what_is_in_the_way_of_names_notes_and_orders_is_told_until_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(desk, "_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr("alloypy.queueing.log._UPKEEP_SECONDS", 0.01)
    inner = tmp_path / "v1"
    ways = [inner / "destinations", inner / "tries.log", inner / "control"]
    for each in ways:
        each.mkdir(parents=True)
    text = f'disk {{\npath = "{tmp_path}"\nmin_free = "0"\n}}\n'
    async with scripted(Server()) as backend:
        async with pipeline(RECEIVER + queue("a", settings=text) + write("a", backend), tmp_path) as running:

            def told() -> str:
                return running.controller.component("", "alloypy.queue.default").health.message

            await until(lambda: "control is a directory" in told())
            for each in ways:
                words = f"{each} is a directory, but a queue has a file of that name: move it away"
                assert words in told()
                assert words in "\n".join(running.log.lines)
            assert await command("ls", str(tmp_path)) == 0
            assert f"{ways[0]} is a directory, but a queue has a file of that name" in capsys.readouterr().err
            for each in ways:
                each.rmdir()
            await until(lambda: "directory" not in told())
            assert (inner / "tries.log").is_file()
            assert A in (inner / "destinations").read_text("utf-8")
            assert await command("ls", str(tmp_path)) == 0
            assert not capsys.readouterr().err
            assert (inner / "control").is_socket()
    assert not (inner / "control").exists()


async def test_notes_that_cannot_be_read_are_told_to_be_lost(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "tries.log").symlink_to("elsewhere")
    log = await Attended.open(str(tmp_path), settings=LogSettings(min_free=0), destinations=[A])
    (warning,) = log.warnings
    assert "tries.log could not be read and was written anew" in warning
    assert not log.hindrances
    await log.close()


async def test_an_order_that_fails_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(self: Attended, order: Order) -> Outcome:
        raise ValueError("hush")

    log = await Attended.open(str(tmp_path), settings=LogSettings(min_free=0), destinations=[A])
    await log.attend()
    await log.put(b"meta", [b"body"])
    with monkeypatch.context() as patch:
        patch.setattr(Attended, "obey", broken)
        assert await command("drop", str(tmp_path), "--yes") == 1
        assert capsys.readouterr().err == "Error: internal error: ValueError\n"
    assert await command("drop", str(tmp_path), "--yes") == 0
    await log.close()


async def test_many_numbers_neither_hold_the_queue_nor_lose_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = await Attended.open(str(tmp_path), settings=LogSettings(min_free=0), destinations=[A])
    await log.attend()
    for _ in range(100):
        await log.put(b"meta", [b"body"])
        record = await log.cursor(A).next()
        await log.cursor(A).dead(record.place, "refused", "no")
    numbers = [*range(1, 101, 2), *range(1_000, 300_000, 3)]
    directory = str(tmp_path / "v1")
    with watching():
        done = await asyncio.to_thread(ask, directory, "1", Order("replay", "", numbers))
        assert done == ({A: 50}, {})
        done = await asyncio.to_thread(ask, directory, "1", Order("drop", "", numbers, waiting=True))
        assert done == ({A: 50}, {})
        assert await log.dead_letters(A) == [*range(2, 101, 2)]
    with pytest.raises(QueueError, match="900000 numbers are too many for one order"):
        ask(directory, "1", Order("replay", "", range(900_000)))
    assert (
        "name fewer numbers"
        in (await asyncio.to_thread(said, tmp_path / "v1", b" " * (4 << 20) + b"\n"))["error"]
    )
    assert await command("drop", str(tmp_path), "--yes", *map(str, range(500, 600))) == 1
    assert "there are no records with the numbers 500, 501, " in (said_so := capsys.readouterr().err)
    assert "508, 509 and 90 more; " in said_so
    await log.close()


async def test_clients_that_send_no_order_hold_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "_ORDER_SECONDS", 600.0)  # so that nobody waits for the end of the others
    log = await Attended.open(str(tmp_path), settings=LogSettings(min_free=0), destinations=[A])
    await log.attend()
    await log.put(b"meta", [b"body"])
    with ExitStack() as clients:
        for _ in range(15):
            silent = clients.enter_context(socket.socket(socket.AF_UNIX))
            at_control(str(tmp_path / "v1"), silent.connect)
            silent.sendall(b"{")
        async with asyncio.timeout(60):
            assert await command("drop", str(tmp_path), "--yes") == 0
            await log.close()


async def test_orders_are_obeyed_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = [0, 0]

    async def slow(self: Attended, order: Order) -> Outcome:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0.05)
        at_once[0] -= 1
        return Outcome({A: 1}, {})

    log = await Attended.open(str(tmp_path), settings=LogSettings(min_free=0), destinations=[A])
    await log.attend()
    monkeypatch.setattr(Attended, "obey", slow)
    asked = [asyncio.to_thread(ask, str(tmp_path / "v1"), "1", Order("drop")) for _ in range(4)]
    assert await asyncio.gather(*asked) == [({A: 1}, {})] * 4
    assert at_once[1] == 1
    await log.close()


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000 + b"\n",
        b'{"action": "drop", "numbers": [1e999]}\n',
        b'{"action": "drop", "numbers": [[1]]}\n',
        b'{"action": "drop", "destination": ["x"]}\n',
    ],
)
def test_an_order_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(QueueError, match="cannot be read"):
        read_order(line)


@pytest.mark.parametrize("order", [Order("drop"), Order("drop", waiting=True), Order("replay")])
async def test_an_order_goes_on_when_a_destination_is_forgotten_meanwhile(
    order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Log.dead_letters

    async def last_seen(log: Changeable, name: str) -> list[int]:
        letters = await listed(log, name)
        if name == "a":
            await log._members.forget(lambda _: True)
        return letters

    settings = LogSettings(min_free=0)
    log = await Changeable.open(str(tmp_path / "queue"), settings=settings, destinations=["a", "b"])
    try:
        await log.put(b"meta", [b"body"])
        place = (await log.cursor("a").next()).place
        await log.cursor("a").dead(place, "refused", "the server's words")
        log.remove_destination("b")
        monkeypatch.setattr(Log, "dead_letters", last_seen)
        assert await log.obey(order) == Outcome({"a": 1}, {})
        assert [*log._books.done] == ["a"]
    finally:
        await log.close()
