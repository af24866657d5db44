"""A process that cannot start threads temporarily refuses what needs one, and serves the rest."""

from __future__ import annotations

import gzip
import os
import threading

import pytest

from alloypy.components.pyroscope.receiving import decoding
from alloypy.net.rpc import unary as connect
from alloypy.threads import Threads
from tests.support.attacks import JSON, PROTO, series, zipped
from tests.support.receiving import PUSH, Collected, arguments, connected, receiving, request_bytes

pytestmark = pytest.mark.anyio

LARGE_BODY = zipped(series({b"service_name": b"a"}, os.urandom(600_000)), PROTO)
LARGE_JSON = request_bytes(
    PUSH,
    b'{"series":[{"labels":[{"name":"service_name","value":"' + b"x" * 300_000 + b'"}]}]}',
    [JSON],
)
MANY_FIELDS = request_bytes(
    PUSH,
    gzip.compress(series({b"service_name": b"a"}) * 1500),
    [PROTO, ("Content-Encoding", "gzip")],
)


@pytest.mark.parametrize("request_", [LARGE_BODY, LARGE_JSON, MANY_FIELDS], ids=["gzip", "json", "fields"])
async def test_what_needs_a_thread_is_refused_for_now(
    request_: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool = Threads("t", 2)
    monkeypatch.setattr(decoding, "WORK", pool)
    monkeypatch.setattr(connect, "WORK", pool)
    collected = Collected()
    async with receiving(arguments(collected)) as running, connected(running.port) as client:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            await client.send(request_)
            refused = await client.reply()
        await client.send(request_)
        taken = await client.reply()
    assert (refused.status, refused.headers.get("retry-after")) == (503, "5")
    assert (taken.status, len(collected.pushes)) == (200, 1)
    assert not [line for line in running.log.lines if "request handler failed" in line]
