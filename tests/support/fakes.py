"""Components that only record what is done to them, and a controller to run them in."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest

from alloypy.lang.types import IntType
from alloypy.lang.values import Capsule
from alloypy.runtime.contract.component import (
    BuildError,
    Component,
    Options,
    Registration,
    Stability,
    UpdateError,
)
from alloypy.runtime.contract.health import Health
from alloypy.runtime.contract.options import ControllerOptions, LoadResult
from alloypy.runtime.controller import Controller
from alloypy.schema.fields import arguments, attribute, block, export, exports
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.source import Source
from alloypy.syntax.tree import File


class Receiver(Capsule):
    """The receiver of a fake component."""

    kind = "pyroscope.Appendable"
    receives = True

    def __init__(self, owner: Node) -> None:
        self.owner = owner


@arguments
class Listen:
    address: str = attribute(default="127.0.0.1")
    port: Annotated[int, IntType(64)] = attribute(default=0)


@arguments
class NodeArguments:
    """Arguments of a fake component; `fail` names the stages at which it raises."""

    value: str = attribute(default="")
    number: int = attribute(default=0)
    forward_to: tuple[Receiver | None, ...] = attribute(default=())
    fail: tuple[str, ...] = attribute(default=())
    hang: tuple[str, ...] = attribute(default=())
    listen: Listen | None = block(default=None)


@exports
class NodeExports:
    receiver: Receiver | None = export()
    value: str = export()


class Node(Component[NodeArguments, NodeExports]):
    """A fake component; exports its value and a receiver, both known from the constructor on."""

    def __init__(self, options: Options, arguments: NodeArguments) -> None:
        self.options = options
        self.arguments = arguments
        self.receiver = Receiver(self)
        self.sockets: list[Any] = []
        self.staged: list[Any] = []
        self.updates: list[NodeArguments] = []
        self.own_health: Health | None = None
        self.events = EVENTS
        self.breaks = asyncio.Event()
        self.stage("init", BuildError)
        options.set_exports(NodeExports(receiver=self.receiver, value=arguments.value))
        NODES.append(self)

    @property
    def global_id(self) -> str:
        return f"{self.options.path.rstrip('/')}/{self.options.id}".lstrip("/")

    def stage(self, name: str, kind: Callable[[str], BaseException], of: NodeArguments | None = None) -> None:
        """Record a stage, and raise if the arguments ask for it."""
        self.events.append(f"{name} {self.global_id}")
        if name in (of or self.arguments).fail:
            raise kind(f"{name} failed")

    async def prepare(self) -> None:
        await asyncio.sleep(0)
        self.stage("prepare", BuildError)
        await self._hang("prepare", self.arguments)
        self.sockets = await self._claim(self.arguments)

    async def _claim(self, arguments: NodeArguments) -> list[Any]:
        listen = arguments.listen
        return [] if listen is None else await self.options.sockets.claim(listen.address, listen.port)

    async def _hang(self, name: str, arguments: NodeArguments) -> None:
        if name in arguments.hang:
            await asyncio.Event().wait()

    async def run(self) -> None:
        self.stage("run", RuntimeError)
        try:
            await self.breaks.wait()
            raise RuntimeError("broken")
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            await self._hang("stop", self.arguments)
            self.stage("stop", RuntimeError)
        finally:
            for each in self.sockets:
                each.close()

    async def prepare_update(self, arguments: NodeArguments) -> NodeExports | None:
        await asyncio.sleep(0)
        self.stage("prepare_update", UpdateError, arguments)
        await self._hang("prepare_update", arguments)
        self.staged = await self._claim(arguments)
        return NodeExports(receiver=self.receiver, value=arguments.value)

    async def update(self, arguments: NodeArguments) -> None:
        await asyncio.sleep(0)
        self.stage("update", UpdateError, arguments)
        await self._hang("update", arguments)
        for each in self.sockets:
            each.close()
        self.sockets, self.staged = self.staged, []
        self.updates.append(arguments)
        self.arguments = arguments
        self.options.set_exports(NodeExports(receiver=self.receiver, value=arguments.value))

    def health(self) -> Health | None:
        return self.own_health

    def export(self, value: str) -> None:
        """Export another value, as a component does when what it watches changes."""
        self.options.set_exports(NodeExports(receiver=self.receiver, value=value))


NODES: list[Node] = []
"""Every fake component that was built and not refused by its constructor, oldest first."""

EVENTS: list[str] = []
"""What happened to fake components: `stage id`."""


def registration(name: str, stability: Stability = Stability.GENERALLY_AVAILABLE) -> Registration:
    """The registration of a fake component."""
    return Registration(name, stability, NodeArguments, NodeExports, Node)


REGISTRY: Mapping[str, Registration] = {
    each.name: each
    for each in (
        registration("test.node"),
        registration("test.other"),
        registration("test.preview", Stability.PUBLIC_PREVIEW),
        registration("test.experiment", Stability.EXPERIMENTAL),
        registration("test.community")._replace(community=True),
        registration("test.silent")._replace(exports=None),
    )
}


def parsed(*texts: str, names: tuple[str, ...] = ("config.alloy", "b.alloy", "c.alloy")) -> list[File]:
    """Configuration texts as the files of one configuration."""
    sources = [Source(name, text.encode()) for name, text in zip(names, texts, strict=False)]
    return parse_config(sources)


@dataclass
class World:
    """A controller with fake components."""

    controller: Controller
    events: list[str] = field(default_factory=list)

    async def load(self, *texts: str, module_path: str = "/etc/alloypy") -> LoadResult:
        """Load configuration texts."""
        return await self.controller.load(parsed(*texts), module_path)

    async def refused(self, *texts: str) -> list[str]:
        """The errors of a load that is refused."""
        with pytest.raises(DiagnosticsError) as caught:
            await self.load(*texts)
        return [str(each) for each in caught.value.diagnostics]

    def node(self, global_id: str) -> Node:
        """The latest fake component of that id."""
        return next(each for each in reversed(NODES) if each.global_id == global_id)

    def health(self, local_id: str, module: str = "") -> tuple[str, str]:
        """State and message of a component's health."""
        health = self.controller.component(module, local_id).health
        return health.state.text, health.message

    async def settled(self) -> None:
        """Let everything that can run do so."""
        for _ in range(30):
            await asyncio.sleep(0)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        while not condition():
            await asyncio.sleep(0.001)

    def taken_events(self) -> list[str]:
        """What happened since the last call."""
        events = list(EVENTS)
        EVENTS.clear()
        return events


def options(storage: Path, **changes: Any) -> ControllerOptions:
    """Options of a controller with fake components."""
    values: dict[str, Any] = {
        "registry": REGISTRY,
        "storage": storage,
        "alloy_id": "test",
        "environ": {"NAME": "value"},
        "random": random.Random(7).random,
    }
    return ControllerOptions(**(values | changes))


@asynccontextmanager
async def world(storage: Path, **changes: Any) -> AsyncIterator[World]:
    """A running controller with fake components; earlier events are cleared."""
    NODES.clear()
    EVENTS.clear()
    async with Controller(options(storage, **changes)) as controller:
        yield World(controller)
