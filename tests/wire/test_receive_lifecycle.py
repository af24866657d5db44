"""pyroscope.receive_http starts, accepts new arguments, drains and stops."""

from __future__ import annotations

import asyncio

import pytest

from alloypy.components.pyroscope.receive_http import registration
from alloypy.lang.go.duration import Duration
from alloypy.runtime.contract.component import Stability, UpdateError
from tests.support.loops import both_event_loops
from tests.support.receiving import (
    PUSH,
    Collected,
    Receiving,
    arguments,
    ask,
    connected,
    receiving,
    request_bytes,
)
from tests.support.running import free_port

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops


INGEST = request_bytes("/ingest?name=a", b"abc")


def seconds(count: float) -> Duration:
    return Duration(int(count * 1e9))


async def refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


def test_it_is_a_public_preview() -> None:
    assert (registration.name, registration.stability) == ("pyroscope.receive_http", Stability.PUBLIC_PREVIEW)


# Stopping


async def test_requests_in_flight_finish_when_it_stops() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver, connected(receiver.port) as client:
        collected.gate.clear()
        await client.send(INGEST)
        await collected.entered.wait()
        stopping = asyncio.create_task(receiver.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        collected.gate.set()
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        await stopping
    assert len(collected.ingests) == 1
    assert receiver.metric("dropped_profiles_total", reason="shutdown") is None
    assert "INFO terminating due to context done {}" in receiver.log.lines


async def test_while_it_stops_new_requests_are_sent_away() -> None:
    collected = Collected()
    async with (
        receiving(arguments(collected)) as receiver,
        connected(receiver.port) as busy,
        connected(receiver.port) as idle,
    ):
        await idle.send(request_bytes("/nope"))
        assert (await idle.reply()).status == 404
        collected.gate.clear()
        await busy.send(INGEST)
        await collected.entered.wait()
        port = receiver.port
        stopping = asyncio.create_task(receiver.stop())
        await asyncio.sleep(0.05)
        receiver.sockets.close()  # as the controller does once nothing claims the address
        assert await refuses(port)
        await idle.send(INGEST)
        reply = await idle.reply()
        assert (reply.status, reply.headers["retry-after"], reply.headers["connection"]) == (
            503,
            "5",
            "close",
        )
        assert await idle.ended()
        collected.gate.set()
        assert (await busy.reply()).status == 200
        await stopping
    assert len(collected.ingests) == 1


@pytest.mark.parametrize("target", ["/ingest?name=a", PUSH])
async def test_what_does_not_finish_in_time_is_counted_and_logged_as_dropped(target: str) -> None:
    collected = Collected()
    given = arguments(collected, graceful_shutdown_timeout=seconds(0.05))
    body = b"\x0a\x04\x12\x02\x0a\x00" if target == PUSH else b"abc"
    async with receiving(given) as receiver, connected(receiver.port) as client:
        collected.gate.clear()
        await client.send(request_bytes(target, body, [("Content-Type", "application/proto")]))
        await collected.entered.wait()
        await receiver.stop()
        reply = await client.reply()
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert await client.ended()
    assert receiver.metric("dropped_profiles_total", reason="shutdown") == 1
    assert "WARNING profiles dropped at shutdown {'profiles': 1}" in receiver.log.lines
    assert any(
        line.startswith("WARNING requests cut off at shutdown {'requests': 1,") for line in receiver.log.lines
    )


async def test_the_process_deadline_bounds_the_drain_too() -> None:
    collected = Collected()
    async with (
        receiving(arguments(collected), shutdown_deadline=0.05) as receiver,
        connected(receiver.port) as client,
    ):
        collected.gate.clear()
        await client.send(INGEST)
        await collected.entered.wait()
        await receiver.stop()
        assert (await client.reply()).status == 503


async def test_half_a_request_is_cut_off_without_being_counted_as_a_profile() -> None:
    given = arguments(Collected(), graceful_shutdown_timeout=seconds(0.05))
    async with receiving(given) as receiver, connected(receiver.port) as client:
        await client.send(INGEST[:-1])
        while receiver.metric("inflight_requests", method="POST", route="ingest") != 1:
            await asyncio.sleep(0)
        await receiver.stop()
        assert (await client.reply()).status == 503
    assert receiver.metric("dropped_profiles_total", reason="shutdown") is None


async def test_a_second_cancellation_ends_the_drain_immediately() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver, connected(receiver.port) as client:
        collected.gate.clear()
        await client.send(INGEST)
        await collected.entered.wait()
        assert receiver.task is not None
        receiver.task.cancel()
        await asyncio.sleep(0.05)
        assert not receiver.task.done()
        await receiver.stop()
        assert receiver.task.done()


# New arguments


async def update_under_load(receiver: Receiving, old: Collected, new: Collected, **changes: object) -> None:
    """Send a request and update: it must finish as it began, and the next one must use the new arguments."""
    async with connected(receiver.port) as client:
        old.gate.clear()
        await client.send(INGEST)
        await old.entered.wait()
        await receiver.update(arguments(new, **changes))  # type: ignore[arg-type]
        assert (await ask(receiver.port, "/ingest?name=b", b"abc")).status == 200
        assert [each.labels["__name__"] for each in new.ingests] == ["b"]
        old.gate.set()
        assert (await client.reply()).status == 200
    assert [each.labels["__name__"] for each in old.ingests] == ["a"]


async def test_new_destinations_take_effect_without_a_new_server() -> None:
    old, new = Collected(), Collected()
    port = free_port()
    async with receiving(arguments(old, http={"listen_port": port})) as receiver:
        server = receiver.server
        await update_under_load(receiver, old, new, http={"listen_port": port})
        assert receiver.server is server


async def test_a_changed_server_moves_without_dropping_what_is_in_flight() -> None:
    old, new = Collected(), Collected()
    first, second = free_port(), free_port()
    async with receiving(arguments(old, http={"listen_port": first})) as receiver:
        await update_under_load(receiver, old, new, http={"listen_port": second})
        while receiver.component._stopping:
            await asyncio.sleep(0.001)
        receiver.sockets.close()
        assert await refuses(first)
        assert receiver.port == second


async def test_other_timeouts_on_the_same_address_lose_no_connection() -> None:
    old, new = Collected(), Collected()
    port = free_port()
    async with receiving(arguments(old, http={"listen_port": port})) as receiver:
        changed = {"listen_port": port, "server_read_timeout": seconds(5)}
        await update_under_load(receiver, old, new, http=changed)
        for _ in range(50):
            assert (await ask(port, "/ingest?name=a", b"abc")).status == 200


async def test_a_smaller_limit_takes_effect_immediately() -> None:
    collected = Collected()
    port = free_port()
    async with receiving(arguments(collected, http={"listen_port": port})) as receiver:
        assert (await ask(port, "/ingest?name=a", b"abc")).status == 200
        await receiver.update(arguments(collected, http={"listen_port": port}, max_body_size=2))
        assert (await ask(port, "/ingest?name=a", b"abc")).status == 413


async def test_arguments_that_cannot_work_change_nothing() -> None:
    collected = Collected()
    port = free_port()
    async with receiving(arguments(collected, http={"listen_port": port})) as receiver:
        with pytest.raises(UpdateError, match="forward_headers"):
            await receiver.update(arguments(forward_headers=("X-A",), http={"listen_port": port}))
        assert (await ask(port, "/ingest?name=a", b"abc")).status == 200
    assert len(collected.ingests) == 1


async def test_old_arguments_can_be_put_back() -> None:
    collected = Collected()
    first, second = free_port(), free_port()
    old = arguments(collected, http={"listen_port": first})
    async with receiving(old) as receiver:
        await receiver.update(arguments(collected, http={"listen_port": second}))
        assert (await ask(second, "/ingest?name=a", b"abc")).status == 200
        await receiver.update(old)
        assert (await ask(first, "/ingest?name=a", b"abc")).status == 200


async def test_what_has_no_effect_is_said() -> None:
    from alloypy.components.pyroscope.receiving.blocks import GRPC, HTTP2

    given = arguments(Collected(), http={"http2": HTTP2(enabled=True)}, grpc=GRPC(listen_port=9999))
    async with receiving(given) as receiver:
        assert "WARNING HTTP/2 is not served yet: clients are served over HTTP/1.1 {}" in receiver.log.lines
        assert "WARNING the grpc block has no effect: no gRPC port is opened {}" in receiver.log.lines
        assert await refuses(9999)


# Connections and metrics


async def test_a_kept_connection_to_the_old_server_is_still_served_once() -> None:
    old, new = Collected(), Collected()
    first, second = free_port(), free_port()
    async with (
        receiving(arguments(old, http={"listen_port": first})) as receiver,
        connected(first) as kept,
        connected(first) as busy,
    ):
        await kept.send(INGEST)
        assert (await kept.reply()).status == 200
        old.gate.clear()
        await busy.send(INGEST)
        await asyncio.sleep(0.01)
        await receiver.update(arguments(new, http={"listen_port": second}))
        await asyncio.sleep(0.01)
        await kept.send(INGEST)
        reply = await kept.reply()
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert len(new.ingests) == 1
        old.gate.set()
        assert (await busy.reply()).status == 200


async def test_connections_beyond_the_limit_wait_for_their_turn() -> None:
    given = arguments(Collected(), http={"conn_limit": 1})
    async with (
        receiving(given) as receiver,
        connected(receiver.port) as first,
        connected(receiver.port) as second,
    ):
        # Either may have been accepted first; exactly one is served.
        await first.send(INGEST)
        await second.send(INGEST)
        replies = {asyncio.create_task(first.reply()): first, asyncio.create_task(second.reply()): second}
        done, waiting = await asyncio.wait(replies, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.05)
        assert (len(done), len(waiting)) == (1, 1)
        assert receiver.metric("tcp_connections", protocol="http") == 1
        served, left = done.pop(), waiting.pop()
        assert served.result().status == 200
        await replies[served].close()
        assert (await left).status == 200


async def test_a_body_that_ends_early_is_reported_once_and_with_its_reason() -> None:
    async with receiving(arguments(Collected())) as receiver:
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        writer.write(b"POST /ingest?name=a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n123")
        writer.write_eof()
        assert (await reader.read()).startswith(b"HTTP/1.1 500 ")
        writer.close()
        (told,) = (line for line in receiver.log.lines if line.startswith("WARNING"))
        assert "Failed to read request body" in told
        assert (
            receiver.metric(
                "request_duration_seconds_count", method="POST", route="ingest", status_code="500", ws="false"
            )
            == 1
        )


NOT_SERVED = (
    "404 page not found\n"
    "profiles are taken at /ingest and /push.v1.PusherService/Push: "
    "the server URL of a client is http://HOST:PORT, without a path\n"
)


async def test_metrics_have_alloys_names_and_labels() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver:
        await ask(receiver.port, "/ingest?name=a", b"abc")
        await ask(receiver.port, PUSH, b"{}", [("Content-Type", "application/json")])
        await ask(receiver.port, "/nope", b"abc")
        await ask(receiver.port, "/ingest", method="GET")
        metric = receiver.metric
        seconds_count = "request_duration_seconds_count"
        common = {"method": "POST", "ws": "false"}
        assert metric(seconds_count, route="ingest", status_code="200", **common) == 1
        assert metric(seconds_count, route="push_v1_pusherservice", status_code="200", **common) == 1
        assert metric(seconds_count, route="other", status_code="404", **common) == 1
        assert metric(seconds_count, route="other", status_code="405", method="GET", ws="false") == 1
        assert metric("request_message_bytes_sum", method="POST", route="ingest") == 3
        assert metric("request_message_bytes_bucket", method="POST", route="ingest", le="4.0") == 1
        assert metric("response_message_bytes_sum", method="POST", route="other") == len(NOT_SERVED)
        assert metric("inflight_requests", method="POST", route="ingest") == 0
        assert metric("tcp_connections_limit", protocol="http") == 16384
        assert metric("tcp_connections_limit", protocol="grpc") == 0
        assert metric("tcp_connections", protocol="grpc") == 0
        assert metric("grpc_concurrent_streams_limit") == 100


async def test_a_failed_request_is_logged_without_its_query() -> None:
    def fail(_: object) -> None:
        raise RuntimeError("boom")

    async with receiving(arguments(Collected(fail))) as receiver:
        await ask(receiver.port, "/ingest?name=secret-name", b"abc")
        (line,) = (line for line in receiver.log.lines if "(500)" in line)
        assert line.startswith("WARNING POST /ingest (500) ")
        assert 'Response: "Failed to process request: internal error\\n"' in line
        assert not any("secret-name" in line for line in receiver.log.lines)
