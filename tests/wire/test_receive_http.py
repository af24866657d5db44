"""pyroscope.receive_http over real sockets: bodies, limits, timeouts, failures of its destinations."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from alloypy.lang.go.duration import Duration
from alloypy.profiles.model import DeliveryError, DeliveryErrors, RawSample, Series
from alloypy.profiles.push_wire import encode_push
from alloypy.runtime.contract.component import BuildError, Stability
from alloypy.threads import WORK
from tests.support.loops import both_event_loops
from tests.support.receiving import (
    PUSH,
    Collected,
    arguments,
    ask,
    connected,
    milliseconds,
    receiving,
    request_bytes,
)

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops


PROTO = [("Content-Type", "application/proto")]
GZIPPED = [*PROTO, ("Content-Encoding", "gzip")]
LABELS = {"__name__": "process_cpu", "service_name": "svc"}


def push_of(*profiles: bytes, labels: dict[str, str] | None = None) -> bytes:
    """A Push with one series for each profile."""
    series = [Series(labels or LABELS, [RawSample(profile, f"id-{n}")]) for n, profile in enumerate(profiles)]
    return b"".join(bytes(chunk) for chunk in encode_push(series))


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def failing(*errors: DeliveryError) -> Collected:
    """A receiver that fails with these errors."""

    def fail(_: Any) -> None:
        raise errors[0] if len(errors) == 1 else DeliveryErrors(errors)

    return Collected(fail)


# Bodies


@pytest.mark.parametrize("size", [0, 1, 5_000, 70_000, 300_000, 5_000_000])
@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_bodies_of_every_size_arrive_unchanged(size: int, framing: str) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    collected = Collected()
    async with receiving(arguments(collected)) as receiver, connected(receiver.port) as client:
        for _ in range(2):  # the second over the same connection
            if framing == "length":
                await client.send(request_bytes("/ingest?name=a", body))
            else:
                head = request_bytes(
                    "/ingest?name=a", headers=[("Transfer-Encoding", "chunked")], length=False
                )
                await client.send(head, chunked(body, 100_000))
            assert (await client.reply()).status == 200
    assert [b"".join(each.body) for each in collected.ingests] == [body, body]


@pytest.mark.parametrize("size", [1, 5_000, 300_000, 5_000_000])
@pytest.mark.parametrize("packed", [False, True])
async def test_pushed_profiles_arrive_unchanged(size: int, packed: bool) -> None:
    profile = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    body = push_of(profile, profile[:10])
    collected = Collected()
    async with receiving(arguments(collected)) as receiver:
        reply = await ask(
            receiver.port, PUSH, gzip.compress(body) if packed else body, GZIPPED if packed else PROTO
        )
    assert reply.status == 200
    (push,) = collected.pushes
    assert [one.samples[0].profile for one in push.series] == [profile, profile[:10]]
    assert [one.labels for one in push.series] == [{**LABELS, "app_name": "process_cpu"}] * 2
    assert [one.position for one in push.series] == [0, 1]
    assert push.deadline is None


async def test_bodies_that_arrive_in_bits_are_put_together() -> None:
    collected = Collected()
    body = b"x" * 200_000
    async with receiving(arguments(collected)) as receiver, connected(receiver.port) as client:
        raw = request_bytes("/ingest?name=a", body) + request_bytes("/ingest?name=b", b"tail")
        for at in range(0, len(raw), 33_333):
            await client.send(raw[at : at + 33_333])
            await asyncio.sleep(0.001)
        assert (await client.reply()).status == 200
        assert (await client.reply()).status == 200
    assert [b"".join(each.body) for each in collected.ingests] == [body, b"tail"]
    assert [each.labels["__name__"] for each in collected.ingests] == ["a", "b"]


async def test_pipelined_requests_are_answered_in_order() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver, connected(receiver.port) as client:
        requests = [request_bytes(f"/ingest?name=n{n}", b"%d" % n) for n in range(20)]
        await client.send(b"".join(requests) + request_bytes("/nope"))
        assert [(await client.reply()).status for _ in range(21)] == [200] * 20 + [404]
    assert [each.labels["__name__"] for each in collected.ingests] == [f"n{n}" for n in range(20)]


async def test_a_client_that_waits_for_the_go_ahead_gets_it() -> None:
    async with receiving(arguments(Collected())) as receiver, connected(receiver.port) as client:
        head, _, _ = request_bytes("/ingest?name=a", b"abc", [("Expect", "100-continue")]).partition(b"abc")
        await client.send(head)
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"abc")
        assert (await client.reply()).status == 200


async def test_a_client_that_has_said_all_still_gets_its_answer() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver, connected(receiver.port) as client:
        collected.gate.clear()
        await client.send(request_bytes("/ingest?name=a", b"abc"))
        client.writer.write_eof()
        await collected.entered.wait()
        collected.gate.set()
        assert (await client.reply()).status == 200
        assert await client.ended()


async def test_headers_of_the_client_are_dropped_except_those_of_the_body() -> None:
    collected = Collected()
    headers = [
        ("Content-Type", "a/b"),
        ("Content-Encoding", "gzip"),
        ("Authorization", "Basic dTpw"),
        ("X-Scope-OrgID", "t1"),
    ]
    async with receiving(arguments(collected)) as receiver:
        await ask(receiver.port, "/ingest?name=a&from=1;2&x=%zz", b"abc", headers)
    (profile,) = collected.ingests
    assert profile.path == "/ingest"
    assert profile.query == "name=a&from=1;2&x=%zz"
    assert (profile.content_type, profile.content_encoding, profile.headers) == (["a/b"], "gzip", [])


# Limits


@pytest.mark.parametrize(
    ("target", "headers"),
    [("/ingest?name=a", []), (PUSH, PROTO), (PUSH, [("Content-Type", "application/json")])],
)
@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_body_beyond_the_limit_is_refused(target: str, headers: Any, framing: str) -> None:
    collected = Collected()
    async with (
        receiving(arguments(collected, max_body_size=1000)) as receiver,
        connected(receiver.port) as client,
    ):
        body = b"x" * 200_001
        if framing == "length":
            await client.send(request_bytes(target, body, headers))
        else:
            head = request_bytes(target, b"", [*headers, ("Transfer-Encoding", "chunked")], length=False)
            await client.send(head + chunked(body, 10_000))
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (413, "close")
        assert b"larger than 1000 bytes" in reply.body
        assert await client.ended()
        assert receiver.server._config.budget.held == 0
    assert not collected.ingests
    assert not collected.pushes


async def test_a_bomb_is_unpacked_only_up_to_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    async with receiving(arguments(Collected(), max_body_size=1_000_000)) as receiver:
        reply = await ask(receiver.port, PUSH, bomb, GZIPPED)
    assert reply.status == 413
    assert json.loads(reply.body)["code"] == "resource_exhausted"


@pytest.mark.parametrize("headers", [GZIPPED, [("Content-Type", "application/json")]], ids=["gzip", "json"])
async def test_what_takes_too_long_to_read_is_given_up_and_holds_up_nobody(
    headers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    run = WORK.run

    def stuck(work: Callable[[], Any], seconds: float) -> Coroutine[Any, Any, bool]:
        return run(released.wait, 0.05)

    async with receiving(arguments(Collected())) as receiver:
        with monkeypatch.context() as patched:
            patched.setattr(WORK, "run", stuck)
            reply = await ask(receiver.port, PUSH, b"x" * 300_000, headers)
        released.set()
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert json.loads(reply.body)["message"] == "the message could not be read in time"
        packed = gzip.compress(push_of(os.urandom(300_000)), 1)
        assert (await ask(receiver.port, PUSH, packed, GZIPPED)).status == 200


async def test_a_body_of_exactly_the_limit_passes() -> None:
    collected = Collected()
    async with receiving(arguments(collected, max_body_size=1000)) as receiver:
        assert (await ask(receiver.port, "/ingest?name=a", b"x" * 1000)).status == 200


async def test_beyond_the_byte_budget_clients_are_sent_away_until_there_is_room() -> None:
    collected = Collected()
    given = arguments(collected, max_bytes_in_flight=250_000)
    async with (
        receiving(given) as receiver,
        connected(receiver.port) as first,
        connected(receiver.port) as second,
    ):
        collected.gate.clear()
        await first.send(request_bytes("/ingest?name=a", b"x" * 200_000))
        await collected.entered.wait()
        for target, headers in (("/ingest?name=a", []), (PUSH, PROTO)):
            reply = await ask(receiver.port, target, b"y" * 100_000, headers)
            assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        await second.send(request_bytes(PUSH, gzip.compress(push_of(b"\0" * 100_000)), GZIPPED))
        assert (await second.reply()).status == 503
        collected.gate.set()
        assert (await first.reply()).status == 200
        reply = await ask(receiver.port, "/ingest?name=a", b"y" * 100_000)
        assert reply.status == 200


# Time


@pytest.mark.parametrize(
    ("target", "headers", "status", "text"),
    [
        ("/ingest?name=a", [], 500, b""),
        (PUSH, PROTO, 504, b'{"code":"deadline_exceeded","message":"read message: i/o timeout"}'),
    ],
)
async def test_a_body_that_stalls_is_given_up(target: str, headers: Any, status: int, text: bytes) -> None:
    given = arguments(Collected(), http={"server_read_timeout": milliseconds(100)})
    async with receiving(given) as receiver, connected(receiver.port) as client:
        await client.send(request_bytes(target, b"x" * 100_000, headers)[:-50_000])
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"], reply.body) == (status, "close", text)
        assert await client.ended()
        assert receiver.server._config.budget.held == 0


@pytest.mark.parametrize("sent", [b"", b"POST /ingest HTTP/1.1\r\nHost: x\r\nA: "])
async def test_a_head_that_stalls_is_given_up_without_a_word(sent: bytes) -> None:
    given = arguments(Collected(), http={"server_read_timeout": milliseconds(50)})
    async with receiving(given) as receiver, connected(receiver.port) as client:
        await client.send(sent)
        assert await client.ended()


async def test_an_idle_connection_is_closed() -> None:
    given = arguments(Collected(), http={"server_idle_timeout": milliseconds(50)})
    async with receiving(given) as receiver, connected(receiver.port) as client:
        await client.send(request_bytes("/ingest?name=a", b"abc"))
        assert (await client.reply()).status == 200
        assert await client.ended()


async def test_an_answer_that_comes_too_late_is_not_given_but_the_profile_is_delivered() -> None:
    collected = Collected()
    given = arguments(collected, http={"server_write_timeout": milliseconds(50)})
    async with receiving(given) as receiver, connected(receiver.port) as client:
        collected.gate.clear()
        await client.send(request_bytes("/ingest?name=a", b"abc"))
        await collected.entered.wait()
        await asyncio.sleep(0.1)
        collected.gate.set()
        assert await client.ended()
    assert len(collected.ingests) == 1


async def test_timeouts_of_zero_never_pass() -> None:
    collected = Collected()
    none = {f"server_{kind}_timeout": Duration(0) for kind in ("read", "write", "idle")}
    async with receiving(arguments(collected, http=none)) as receiver, connected(receiver.port) as client:
        await client.send(request_bytes("/ingest?name=a", b"abc")[:-1])
        await asyncio.sleep(0.05)
        await client.send(b"c")
        assert (await client.reply()).status == 200


async def test_the_deadline_of_a_client_travels_with_its_push() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver:
        before = asyncio.get_running_loop().time()
        await ask(receiver.port, PUSH, push_of(b"x"), [*PROTO, ("Connect-Timeout-Ms", "60000")])
    (push,) = collected.pushes
    assert push.deadline is not None
    assert before + 60 <= push.deadline <= before + 120


async def test_a_deadline_ends_the_wait_for_a_body() -> None:
    async with receiving(arguments(Collected())) as receiver, connected(receiver.port) as client:
        raw = request_bytes(PUSH, push_of(b"x"), [*PROTO, ("Connect-Timeout-Ms", "50")])
        await client.send(raw[:-1])
        reply = await client.reply()
    assert (reply.status, json.loads(reply.body)["code"]) == (504, "deadline_exceeded")


# Clients that leave


async def test_a_received_profile_is_delivered_though_its_client_has_left() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver:
        collected.gate.clear()
        async with connected(receiver.port) as client:
            await client.send(request_bytes("/ingest?name=a", b"abc"))
            await collected.entered.wait()
            client.writer.transport.abort()
        collected.gate.set()
        while not collected.ingests:
            await asyncio.sleep(0)


async def test_half_a_profile_is_not_delivered() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver:
        for target, headers in (("/ingest?name=a", []), (PUSH, PROTO)):
            async with connected(receiver.port) as client:
                await client.send(request_bytes(target, b"x" * 300_000, headers)[:-1])
                client.writer.transport.abort()
        while receiver.metric("inflight_requests", method="POST", route="push_v1_pusherservice") != 0:
            await asyncio.sleep(0.001)
        assert not any("handler failed" in line for line in receiver.log.lines)
        assert receiver.server._config.budget.held == 0
    assert not collected.ingests
    assert not collected.pushes


# Destinations that fail


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (201, "Created"),
        (301, "Moved Permanently"),
        (404, "Not Found"),
        (413, "Request Entity Too Large"),
        (422, "Unprocessable Entity"),
        (499, ""),
        (503, "Service Unavailable"),
        (599, ""),
    ],
)
async def test_an_ingest_client_gets_the_status_of_the_backend(status: int, text: str) -> None:
    async with receiving(arguments(failing(DeliveryError("refused", status=status)))) as receiver:
        reply = await ask(receiver.port, "/ingest?name=a", b"abc")
        assert (reply.status, reply.body) == (status, f"{text}\n".encode())
        assert (
            "WARNING Failed to ingest profiles {'err': 'failed to ingest profile to appendable 0: refused'}"
            in (receiver.log.lines)
        )


async def test_an_ingest_client_gets_the_reason_of_the_backend() -> None:
    refused = DeliveryError("refused", status=422, reason="too old")
    async with receiving(arguments(failing(refused))) as receiver:
        reply = await ask(receiver.port, "/ingest?name=a", b"abc")
        assert (reply.status, reply.body) == (422, b"Unprocessable Entity: too old\n")
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_status_without_a_body_is_passed_on_as_such() -> None:
    given = arguments(failing(DeliveryError("refused", status=204)))
    async with receiving(given) as receiver, connected(receiver.port) as client:
        for _ in range(2):
            await client.send(request_bytes("/ingest?name=a", b"abc"))
            reply = await client.reply()
            assert reply.status == 204
            assert "content-length" not in reply.headers


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (DeliveryError("dial tcp: refused"), 500, b"Failed to process request: dial tcp: refused\n"),
        (DeliveryError("no name", code="invalid_argument"), 400, b"no name\n"),
    ],
)
async def test_an_ingest_client_is_told_what_went_wrong(
    error: DeliveryError, status: int, body: bytes
) -> None:
    async with receiving(arguments(failing(error))) as receiver:
        reply = await ask(receiver.port, "/ingest?name=a", b"abc")
    assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize(
    ("code", "backend", "status"),
    [
        ("internal", 503, 500),
        ("internal", None, 500),
        ("invalid_argument", None, 400),
        ("invalid_argument", 400, 400),
        ("unauthenticated", 401, 401),
        ("permission_denied", 403, 403),
        ("not_found", 404, 404),
        ("already_exists", 409, 409),
        ("resource_exhausted", 413, 413),
        ("invalid_argument", 422, 422),
        ("resource_exhausted", 429, 429),
        ("unimplemented", 500, 501),
        ("no such code", None, 500),
    ],
)
async def test_a_push_client_gets_the_code_and_status_of_the_backend(
    code: str, backend: int | None, status: int
) -> None:
    collected = failing(DeliveryError("refused", code=code, status=backend))
    async with receiving(arguments(collected)) as receiver:
        reply = await ask(receiver.port, PUSH, push_of(b"x"), PROTO)
    assert reply.status == status
    series = '{__name__="process_cpu", service_name="svc"}'
    assert json.loads(reply.body) == {
        "code": "internal" if code == "no such code" else code,
        "message": f"unable to append series {series} to appendable 0: refused",
    }


async def test_an_error_says_which_series_it_is_about() -> None:
    errors = DeliveryError("second", series=1), DeliveryError("all")
    body = push_of(b"x", b"y", labels={"__name__": "n"})
    async with receiving(arguments(Collected(), failing(*errors))) as receiver:
        reply = await ask(receiver.port, PUSH, body, PROTO)
    line = 'unable to append series {__name__="n"} to appendable 1: '
    assert json.loads(reply.body)["message"].split("\n") == [line + "second", line + "all", line + "all"]


async def test_one_failing_destination_does_not_keep_a_profile_from_the_other() -> None:
    healthy = Collected()
    broken = failing(DeliveryError("x", status=503))
    async with receiving(arguments(broken, healthy, broken)) as receiver:
        assert (await ask(receiver.port, "/ingest?name=a", b"abc")).status == 503
        assert (await ask(receiver.port, PUSH, push_of(b"x"), PROTO)).status == 500
    assert (len(healthy.ingests), len(healthy.pushes)) == (1, 1)


async def test_with_several_failures_the_first_status_of_a_backend_decides() -> None:
    slow = failing(DeliveryError("a", status=401))
    fast = failing(DeliveryError("b", status=404))
    nothing = failing(DeliveryError("c"))
    async with receiving(arguments(nothing, slow, fast)) as receiver:
        slow.gate.clear()
        asyncio.get_running_loop().call_later(0.05, slow.gate.set)
        assert (await ask(receiver.port, "/ingest?name=a", b"abc")).status == 404
        assert (await ask(receiver.port, "/ingest?name=a", b"abc")).status == 401


async def test_a_fault_of_a_receiver_stays_inside() -> None:
    def explode(_: Any) -> None:
        raise ZeroDivisionError("boom")

    healthy = Collected()
    async with receiving(arguments(Collected(explode), healthy)) as receiver:
        reply = await ask(receiver.port, "/ingest?name=a", b"abc")
        assert (reply.status, reply.body) == (500, b"Failed to process request: internal error\n")
        assert any("boom" in line for line in receiver.log.lines)
    assert len(healthy.ingests) == 1


async def test_a_malformed_name_is_logged_and_touches_nothing_else() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver:
        reply = await ask(receiver.port, "/ingest?name=a%7Bb-c=1%7D", b"abc")
        assert reply.status == 400
        assert any("Failed to parse labels from name parameter" in line for line in receiver.log.lines)
        assert (await ask(receiver.port, "/ingest?name=a", b"abc")).status == 200
    assert len(collected.ingests) == 1


# Destinations and passed headers


async def test_without_destinations_profiles_are_counted_as_lost() -> None:
    async with receiving(arguments()) as receiver:
        assert (await ask(receiver.port, "/ingest?name=a", b"abc")).status == 200
        assert (await ask(receiver.port, PUSH, push_of(b"x", b"y"), PROTO)).status == 200
        assert receiver.metric("dropped_profiles_total", reason="no_destination") == 3
        assert "WARNING forward_to is empty: received profiles are lost {}" in receiver.log.lines


async def test_named_headers_are_passed_on() -> None:
    collected = Collected()
    given = arguments(collected, forward_headers=("X-Scope-OrgID",))
    headers = [("x-scope-orgid", "t1"), ("X-Other", "1"), *PROTO]
    async with receiving(given, minimum_stability=Stability.EXPERIMENTAL) as receiver:
        await ask(receiver.port, "/ingest?name=a", b"abc", headers)
        await ask(receiver.port, PUSH, push_of(b"x"), headers)
    passed = [("x-scope-orgid", "t1")]
    assert list(collected.ingests[0].headers) == passed
    assert list(collected.pushes[0].headers) == passed


async def test_passing_headers_on_is_experimental() -> None:
    with pytest.raises(BuildError, match='forward_headers is at stability level "experimental"'):
        async with receiving(arguments(forward_headers=("X-Scope-OrgID",))):
            pass


def test_arguments_are_checked() -> None:
    given = arguments(max_body_size=0, max_bytes_in_flight=-1, forward_headers=("ok", "a b", "Host"))
    assert [(fault.name, fault.message) for fault in given.check()] == [
        ("max_body_size", "max_body_size must be greater than 0"),
        ("max_bytes_in_flight", "max_bytes_in_flight must not be negative"),
        ("forward_headers", 'header "a b" cannot be passed on'),
        ("forward_headers", 'header "Host" cannot be passed on'),
    ]
