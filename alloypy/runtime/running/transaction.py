"""Transactions: the changes of one evaluation, made as a whole or not at all.

Evaluation adds steps in dependency order and changes nothing that runs. `commit` makes the steps in
that order; if one fails, those already made are undone.
Source: docs/spec/RUNTIME.md, section 3; docs/compatibility.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

from alloypy.graph.nodes import Node
from alloypy.runtime.contract.faults import CallError, NodeError, call_async
from alloypy.runtime.contract.options import Service
from alloypy.runtime.running.context import Context
from alloypy.runtime.running.instances import ComponentInstance, Instance
from alloypy.runtime.running.modules import Branch, Module, State, branch, present


class StepError(Exception):
    """A step failed: the node it belongs to, and why."""

    def __init__(self, module: Module, node: Node, fault: NodeError) -> None:
        self.module = module
        self.node = node
        self.fault = fault
        super().__init__(str(fault))


class Step(Protocol):
    """One change of a transaction."""

    async def make(self) -> None:
        """Make it. Raises StepError after undoing its own part."""
        ...

    async def take_back(self) -> None:
        """Undo it; never raises."""
        ...


class Start:
    """Start a new instance."""

    def __init__(self, context: Context, instance: Instance) -> None:
        self._context = context
        self.instance = instance

    async def make(self) -> None:
        if isinstance(self.instance, ComponentInstance):
            self.instance.in_force = True
        self.instance.evaluated()
        self._context.supervisor.start(self.instance)

    async def take_back(self) -> None:
        if isinstance(self.instance, ComponentInstance):
            self.instance.in_force = False
        await self._context.supervisor.stop(self.instance)


class Update:
    """Give a running component new arguments.

    exports: those it will have with them; None if unchanged.
    """

    def __init__(
        self, context: Context, node: Node, instance: ComponentInstance, arguments: Any, exports: Any
    ) -> None:
        self._book = context.book
        self._deadline = context.options.evaluation_deadline
        self._node = node
        self.instance = instance
        self._arguments = arguments
        self._exports = exports
        self._before = (instance.arguments, instance.exports)

    async def make(self) -> None:
        instance = self.instance
        if self._exports is not None:
            instance.exports = self._exports
        try:
            await call_async(lambda: instance.component.update(self._arguments), self._deadline)
        except CallError as error:
            await self.take_back()
            fault = NodeError(f"updating component: {error}")
            raise StepError(instance.module, self._node, fault) from None
        instance.arguments = self._arguments
        instance.evaluated()

    async def take_back(self) -> None:
        """Restore the old arguments as they were first applied: with claims, as sockets may be closed."""
        instance = self.instance
        instance.arguments, instance.exports = self._before
        arguments, component = instance.arguments, instance.component
        claims = self._book.begin()
        try:
            with instance.sockets.claiming(claims):
                await call_async(lambda: component.prepare_update(arguments), self._deadline)
            await call_async(lambda: component.update(arguments), self._deadline)
        except CallError as error:
            claims.drop()
            instance.evaluation_failed(f"updating component: {error}")
        else:
            claims.commit()


class Assign:
    """Set attributes of a plain Python object, then call `then`."""

    def __init__(self, target: object, then: Callable[[], None] = lambda: None, **values: Any) -> None:
        self._target = target
        self._then = then
        self._values = values
        self._before: dict[str, Any] = {}

    async def make(self) -> None:
        for name, value in self._values.items():
            self._before[name] = getattr(self._target, name)
            setattr(self._target, name, value)
        self._then()

    async def take_back(self) -> None:
        for name, value in self._before.items():
            setattr(self._target, name, value)


class Serve:
    """Give a service new arguments; before: the old ones, None if it never had any."""

    def __init__(
        self, context: Context, module: Module, node: Node, service: Service, arguments: Any, before: Any
    ) -> None:
        self._deadline = context.options.evaluation_deadline
        self._module = module
        self._node = node
        self._service = service
        self._arguments = arguments
        self._before = before

    async def make(self) -> None:
        try:
            await call_async(lambda: self._service.update(self._arguments), self._deadline)
        except CallError as error:
            await self.take_back()
            raise StepError(self._module, self._node, NodeError(f"updating service: {error}")) from None

    async def take_back(self) -> None:
        if self._before is None:
            return
        try:
            await call_async(lambda: self._service.update(self._before), self._deadline)
        except CallError as error:
            fields = {"service": self._node.name, "err": str(error)}
            self._module.log.error("failed to restore the previous arguments", extra={"fields": fields})


class Transaction:
    """The changes of one evaluation.

    staged: the future states of modules. nodes: the node of each instance, to report errors.
    kept: instances whose evaluation changed nothing. retiring: the task that stops removed instances,
    None if there are none.
    """

    def __init__(self, context: Context) -> None:
        self.claims = context.book.begin()
        self.steps: list[Step] = []
        self.staged: dict[Module, State] = {}
        self.nodes: dict[Instance, Node] = {}
        self.kept: list[Instance] = []
        self.retiring: asyncio.Task[None] | None = None
        self._context = context
        self._old: Branch | None = None
        self._removed: set[Instance] = set()

    def state_of(self, module: Module) -> State | None:
        """A module's future state."""
        return self.staged.get(module, module.state)

    def close(self) -> list[StepError]:
        """Determine what is removed; the errors that show only once all claims are known."""
        root = self._context.root
        self._old = present(root)
        new = branch(root, self.state_of)
        before = set(self._old.instances()) if self._old is not None else set()
        after = set(new.instances()) if new is not None else set()
        self._removed = before - after
        for instance in self._removed:
            self.claims.remove(instance)
        faults = []
        for owner, error in self.claims.conflicts():
            if isinstance(owner, ComponentInstance):
                verb = "updating" if owner.in_force else "building"
                fault = NodeError(f"{verb} component: {error}")
                faults.append(StepError(owner.module, self.nodes[owner], fault))
        return faults

    async def commit(self) -> None:
        """Make every change, or none. Raises StepError.

        Cancelling it takes effect only once it is done. Removed instances are stopped afterwards, by the
        task `retiring`, however long that takes.
        """
        task = asyncio.ensure_future(self._commit())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([task])
            task.exception()  # a failure has been undone; the caller it would concern is gone
            raise

    async def _commit(self) -> None:
        made: list[Step] = []
        try:
            for step in self.steps:
                await step.make()
                made.append(step)
                await self._context.pace.breathe()
        except StepError:
            for step in reversed(made):
                await step.take_back()
            self.claims.drop()
            raise
        self.claims.commit()
        for instance in self.kept:
            instance.evaluated()
        for instance in self._removed:
            if isinstance(instance, ComponentInstance):
                instance.in_force = False
        if self._old is not None and self._removed:
            self.retiring = self._context.supervisor.retiring(self._old, self._removed)

    def adopt(self, module: Module, state: State) -> None:
        """Give a module its new state, as the last step."""
        self.steps.append(Assign(module, state=state))

    @property
    def started(self) -> list[Instance]:
        """Instances that are new."""
        return [step.instance for step in self.steps if isinstance(step, Start)]

    @property
    def removed(self) -> list[Instance]:
        """Instances that no longer belong to any module, in evaluation order."""
        return [each for each in self._old.instances() if each in self._removed] if self._old else []

    def drop(self) -> None:
        """Abandon all changes; nothing has been made yet."""
        self.claims.drop()
