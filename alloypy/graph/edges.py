"""Edges: from every node to the nodes that its expressions and custom components need.

Source: docs/spec/RUNTIME.md, sections 2.2, 2.3.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from alloypy.graph import codes, texts
from alloypy.graph.dag import Graph
from alloypy.graph.nodes import Kind, Node, split_custom_name
from alloypy.graph.references import Chain, Library, Meaning, Reference, chain_text, chains, meaning, resolve
from alloypy.lang.stdlib import DEPRECATED, EXPERIMENTAL, IDENTIFIERS
from alloypy.schema.stability import Stability, refusal
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Block, Statement

_LIBRARY = Library(IDENTIFIERS, DEPRECATED, EXPERIMENTAL)


class Notice(NamedTuple):
    """A warning for the log: its message, its fields, and its place."""

    message: str
    fields: dict[str, str]
    span: Span


class Wired(NamedTuple):
    """The results of connecting the nodes."""

    diagnostics: tuple[Diagnostic, ...]
    notices: tuple[Notice, ...]


def connect(graph: Graph, variables: Container[str], stability: Stability) -> Wired:
    """Add all edges to the graph; `variables`: names known besides nodes and the standard library."""
    wiring = _Wiring(graph, variables, stability)
    for node in graph:
        wiring.custom_components(node)
        if node.kind is not Kind.DECLARE:
            wiring.references(node)
    return Wired(tuple(wiring.diagnostics), tuple(wiring.notices))


class _Wiring:
    def __init__(self, graph: Graph, variables: Container[str], stability: Stability) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.notices: list[Notice] = []
        self._graph = graph
        self._variables = variables
        self._stability = stability
        self._declares = {node.label: node for node in graph if node.kind is Kind.DECLARE}
        self._imports = {node.label: node for node in graph if node.kind is Kind.IMPORT}

    def custom_components(self, node: Node) -> None:
        """Add edges to the declares and imports from which a node's custom components are made.

        Declares are connected with each other although they are not evaluated, so that recursion shows
        as a cycle. A custom component is connected to what its declare uses, not to the declare.
        """
        if node.kind in {Kind.DECLARE, Kind.FOREACH}:
            for target in self._used(node.body):
                self._graph.connect(node.id, target.id)
        elif node.kind is Kind.CUSTOM:
            namespace, name = split_custom_name(node.name)
            if namespace in self._imports:
                self._graph.connect(node.id, self._imports[namespace].id)
            elif name in self._declares:
                for target in self._used(self._declares[name].body):
                    self._graph.connect(node.id, target.id)

    def _used(self, body: Sequence[Statement]) -> Iterator[Node]:
        for block in body:
            if not isinstance(block, Block):
                continue
            first = block.name[0]
            if block.full_name in {"declare", "template"}:
                yield from self._used(block.body)
            elif first in self._declares:
                yield self._declares[first]
            elif first in self._imports:
                yield self._imports[first]

    def references(self, node: Node) -> None:
        """Add edges to the nodes that a node's expressions name, and faults for unknown names."""
        for chain in chains(node.body):
            reference = resolve(chain, self._graph)
            self._judge(node, chain, meaning(chain, reference, self._variables, _LIBRARY), reference)
            if reference is not None:
                self._graph.connect(node.id, reference.target.id)

    def _judge(self, node: Node, chain: Chain, meant: Meaning, reference: Reference | None) -> None:
        """Add the edge, notice or fault for a chain."""
        first, span = chain[0].name, _span(chain, node.source)
        match meant:
            case "shadowing" if reference is not None:
                fields = {"component": reference.target.id, "stdlib_name": first}
                self.notices.append(Notice(texts.SHADOWING, fields, span))
            case "deprecated":
                self.notices.append(Notice(texts.DEPRECATED, {"function": first}, span))
            # The names in a template are checked when it is loaded with an item.
            case "nothing" if node.kind is not Kind.FOREACH:
                message = texts.out_of_scope(chain_text(chain))
                self.diagnostics.append(Diagnostic(span, message, codes.OUT_OF_SCOPE))
            case "experimental":
                gate = refusal(chain_text(chain), Stability.EXPERIMENTAL, self._stability)
                if gate is not None:
                    short = span._replace(end=chain[-1].start)
                    self.diagnostics.append(Diagnostic(short, gate, codes.GATE))


def _span(chain: Chain, source: Source) -> Span:
    return Span(source, chain[0].start, chain[-1].end)
