"""A profile that ends the process: it is found, and those beside it are not given up."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alloypy.queueing.log import Log
from alloypy.queueing.settings import LogSettings
from tests.support.queue_law import Law, law
from tests.support.recorder import Recorder
from tests.support.running import ALLOYPY, Running, free_port

COUNT = 16
DEADLY = 7
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="queues need file locks")
MORTAL = (sys.executable, "-m", "tests.support.mortal")
CONFIG = """
pyroscope.receive_http "front" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = %(port)d
  }
  forward_to = [alloypy.queue.kept.receiver]
}
alloypy.queue "kept" {
  forward_to = [pyroscope.write.out.receiver]
  disk {
    path     = "%(folder)s/queue"
    min_free = "0"
  }
}
pyroscope.write "out" {
  endpoint {
    url = "%(url)s"
  }
}
"""


def name(number: int) -> str:
    return f"{'deadly' if number == DEADLY else 'good'}{number}"


@contextmanager
def alloypy(folder: Path, port: int, url: str, command: tuple[str, ...] = ALLOYPY) -> Iterator[Running]:
    (folder / "config.alloy").write_text(CONFIG % {"port": port, "folder": folder, "url": url})
    arguments = ["--stability.level=experimental", "--storage.path=data", "config.alloy"]
    with Running(arguments, folder, command=command) as running:
        yield running


async def dead_letters(folder: Path) -> list[tuple[str, str]]:
    """The query and the reason of each dead letter."""
    log = await Log.open(str(folder / "queue"), settings=LogSettings(min_free=0), destinations=None)
    try:
        found = []
        for seq in await log.dead_letters("pyroscope.write.out"):
            letter = await log.dead_letter("pyroscope.write.out", seq)
            assert letter is not None
            found.append((letter.record.meta.decode(), letter.words))
        return found
    finally:
        await log.close()


def test_only_the_profile_that_ends_the_process_is_given_up(tmp_path: Path) -> None:
    port = free_port()
    with alloypy(tmp_path, port, f"http://127.0.0.1:{free_port()}") as running:
        running.wait_until_ready()
        for number in range(COUNT):
            url = f"http://127.0.0.1:{port}/ingest?name={name(number)}"
            with urllib.request.urlopen(url, data=b"main 10") as answer:
                assert answer.status == 200
        assert running.stop() == 0
    ends = 0
    with Recorder() as server:
        while ends < 10:
            with alloypy(tmp_path, port, server.url, MORTAL) as running:
                found = settled(running)
                if found is not None:
                    assert running.stop() == 0
                    assert running.text.count("ended three times") == 1
                    break
            ends += 1
    assert found == Law(stored=COUNT, delivered=COUNT - 1, dropped=0, dead=1, waiting=0)
    assert ends == 5  # twice among others, three times alone
    arrived = Counter(request.query["name"].partition("{")[0] for request in server.requests)
    assert set(arrived) == {name(number) for number in range(COUNT) if number != DEADLY}
    ((meta, words),) = asyncio.run(dead_letters(tmp_path))
    assert name(DEADLY) in meta
    assert words == "the process ended while it was being delivered"


def settled(running: Running) -> Law | None:
    """The law once nothing waits; None if the process has ended before that."""
    while running.process.poll() is None:
        with contextlib.suppress(OSError):
            found = law(running.get("/metrics").text)
            if found.stored and not found.waiting:
                return found
        time.sleep(0.02)
    return None
