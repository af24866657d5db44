"""What a destination refuses for good waits while the disk takes no dead letters, and holds up nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloypy.queueing.dead_letters import DeadLetters
from alloypy.queueing.record import Record
from alloypy.runtime.contract.events import DeadLetter, Event, Failed
from alloypy.runtime.contract.health import Health, HealthState
from tests.support.pipeline import Pipeline, pipeline
from tests.support.scripted import Peer, scripted
from tests.support.sending import INGEST_OK, PUSH_OK, answer
from tests.support.waiting import until
from tests.wire.test_queue import (
    PATIENT,
    PUSH,
    RECEIVER,
    Server,
    _name,
    check_law,
    counted,
    ingest,
    push,
    queue,
    write,
)
from tests.wire.test_queue_events import Watched
from tests.wire.test_queue_orders import A, command, place

pytestmark = pytest.mark.anyio
ONE_AT_A_TIME = PATIENT.replace("{\n", "{\nmax_in_flight = 1\n", 1)


class Picky(Server):
    """Refuses for good what is named so; answers of other names are as set."""

    async def __call__(self, peer: Peer) -> None:
        """Answer the requests of a connection."""
        while seen := await peer.request():
            name = _name(seen.line.split()[1], seen.body)
            if name.startswith("bad"):
                await peer.say(answer("400 Bad Request", b"never"))
            else:
                self.order.append(name)
                await peer.say(PUSH_OK if PUSH in seen.line else INGEST_OK)


class FullDisk:
    """A disk that takes no dead letters while it is full. tries: to write one."""

    def __init__(self) -> None:
        self.is_full = True
        self.tries = 0


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[FullDisk]:
    found, add = FullDisk(), DeadLetters.add

    def add_unless_full(self: DeadLetters, record: Record, why: str, words: str, at: int) -> None:
        found.tries += 1
        if found.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        add(self, record, why, words, at)

    monkeypatch.setattr(DeadLetters, "add", add_unless_full)
    yield found


def pending(running: Pipeline) -> int:
    return counted(running, "dead_letter_pending_records")


def health(running: Pipeline) -> Health:
    return running.controller.component("", "alloypy.queue.default").health


def said(running: Pipeline, words: str) -> list[str]:
    return [line for line in running.log.lines if words in line]


@pytest.mark.parametrize("delivery", [PATIENT, ONE_AT_A_TIME], ids=["many at a time", "one at a time"])
async def test_others_are_delivered_while_dead_letters_cannot_be_kept(
    tmp_path: Path, disk: FullDisk, delivery: str
) -> None:
    server, events = Picky(), Watched(wanted=True)
    async with scripted(server) as backend:
        text = RECEIVER + queue("a", delivery=delivery) + write("a", backend)
        async with pipeline(text, tmp_path, events=events) as running:
            names = [f"{kind}{number}" for number in range(10) for kind in ("bad", "good")]
            assert (await push(running, *names)).status == 200
            await until(lambda: counted(running, "delivered_total") == 10)
            await until(lambda: pending(running) == 10)
            assert counted(running, "records") == 10
            assert counted(running, "dead_letter_records") == counted(running, "dropped_total") == 0
            check_law(running, "a")
            await until(lambda: disk.tries > 3)
            assert len(said(running, "dead letters cannot be kept")) == 1
            assert not said(running, "profiles are refused for good")
            assert not of_kind(events, DeadLetter, Failed)
            disk.is_full = False
            await until(lambda: counted(running, "dead_letter_records") == 10)
            assert pending(running) == counted(running, "records") == 0
            check_law(running, "a")
            assert len(said(running, "dead letters are kept again")) == 1
            assert said(running, "profiles are refused for good")
            assert len(of_kind(events, DeadLetter)) == 10
    assert sorted(server.order) == [f"good{number}" for number in range(10)]
    if delivery is ONE_AT_A_TIME:
        assert server.order == sorted(server.order)


def of_kind(events: Watched, *kinds: type[Event]) -> list[Event]:
    return [each for each in events.of_queue() if isinstance(each, kinds)]


@pytest.mark.parametrize("is_full_later", [True, False], ids=["still full", "with room"])
async def test_what_waits_to_be_a_dead_letter_waits_after_a_restart(
    tmp_path: Path, disk: FullDisk, *, is_full_later: bool
) -> None:
    server = Picky()
    async with scripted(server) as backend:
        text = RECEIVER + queue("a") + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            assert (await push(running, "bad1", "good1", "bad2")).status == 200
            await until(lambda: pending(running) == 2 and counted(running, "delivered_total") == 1)
        disk.is_full = is_full_later
        async with pipeline(text, tmp_path) as running:
            if is_full_later:
                await until(lambda: pending(running) == 2)
                disk.is_full = False
            await until(lambda: counted(running, "dead_letter_records") == 2)
            assert counted(running, "records") == 0
            check_law(running, "a")
            assert (await ingest(running, "good2")).status == 200
            await until(lambda: counted(running, "delivered_total") == 2)
    assert server.order == ["good1", "good2"]


async def test_a_destination_pauses_once_what_waits_to_be_a_dead_letter_fills_the_memory(
    tmp_path: Path, disk: FullDisk
) -> None:
    server = Picky()
    delivery = PATIENT.replace("{\n", '{\nmax_bytes_in_flight = "64KiB"\n', 1)
    async with scripted(server) as backend:
        text = RECEIVER + queue("a", delivery=delivery) + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            for number in range(6):
                assert (await push(running, f"bad{number}", profile=bytes(30_000))).status == 200
            assert (await ingest(running, "good")).status == 200
            await until(lambda: health(running).state is HealthState.UNHEALTHY)
            assert pending(running) == 3
            assert counted(running, "in_flight") == 0
            assert counted(running, "records") == 7
            assert len(said(running, "nothing more is delivered until")) == 1
            assert "no space left on device" in health(running).message
            check_law(running, "a")
            disk.is_full = False
            await until(lambda: counted(running, "dead_letter_records") == 6)
            await until(lambda: counted(running, "delivered_total") == 1)
            check_law(running, "a")
            assert health(running).state is HealthState.HEALTHY


async def test_what_waits_to_be_a_dead_letter_can_be_dropped(
    tmp_path: Path, disk: FullDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    async with scripted(Picky()) as backend:
        text = RECEIVER + queue("a") + write("a", backend)
        async with pipeline(text, tmp_path) as running:
            assert (await push(running, "bad1", "good", "bad2")).status == 200
            await until(lambda: pending(running) == 2)
            await until(lambda: counted(running, "delivered_total") == 1)
            assert await command("drop", place(running, tmp_path), "--yes") == 0
            assert capsys.readouterr().out == f"{A}: 2 deleted\n"
            assert pending(running) == counted(running, "records") == 0
            assert counted(running, "dropped_total", reason="removed") == 2
            check_law(running, "a")
            tries = disk.tries
            disk.is_full = False
            assert (await ingest(running, "bad3")).status == 200
            await until(lambda: counted(running, "dead_letter_records") == 1)
            assert disk.tries == tries + 1
            check_law(running, "a")
