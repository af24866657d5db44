"""The evaluation of the nodes of one module: what the evaluators of all kinds of nodes share.

Nothing that runs is touched here. The result for a node goes into the module's future state, and the
steps that it requires are added to the transaction.
Source: docs/spec/RUNTIME.md, sections 2.2, 2.4.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from alloypy.graph.nodes import Kind, Node
from alloypy.lang.evaluation.scope import Scope
from alloypy.runtime.contract.faults import Body, NodeError, decode_arguments
from alloypy.runtime.running.context import Context
from alloypy.runtime.running.instances import Instance
from alloypy.runtime.running.modules import Module, State
from alloypy.runtime.running.transaction import Start, Transaction
from alloypy.runtime.running.values import OccupiedError
from alloypy.syntax.tree import Statement

T = TypeVar("T")
AnInstance = TypeVar("AnInstance", bound=Instance)

Evaluators: TypeAlias = "Mapping[Kind, Callable[[Evaluation, Node], Awaitable[None]]]"
"""The function that evaluates each kind of node; raises NodeError. Missing kinds are not evaluated."""


class Shared(NamedTuple):
    """What the evaluations of one load, or of one reaction, share."""

    context: Context
    transaction: Transaction
    evaluators: Evaluators


class Evaluation:
    """The evaluation of nodes of one module.

    state: the module's future state. old: its current state, None when it is new.
    whole: true when all nodes are evaluated, as in a load; false for a single node.
    """

    def __init__(self, shared: Shared, module: Module, state: State, *, whole: bool) -> None:
        self.shared = shared
        self.context = shared.context
        self.transaction = shared.transaction
        self.module = module
        self.state = state
        self.old = module.state
        self.whole = whole

    @property
    def scope(self) -> Scope:
        """What the module's expressions can refer to so far."""
        return self.state.values.scope(self.context.stdlib)

    async def node(self, node: Node) -> None:
        """Evaluate one node. Raises NodeError."""
        evaluate = self.shared.evaluators.get(node.kind)
        if evaluate is not None:
            await evaluate(self, node)

    async def arguments(self, cls: type[T], node: Node, statements: Sequence[Statement] | None = None) -> T:
        """A node's body, or some of its statements, as an instance of a declared class. Raises NodeError."""
        return await decode_arguments(cls, self.body(node, statements), self.scope)

    def body(self, node: Node, statements: Sequence[Statement] | None = None) -> Body:
        """The contents of a node's block, or some of its statements."""
        vocabulary = self.context.options.vocabulary
        return Body(node.body if statements is None else statements, node.source, vocabulary)

    def living(self, node: Node, cls: type[AnInstance]) -> AnInstance | None:
        """The node's current instance, unless its run has ended."""
        instance = self.old.live.get(node.id) if self.old is not None else None
        if isinstance(instance, cls) and instance.name == node.name and not instance.ended:
            return instance
        return None

    def settle(self, node: Node, instance: Instance, *, new: bool) -> None:
        """Make this the node's instance; a new one is started when the load succeeds."""
        self.state.live[node.id] = instance
        self.transaction.nodes[instance] = node
        if new:
            self.transaction.steps.append(Start(self.context, instance))
        else:
            self.transaction.kept.append(instance)

    def publish(self, node: Node, exports: Mapping[str, Any]) -> None:
        """Let references to the node see its exports. Raises NodeError."""
        try:
            self.state.values.set_exports(node.id, exports)
        except OccupiedError as error:
            raise NodeError(str(error)) from None
