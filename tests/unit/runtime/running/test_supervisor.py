"""Stopping: what depends on each other one after the other, everything else at the same time.

And restarting: what has failed is rebuilt.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from alloypy.runtime.contract.component import BuildError
from alloypy.runtime.running import supervisor
from tests.support.fakes import Node, registration, world

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
    monkeypatch.setattr(supervisor, "_WARNING_SECONDS", 0.01)
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


async def test_a_component_that_failed_is_built_anew_and_its_dependants_follow(tmp_path: Path) -> None:
    async with world(tmp_path, restart_pause=0.01) as w:
        await w.load('test.node "a" { }\ntest.node "b" { forward_to = [test.node.a.receiver] }')
        await w.settled()
        failed = w.node("test.node.a")
        failed.breaks.set()
        await w.until(lambda: w.node("test.node.a") is not failed)
        await w.settled()
        assert w.health("test.node.a") == ("healthy", "started component")
        assert w.controller.unhealthy() == []
        assert w.node("test.node.b").arguments.forward_to == (w.node("test.node.a").receiver,)


async def test_what_fails_again_and_again_is_tried_ever_less(tmp_path: Path) -> None:
    async with world(tmp_path, restart_pause=0.01, random=lambda: 0.5) as w:
        loop = asyncio.get_running_loop()
        before_load = loop.time()
        await w.load('test.node "a" { fail = ["run"] }')
        for _ in range(4):
            before = w.node("test.node.a")
            await w.until(lambda old=before: w.node("test.node.a") is not old)  # type: ignore[misc]
        # 10 + 20 + 40 + 80 ms. Only the sum has a lower limit: a busy machine sees each restart late.
        assert loop.time() - before_load >= 0.14
        assert w.controller.unhealthy() == ["test.node"]


async def test_a_component_that_cannot_be_built_any_more_is_tried_again(tmp_path: Path) -> None:
    class Reluctant(Node):
        tries = 0

        async def prepare(self) -> None:
            Reluctant.tries += 1
            if 1 < Reluctant.tries < 4:
                raise BuildError("not yet")

    registry = {"test.node": registration("test.node")._replace(component=Reluctant)}
    async with world(tmp_path, restart_pause=0.01, registry=registry) as w:
        await w.load('test.node "a" { }')
        await w.settled()
        w.node("test.node.a").breaks.set()
        await w.until(lambda: Reluctant.tries == 2)
        assert w.controller.unhealthy() == ["test.node"]
        await w.until(lambda: w.health("test.node.a") == ("healthy", "started component"))
        assert Reluctant.tries == 4


async def test_what_a_reload_has_removed_is_not_restarted(tmp_path: Path) -> None:
    async with world(tmp_path, restart_pause=0.01) as w:
        await w.load('test.node "a" { fail = ["run"] }')
        await w.settled()
        await w.load('test.node "b" { }')
        w.taken_events()
        await asyncio.sleep(0.05)
        assert w.taken_events() == []


async def test_while_it_stops_nothing_is_restarted_and_it_is_not_ready(tmp_path: Path) -> None:
    async with world(tmp_path, restart_pause=0.01, shutdown_deadline=0.1) as w:
        await w.load('test.node "a" { hang = ["stop"] }\ntest.node "b" { fail = ["run"] }')
        await w.settled()
        assert w.controller.ready
        w.taken_events()
        stopping = asyncio.create_task(w.controller.stop())
        await w.settled()
        assert not w.controller.ready
        await stopping
        assert [each for each in w.taken_events() if each.startswith("init")] == []
