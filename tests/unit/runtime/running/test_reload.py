"""Reloads: the new configuration whole, or the old one whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import World, world

pytestmark = pytest.mark.anyio

GOOD = (
    'test.node "sink" { value = "1" }\n'
    'test.node "relay" { forward_to = [test.node.sink.receiver] }\n'
    'test.node "source" { forward_to = [test.node.relay.receiver] }\n'
)


async def started(w: World, text: str = GOOD) -> None:
    await w.load(text)
    await w.settled()
    w.taken_events()


def picture(w: World) -> list[tuple[object, ...]]:
    """Everything a reload could change, health messages aside."""
    return [(each.id, each.arguments, each.exports, each.health.state) for each in w.controller.components()]


async def refused(w: World, text: str) -> list[str]:
    """The errors of a refused reload, which changes nothing."""
    before = picture(w)
    faults = await w.refused(text)
    await w.settled()
    assert picture(w) == before
    assert w.controller.ready
    return faults


async def test_nothing_changed_touches_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w)
        before = picture(w)
        result = await w.load(GOOD)
        await w.settled()
        assert set(result.unchanged) == {"test.node.sink", "test.node.relay", "test.node.source"}
        assert result[:3] == ((), (), ())
        assert w.taken_events() == []
        assert picture(w) == before
        assert w.health("test.node.sink") == ("healthy", "component evaluated")


async def test_a_changed_component_is_updated_and_its_dependants_are_not(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w)
        result = await w.load(GOOD.replace('"1"', '"2"'))
        assert result.updated == ("test.node.sink",)
        await w.settled()
        assert w.taken_events() == ["prepare_update test.node.sink", "update test.node.sink"]


async def test_forecast_exports_reach_dependants_before_anything_changes(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        text = 'test.node "b" { value = test.node.a.value }\ntest.node "a" { value = "%s" }'
        await started(w, text % 1)
        await w.load(text % 2)
        await w.settled()
        assert w.taken_events() == [
            "prepare_update test.node.a",
            "prepare_update test.node.b",
            "update test.node.a",
            "update test.node.b",
        ]
        assert w.node("test.node.b").arguments.value == "2"


async def test_added_start_and_removed_stop(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w)
        result = await w.load(GOOD.replace("relay", "other"))
        assert (result.created, result.updated, result.removed) == (
            ("test.node.other",),
            ("test.node.source",),
            ("test.node.relay",),
        )
        await w.settled()
        events = w.taken_events()
        assert events.index("update test.node.source") < events.index("stop test.node.relay")
        assert "run test.node.other" in events


async def test_removed_stop_producers_first(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w)
        await w.load("")
        assert w.taken_events() == ["stop test.node.source", "stop test.node.relay", "stop test.node.sink"]
        assert w.controller.components() == []


async def test_the_same_id_of_another_kind_is_another_component(tmp_path: Path) -> None:
    imported = (
        'import.string "test" { content = "declare \\"node\\" { argument \\"x\\" { optional = true } }" }\n'
    )
    async with world(tmp_path) as w:
        await started(w, 'test.node "a" { }')
        result = await w.load(imported + 'test.node "a" { }')
        assert result.removed == ("test.node.a",)
        assert w.taken_events() == ["stop test.node.a"]
        assert w.health("test.node.a") == ("healthy", "started custom component")
        assert (await w.load('test.node "a" { }')).created == ("test.node.a",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD + 'foo "x" { }', 'config.alloy:4:1: cannot find the definition of component name "foo"'),
        (GOOD + "logging { level = 1 }", None),
        (
            GOOD.replace('"1"', "test.node.sink.value"),
            "-: self reference: test.node.sink",
        ),
        (GOOD.replace('"1"', "[1]"), "config.alloy:1:28: [1] should be string, got array"),
        (
            GOOD.replace('value = "1"', 'value = "2"\n fail = ["prepare_update"]'),
            "config.alloy:1:1: Failed to build component: updating component: prepare_update failed",
        ),
        (
            GOOD + 'test.node "new" { fail = ["prepare"] }',
            "config.alloy:4:1: Failed to build component: building component: prepare failed",
        ),
    ],
)
async def test_a_fault_changes_nothing(tmp_path: Path, text: str, expected: str | None) -> None:
    async with world(tmp_path) as w:
        await started(w)
        faults = await refused(w, text)
        if expected is not None:
            assert faults == [expected]
        assert not [e for e in w.taken_events() if e.split()[0] in {"run", "update", "stop"}]
        assert await w.load(GOOD) is not None
        assert w.controller.unhealthy() == []


async def test_an_update_that_fails_takes_back_those_before_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w)
        text = GOOD.replace('"1"', '"2"').replace(
            'test.node "source" {', 'test.node "new" { }\ntest.node "source" {\n fail = ["update"]\n'
        )
        assert await refused(w, text) == [
            "config.alloy:4:1: Failed to build component: updating component: update failed"
        ]
        events = w.taken_events()
        assert [each for each in events if each.startswith("update")] == [
            "update test.node.sink",
            "update test.node.source",
            "update test.node.source",
            "update test.node.sink",
        ]
        assert w.node("test.node.sink").arguments.value == "1"
        assert w.controller.unhealthy() == []


async def test_a_component_that_cannot_go_back_is_unhealthy(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w, 'test.node "a" { value = "1" }\ntest.node "b" { value = "1" }')
        node = w.node("test.node.b")
        node.stage = _failing_update(node.stage)  # type: ignore[method-assign,assignment]
        with pytest.raises(DiagnosticsError):
            await w.load('test.node "a" { value = "1" }\ntest.node "b" { value = "2" }')
        assert w.health("test.node.b") == (
            "unhealthy",
            "component evaluation failed: updating component: broken",
        )
        assert w.controller.unhealthy() == ["test.node"]


def _failing_update(stage: object) -> object:
    def failing(name: str, *_: object) -> None:
        if name == "update":
            from alloypy.runtime.contract.component import UpdateError

            raise UpdateError("broken")

    return failing


async def test_an_exited_component_is_built_anew(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        text = 'test.node "a" { fail = ["run"] }\ntest.node "b" { forward_to = [test.node.a.receiver] }'
        await started(w, text)
        first = w.node("test.node.a")
        result = await w.load(text)
        assert (result.created, result.updated) == (("test.node.a",), ("test.node.b",))
        assert w.node("test.node.a") is not first
        assert w.node("test.node.b").arguments.forward_to == (w.node("test.node.a").receiver,)


async def test_a_load_that_is_cancelled_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w)
        before = picture(w)
        loading = asyncio.create_task(w.load(GOOD + 'test.node "slow" { hang = ["prepare"] }'))
        await w.settled()
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading
        assert picture(w) == before
        assert (await w.load(GOOD)).unchanged


async def test_a_load_cancelled_while_it_changes_things_is_finished_first(tmp_path: Path) -> None:
    async with world(tmp_path, evaluation_deadline=0.3) as w:
        await started(w)
        text = GOOD.replace('value = "1"', 'value = "2"\n hang = ["update"]\n')
        loading = asyncio.create_task(w.load('test.node "new" { }\n' + text))
        while "update test.node.sink" not in w.taken_events():
            await asyncio.sleep(0)
        loading.cancel()
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading
        assert [each.id for each in w.controller.components()] == [
            "test.node.sink",
            "test.node.relay",
            "test.node.source",
        ]
        assert w.node("test.node.sink").arguments.value == "1"
        assert (await w.load(GOOD)).unchanged


async def test_a_load_cancelled_after_the_point_of_no_return_is_made(tmp_path: Path) -> None:
    async with world(tmp_path, shutdown_deadline=0.3) as w:
        await started(w, 'test.node "old" { hang = ["stop"] }')
        loading = asyncio.create_task(w.load(GOOD))
        while "run test.node.sink" not in w.taken_events():
            await asyncio.sleep(0)
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading
        assert next(each.id for each in w.controller.components()) == "test.node.sink"


async def test_a_component_that_does_not_answer_refuses_the_load(tmp_path: Path) -> None:
    async with world(tmp_path, evaluation_deadline=0.05) as w:
        await started(w)
        assert await refused(w, GOOD + 'test.node "slow" { hang = ["prepare"] }') == [
            "config.alloy:4:1: Failed to build component: building component: no answer within 0.05 seconds"
        ]


async def test_stopping_ends_a_load_in_progress(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w)
        loading = asyncio.create_task(w.load(GOOD + 'test.node "slow" { hang = ["prepare"] }'))
        await w.settled()
        await w.controller.stop()
        with pytest.raises(DiagnosticsError, match="alloypy is stopping"):
            await loading


async def test_loads_wait_for_each_other(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w)
        texts = [GOOD.replace('"1"', f'"{number}"') for number in range(5)]
        await asyncio.gather(*(w.load(text) for text in texts))
        await w.settled()
        assert w.node("test.node.sink").arguments.value == "4"
        assert [each.value for each in w.node("test.node.sink").updates] == ["0", "1", "2", "3", "4"]
