"""Modules: the root, and one for every custom component and every item of a foreach.

A module keeps its identity while a reload or an evaluation replaces its state as a whole.
Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from alloypy.graph.build import Built
from alloypy.graph.dag import Graph
from alloypy.graph.nodes import Node
from alloypy.runtime.contract.logs import FieldLogger
from alloypy.runtime.running.values import Values
from alloypy.syntax.tree import Statement

if TYPE_CHECKING:
    from alloypy.runtime.running.instances import Instance


Templates: TypeAlias = tuple[Sequence[Statement], ...]


class Module:
    """One module.

    id: "" for the root, `d.x`, `foreach.f/foreach_a_1`. parent: the module it is part of.
    node: id, in the parent, of the node it belongs to.
    show_metrics: whether the metrics of its components are shown.
    """

    def __init__(self, module_id: str, parent: Module | None = None, node: str = "") -> None:
        self.id = module_id
        self.parent = parent
        self.node = node
        self.show_metrics: bool = parent.show_metrics if parent is not None else True
        self.state: State | None = None
        self.evaluating = False
        outer, _, self.name = module_id.rpartition("/")
        self.path = f"/{outer}"
        self.log = FieldLogger(controller_path=self.path, controller_id=self.name)
        self.task_log = FieldLogger(controller_id=module_id)

    def global_id(self, node_id: str) -> str:
        """The id of a node of this module that is unique among all modules."""
        return f"{self.id}/{node_id}" if self.id else node_id


class State(NamedTuple):
    """What a module consists of at one time; never changed once it is in force.

    order: nodes in evaluation order. arguments: those that the module was given.
    live: instances by node id. children: modules by the id of the node they belong to.
    exports: values of the export blocks. services: arguments of the blocks that configure the process.
    templates: bodies of the templates it is made from, outermost first, to detect recursion.
    """

    built: Built
    order: tuple[Node, ...]
    arguments: Mapping[str, Any]
    values: Values
    live: dict[str, Instance]
    children: dict[str, tuple[Module, ...]]
    exports: dict[str, Any]
    services: dict[str, Any]
    templates: Templates = ()

    @property
    def graph(self) -> Graph:
        """The module's graph."""
        return self.built.graph

    def copy(self) -> State:
        """A state that can be changed without changing this one; nodes and instances are the same."""
        return self._replace(
            values=self.values.copy(),
            live=dict(self.live),
            children=dict(self.children),
            exports=dict(self.exports),
            services=dict(self.services),
        )


class Branch(NamedTuple):
    """A module and the modules inside it, as they are or as they are going to be."""

    module: Module
    state: State
    children: dict[str, tuple[Branch, ...]]

    def instances(self) -> Iterator[Instance]:
        """Everything that runs in it, in evaluation order, the inside of a node before the node."""
        for node in self.state.order:
            for child in self.children.get(node.id, ()):
                yield from child.instances()
            if node.id in self.state.live:
                yield self.state.live[node.id]

    def modules(self) -> Iterator[Branch]:
        """This module, then those inside."""
        yield self
        for node in self.state.order:
            for child in self.children.get(node.id, ()):
                yield from child.modules()


def branch(module: Module, state_of: Callable[[Module], State | None]) -> Branch | None:
    """The tree from a module down, with the states that `state_of` returns; None without a state."""
    state = state_of(module)
    if state is None:
        return None
    children = {}
    for node_id, modules in state.children.items():
        inner = (branch(child, state_of) for child in modules)
        children[node_id] = tuple(each for each in inner if each is not None)
    return Branch(module, state, children)


def present(module: Module) -> Branch | None:
    """The tree from a module down, in its current state."""
    return branch(module, lambda each: each.state)
