"""A component that raises anything, at any await, becomes unhealthy or is refused, and affects no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alloypy.runtime.contract.component import BuildError, UpdateError
from alloypy.runtime.contract.health import unhealthy
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import Node, World, registration, world

pytestmark = pytest.mark.anyio


class Unheard(BaseException):
    """Nobody catches this by name."""


RAISED: list[Callable[[], BaseException]] = [
    lambda: BuildError("own words"),
    lambda: UpdateError("own words"),
    lambda: ValueError("value"),
    lambda: OSError(5, "disk"),
    RecursionError,
    AssertionError,
    TimeoutError,
    asyncio.CancelledError,
    lambda: asyncio.InvalidStateError("state"),
    lambda: ExceptionGroup("group", [ValueError("inner")]),
    lambda: BaseExceptionGroup("group", [KeyboardInterrupt()]),
    lambda: SystemExit(3),
    KeyboardInterrupt,
    StopAsyncIteration,
    lambda: MemoryError("none left"),
]

TEXT = (
    'test.node "before" { value = "1" }\n'
    'test.bad "bad" {\n value = test.node.before.value\n fail = [%s]\n}\n'
    'test.node "after" { forward_to = [test.bad.bad.receiver] }\n'
)

_raising: Callable[[], BaseException] = RAISED[0]


class Bad(Node):
    """Raises what the test wants, at the stages its arguments name."""

    def stage(self, name: str, kind: Any, of: Any = None) -> None:
        super().stage(name, lambda _: _raising(), of)


BAD = {"test.bad": registration("test.bad")._replace(component=Bad), "test.node": registration("test.node")}


@pytest.fixture(params=range(len(RAISED)), ids=lambda number: type(RAISED[number]()).__name__)
def raising(request: pytest.FixtureRequest) -> str:
    """What is raised this time, and its message."""
    global _raising  # noqa: PLW0603 -- the components have no other way to know
    _raising = RAISED[request.param]
    error = _raising()
    if isinstance(error, BuildError | UpdateError):
        return "own words"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def text(*stages: str) -> str:
    return TEXT % ", ".join(f'"{each}"' for each in stages)


async def undisturbed(w: World) -> None:
    """The others run, follow exports, and the next load works."""
    await w.settled()
    assert w.health("test.node.before")[0] == "healthy"
    assert w.health("test.node.after")[0] == "healthy"
    result = await w.load(text())
    await w.settled()
    assert set(result.created) <= {"test.bad.bad"}
    for info in w.controller.components():
        assert info.health.state.text == "healthy", info
    w.node("test.node.before").export("moved on")
    await w.settled()
    assert w.node("test.bad.bad").arguments.value == "moved on"


@pytest.mark.parametrize("stage", ["init", "prepare"])
async def test_building(tmp_path: Path, raising: str, stage: str) -> None:
    async with world(tmp_path, registry=BAD) as w:
        with pytest.raises(DiagnosticsError) as caught:
            await w.load(text(stage))
        assert str(caught.value) == (
            f"config.alloy:2:1: Failed to build component: building component: {raising}"
        )
        assert w.controller.components() == []
        await w.load(text())
        await undisturbed(w)


@pytest.mark.parametrize("stage", ["prepare_update", "update"])
async def test_updating(tmp_path: Path, raising: str, stage: str) -> None:
    async with world(tmp_path, registry=BAD) as w:
        await w.load(text())
        await w.settled()
        with pytest.raises(DiagnosticsError) as caught:
            await w.load(text(stage))
        assert str(caught.value) == (
            f"config.alloy:2:1: Failed to build component: updating component: {raising}"
        )
        await undisturbed(w)


@pytest.mark.parametrize("stage", ["prepare_update", "update"])
async def test_reacting(tmp_path: Path, raising: str, stage: str) -> None:
    reacting = text().replace("fail = []", "fail = [test.node.before.value]")
    async with world(tmp_path, registry=BAD) as w:
        await w.load(reacting)
        await w.settled()
        w.node("test.node.before").export(stage)
        await w.settled()
        assert w.health("test.bad.bad") == (
            "unhealthy",
            f"component evaluation failed: updating component: {raising}",
        )
        assert w.controller.unhealthy() == ["test.bad"]
        await undisturbed(w)


async def test_running(tmp_path: Path, raising: str) -> None:
    async with world(tmp_path, registry=BAD) as w:
        await w.load(text("run"))
        await w.settled()
        state, message = w.health("test.bad.bad")
        assert state == "exited"
        words = "cancelled" if raising == "CancelledError" else raising
        assert message == f"component shut down with error: {words}"
        await undisturbed(w)


async def test_stopping(tmp_path: Path, raising: str) -> None:
    async with world(tmp_path, registry=BAD) as w:
        await w.load(text("stop"))
        await w.settled()
        await w.load('test.node "before" { value = "1" }')
        assert [info.id for info in w.controller.components()] == ["test.node.before"]
        assert w.health("test.node.before")[0] == "healthy"


async def test_telling(tmp_path: Path) -> None:
    class Mute(Node):
        def health(self) -> Any:
            raise ValueError("no health")

        def debug_info(self) -> Any:
            raise ValueError("no information")

    kinds = {**BAD, "test.bad": registration("test.bad")._replace(component=Mute)}
    async with world(tmp_path, registry=kinds) as w:
        await w.load(text())
        info = w.controller.component("", "test.bad.bad")
        assert info.debug_info is None
        assert info.health.state.text == "unhealthy"
        assert "no health" in info.health.message
        assert w.health("test.node.after")[0] == "healthy"


async def test_methods_that_are_not_async(tmp_path: Path) -> None:
    class Plain(Node):
        def prepare_update(self, arguments: Any) -> Any:
            raise ValueError("at once")

        def update(self, arguments: Any) -> Any:
            return None

    kinds = {**BAD, "test.bad": registration("test.bad")._replace(component=Plain)}
    async with world(tmp_path, registry=kinds) as w:
        await w.load(text())
        with pytest.raises(DiagnosticsError, match="updating component: ValueError: at once"):
            await w.load(text("anything"))
        assert w.health("test.bad.bad")[0] == "healthy"


async def test_the_components_own_health_counts(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load('test.node "a" { }')
        w.node("test.node.a").own_health = unhealthy("failed to read file: gone")
        assert w.health("test.node.a") == ("unhealthy", "failed to read file: gone")
        assert w.controller.unhealthy() == ["test.node"]
