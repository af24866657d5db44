"""The directory of a queue: one for each, found under any name, and kept from others while it is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.queueing.errors import QueueError, WriteFailed
from alloypy.queueing.log import Log
from alloypy.queueing.settings import LogSettings
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.pipeline import pipeline
from tests.support.scripted import scripted
from tests.support.waiting import until
from tests.wire.test_queue import Server, queue, write

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["link", "x/../q", "q/v1", "q/v1/deep", "link/v1"])
async def test_two_queues_share_no_directory_under_other_names(tmp_path: Path, path: str) -> None:
    (tmp_path / "link").symlink_to("q")
    (tmp_path / "x").mkdir()
    first, second = f'disk {{\npath = "{tmp_path}/q"\n}}\n', f'disk {{\npath = "{tmp_path}/{path}"\n}}\n'
    async with scripted(Server()) as backend:
        text = write("a", backend) + queue("a", settings=first) + queue("a", settings=second, name="other")
        with pytest.raises(
            DiagnosticsError, match=r"two queues cannot share one|lie one among the files"
        ) as caught:
            async with pipeline(text, tmp_path):
                pass
    words = str(caught.value)
    assert "alloypy.queue.default" in words
    assert "alloypy.queue.other" in words


async def test_a_queue_among_the_files_of_a_stored_one_is_refused(tmp_path: Path) -> None:
    log = await Log.open(f"{tmp_path}/q", settings=LogSettings(min_free=0), destinations=["a"])
    await log.put(b"meta", [b"body"])
    await log.close()
    (tmp_path / "other" / "v1").mkdir(parents=True)
    for inside in ("q/v1", "q/v1/deep/down"):
        with pytest.raises(QueueError, match="among the files of a queue"):
            await Log.check(f"{tmp_path}/{inside}")
    assert await Log.check(f"{tmp_path}/other/v1/deep") == f"{tmp_path}/other/v1/deep"


async def test_a_deleted_lock_stops_a_queue_from_taking_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloypy.queueing.log._WATCH_SECONDS", 0.01)
    log = await Log.open(str(tmp_path), settings=LogSettings(min_free=0), destinations=["a"])
    lock = tmp_path / "v1" / "lock"
    lock.rename(tmp_path / "kept")
    await until(lambda: "lock was deleted" in log.fault)
    with pytest.raises(WriteFailed, match="lock was deleted"):
        await log.put(b"meta", [b"body"])
    lock.touch()
    assert "lock was deleted" in log.facts().fault
    (tmp_path / "kept").replace(lock)
    await until(lambda: not log.fault)
    await log.put(b"meta", [b"body"])
    await log.close()


async def test_a_size_beyond_all_limits_is_said_to_be_too_large(tmp_path: Path) -> None:
    async with scripted(Server()) as backend:
        text = queue("a", settings='max_size = "99999999TiB"\n') + write("a", backend)
        with pytest.raises(DiagnosticsError, match="99999999TiB is too large"):
            async with pipeline(text, tmp_path):
                pass
