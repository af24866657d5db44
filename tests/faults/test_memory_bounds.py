"""Whatever clients send, a process takes no more memory than its budget allows, and serves the others."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.attacks import Attack, attacks, large_label, large_name
from tests.support.counts import FULL, repeated
from tests.support.receiving import connected, request_bytes
from tests.support.running import Running, free_port

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc"),
]

MEBIBYTE = 1 << 20
LIMIT = 320 * MEBIBYTE
BUDGET = LIMIT // 4
AT_ONCE = 6
LONGEST_ANSWER = 10_000
LONGEST_LINE = 40_000

CONFIG = """
pyroscope.receive_http "r" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = %d
  }
  forward_to = [pyroscope.relabel.r.receiver]
}
pyroscope.relabel "r" {
  rule {
    action        = "replace"
    target_label  = "added"
    replacement   = "x"
  }
  forward_to = [pyroscope.write.w.receiver]
}
pyroscope.write "w" {
  endpoint {
    url = "http://127.0.0.1:%d"
  }
}
"""


def peak(process: int) -> int:
    """The peak memory of a process, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found.group(1)) * 1024


def mixed(scale: float) -> Iterator[Attack]:
    """Attacks of every kind, and many with unique labels and names."""
    for number in range(repeated(400)):
        yield large_label(0.5 if number % 2 else 0.01, number)
        yield large_name(1.0 if number % 2 else 0.003, number)
    for _ in range(repeated(20)):
        yield from attacks(scale)


@contextlib.asynccontextmanager
async def backend() -> AsyncIterator[int]:
    """A server that takes profiles with heads of any size; its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(size[1]) if size else 0)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nContent-Length: 0\r\n\r\n"
                )
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=16 * MEBIBYTE)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def strike(port: int, waiting: Iterator[Attack]) -> None:
    """Send attacks one after the other, and look at their answers."""
    for attack in waiting:
        async with connected(port) as client:
            await client.send(attack.request)
            reply = await client.reply()
        assert reply.status in attack.statuses, (attack.request[:300], reply.status, reply.body[:300])
        assert len(reply.body) < LONGEST_ANSWER


async def serve(port: int, ending: asyncio.Event) -> int:
    """An honest client meanwhile: each of its profiles is accepted, or refused with 503."""
    taken = 0
    while not ending.is_set():
        async with connected(port) as client:
            await client.send(request_bytes("/ingest?name=honest", b"profile"))
            status = (await client.reply()).status
        assert status in (200, 503)
        taken += status == 200
        await asyncio.sleep(0.05)
    return taken


async def test_no_attack_holds_the_event_loop(tmp_path: Path) -> None:
    port = free_port()
    async with backend() as sink:
        (tmp_path / "c.alloy").write_text(CONFIG % (port, sink))
        arguments = ("--stability.level=public-preview", "--storage.path=data", "c.alloy")
        with Running(arguments, tmp_path, watchdog=True) as running:
            await asyncio.to_thread(running.wait_until_ready)
            await strike(port, attacks(1.0 if FULL else 0.2))
            assert await asyncio.to_thread(running.stop) == 0
    assert "Traceback" not in running.text, running.text[-5000:]


@pytest.mark.timeout(600)
async def test_any_mix_of_attacks_stays_within_the_budget(tmp_path: Path) -> None:
    port = free_port()
    async with backend() as sink:
        (tmp_path / "c.alloy").write_text(CONFIG % (port, sink))
        limited = ("sh", "-c", f'ulimit -d {LIMIT // 1024}; exec "$@"', "sh", sys.executable, "-m", "alloypy")
        arguments = ("--stability.level=public-preview", "--storage.path=data", "c.alloy")
        with Running(arguments, tmp_path, command=limited) as running:
            await asyncio.to_thread(running.wait_until_ready)
            ending = asyncio.Event()
            honest = asyncio.create_task(serve(port, ending))
            waiting = mixed(1.0 if FULL else 0.2)
            await asyncio.gather(*(strike(port, waiting) for _ in range(AT_ONCE)))
            ending.set()
            assert await honest > 0
            most = peak(running.process.pid)
            assert await asyncio.to_thread(running.stop) == 0
    assert most < 60 * MEBIBYTE + 2 * BUDGET, f"{most / MEBIBYTE:.0f} MiB"
    assert max(map(len, running.log)) < LONGEST_LINE
    assert "Traceback" not in running.text, running.text[-5000:]
