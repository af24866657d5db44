"""What those who watch see of a queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.runtime.contract.events import DeadLetter, Event, Events, Failed, Queued, Sent
from tests.support.pipeline import pipeline
from tests.support.scripted import scripted
from tests.support.waiting import until
from tests.wire.test_queue import RECEIVER, Server, counted, ingest, push, queue, write

pytestmark = pytest.mark.anyio


class Watched(Events):
    """Keeps all events, if anyone is meant to listen; fails on an event if not."""

    def __init__(self, *, wanted: bool) -> None:
        super().__init__()
        self.wanted = wanted
        self.seen: list[Event] = []

    def publish(self, event: Event) -> None:
        assert self.wanted, event
        self.seen.append(event)

    def of_queue(self) -> list[Event]:
        """Those of the queue, with bodies as bytes."""
        bodies = [[bytes(piece) for piece in event.body] for event in self.seen]
        settled = [event._replace(body=body) for event, body in zip(self.seen, bodies, strict=True)]
        return [event for event in settled if event.component == "alloypy.queue.default"]


def labels(name: str) -> dict[str, str]:
    return {"__name__": "cpu", "app_name": "cpu", "service_name": name}


async def test_a_stored_profile_is_seen_before_it_is_sent(tmp_path: Path) -> None:
    events = Watched(wanted=True)
    async with scripted(Server()) as backend:
        text = RECEIVER + queue("a") + write("a", backend)
        async with pipeline(text, tmp_path, events=events) as running:
            assert (await push(running, "one", "two")).status == 200
            assert (await ingest(running, "three")).status == 200
            await until(lambda: len([each for each in events.seen if isinstance(each, Sent)]) == 3)
    assert events.of_queue() == [
        Queued("alloypy.queue.default", labels("one"), [b"raw"]),
        Queued("alloypy.queue.default", labels("two"), [b"raw"]),
        Queued("alloypy.queue.default", {"__name__": "three", "service_name": "three"}, [b"main 10"]),
    ]


@pytest.mark.parametrize("kept", [True, False])
async def test_a_dead_letter_is_seen_with_its_reason(tmp_path: Path, kept: bool) -> None:
    server = Server()
    server.status, server.words = 400, b"no stacks at http://u:hush@store/"
    events = Watched(wanted=True)
    settings = "" if kept else 'dead_letter {\nmax_size = "0"\n}\n'
    async with scripted(server) as backend:
        text = RECEIVER + queue("a", settings=settings) + write("a", backend)
        async with pipeline(text, tmp_path, events=events) as running:
            assert (await ingest(running, "bad")).status == 200
            await until(lambda: len(events.of_queue()) == 2)
            assert counted(running, "dead_letter_records") == kept
    last = events.of_queue()[-1]
    assert last.labels["service_name"] == "bad"
    assert last.body == [b"main 10"]
    if kept:
        assert isinstance(last, DeadLetter)
        assert (last.destination, last.why) == ("pyroscope.write.a", "refused")
        assert "no stacks" in last.words
    else:
        assert isinstance(last, Failed)
        assert last.reason.startswith("given up for pyroscope.write.a, refused: ")
    assert "hush" not in repr(last)


async def test_what_is_too_old_for_a_server_is_seen_as_failed(tmp_path: Path) -> None:
    server = Server()
    server.status, server.words = 400, b"x is outside of ingestion window (y)"
    events = Watched(wanted=True)
    async with scripted(server) as backend:
        text = RECEIVER + queue("a") + write("a", backend)
        async with pipeline(text, tmp_path, events=events) as running:
            assert (await ingest(running, "old")).status == 200
            await until(lambda: len(events.of_queue()) == 2)
    last = events.of_queue()[-1]
    assert isinstance(last, Failed)
    assert last.labels["service_name"] == "old"
    assert last.reason.startswith("given up for pyroscope.write.a, too_old: ")


async def test_what_is_not_stored_is_seen_as_failed(tmp_path: Path) -> None:
    events = Watched(wanted=True)
    settings = 'disk {\nmin_free = "1000TiB"\n}\n'
    async with scripted(Server()) as backend:
        text = RECEIVER + queue("a", settings=settings) + write("a", backend)
        async with pipeline(text, tmp_path, events=events) as running:
            assert (await ingest(running, "one")).status == 503
            assert (await push(running, "two", "three")).status == 503
    seen = events.of_queue()
    assert [each.labels["service_name"] for each in seen] == ["one", "two", "three"]
    assert all(isinstance(each, Failed) and "min_free" in each.reason for each in seen)


async def test_a_queue_makes_no_event_while_nobody_looks(tmp_path: Path) -> None:
    server = Server()
    async with scripted(server) as backend:
        text = RECEIVER + queue("a") + write("a", backend)
        async with pipeline(text, tmp_path, events=Watched(wanted=False)) as running:
            assert (await push(running, "one")).status == 200
            await until(lambda: counted(running, "delivered_total") == 1)
            server.status = 400
            assert (await ingest(running, "bad")).status == 200
            await until(lambda: counted(running, "dead_letter_records") == 1)
