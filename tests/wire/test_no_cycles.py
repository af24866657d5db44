"""Forwarding leaves nothing to the cycle collector, which therefore need not run often."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.push_wire import encode_push
from tests.support.pipeline import pipeline
from tests.support.receiving import PUSH, connected, request_bytes
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
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nContent-Length: 0\r\n\r\n"
SERIES = Series({"__name__": "process_cpu", "service_name": "svc"}, [RawSample(b"profile" * 200)])
REQUESTS = {
    "ingest": request_bytes("/ingest?name=svc", b"profile" * 200),
    "push": request_bytes(
        PUSH, b"".join(map(bytes, encode_push([SERIES]))), [("Content-Type", "application/proto")]
    ),
    "large push": request_bytes(
        PUSH,
        b"".join(map(bytes, encode_push([SERIES._replace(samples=[RawSample(bytes(300_000))])]))),
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
