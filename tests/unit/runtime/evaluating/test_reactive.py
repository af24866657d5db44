"""Reactions: new exports evaluate what depends on them, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fakes import EVENTS, world

pytestmark = pytest.mark.anyio

CHAIN = (
    'test.node "a" { value = "1" }\ntest.node "b" { value = test.node.a.value }\n'
    'test.node "c" { value = test.node.b.value }\ntest.node "apart" { value = "x" }\n'
)


class Observed:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.evaluations: list[tuple[str, str]] = []
        self.waits: list[str] = []

    def evaluated(self, controller: str, node: str, seconds: float) -> None:
        assert seconds >= 0
        self.evaluations.append((controller, node))

    def waited(self, controller: str, seconds: float) -> None:
        assert seconds >= 0
        self.waits.append(controller)


async def test_new_exports_go_on_as_far_as_they_change_something(tmp_path: Path) -> None:
    observer = Observed()
    async with world(tmp_path, observer=observer) as w:
        await w.load(CHAIN)
        await w.settled()
        w.taken_events()
        w.node("test.node.a").export("2")
        await w.settled()
        assert w.taken_events() == [
            "prepare_update test.node.b",
            "update test.node.b",
            "prepare_update test.node.c",
            "update test.node.c",
        ]
        assert w.node("test.node.c").arguments.value == "2"
        assert observer.evaluations == [("", "test.node.b"), ("", "test.node.c")]
        assert observer.waits == ["", ""]
        assert w.health("test.node.b") == ("healthy", "component evaluated")
        assert w.health("test.node.apart") == ("healthy", "started component")


async def test_equal_exports_touch_nothing(tmp_path: Path) -> None:
    observer = Observed()
    async with world(tmp_path, observer=observer) as w:
        await w.load(CHAIN)
        await w.settled()
        w.taken_events()
        w.node("test.node.a").export("1")
        await w.settled()
        assert w.taken_events() == []
        assert observer.evaluations == []


async def test_equal_arguments_are_not_taken_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load('test.node "a" { value = "1" }\ntest.node "b" { forward_to = [test.node.a.receiver] }')
        await w.settled()
        w.taken_events()
        w.node("test.node.a").export("2")
        await w.settled()
        assert w.taken_events() == []


async def test_several_simultaneous_changes_make_one_evaluation(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load(
            'test.node "a" { }\ntest.node "b" { }\n'
            'test.node "c" { value = test.node.a.value + test.node.b.value }'
        )
        await w.settled()
        w.node("test.node.a").export("x")
        w.node("test.node.b").export("y")
        w.node("test.node.a").export("z")
        assert w.controller.controllers()[0].queued == 2
        await w.settled()
        assert [each.value for each in w.node("test.node.c").updates] == ["zy"]
        assert w.controller.controllers()[0].queued == 0


async def test_a_bad_value_keeps_the_last_good_one_and_shows(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load('test.node "a" { value = "1" }\ntest.node "b" { number = test.node.a.value }')
        await w.settled()
        w.node("test.node.a").export("none")
        await w.settled()
        assert w.node("test.node.b").arguments.number == 1
        assert w.health("test.node.b") == (
            "unhealthy",
            (
                "component evaluation failed: decoding configuration: config.alloy:2:26: "
                "test.node.a.value should be number, got string"
            ),
        )
        assert w.controller.unhealthy() == ["test.node"]
        w.node("test.node.a").export("3")
        await w.settled()
        assert w.node("test.node.b").arguments.number == 3
        assert w.controller.unhealthy() == []


async def test_a_refused_update_keeps_the_old_arguments(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load('test.node "a" { }\ntest.node "b" { fail = [test.node.a.value] }')
        await w.settled()
        for stage in ("prepare_update", "update"):
            w.node("test.node.a").export(stage)
            await w.settled()
            assert w.controller.component("", "test.node.b").arguments.fail == ("",)
            state, message = w.health("test.node.b")
            assert state == "unhealthy"
            assert message == f"component evaluation failed: updating component: {stage} failed"
        w.node("test.node.a").export("nothing")
        await w.settled()
        assert w.health("test.node.b")[0] == "healthy"


async def test_exports_changed_while_a_load_evaluates_are_not_lost(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        text = 'test.node "b" { value = test.node.a.value }\ntest.node "a" { value = "1" }\n'
        await w.load(text)
        await w.settled()
        node = w.node("test.node.a")

        class Exporting(list[str]):
            def append(self, event: str) -> None:
                if event == "prepare test.node.late":
                    node.export("late")
                EVENTS.append(event)

        node.events = Exporting()
        late = 'test.node "late" { value = test.node.b.value }\n'
        await w.load(text + late)
        node.export("later")
        await w.settled()
        assert w.node("test.node.b").arguments.value == "later"
        assert w.node("test.node.late").arguments.value == "later"


async def test_an_exited_component_is_not_updated(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load('test.node "a" { }\ntest.node "b" {\n value = test.node.a.value\n fail = ["run"]\n}')
        await w.settled()
        w.taken_events()
        w.node("test.node.a").export("2")
        await w.settled()
        assert w.taken_events() == []
        assert w.health("test.node.b")[0] == "exited"


async def test_a_removed_component_moves_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load(CHAIN)
        await w.settled()
        old = w.node("test.node.a")
        await w.load('test.node "b" { value = "own" }')
        w.taken_events()
        old.export("2")
        await w.settled()
        assert w.taken_events() == []
        assert w.node("test.node.b").arguments.value == "own"
