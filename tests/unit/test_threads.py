"""Our own threads: limited in number and time, and what hangs does not affect others."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloypy import threads
from alloypy.threads import Threads, read_file
from tests.support.running import alloypy

pytestmark = pytest.mark.anyio

LONG = 60.0


class Gate:
    """Work that ends when the gate is opened; how many are in it, and the most there have been."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.opened.wait()
        with self._lock:
            self.inside -= 1
        return "through"

    async def holds(self, count: int) -> None:
        while self.inside != count:
            await asyncio.sleep(0.001)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()


async def test_results_and_exceptions_come_back() -> None:
    pool = Threads("t", 2)
    assert await pool.run(lambda: threading.current_thread().name, LONG) == "t"
    with pytest.raises(ValueError, match="wrong"):
        await pool.run(lambda: int("wrong"), LONG)


async def test_no_more_threads_than_allowed(gate: Gate) -> None:
    pool = Threads("t", 2)
    waiting = [asyncio.create_task(pool.run(gate, LONG)) for _ in range(5)]
    await gate.holds(2)
    await asyncio.sleep(0.6)
    gate.opened.set()
    assert await asyncio.gather(*waiting) == ["through"] * 5
    assert gate.most == 2


async def test_work_that_takes_too_long_is_given_up(gate: Gate) -> None:
    pool = Threads("t", 1)
    began: list[int] = []
    for work in (gate, lambda: began.append(1)):
        with pytest.raises(TimeoutError, match=r"no answer within 0\.05 seconds"):
            await pool.run(work, 0.05)
    gate.opened.set()
    await pool.run(lambda: None, LONG)
    assert began == []


async def test_cancelled_work_never_begins(gate: Gate) -> None:
    pool = Threads("t", 1)
    began: list[int] = []
    first = asyncio.create_task(pool.run(gate, LONG))
    second = asyncio.create_task(pool.run(lambda: began.append(1), LONG))
    await gate.holds(1)
    second.cancel()
    await asyncio.wait([second])
    gate.opened.set()
    await first
    await pool.run(lambda: None, LONG)
    assert began == []
    assert pool._waiting == []


async def test_what_hangs_leaves_threads_to_others_and_they_go_again(gate: Gate) -> None:
    pool = Threads("t", 2, spare=3)
    hanging = [asyncio.create_task(pool.run(gate, LONG)) for _ in range(4)]
    await gate.holds(4)
    assert await pool.run(lambda: "served", LONG) == "served"
    gate.opened.set()
    await asyncio.gather(*hanging)
    while pool._started > 2:
        await asyncio.sleep(0.001)
    assert await pool.run(lambda: "served", LONG) == "served"


async def test_of_work_with_one_key_one_runs_at_a_time(gate: Gate) -> None:
    pool = Threads("t", 2, spare=2)
    same = [asyncio.create_task(pool.run(gate, LONG, "key")) for _ in range(3)]
    await gate.holds(1)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await pool.run(gate, 0.01, "key")
    assert await pool.run(lambda: "served", LONG, "other") == "served"
    assert len(pool._waiting) == 2
    gate.opened.set()
    assert await asyncio.gather(*same) == ["through"] * 3
    assert gate.most == 1


async def test_without_any_thread_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool = Threads("t", 2)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(TimeoutError, match="temporarily unavailable"):
        await pool.run(lambda: None, LONG)
    await asyncio.sleep(0)
    assert pool._waiting == []


async def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 3_000_000)
    assert await read_file(str(tmp_path / "f")) == b"x" * 3_000_000


async def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero"):
        with pytest.raises(threads.NotRegular, match="not a regular file"):
            await read_file(path)
    with pytest.raises(IsADirectoryError):
        await read_file(str(tmp_path))
    with pytest.raises(ValueError, match="null"):
        await read_file("a\0b")


def test_the_process_ends_though_a_thread_hangs(tmp_path: Path) -> None:
    script = """
import asyncio, time
from alloypy.threads import FILES, WORK
async def main():
    for pool in (FILES, WORK):
        try:
            await pool.run(lambda: time.sleep(3600), 0.05)
        except TimeoutError:
            print("given up")
asyncio.run(main())
"""
    done = alloypy(command=(sys.executable, "-c", script))
    assert done.stdout == "given up\n" * 2
