"""Watching files: what counts as a change, and when everything is read regardless."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from alloypy.lang.go.duration import Duration
from alloypy.runtime.contract.watching import DETECTOR, Watch

pytestmark = pytest.mark.anyio

HOUR = Duration(3_600_000_000_000)
SHORT = Duration(1_000_000)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat files that have just been written as old."""
    monkeypatch.setattr("alloypy.files._SETTLED_NANOSECONDS", 0)


class Counted:
    """Finds one path, and counts how often it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def __call__(self) -> list[Path]:
        self.count += 1
        return [self.path]

    async def looks(self, more: int) -> None:
        wanted = self.count + more
        while self.count < wanted:
            await asyncio.sleep(0.01)


def write_again(path: Path) -> None:
    path.write_text("other")


def write_with_the_old_times(path: Path) -> None:
    before = path.stat()
    path.write_text("twos")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    new = path.with_name("new")
    new.write_text("text")
    new.replace(path)


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("change", [write_again, write_with_the_old_times, replace, Path.unlink])
async def test_a_change_is_noticed(change: Callable[[Path], object], tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("text")
    watch = Watch(lambda: [file], "fsnotify", HOUR)
    watch.mark()
    change(file)
    await watch.changed()


@pytest.mark.usefixtures("steady")
async def test_without_a_change_nothing_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("text")
    counted = Counted(file)
    watch = Watch(counted, "fsnotify", HOUR)
    watch.mark()
    waiting = asyncio.create_task(watch.changed())
    await counted.looks(3)
    assert not waiting.done()
    replace(file)
    await waiting


@pytest.mark.usefixtures("steady")
async def test_a_file_that_appears_is_noticed(tmp_path: Path) -> None:
    counted = Counted(tmp_path / "f")
    watch = Watch(counted, "fsnotify", HOUR)
    watch.mark()
    waiting = asyncio.create_task(watch.changed())
    await counted.looks(2)
    assert not waiting.done()
    counted.path.write_text("text")
    await waiting


async def test_what_has_just_been_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("text")
    watch = Watch(lambda: [file], "fsnotify", HOUR)
    watch.mark()
    await watch.changed()


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize(("detector", "looks"), [("poll", 0), ("fsnotify", 2)])
async def test_the_period_ends_the_waiting_in_any_case(detector: str, looks: int, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("text")
    counted = Counted(file)
    watch = Watch(counted, detector, Duration(600_000_000))
    watch.mark()
    await watch.changed()
    assert counted.count == 1 + looks


@pytest.mark.usefixtures("steady")
async def test_a_path_that_no_system_takes_is_a_state_too(tmp_path: Path) -> None:
    counted = Counted(Path("a\0b"))
    watch = Watch(counted, "fsnotify", HOUR)
    watch.mark()
    waiting = asyncio.create_task(watch.changed())
    await counted.looks(2)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_the_shortest_period_leaves_time_for_others() -> None:
    await Watch(list, "poll", SHORT).changed()


def test_detectors() -> None:
    assert [DETECTOR.parse(text) for text in ("", "fsnotify", "poll")] == ["fsnotify", "fsnotify", "poll"]
    with pytest.raises(ValueError, match=r'^unrecognized detector "a\\"b", expected fsnotify or poll$'):
        DETECTOR.parse('a"b')
