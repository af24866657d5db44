"""References: unknown, deprecated and experimental names, and blocks that depend on each other.

Source: docs/spec/RUNTIME.md, sections 2.2, 2.3, 2.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from alloypy.check.scope import CheckedNode, CheckedScope, Language, warning
from alloypy.graph import codes, texts
from alloypy.graph.dag import cycle_text
from alloypy.graph.references import Chain, Library, Meaning, chain_text, chains, meaning, resolve
from alloypy.schema.stability import Stability, refusal
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.source import Source, Span


class ReferenceFaults(NamedTuple):
    """The faults of a node's references.

    as_alloy: what Alloy's own check finds. further: what Alloy finds only when it runs, because its check
    accepts the names of other scopes everywhere.
    """

    as_alloy: list[Diagnostic]
    further: list[Diagnostic]


def check_references(
    node: CheckedNode, scope: CheckedScope, language: Language, minimum: Stability
) -> ReferenceFaults:
    """Check every reference of a node, and add its dependencies to the scope's graph."""
    faults = ReferenceFaults([], [])
    library = Library(language.identifiers, language.deprecated, language.experimental)
    for chain in chains(node.body):
        reference = resolve(chain, scope.graph)
        if reference is not None:
            if isinstance(reference.target, CheckedNode):
                reference.target.used = True
            if reference.target.id in scope.graph:
                scope.graph.connect(node.id, reference.target.id)
        meant = meaning(chain, reference, scope.variables, library)
        notices = _notices(chain, node.source, meant, minimum, scope)
        leaked = meant == "nothing" and chain[0].name in scope.leaked
        (faults.further if leaked else faults.as_alloy).extend(notices)
    return faults


def _notices(
    chain: Chain, source: Source, meant: Meaning, minimum: Stability, scope: CheckedScope
) -> Iterator[Diagnostic]:
    """The diagnostics for a chain."""
    match meant:
        case "shadowing":
            span = Span(source, chain[0].start, chain[0].end)
            yield warning(span, texts.SHADOWING, codes.SHADOWING)
        case "nothing":
            yield Diagnostic(_span(chain, source), texts.out_of_scope(chain_text(chain)), codes.OUT_OF_SCOPE)
        case "deprecated":
            yield _deprecated(chain, source, scope)
        case "experimental":
            gate = refusal(chain_text(chain), Stability.EXPERIMENTAL, minimum)
            if gate is not None:
                yield Diagnostic(_span(chain, source), gate, codes.GATE)


_MOVED = {
    "env": "sys.env",
    "nonsensitive": "convert.nonsensitive",
    "concat": "array.concat",
    "json_decode": "encoding.from_json",
    "yaml_decode": "encoding.from_yaml",
    "base64_decode": "encoding.from_base64",
}


def successor_of(name: str) -> str:
    """The new name of a deprecated function."""
    return _MOVED.get(name, f"string.{name}")


def _deprecated(chain: Chain, source: Source, scope: CheckedScope) -> Diagnostic:
    successor = successor_of(chain[0].name)
    fix = (Edit(chain[0].start, chain[0].end + 1, successor),)
    if scope.hides(successor.partition(".")[0]):
        return warning(_span(chain, source), texts.DEPRECATED, codes.DEPRECATED)
    return warning(_span(chain, source), texts.DEPRECATED, codes.DEPRECATED, f"write `{successor}`", fix)


def check_cycles(scope: CheckedScope) -> list[Diagnostic]:
    """Blocks of a scope that depend on each other or on themselves: one diagnostic for each block."""
    faults = []
    for cycle in scope.graph.cycles():
        message = f"cycle detected: {cycle_text(cycle)}"
        faults += [_at_header(scope, node_id, message, codes.MODULE_CYCLE) for node_id in cycle]
    for node_id in scope.graph.self_references():
        faults.append(_at_header(scope, node_id, "cannot reference self", codes.SELF_REFERENCE))
    return faults


def _at_header(scope: CheckedScope, node_id: str, message: str, code: str) -> Diagnostic:
    node = scope.node(node_id)
    return Diagnostic(Span(node.source, node.block.start, node.block.lcurly), message, code)


def _span(chain: Chain, source: Source) -> Span:
    return Span(source, chain[0].start, chain[-1].end)
