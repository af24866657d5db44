"""References: names that mean nothing, old and experimental names, and blocks that need each other.

Source: RUNTIME spec sections 2.2, 2.3, 2.7; the catalog's notes on `alloy validate`.
"""

from __future__ import annotations

from typing import NamedTuple

from alloypy.check.scope import CheckedNode, CheckedScope, Language, warning
from alloypy.graph import codes
from alloypy.graph.dag import cycle_text
from alloypy.graph.nodes import Kind
from alloypy.graph.notices import DEPRECATED, SHADOWING
from alloypy.graph.references import Chain, chain_text, chains, resolve
from alloypy.schema.stability import Stability, refusal
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.source import Source, Span

REFERABLE = frozenset({Kind.COMPONENT, Kind.CUSTOM, Kind.ARGUMENT})
"""Kinds of nodes that expressions can name."""


class ReferenceFaults(NamedTuple):
    """What is wrong with the references of a node.

    found: what Alloy's own check finds. missed: what only running finds, for Alloy's check knows the
    names of other scopes everywhere.
    """

    found: list[Diagnostic]
    missed: list[Diagnostic]


def check_references(
    node: CheckedNode, scope: CheckedScope, language: Language, minimum: Stability
) -> ReferenceFaults:
    """Look at every reference of a node, and note in the scope's graph what it depends on."""
    faults = ReferenceFaults([], [])
    for chain in chains(node.body):
        first = chain[0].name
        reference = resolve(chain, scope.graph)
        if reference is not None:
            if _in_library(first, language):
                span = Span(node.source, chain[0].start, chain[0].end)
                faults.found.append(warning(span, SHADOWING, codes.SHADOWING))
            if isinstance(reference.target, CheckedNode):
                reference.target.used = True
            if reference.target.id in scope.graph:
                scope.graph.connect(node.id, reference.target.id)
        elif first in scope.variables or _in_library(first, language):
            faults.found.extend(_standard(chain, node.source, language, minimum))
        else:
            message = f'component "{chain_text(chain)}" does not exist or is out of scope'
            fault = Diagnostic(_span(chain, node.source), message, codes.OUT_OF_SCOPE)
            (faults.missed if first in scope.leaked else faults.found).append(fault)
    return faults


_MOVED = {
    "env": "sys.env",
    "nonsensitive": "convert.nonsensitive",
    "concat": "array.concat",
    "json_decode": "encoding.from_json",
    "yaml_decode": "encoding.from_yaml",
    "base64_decode": "encoding.from_base64",
}


def _deprecated(chain: Chain, source: Source) -> Diagnostic:
    successor = _MOVED.get(chain[0].name, f"string.{chain[0].name}")
    fix = (Edit(chain[0].start, chain[0].end + 1, successor),)
    return warning(_span(chain, source), DEPRECATED, codes.DEPRECATED, f"write `{successor}`", fix)


def _in_library(name: str, language: Language) -> bool:
    return name in language.identifiers or name in language.deprecated


def _standard(chain: Chain, source: Source, language: Language, minimum: Stability) -> list[Diagnostic]:
    """What there is to say about a name of the standard library."""
    if chain[0].name in language.deprecated:
        return [_deprecated(chain, source)]
    name = chain_text(chain)
    if name in language.experimental:
        gate = refusal(name, Stability.EXPERIMENTAL, minimum)
        if gate is not None:
            return [Diagnostic(_span(chain, source), gate, "ALY0405")]
    return []


def check_cycles(scope: CheckedScope) -> list[Diagnostic]:
    """Blocks of a scope that need each other or themselves: a diagnostic for each block."""
    faults = []
    for cycle in scope.graph.cycles():
        message = f"cycle detected: {cycle_text(cycle)}"
        faults += [_at_header(scope, node_id, message, "ALY0411") for node_id in cycle]
    for node_id in scope.graph.self_references():
        faults.append(_at_header(scope, node_id, "cannot reference self", "ALY0412"))
    return faults


def _at_header(scope: CheckedScope, node_id: str, message: str, code: str) -> Diagnostic:
    node = scope.node(node_id)
    return Diagnostic(Span(node.source, node.block.start, node.block.lcurly), message, code)


def _span(chain: Chain, source: Source) -> Span:
    return Span(source, chain[0].start, chain[-1].end)
