"""Modules: which declares are ever used, and declares that need themselves.

Source: RUNTIME spec sections 2.2, 2.3, 5.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from alloypy.graph import codes
from alloypy.graph.check_scope import CheckedNode, CheckedScope
from alloypy.graph.dag import Graph, cycle_text
from alloypy.graph.nodes import Kind
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Block, Statement


def with_templates(scope: CheckedScope) -> Iterator[CheckedScope]:
    """The scope, and those of the templates in it."""
    yield scope
    for node in scope.nodes:
        if node.kind is Kind.FOREACH and node.inner is not None:
            yield from with_templates(node.inner)


def all_modules(root: CheckedScope) -> Iterator[CheckedScope]:
    """The root, and the scope of every declare inside."""
    yield root
    for scope in with_templates(root):
        for node in scope.nodes:
            if node.kind is Kind.DECLARE and node.inner is not None:
                yield from all_modules(node.inner)


def used_modules(root: CheckedScope) -> Iterator[CheckedScope]:
    """The scopes that running loads: the root, and every declare that something in a loaded scope uses.

    What a scope uses is looked up after it has been yielded, so that it can be completed before.
    """
    loaded = [root]
    seen = {id(root)}
    for scope in loaded:
        yield scope
        for node in (node for part in with_templates(scope) for node in part.nodes):
            module = node.made_from.inner if node.made_from is not None else None
            if node.kind is Kind.CUSTOM and module is not None and id(module) not in seen:
                seen.add(id(module))
                loaded.append(module)


class Instance(NamedTuple):
    """A custom component and the scope it is in."""

    node: CheckedNode
    scope: CheckedScope


def single_instances(used: Iterable[CheckedScope]) -> dict[int, Instance]:
    """For each argument block, by its id(), the instance that gives it its value, where there is just one.

    What a template makes is left out, for there may be none of it, or many.
    """
    made: dict[int, list[Instance | None]] = {}
    modules: dict[int, CheckedScope] = {}
    for scope in used:
        for part in with_templates(scope):
            for node in part.nodes:
                module = node.made_from.inner if node.made_from is not None else None
                if node.kind is Kind.CUSTOM and module is not None:
                    modules[id(module)] = module
                    made.setdefault(id(module), []).append(None if part.template else Instance(node, part))
    found = {}
    for key, instances in made.items():
        if len(instances) == 1 and instances[0] is not None:
            for node in modules[key].nodes:
                if node.kind is Kind.ARGUMENT:
                    found[id(node)] = instances[0]
    return found


def check_declares(scope: CheckedScope) -> Iterator[Diagnostic]:
    """Declares of a scope that use themselves or each other in a circle, or have a forbidden label."""
    declares = {node.label: node for node in scope.nodes if node.kind is Kind.DECLARE and node.label}
    graph = Graph()
    for node in declares.values():
        graph.add(node)
        if node.label == "declare":
            message = "'declare' is not a valid label for a declare block"
            yield Diagnostic(_header(node), message, "ALY0404")
    for node in declares.values():
        for label in _used(node.block.body, declares):
            graph.connect(node.id, declares[label].id)
    by_id = {node.id: node for node in declares.values()}
    for cycle in graph.cycles():
        message = f"cycle: {cycle_text(cycle)}"
        for node_id in cycle:
            yield Diagnostic(_header(by_id[node_id]), message, codes.MODULE_CYCLE)
    for node_id in graph.self_references():
        yield Diagnostic(_header(by_id[node_id]), f"self reference: {node_id}", "ALY0412")


def _used(body: Sequence[Statement], declares: dict[str, CheckedNode]) -> Iterator[str]:
    for block in body:
        if isinstance(block, Block):
            if block.full_name in {"declare", "template"}:
                yield from _used(block.body, declares)
            elif block.name[0] in declares:
                yield block.name[0]


def _header(node: CheckedNode) -> Span:
    return Span(node.source, node.block.start, node.block.lcurly)
