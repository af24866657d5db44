"""The events about profiles on their way, for live subscribers."""

from __future__ import annotations

import asyncio
import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from alloypy.profiles.model import DeliveryError
from alloypy.runtime.contract.events import (
    MOST_OF_A_REQUEST,
    Body,
    Dropped,
    Event,
    Events,
    Failed,
    Received,
    Relabelled,
    Sent,
    Subscription,
)
from tests.support.pipeline import pipeline
from tests.support.push_messages import protobuf_of
from tests.support.receiving import ask
from tests.support.scripted import Peer, answering, scripted
from tests.support.sending import (
    INGEST_OK,
    LABELS,
    PUSH_OK,
    answer,
    arguments,
    endpoint,
    ingest,
    push,
    writing,
)

pytestmark = pytest.mark.anyio

CONFIG = """
pyroscope.receive_http "in" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = RECV
  }
  forward_to = [pyroscope.relabel.r.receiver]
}
pyroscope.relabel "r" {
  rule {
    source_labels = ["env"]
    target_label  = "stage"
  }
  rule {
    source_labels = ["env"]
    regex         = "dev"
    action        = "drop"
  }
  forward_to = [pyroscope.write.w.receiver]
}
pyroscope.write "w" {
  endpoint {
    url                 = "http://user:hush@127.0.0.1:PORT/?token=hush"
    min_backoff_period  = "1ms"
    max_backoff_period  = "1ms"
    max_backoff_retries = 3
    basic_auth {
      username = "user"
      password = "hush"
    }
  }
}
"""
PROTO = (("Content-Type", "application/proto"),)
PUSH = "/push.v1.PusherService/Push"


def events_of(subscription: Subscription) -> list[Event]:
    """What has come, with bodies as bytes and without times; nothing was missed."""
    events, missed = subscription.take()
    assert missed == 0
    assert [each.size for each in events] == [sum(map(len, each.event.body)) for each in events]
    bodies = [[bytes(piece) for piece in each.event.body] for each in events]
    settled = [each.event._replace(body=body) for each, body in zip(events, bodies, strict=True)]
    return [event._replace(seconds=0) if isinstance(event, Sent | Failed) else event for event in settled]


async def test_a_profile_is_seen_at_each_step(tmp_path: Path) -> None:
    events = Events()
    async with scripted(answering(INGEST_OK)) as backend:
        text = CONFIG.replace("PORT", str(backend.port))
        async with pipeline(text, tmp_path, events=events) as running:
            with events.subscribe() as subscription:
                reply = await ask(running.port, "/ingest?name=app%7Benv%3Dprod%7D", b"raw")
                assert reply.status == 200
                seen = events_of(subscription)
    before = {"__name__": "app", "env": "prod", "service_name": "app"}
    after = {**before, "stage": "prod"}
    shown = f"http://user:xxxxx@127.0.0.1:{backend.port}/?token=xxxxx"
    assert seen == [
        Received("pyroscope.receive_http.in", before, [b"raw"]),
        Relabelled("pyroscope.relabel.r", after, [b"raw"], before),
        Sent("pyroscope.write.w", seen[-1].labels, [b"raw"], shown, 200, 0, 1),
    ]
    assert seen[-1].labels == after
    assert "hush" not in repr(seen)


async def test_a_dropped_profile_is_seen_with_its_rule(tmp_path: Path) -> None:
    events = Events()
    prod = ([("service_name", "svc"), ("env", "prod")], [(b"one", "1"), (b"two", "2")])
    dev = ([("service_name", "svc"), ("env", "dev")], [(b"three", "3")])
    async with scripted(answering(PUSH_OK)) as backend:
        text = CONFIG.replace("PORT", str(backend.port))
        async with pipeline(text, tmp_path, events=events) as running:
            with events.subscribe() as subscription:
                message = protobuf_of([prod, dev]).SerializeToString()
                assert (await ask(running.port, PUSH, message, PROTO)).status == 200
                seen = events_of(subscription)
    kinds = [(type(event), [*event.body]) for event in seen]
    assert kinds == [
        (Received, [b"one", b"two"]),
        (Received, [b"three"]),
        (Relabelled, [b"one", b"two"]),
        (Dropped, [b"three"]),
        (Sent, [b"one", b"two"]),
    ]
    assert seen[3] == Dropped("pyroscope.relabel.r", seen[1].labels, [b"three"], 2)
    assert seen[4].labels == {"service_name": "svc", "env": "prod", "stage": "prod"}


async def test_a_profile_that_fails_is_seen_with_the_servers_words(tmp_path: Path) -> None:
    events = Events()
    async with scripted(
        answering(answer("503 Service Unavailable", b"http://u:hush@store/ refused"))
    ) as backend:
        given = arguments(endpoint(f"http://127.0.0.1:{backend.port}"))
        async with writing(given, events=events) as running:
            with events.subscribe() as subscription:
                with pytest.raises(DeliveryError):
                    await running.receiver.append_ingest(ingest(body=(b"raw",)))
                with pytest.raises(DeliveryError):
                    await running.receiver.append_ingest(ingest(labels={"service_name": "a", "b c": "d"}))
                failed, refused = events_of(subscription)
    assert isinstance(failed, Failed)
    assert (failed.status, failed.tries, failed.body) == (503, 3, [b"raw"])
    assert "refused" in failed.reason
    assert "hush" not in failed.reason
    assert isinstance(refused, Failed)
    assert (refused.endpoint, refused.status, refused.tries) == ("", None, 0)
    assert refused.reason.startswith("invalid labels in profile: ")


async def test_retries_count_as_tries() -> None:
    events = Events()
    left = [answer("503 Service Unavailable"), PUSH_OK]

    async def script(peer: Any) -> None:
        while await peer.request() is not None:
            await peer.say(left.pop(0))

    async with scripted(script) as backend:
        given = arguments(endpoint(f"http://127.0.0.1:{backend.port}"))
        async with writing(given, events=events) as running:
            with events.subscribe() as subscription:
                await running.receiver.append(push())
                (sent,) = events_of(subscription)
    assert isinstance(sent, Sent)
    assert (sent.tries, sent.status, sent.labels) == (2, 200, LABELS)


@pytest.mark.parametrize("kind", ["push", "ingest"])
async def test_what_nobody_takes_is_seen_as_lost(kind: str) -> None:
    events = Events()
    async with writing(arguments(), events=events) as running:
        with events.subscribe() as subscription:
            if kind == "push":
                await running.receiver.append(push())
            else:
                await running.receiver.append_ingest(ingest())
            (lost,) = events_of(subscription)
    assert isinstance(lost, Failed)
    assert lost.reason == "no endpoint is configured"


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.closed_by_client()


@pytest.mark.parametrize("series", [0, 1, 40])
async def test_what_is_cancelled_is_seen_as_failed(series: int) -> None:
    events = Events()
    async with scripted(silent) as backend:
        given = arguments(endpoint(f"http://127.0.0.1:{backend.port}"))
        async with writing(given, events=events) as running:
            with events.subscribe() as subscription:
                many = push(*({**LABELS, "n": str(number)} for number in range(series)))
                call = running.receiver.append(many) if series else running.receiver.append_ingest(ingest())
                delivering = asyncio.ensure_future(call)
                while not backend.seen:
                    await asyncio.sleep(0.001)
                delivering.cancel()
                await asyncio.wait([delivering])
                lost = events_of(subscription)
    reasons = [each.reason for each in lost if isinstance(each, Failed)]
    assert len(lost) == len(reasons)
    assert reasons == ["cancelled"] * max(1, series)


AFTER = """
pyroscope.relabel "r" {
  forward_to = []
}
pyroscope.enrich "e" {
  targets            = []
  target_match_label = "a"
  forward_to         = []
}
pyroscope.write "w" { }
"""
GROWING = """
pyroscope.relabel "r" {
%s  forward_to = []
}
""" % ('  rule {\n    source_labels = ["a"]\n    target_label = "a"\n    replacement = "$1$1"\n  }\n' * 12)


async def test_what_rules_cannot_relabel_is_seen_as_failed(tmp_path: Path) -> None:
    events = Events()
    labels = {"a": "x" * 1000, "service_name": "s"}
    async with pipeline(GROWING, tmp_path, events=events) as running:
        receiver = running.controller.component("", "pyroscope.relabel.r").exports.receiver
        with events.subscribe() as subscription:
            for call in (receiver.append(push(labels)), receiver.append_ingest(ingest(labels=labels))):
                with pytest.raises(DeliveryError, match="relabel rules make a label"):
                    await call
                (failed,) = events_of(subscription)
                assert isinstance(failed, Failed)
                assert (failed.component, failed.labels) == ("pyroscope.relabel.r", labels)
                assert failed.reason.startswith("relabel rules make a label of more than")


async def test_what_comes_after_the_end_of_a_component_is_seen_as_failed(tmp_path: Path) -> None:
    events = Events()
    async with pipeline(AFTER, tmp_path, events=events) as running:
        kinds = ("pyroscope.relabel.r", "pyroscope.enrich.e", "pyroscope.write.w")
        receivers = [running.controller.component("", each).exports.receiver for each in kinds]
        await running.load("")
    with events.subscribe() as subscription:
        for component, receiver in zip(kinds, receivers, strict=True):
            for call in (receiver.append, receiver.append_ingest):
                with pytest.raises(DeliveryError, match="has exited"):
                    await call(push() if call == receiver.append else ingest())
                (failed,) = events_of(subscription)
                assert isinstance(failed, Failed)
                assert (failed.component, failed.reason) == (component, f"{component} has exited")


async def test_a_delivery_that_has_not_begun_at_any_server_is_seen_as_failed() -> None:
    events = Events()
    given = arguments(endpoint("http://127.0.0.1:9"), endpoint("http://127.0.0.1:10"))
    async with writing(given, events=events) as running:
        with events.subscribe() as subscription:
            delivering = asyncio.ensure_future(running.receiver.append_ingest(ingest()))
            await asyncio.sleep(0)
            delivering.cancel()
            await asyncio.wait([delivering])
            lost = events_of(subscription)
    assert [each.reason for each in lost if isinstance(each, Failed)] == ["cancelled"] * 2
    assert {each.endpoint for each in lost if isinstance(each, Failed)} == {
        "http://127.0.0.1:9",
        "http://127.0.0.1:10",
    }


class Unseen(Events):
    """Fails when an event is made although nobody listens."""

    def publish(self, event: Event) -> None:
        raise AssertionError(event)


async def test_nothing_is_made_while_nobody_listens(tmp_path: Path) -> None:
    events = Unseen()
    with events.subscribe():
        assert events.wanted
    assert not events.wanted
    async with scripted(answering(INGEST_OK)) as backend:
        text = CONFIG.replace("PORT", str(backend.port))
        async with pipeline(text, tmp_path, events=events) as running:
            assert (await ask(running.port, "/ingest?name=app", b"raw")).status == 200


class Bytes(bytearray):
    """Can be watched."""


def test_a_subscriber_that_does_not_take_holds_no_more_than_its_bounds() -> None:
    events = Events()
    with events.subscribe(most_events=10, most_bytes=100) as slow, events.subscribe() as other:
        first = Bytes(b"x" * 30)
        watch = weakref.ref(first)
        events.publish(Received("c", {}, [first]))
        del first
        for number in range(20):
            events.publish(Received("c", {"n": str(number)}, [bytes(30)]))
        taken = slow.take()
        assert [noted.event.labels["n"] for noted in taken.events] == [
            str(number) for number in range(10, 20)
        ]
        assert [len(noted.event.body) for noted in taken.events] == [0] * 7 + [1] * 3
        assert {noted.size for noted in taken.events} == {30}
        assert taken.missed == 11
        assert slow.take() == ([], 0)
        events.publish(Received("c", {}, [bytes(101)]))
        (large,) = slow.take().events
        assert (large.event.body, large.size) == ((), 101)
        assert len(other.take().events) == 22
    gc.collect()
    assert watch() is None


def test_a_body_counts_once_and_with_all_of_its_buffer() -> None:
    events = Events()
    request = bytes(100)
    views = [memoryview(request)[at : at + 10] for at in (0, 10)]
    with events.subscribe(most_events=10, most_bytes=150) as subscription:
        for view in (*views, *views):
            events.publish(Received("c", {}, [view]))
        assert all(noted.event.body for noted in subscription.take().events)
        bodies: list[Body] = [[views[0]], [views[1], bytes(51)], [b"small"]]
        for body in bodies:
            events.publish(Received("c", {}, body))
        assert [len(noted.event.body) for noted in subscription.take().events] == [0, 0, 1]


def test_a_request_of_many_series_is_published_in_part() -> None:
    events = Events()
    made = []

    def make(number: int) -> Event:
        made.append(number)
        return Received("c", {"n": str(number)}, [])

    with events.subscribe() as subscription:
        events.publish_each(map(make, range(100_000)), 100_000)
        taken = subscription.take()
    assert len(taken.events) == len(made) == MOST_OF_A_REQUEST
    assert taken.missed == 100_000 - MOST_OF_A_REQUEST


def test_a_subscriber_that_fails_ends_only_its_own_subscription() -> None:
    events = Events()
    with events.subscribe() as staying:
        with pytest.raises(ZeroDivisionError), events.subscribe():
            events.publish(Received("c", {}, []))
            raise ZeroDivisionError
        assert events.wanted
        events.publish(Received("c", {}, []))
        assert len(staying.take().events) == 2
