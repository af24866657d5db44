"""The identity of the installation, and noticing changed files."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from alloypy.services.storage import installation_id
from alloypy.services.watch import State, state_of, watch


def test_an_identity_is_made_once(tmp_path: Path) -> None:
    storage = tmp_path / "deep" / "data"
    identity = installation_id(storage)
    assert installation_id(storage) == identity
    seed = json.loads((storage / "alloy_seed.json").read_text())
    assert list(seed) == ["UID", "created_at", "version"]
    assert seed["UID"] == identity
    assert [path.name for path in storage.iterdir()] == ["alloy_seed.json"]


def test_the_identity_of_an_alloy_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "alloy_seed.json").write_text(
        '{"UID":"abc","created_at":"2026-01-01T00:00:00Z","version":"v1.18.0"}'
    )
    assert installation_id(tmp_path) == "abc"


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"UID": 5}', '{"UID": ""}', '{"UID": "a\\r\\nb"}', "\x00", "[" * 50_000, " " * 70_000],
)
def test_a_damaged_seed_is_replaced_and_told(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "alloy_seed.json").write_text(content)
    with caplog.at_level(logging.ERROR, "alloypy"):
        identity = installation_id(tmp_path)
    assert "cannot use the seed file" in caplog.text
    assert installation_id(tmp_path) == identity


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
@pytest.mark.parametrize("make", [_fifo, _endless])
def test_what_is_no_file_in_place_of_the_seed_is_replaced(
    tmp_path: Path, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path / "alloy_seed.json")
    with caplog.at_level(logging.ERROR, "alloypy"):
        identity = installation_id(tmp_path)
    assert "cannot use the seed file" in caplog.text
    assert installation_id(tmp_path) == identity


def test_a_directory_in_place_of_the_seed_stays(tmp_path: Path) -> None:
    _directory(tmp_path / "alloy_seed.json")
    assert installation_id(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["alloy_seed.json"]


def test_a_disk_that_is_full_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(path: Path, content: str, encoding: str) -> int:
        path.touch()  # a name still fits where no content does
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fill)
    assert installation_id(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_a_directory_and_a_swapped_link_are_noticed(tmp_path: Path) -> None:
    config = tmp_path / "config.alloy"
    assert state_of(str(config)) == ()
    config.write_text("")
    first = state_of(str(config))
    config.write_text("a = 1")
    assert state_of(str(config)) != first
    before = state_of(str(tmp_path))
    (tmp_path / "b.alloy").write_text("")
    assert state_of(str(tmp_path)) != before
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for version in ("v1", "v2"):
        (mounted / version).mkdir()
        (mounted / version / "c.alloy").write_text("same")
    (mounted / "..data").symlink_to("v1")
    (mounted / "c.alloy").symlink_to("..data/c.alloy")
    before = state_of(str(mounted))
    (mounted / "..data").unlink()
    (mounted / "..data").symlink_to("v2")
    assert state_of(str(mounted)) != before


class Looks:
    """Counts the checks of the files' state. answers: while cleared, the file system does not answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.answers = threading.Event()
        self.answers.set()
        monkeypatch.setattr("alloypy.services.watch.state_of", self._look)

    def _look(self, path: str) -> State:
        self.count += 1
        self.answers.wait()
        return state_of(path)

    async def more(self, times: int) -> None:
        """Wait until `count` more have begun; all before the last have ended."""
        wanted = self.count + times
        while self.count < wanted:
            await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_a_file_system_that_does_not_answer_is_no_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.alloy"
    config.write_text("one")
    looks = Looks(monkeypatch)
    calls: list[str] = []

    async def tell() -> None:
        calls.append(config.read_text())

    watching = asyncio.create_task(watch(str(config), tell, interval=0.01))
    async with asyncio.timeout(30):
        await looks.more(3)
        monkeypatch.setattr("alloypy.services.watch.FILE_SECONDS", 0.02)
        looks.answers.clear()
        await looks.more(1)
        await asyncio.sleep(0.1)
        config.write_text("two!")
        assert calls == []
        monkeypatch.setattr("alloypy.services.watch.FILE_SECONDS", 60.0)
        looks.answers.set()
        while not calls:
            await asyncio.sleep(0.01)
    watching.cancel()
    assert calls == ["two!"]


@pytest.mark.anyio
async def test_a_change_is_reported_once_and_when_it_has_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.alloy"
    config.write_text("one")
    looks = Looks(monkeypatch)
    changed = asyncio.Event()
    calls: list[str] = []

    async def tell() -> None:
        calls.append(config.read_text())
        changed.set()

    watching = asyncio.create_task(watch(str(config), tell, interval=0.01))
    async with asyncio.timeout(30):
        await looks.more(2)
        assert calls == []
        config.write_text("two!")
        await changed.wait()
        await looks.more(3)
    watching.cancel()
    assert calls == ["two!"]
