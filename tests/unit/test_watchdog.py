"""The tests' own watchdog sees a held loop, under both kinds of loop and in a process."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import watchdog
from tests.support.watchdog import Turn, Watchdog, briefly, watching


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def loops() -> list[Callable[[], asyncio.AbstractEventLoop]]:
    try:
        import uvloop
    except ImportError:
        return [asyncio.new_event_loop]
    return [asyncio.new_event_loop, uvloop.new_event_loop]


async def _hold() -> list[Turn]:
    dog = Watchdog(asyncio.get_running_loop())
    await asyncio.sleep(0.01)
    burn(0.15)
    await asyncio.sleep(0.01)
    for _ in range(20):
        burn(0.01)
        await asyncio.sleep(0)
    dog.stop()
    return dog.turns


@pytest.mark.parametrize("factory", loops())
def test_a_held_loop_is_seen_with_its_stack(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        turns = runner.run(_hold())
    assert len(turns) == 1, "many short turns are not one long one"
    assert 0.15 <= turns[0].seconds < 0.3
    assert "burn(0.15)" in turns[0].stack


@pytest.mark.anyio
async def test_half_a_second_fails() -> None:
    with pytest.raises(AssertionError, match=r"took \d+ ms of CPU"), watching():
        await asyncio.sleep(0)
        burn(0.55)
        await asyncio.sleep(0)


@pytest.mark.anyio
async def test_waiting_is_not_counted() -> None:
    with watching() as dog:
        await asyncio.sleep(0.2)
    assert not dog.turns


def test_what_needs_no_loop_has_a_limit_of_cpu_too() -> None:
    @briefly(0.05)
    def work(seconds: float) -> None:
        time.sleep(0.1)
        burn(seconds)

    work(0.0)
    with pytest.raises(AssertionError, match=r"\d+ ms of CPU; 50 ms are allowed"):
        work(0.06)
    with pytest.raises(ValueError, match="its own"), briefly(0.0):
        raise ValueError("its own")


def test_collections_of_garbage_do_not_count() -> None:
    left = [[each] for each in range(100_000)]
    began = time.thread_time()
    gc.collect()
    one = time.thread_time() - began
    with briefly(one * 3):
        for _ in range(10):
            gc.collect()
    assert len(left) == 100_000


def test_a_process_reports_its_turns(tmp_path: Path) -> None:
    (tmp_path / "held.py").write_text(
        "import asyncio, time\n"
        "async def main():\n"
        "    await asyncio.sleep(0.01)\n"
        "    while time.thread_time() < 0.6: pass\n"
        "    await asyncio.sleep(0.01)\n"
        "asyncio.run(main())\n"
    )
    report = tmp_path / "report"
    command = [sys.executable, watchdog.__file__, str(report), "-m", "held"]
    subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, check=True)
    longest = max(watchdog.read(report))
    assert longest.seconds > 0.1
    assert "main" in longest.stack
    assert not watchdog.read(report, since=longest.ended + 60)
