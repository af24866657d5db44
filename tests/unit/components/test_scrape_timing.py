"""When scrapes begin."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from alloypy.components.pyroscope.scraping.timing import Agenda, first_after, following

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


async def test_an_agenda_calls_in_order_and_not_what_was_cancelled() -> None:
    agenda, done = Agenda(), asyncio.Event()
    calls: list[int] = []
    now = asyncio.get_running_loop().time()
    agenda.add(now + 0.06, done.set)
    for number in (3, 1, 2):
        agenda.add(now + number / 100, partial(calls.append, number))
    agenda.add(now + 0.02, partial(calls.append, 0)).cancel()
    await done.wait()
    assert calls == [1, 2, 3]


async def test_an_agenda_sleeps_until_something_is_due() -> None:
    agenda, done, turns = Agenda(), asyncio.Event(), 0
    loop = asyncio.get_running_loop()
    due = agenda._due

    def counted() -> None:
        nonlocal turns
        turns += 1
        due()

    agenda._due = counted  # type: ignore[method-assign]
    now = loop.time()
    for number in range(20):
        agenda.add(now + number * 0.0137, done.set if number == 19 else lambda: None)
    await done.wait()
    assert turns <= 60


async def test_a_closed_agenda_calls_nothing() -> None:
    agenda, calls = Agenda(), []
    agenda.add(asyncio.get_running_loop().time(), lambda: calls.append(1))
    agenda.close()
    await asyncio.sleep(0.03)
    assert not calls


def test_first_scrapes_are_spread_over_an_interval() -> None:
    waits = [first_after(15.0, spread * 7_919_000_000_000) for spread in range(200)]
    assert all(15.0 <= wait <= 30.0 for wait in waits)
    assert max(waits) - min(waits) > 10


@pytest.mark.parametrize(
    ("now", "when", "regular"), [(100.5, 115.0, 115.0), (116.0, 116.0, 115.0), (147.0, 147.0, 145.0)]
)
def test_a_slow_scrape_is_followed_by_one_and_then_by_the_regular_times(
    now: float, when: float, regular: float
) -> None:
    assert following(100.0, 15.0, now) == (when, regular)
