"""Targets on their way from the component that finds them to the one that uses them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from alloypy.lang.targets import Target
from alloypy.runtime.contract.component import Component, Options, Registration, Stability
from alloypy.schema.encode import encode_body
from alloypy.schema.fields import arguments, attribute, export, exports
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import REGISTRY, World, world

pytestmark = pytest.mark.anyio


@arguments
class Nothing:
    """No arguments."""


@exports
class Found:
    targets: tuple[Target, ...] = export()


class Finder(Component[Nothing, Found]):
    """Exports two targets of one group."""

    def __init__(self, options: Options, arguments: Nothing) -> None:
        group = {"env": "prod"}
        options.set_exports(Found(targets=(Target({"__address__": "a:1"}, group), Target({"x": "2"}, group))))

    async def run(self) -> None:
        await asyncio.Event().wait()


@arguments
class Wanted:
    targets: tuple[Target, ...] = attribute()
    labels: dict[str, str] = attribute(default_factory=dict)


class Taker(Component[Wanted, None]):
    """Takes targets."""

    def __init__(self, options: Options, arguments: Wanted) -> None:
        pass

    async def run(self) -> None:
        await asyncio.Event().wait()


FINDER = Registration("test.finder", Stability.GENERALLY_AVAILABLE, Nothing, Found, Finder)
TAKER = Registration("test.taker", Stability.GENERALLY_AVAILABLE, Wanted, None, Taker)
TARGETS = {**REGISTRY, FINDER.name: FINDER, TAKER.name: TAKER}
TEXT = """
test.finder "f" { }
test.taker "t" {
  targets = array.concat(test.finder.f.targets, [{ __address__ = test.finder.f.targets[0].env, n = 8080 }])
  labels  = test.finder.f.targets[1]
}
"""


def taken(running: World) -> Any:
    return next(info for info in running.controller.components() if info.name == "test.taker")


async def test_targets_are_passed_on_and_made_of_objects(tmp_path: Path) -> None:
    async with world(tmp_path, registry=TARGETS) as running:
        await running.load(TEXT)
        info = taken(running)
        assert info.arguments.targets == (
            Target({"__address__": "a:1", "env": "prod"}),
            Target({"x": "2", "env": "prod"}),
            Target({"__address__": "prod", "n": "8080"}),
        )
        assert info.arguments.labels == {"env": "prod", "x": "2"}
        shown = encode_body(info.arguments)[0]["value"]["value"][2]
        assert shown["type"] == "object"
        assert [(each["key"], each["value"]["value"]) for each in shown["value"]] == [
            ("__address__", "prod"),
            ("n", "8080"),
        ]
        flow = {each.name: each.data_flow for each in running.controller.components()}
        assert flow["test.finder"] == ("test.taker.t",) * 3
        assert flow["test.taker"] == ()


async def test_what_cannot_be_a_target_refuses_the_load(tmp_path: Path) -> None:
    async with world(tmp_path, registry=TARGETS) as running:
        with pytest.raises(DiagnosticsError, match="cannot convert a nil value to a target value"):
            await running.load('test.taker "t" {\n  targets = [{ a = null }]\n}')
