"""Long answers of the admin server yield the event loop to others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from alloypy.families import Family, Sample
from alloypy.runtime import pace
from alloypy.runtime.contract.options import ControllerInfo, MetricsSource
from alloypy.runtime.controller import Controller
from alloypy.services.admin.component_json import summaries
from alloypy.services.metrics import ConfigMetrics, EvaluationMetrics, metrics_text
from tests.unit.services.admin.test_admin import WRITE

pytestmark = pytest.mark.anyio


class Turns:
    """How often another task got a turn."""

    count = 0


@contextlib.asynccontextmanager
async def another_task(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Turns]:
    monkeypatch.setattr(pace, "_BREATH_SECONDS", 0.0)  # it rests after each part
    turns = Turns()

    async def go_on() -> None:
        while True:
            turns.count += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(go_on())
    try:
        yield turns
    finally:
        task.cancel()


class Told:
    """A controller with many metrics."""

    def controllers(self) -> list[ControllerInfo]:
        return []

    def metrics(self) -> list[Any]:
        family = Family("x", "", "gauge", [Sample("x", {"n": str(number)}, 1) for number in range(100)])
        return [MetricsSource("/", f"c{number}", lambda: [family]) for number in range(100)]


async def test_a_long_page_of_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    async with another_task(monkeypatch) as turns:
        text = await metrics_text(cast("Controller", Told()), EvaluationMetrics(), ConfigMetrics())
    assert text.count("x{") == 10_000
    assert turns.count > 10_000


async def test_a_long_list_of_components(monkeypatch: pytest.MonkeyPatch) -> None:
    async with another_task(monkeypatch) as turns:
        assert len(await summaries([WRITE] * 100, live=False)) == 100
    assert turns.count >= 100
