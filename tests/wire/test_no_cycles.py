"""Forwarding leaves nothing to the cycle collector, which therefore need not run often."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.push_wire import encode_push
from tests.support.attacks import attacks
from tests.support.pipeline import pipeline
from tests.support.receiving import PUSH, connected, request_bytes
from tests.support.running import free_port
from tests.support.scripted import answering, scripted

pytestmark = pytest.mark.anyio

CONFIG = """
pyroscope.receive_http "in" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = RECV
  }
  forward_to = [pyroscope.write.out.receiver]
}
pyroscope.write "out" {
  endpoint {
    url = "http://127.0.0.1:SINK"
  }
}
"""
IMPATIENT = """
    max_backoff_retries = 1
    remote_timeout      = "100ms"
"""
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nContent-Length: 0\r\n\r\n"
SERIES = Series({"__name__": "process_cpu", "service_name": "svc"}, [RawSample(b"profile" * 200)])
REQUESTS = {
    "ingest": request_bytes("/ingest?name=svc", b"profile" * 200),
    "push": request_bytes(
        PUSH, b"".join(map(bytes, encode_push([SERIES]))), [("Content-Type", "application/proto")]
    ),
    "push of many series": request_bytes(
        PUSH, b"".join(map(bytes, encode_push([SERIES] * 30))), [("Content-Type", "application/proto")]
    ),
    "large push": request_bytes(
        PUSH,
        b"".join(map(bytes, encode_push([Series(SERIES.labels, [RawSample(bytes(300_000))])]))),
        [("Content-Type", "application/proto")],
    ),
}


@pytest.fixture
def collected() -> Iterator[list[object]]:
    """What only the cycle collector would have freed, while automatic collections are off."""
    gc.collect()
    gc.disable()
    try:
        yield gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("kind", REQUESTS)
async def test_forwarding_leaves_no_cycles(kind: str, collected: list[object], tmp_path: Path) -> None:
    async with scripted(answering(REPLY)) as sink:
        text = CONFIG.replace("SINK", str(sink.port))
        async with pipeline(text, tmp_path) as running, connected(running.port) as client:
            await client.send(REQUESTS[kind])
            assert (await client.reply()).status == 200
            gc.collect()
            gc.set_debug(gc.DEBUG_SAVEALL)
            for _ in range(3):
                await client.send(REQUESTS[kind])
                assert (await client.reply()).status == 200
            gc.collect()
            ours = [type(each).__name__ for each in collected if type(each).__module__.startswith("alloypy")]
    assert not ours


def _unanswered(how: str) -> Any:
    """A script for a server that reads a request and gives no usable answer."""

    async def script(peer: Any) -> None:
        while await peer.request() is not None:
            if how == "closed":
                return
            if how == "silent":
                await peer.closed_by_client()
            await peer.say(b"HTTP/1.1 garbage\r\n\r\n")

    return script


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("how", ["refused", "closed", "silent", "garbage"])
async def test_profiles_that_no_server_takes_leave_no_cycles(
    how: str, kind: str, collected: list[object], tmp_path: Path
) -> None:
    async with scripted(_unanswered(how)) as sink:
        port = free_port() if how == "refused" else sink.port
        text = CONFIG.replace("SINK", str(port)).replace("    url", IMPATIENT + "    url")
        async with pipeline(text, tmp_path) as running, connected(running.port) as client:
            assert not await _left_behind(client, REQUESTS[kind], collected)


@pytest.mark.parametrize("working", [True, False])
async def test_profiles_through_a_proxy_leave_no_cycles(
    working: bool, collected: list[object], tmp_path: Path
) -> None:
    async with scripted(answering(REPLY)) as sink:
        proxy = f'    proxy_url = "http://127.0.0.1:{sink.port if working else free_port()}"\n'
        text = CONFIG.replace("SINK", str(sink.port)).replace("    url", proxy + IMPATIENT + "    url")
        async with pipeline(text, tmp_path) as running, connected(running.port) as client:
            assert not await _left_behind(client, REQUESTS["large push"], collected)


@pytest.mark.parametrize("number", range(9))
async def test_refused_requests_leave_no_cycles(number: int, collected: list[object], tmp_path: Path) -> None:
    async with scripted(answering(REPLY)) as sink:
        text = CONFIG.replace("SINK", str(sink.port))
        async with pipeline(text, tmp_path) as running, connected(running.port) as client:
            assert not await _left_behind(client, list(attacks(0.01))[number].request, collected)


async def _left_behind(client: Any, request: bytes, collected: list[object]) -> list[str]:
    """What the requests of a client leave to the collector, except what the first one sets up."""
    for count in (1, 3):
        gc.collect()
        collected.clear()
        gc.set_debug(gc.DEBUG_SAVEALL if count > 1 else 0)
        for _ in range(count):
            await client.send(request)
            await client.reply()
    gc.collect()
    return [
        f"{type(each).__name__} {each!r:.200}"
        for each in collected
        if isinstance(each, FrameType) or type(each).__module__.startswith("alloypy")
    ]
