"""The faults of modules that cannot be created, with their places.

Source: docs/spec/RUNTIME.md, sections 2.2, 5.6.
"""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.check.modules.frames import Frame
from alloypy.check.scope import CheckedNode, CheckedScope
from alloypy.graph import codes, texts
from alloypy.graph.build import Built
from alloypy.graph.dag import cycle_text
from alloypy.graph.definitions import Definitions
from alloypy.graph.nodes import split_custom_name
from alloypy.schema.nearest import Correction, meant
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span


def cycles(built: Built, scope: CheckedScope) -> Iterator[Diagnostic]:
    """Blocks that depend on each other or on themselves, each fault at the head of its block."""
    for cycle in built.graph.cycles():
        for node_id in cycle:
            yield from _at_head(scope, node_id, texts.cycle(cycle_text(cycle)), codes.MODULE_CYCLE)
    for node_id in built.graph.self_references():
        yield from _at_head(scope, node_id, texts.self_reference(node_id), codes.SELF_REFERENCE)


def _at_head(scope: CheckedScope, node_id: str, message: str, code: str) -> Iterator[Diagnostic]:
    node = scope.find(node_id)
    if node is not None:
        yield Diagnostic(head(node), message, code)


def not_found(node: CheckedNode, definitions: Definitions) -> Diagnostic:
    """A custom component that no declare or import defines."""
    namespace, name = split_custom_name(node.name)
    message = texts.custom_unknown(namespace, name)
    known = definitions.known(namespace)
    correction = Correction("a declare without blocks cannot be used")
    if name not in known:
        end = node.block.name_end + 1
        correction = meant(name, known, end - len(name.encode()), end)
    return Diagnostic(head(node), message, codes.UNKNOWN_COMPONENT, hint=correction.hint, fix=correction.fix)


def in_the_way(node: CheckedNode, frame: Frame) -> Iterator[Diagnostic]:
    """A value in the place of a node's exports."""
    name = frame.in_the_way(node)
    if name:
        message = texts.in_the_way(name, node.id)
        hint = f"rename `{name}`: the name of a component begins with it"
        yield Diagnostic(head(node), message, codes.LOAD_RULE, hint=hint)


def missing(user: CheckedNode, argument: CheckedNode) -> Diagnostic:
    """A missing argument that a module requires, at the block that uses the module."""
    return Diagnostic(head(user), texts.argument_missing(argument.label), codes.MISSING)


def head(node: CheckedNode) -> Span:
    """The span from the name of a node's block to its opening brace."""
    return Span(node.source, node.block.start, node.block.lcurly)
