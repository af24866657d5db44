"""Stopping: what depends on each other one after the other, everything else at the same time."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from alloypy.runtime import supervisor
from tests.support.fakes import world

pytestmark = pytest.mark.anyio


async def test_independent_components_stop_at_the_same_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "alloypy")
    async with world(tmp_path, shutdown_deadline=0.1) as w:
        await w.load("".join(f'test.node "n{number}" {{ hang = ["stop"] }}\n' for number in range(20)))
        await w.settled()
        caplog.clear()
        await w.controller.stop()
    messages = [each.message for each in caplog.records]
    assert messages[:20] == ["Stopping task"] * 20


async def test_a_consumer_waits_for_a_producer_that_is_slow_to_stop(tmp_path: Path) -> None:
    async with world(tmp_path, shutdown_deadline=0.1) as w:
        await w.load(
            'test.node "sink" { }\n'
            'test.node "source" {\n  forward_to = [test.node.sink.receiver]\n  hang = ["stop"]\n}\n'
        )
        await w.settled()
        w.taken_events()
        stopping = asyncio.create_task(w.controller.stop())
        await w.settled()
        assert w.taken_events() == []
        await stopping
        assert w.taken_events() == ["stop test.node.sink"]


async def test_a_slow_stop_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_WARNING_PERIOD", 0.01)
    async with world(tmp_path, shutdown_deadline=0.2) as w:
        await w.load('test.node "a" { hang = ["stop"] }')
        await w.settled()
    warnings = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert warnings
    assert {each.message for each in warnings} == {"task shutdown is taking longer than expected"}
    assert warnings[0].__dict__["fields"]["taskID"] == "test.node.a"


async def test_without_a_deadline_stopping_waits(tmp_path: Path) -> None:
    async with world(tmp_path, shutdown_deadline=0.0) as w:
        await w.load('test.node "a" { hang = ["stop"] }')
        await w.settled()
        stopping = asyncio.create_task(w.controller.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        [task] = [each for each in asyncio.all_tasks() if each.get_name() == "test.node.a"]
        task.cancel()
        await stopping
