"""Instances: the running objects of nodes, which live on from one load to the next.

Source: docs/spec/RUNTIME.md, sections 2.5, 2.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar, NamedTuple

from alloypy.graph.definitions import Definitions
from alloypy.graph.nodes import Node
from alloypy.runtime.contract.component import (
    NO_ACTIVITY,
    NOTHING,
    Activity,
    Component,
    Flow,
    InFlight,
    Metrics,
    Options,
    Registration,
    Table,
)
from alloypy.runtime.contract.health import Health, exited, healthy, unhealthy, unknown, worst
from alloypy.runtime.contract.logs import FieldLogger
from alloypy.runtime.contract.options import ControllerOptions
from alloypy.runtime.running.modules import Module
from alloypy.runtime.running.sockets import OwnedSockets


class Words(NamedTuple):
    """Alloy's health messages for one kind of instance."""

    created: str
    started: str
    stopped: str
    stopped_with: str
    evaluated: str
    failed: str


class Instance:
    """The running object of a node. Compared by identity.

    ended: whether its run has ended, for any reason. failed: whether it ended by an error of its own.
    definitions: those of an import; None for everything else.
    """

    words: ClassVar[Words]
    definitions: Definitions | None = None

    def __init__(self, node: Node, module: Module) -> None:
        self.id = node.id
        self.name = node.name
        self.label = node.label
        self.module = module
        self.ended = False
        self.failed = False
        self._run_health = unknown(self.words.created)
        self._evaluation_health = self._run_health

    @property
    def global_id(self) -> str:
        """`d.x/pyroscope.write.inner`."""
        return self.module.global_id(self.id)

    @property
    def health(self) -> Health:
        """The worst of its healths."""
        return worst((self._run_health, self._evaluation_health, *self._own_health()))

    def _own_health(self) -> Iterator[Health]:
        """Health in addition to that of run and evaluation."""
        yield from ()

    def evaluated(self) -> None:
        """Record a successful evaluation."""
        self._evaluation_health = healthy(self.words.evaluated)

    def evaluation_failed(self, text: str) -> None:
        """Record a failed evaluation; the instance keeps running as before."""
        self._evaluation_health = unhealthy(f"{self.words.failed}: {text}")

    def started(self) -> None:
        """Record that it is running."""
        self._run_health = healthy(self.words.started)

    def stopped(self, error: str | None, *, failed: bool) -> None:
        """Record the end of its run. error: None for a clean end. failed: whether it failed by itself."""
        self.ended = True
        self.failed = failed
        if error is None:
            self._run_health = exited(self.words.stopped)
        else:
            self._run_health = exited(f"{self.words.stopped_with}: {error}")

    def in_flight(self) -> InFlight:
        """Work accepted and not yet finished."""
        return NOTHING

    def activity(self) -> Activity:
        """What has become of profiles since it started."""
        return NO_ACTIVITY

    def listens_on(self) -> str:
        """Where clients reach it, or ""."""
        return ""

    async def run(self) -> None:
        """Run until cancelled. An instance that only holds others has nothing to do."""
        await asyncio.Event().wait()


class ComponentInstance(Instance):
    """A component with its arguments and exports.

    The constructor builds the component, and raises whatever the component's constructor raises.
    changed: called with the instance when its exports change while it is in force.
    """

    words = Words(
        created="component created",
        started="started component",
        stopped="component shut down cleanly",
        stopped_with="component shut down with error",
        evaluated="component evaluated",
        failed="component evaluation failed",
    )

    def __init__(
        self,
        node: Node,
        module: Module,
        registration: Registration,
        arguments: Any,
        options: ControllerOptions,
        changed: Callable[[ComponentInstance], None],
    ) -> None:
        super().__init__(node, module)
        self.registration = registration
        self.arguments = arguments
        self.exports: Any = None
        self.sockets = OwnedSockets(self)
        self.in_force = False
        self.registry: Metrics | None = None
        self._changed = changed
        self.component: Component[Any, Any] = registration.component(self._options(options), arguments)

    def _options(self, options: ControllerOptions) -> Options:
        path = f"/{self.module.id}"
        return Options(
            id=self.id,
            path=path,
            logger=FieldLogger(component_path=path, component_id=self.id),
            metrics=self._metrics,
            set_exports=self.set_exports,
            sockets=self.sockets,
            storage=options.storage.joinpath(*PurePosixPath(self.global_id).parts),
            environ=options.environ,
            alloy_id=options.alloy_id,
            minimum_stability=options.stability,
            shutdown_deadline=options.shutdown_deadline,
            clock=options.clock,
            random=options.random,
            tracer=options.tracer,
            events=options.events,
            cluster=options.cluster,
        )

    def _metrics(self) -> Metrics:
        if self.registry is None:
            self.registry = Metrics()
        return self.registry

    def set_exports(self, exports: Any) -> None:
        """Take new exports from the component; equal ones are ignored."""
        if self.exports == exports:
            return
        self.exports = exports
        if self.in_force:
            self._changed(self)

    def _own_health(self) -> Iterator[Health]:
        try:
            own = self.component.health()
        except Exception as error:
            own = unhealthy(f"component cannot report its health: {type(error).__name__}: {error}")
        if own is not None:
            yield own

    def debug_info(self) -> Any:
        """What the component reports about itself; None when that fails."""
        try:
            return self.component.debug_info()
        except Exception as error:
            self.evaluation_failed(f"debug information: {type(error).__name__}: {error}")
            return None

    def in_flight(self) -> InFlight:
        try:
            return self.component.in_flight()
        except Exception:
            return NOTHING

    def activity(self) -> Activity:
        try:
            return self.component.activity()
        except Exception:
            return NO_ACTIVITY

    def flow(self) -> Flow | None:
        """What has passed through it; None also when it cannot say."""
        try:
            return self.component.flow()
        except Exception:
            return None

    def tables(self) -> Sequence[Table]:
        """Figures about its parts; none when it cannot say."""
        try:
            return self.component.tables()
        except Exception:
            return ()

    def listens_on(self) -> str:
        try:
            return self.component.listens_on()
        except Exception:
            return ""

    async def run(self) -> None:
        await self.component.run()


class CustomInstance(Instance):
    """A custom component: an instance of a `declare`, whose module does the work."""

    words = Words(
        created="node custom component created",
        started="started custom component",
        stopped="custom component shut down cleanly",
        stopped_with="custom component shut down with error",
        evaluated="component evaluated",
        failed="component evaluation failed",
    )

    def __init__(self, node: Node, module: Module) -> None:
        super().__init__(node, module)
        self.arguments: dict[str, Any] = {}
        self.exports: dict[str, Any] = {}


class ForeachInstance(Instance):
    """A foreach, whose modules do the work."""

    words = Words(
        created="foreach created",
        started="started foreach",
        stopped="foreach node shut down cleanly",
        stopped_with="foreach node shut down with error",
        evaluated="foreach evaluated",
        failed="foreach evaluation failed",
    )

    def __init__(self, node: Node, module: Module) -> None:
        super().__init__(node, module)
        self.arguments: Any = None
        self.log = FieldLogger(component_path=f"/{module.id}", component_id=node.id)
        self._updating = False

    def updated(self) -> None:
        """Record that the modules of its items are updated while it runs."""
        self._updating = True

    def evaluated(self) -> None:
        super().evaluated()
        if self._updating:  # of two equally good healths, the later one shows
            self._updating = False
            self._run_health = healthy("foreach children updated successfully")
