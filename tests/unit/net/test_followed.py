"""Values made from files: what waits for a hanging file, and how long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloypy.net import followed
from alloypy.net.followed import Followed, UnusableError

pytestmark = pytest.mark.anyio


class Source:
    """Makes numbers that count up; hangs while it is closed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "file"
        self.path.write_text("")
        self.open = threading.Event()
        self.open.set()
        self.made = 0
        self.told: list[str] = []
        self.followed = Followed(self._make, [str(self.path)], str, self.told.append)

    def _make(self) -> int:
        self.open.wait()
        self.made += 1
        return self.made


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    made = Source(tmp_path)
    yield made
    made.open.set()


async def settled(source: Source) -> None:
    """Wait until no check of the file is running."""
    while source.followed._look is not None:
        await asyncio.sleep(0.001)


async def test_within_a_second_nothing_is_looked_at(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(followed, "PATIENCE_SECONDS", 60.0)
    assert [await source.followed.get() for _ in range(3)] == [1, 1, 1]
    now += 0.9
    assert await source.followed.get() == 1
    now += 0.2
    assert await source.followed.get() == 2


async def test_a_value_that_there_never_was_is_waited_for(source: Source) -> None:
    source.open.clear()
    with pytest.raises(TimeoutError):
        await source.followed.get(0.01)
    waiting = [asyncio.create_task(source.followed.get()) for _ in range(3)]
    await asyncio.sleep(0.01)
    source.open.set()
    assert await asyncio.gather(*waiting) == [1, 1, 1]


async def test_a_file_that_never_answers_is_given_up(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "FILE_SECONDS", 0.05)
    source.open.clear()
    for _ in range(2):
        with pytest.raises(UnusableError, match=r"no answer within 0\.05 seconds"):
            await source.followed.get()
    source.open.set()
    monkeypatch.setattr(followed, "FILE_SECONDS", 60.0)
    assert await source.followed.get() >= 1


async def test_while_a_file_hangs_only_the_first_callers_wait_a_little(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(followed, "FILE_SECONDS", 0.2)
    assert await source.followed.get() == 1
    source.open.clear()
    assert await source.followed.get() == 1  # waited for as long as PATIENCE_SECONDS is
    monkeypatch.setattr(followed, "PATIENCE_SECONDS", 3600.0)
    for _ in range(100):
        assert await source.followed.get() == 1
    while not source.told:
        assert await source.followed.get() == 1
        await asyncio.sleep(0.01)
    assert source.followed.problem == "[Errno 110] no answer within 0.2 seconds"
    monkeypatch.setattr(followed, "FILE_SECONDS", 60.0)
    source.open.set()
    while source.followed.problem:
        await source.followed.get()
        await asyncio.sleep(0.01)
    assert source.told == ["[Errno 110] no answer within 0.2 seconds", ""]
    await settled(source)


@pytest.mark.usefixtures("watchful")
async def test_a_caller_meanwhile_shares_the_check(source: Source) -> None:
    assert await source.followed.get() == 1
    asking = [asyncio.create_task(source.followed.get()) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.gather(*asking)
    assert source.made == 2


@pytest.mark.usefixtures("watchful")
async def test_giving_up_a_question_does_not_end_the_check_for_others(source: Source) -> None:
    source.open.clear()
    first, second = (asyncio.create_task(source.followed.get()) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.wait([first])
    source.open.set()
    assert await second == 1


async def test_without_files_it_is_made_once() -> None:
    made: list[int] = []
    given = Followed(lambda: made.append(1), [], str, lambda _: None)
    await given.get()
    await given.get()
    assert made == [1]
