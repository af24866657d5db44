"""For whom a batch waits: for those who were just answered, and for others while that is worth it."""

from __future__ import annotations

import asyncio

import pytest

from alloypy.queueing import company as module
from alloypy.queueing.company import Company

EVER = 3600.0


async def begun(company: Company, count: int) -> asyncio.Task[None]:
    """A batch that has begun to wait, if it does."""
    task = asyncio.create_task(company.gather(count, EVER))
    for _ in range(3):
        await asyncio.sleep(0)
    return task


@pytest.mark.anyio
async def test_all_who_were_answered_are_waited_for() -> None:
    company = Company()
    company.answered(3)
    batch = await begun(company, 1)
    company.come(2)
    assert company.is_awaited
    company.come(3)
    await batch
    assert not company.is_awaited


@pytest.mark.anyio
async def test_strangers_are_waited_for_as_long_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCHES", 2)
    company = Company()
    for _ in range(2):
        await company.gather(1, EVER)
    for _ in range(5):
        batch = await begun(company, 1)
        company.come(2)
        assert company.is_awaited
        company.end()
        await batch
    await company.gather(1, 0.001)  # nobody comes
    for _ in range(2):
        await company.gather(1, EVER)


@pytest.mark.anyio
async def test_those_who_were_expected_are_no_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCHES", 1)
    company = Company()
    await company.gather(1, EVER)
    company.answered(2)
    batch = await begun(company, 1)
    company.come(2)
    company.end()
    await batch
    await company.gather(2, EVER)
