"""Foreach: a module for every item, kept as long as the item is there."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import pytest

from alloypy.runtime.blocks.modules import ForeachArguments
from alloypy.runtime.contract.component import Stability
from alloypy.runtime.contract.faults import NodeError
from alloypy.runtime.evaluating.foreach import child_ids
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import World, world

pytestmark = pytest.mark.anyio

TEXT = (
    'foreach "f" {{\n  collection = {collection}\n  var = "it"\n{more}\n'
    '  template {{\n    test.node "n" {{ value = {value} }}\n  }}\n}}\n'
)


def foreach(collection: str = '["a", "b"]', value: str = "it", more: str = "") -> str:
    return TEXT.format(collection=collection, value=value, more=more)


async def started(w: World, text: str) -> None:
    await w.load(text)
    await w.settled()
    w.taken_events()


def experimental(tmp_path: Path) -> Any:
    return world(tmp_path, stability=Stability.EXPERIMENTAL)


@pytest.mark.parametrize(
    ("items", "changes", "expected"),
    [
        (("a", "a", "c/d"), {}, ["a_1", "a_2", "c_d_1"]),
        ((1, 2.5, True), {}, ["1_1", "2_500000_1", "true_1"]),
        (("é1_",), {}, ["é1__1"]),
        (("x",), {"hash_string_id": True}, [f"{hashlib.sha256(b'x').hexdigest()}_1"]),
        (({"k": "v", "n": 1}, {"k": "v"}), {"id": "k"}, ["v_1", "v_2"]),
    ],
)
def test_names_of_modules(items: tuple[Any, ...], changes: dict[str, Any], expected: list[str]) -> None:
    arguments = ForeachArguments(collection=items, var="it", **changes)
    assert child_ids(arguments, logging.getLogger("test")) == [f"foreach_{each}" for each in expected]


def test_objects_are_named_by_what_they_hold() -> None:
    items = ({"a": 1, "b": [None, "x"]}, {"b": [None, "x"], "a": 1}, {"a": 2})
    first, second, third = child_ids(ForeachArguments(collection=items, var="it"), logging.getLogger("test"))
    assert first.removesuffix("_1") == second.removesuffix("_2")
    assert first.removesuffix("_1") != third.removesuffix("_1")


def test_an_item_without_the_key_is_named_as_a_whole(caplog: pytest.LogCaptureFixture) -> None:
    arguments = ForeachArguments(collection=({"a": 1},), var="it", id="nope")
    plain = ForeachArguments(collection=({"a": 1},), var="it")
    log = logging.getLogger("test")
    assert child_ids(arguments, log) == child_ids(plain, log)
    assert [each.message for each in caplog.records] == ["specified id not found in collection item"]


def test_an_item_that_gives_no_identifier() -> None:
    with pytest.raises(NodeError, match='customComponent ID "foreach_-1_1" is not a valid identifier'):
        child_ids(ForeachArguments(collection=(-1,), var="it"), logging.getLogger("test"))


async def test_a_module_for_every_item(tmp_path: Path) -> None:
    async with experimental(tmp_path) as w:
        await started(w, foreach())
        info = w.controller.component("", "foreach.f")
        assert info.modules == ("foreach.f/foreach_a_1", "foreach.f/foreach_b_1")
        assert (info.name, info.exports) == ("foreach", None)
        assert w.health("foreach.f") == ("healthy", "started foreach")
        assert w.node("foreach.f/foreach_b_1/test.node.n").arguments.value == "b"
        assert [each.id for each in w.controller.controllers()] == [""]


async def test_items_come_and_go(tmp_path: Path) -> None:
    async with experimental(tmp_path) as w:
        await started(w, foreach())
        result = await w.load(foreach('["b", "c"]'))
        assert result.created == ("foreach.f/foreach_c_1/test.node.n",)
        assert result.removed == ("foreach.f/foreach_a_1/test.node.n",)
        assert result.unchanged == ("foreach.f/foreach_b_1/test.node.n",)
        assert w.health("foreach.f") == ("healthy", "foreach children updated successfully")


async def test_the_collection_follows_exports(tmp_path: Path) -> None:
    async with experimental(tmp_path) as w:
        await started(w, 'test.node "s" { value = "x" }\n' + foreach('["a", test.node.s.value]'))
        w.node("test.node.s").export("y")
        await w.settled()
        events = w.taken_events()
        assert "run foreach.f/foreach_y_1/test.node.n" in events
        assert "stop foreach.f/foreach_x_1/test.node.n" in events
        assert not [each for each in events if "foreach_a_1" in each]
        assert w.health("foreach.f") == ("healthy", "foreach children updated successfully")


async def test_the_template_sees_the_world_around(tmp_path: Path) -> None:
    around = 'test.node "s" { value = "s" }\ndeclare "d" {\n argument "v" { }\n'
    around += ' test.node "m" { value = argument.v.value }\n}\n'
    text = around + (
        'foreach "f" {\n collection = ["a"]\n var = "it"\n template {\n'
        '  d "x" { v = it + test.node.s.value + module_path }\n }\n}'
    )
    async with experimental(tmp_path) as w:
        await started(w, text)
        node = w.node("foreach.f/foreach_a_1/d.x/test.node.m")
        assert node.arguments.value == "as/etc/alloypy"
        w.node("test.node.s").export("t")
        await w.settled()
        assert node.arguments.value == "at/etc/alloypy"


async def test_metrics_are_shown_when_asked_for(tmp_path: Path) -> None:
    async with experimental(tmp_path) as w:
        await started(w, foreach('["a"]'))
        w.node("foreach.f/foreach_a_1/test.node.n").options.metrics()
        assert list(w.controller.metrics()) == []
        await w.load(foreach('["a"]', more="  enable_metrics = true"))
        assert [each.path for each in w.controller.controllers()] == ["/", "/foreach.f"]
        [source] = w.controller.metrics()
        assert (source.component_path, source.component_id) == ("/foreach.f/foreach_a_1", "test.node.n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'foreach "f" {\n collection = []\n var = "x"\n}',
            "config.alloy:1:1: Failed to build component: the block template is missing in the foreach block",
        ),
        (
            'foreach "f" {\n var = "x"\n template { }\n}',
            (
                "config.alloy:1:1: Failed to build component: decoding configuration: "
                'missing required attribute "collection"'
            ),
        ),
        (foreach("1"), "config.alloy:2:16: 1 should be array, got number"),
        (
            foreach("[-1]"),
            (
                "config.alloy:1:1: Failed to build component: creating custom component: customComponent ID "
                '"foreach_-1_1" is not a valid identifier'
            ),
        ),
        (
            foreach(value='"x"').replace('var = "it"', 'var = "test"'),
            (
                "config.alloy:6:5: Failed to build component: expected a map but found a value for "
                '"test" when trying to cache the export for test.node.n'
            ),
        ),
        (foreach(value="[it]"), "config.alloy:6:29: [it] should be string, got array"),
        (
            foreach(value="nowhere"),
            'config.alloy:6:29: component "nowhere" does not exist or is out of scope',
        ),
    ],
)
async def test_faults(tmp_path: Path, text: str, expected: str) -> None:
    async with experimental(tmp_path) as w:
        with pytest.raises(DiagnosticsError) as caught:
            await w.load(text)
        assert [str(each) for each in caught.value.diagnostics] == [expected]
