"""Builds the graph from blocks: nodes, references between them, and all their faults.

Phases, in Alloy's order: services, declares, config blocks, components, references, cycles. The
diagnostics of all phases are collected; a graph with any error must not be evaluated.
Source: docs/spec/RUNTIME.md, sections 2.2, 2.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from alloypy.graph import codes, texts
from alloypy.graph.admission import Gates
from alloypy.graph.dag import Graph, cycle_text
from alloypy.graph.definitions import Definitions, Template
from alloypy.graph.edges import Notice, connect
from alloypy.graph.nodes import CONFIG_KINDS, SERVICE_NAMES, Kind, Node, block_id, header, whole
from alloypy.graph.sections import Ids, Placed, Sections
from alloypy.schema.nearest import nearest
from alloypy.schema.stability import Stability, admission, refusal
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span

_MOST_SEARCHED = 100
"""After this many faults, unknown names get no hint."""


class Surroundings(NamedTuple):
    """What a module receives from outside.

    root: whether it is the root module; only that has services, logging and tracing.
    definitions: new and empty, with its parent and variables set; the build fills it.
    arguments: names of the arguments given to the module.
    """

    root: bool
    definitions: Definitions
    arguments: tuple[str, ...] = ()


class Built(NamedTuple):
    """A graph, the templates of its custom components, and the diagnostics and notices of the build."""

    graph: Graph
    definitions: Definitions
    diagnostics: tuple[Diagnostic, ...]
    notices: tuple[Notice, ...]


def build(sections: Sections, surroundings: Surroundings, gates: Gates) -> Built:
    """Build the graph of one module; never raises for a faulty configuration."""
    builder = _Builder(surroundings, gates)
    builder.services(sections.services)
    builder.declares(sections.declares)
    builder.configs(sections.configs)
    builder.components(sections.components)
    known = {*builder.definitions.variables, *(("argument",) if surroundings.arguments else ())}
    wired = connect(builder.graph, known, gates.gate.stability)
    diagnostics = [*builder.faults, *wired.diagnostics, *_cycles(builder.graph)]
    return Built(builder.graph, builder.definitions, tuple(diagnostics), wired.notices)


def _cycles(graph: Graph) -> Iterable[Diagnostic]:
    for cycle in graph.cycles():
        yield Diagnostic(None, texts.cycle(cycle_text(cycle)), codes.MODULE_CYCLE)
    for node_id in graph.self_references():
        yield Diagnostic(None, texts.self_reference(node_id), codes.SELF_REFERENCE)


class _Builder:
    def __init__(self, surroundings: Surroundings, gates: Gates) -> None:
        self.graph = Graph()
        self.definitions = surroundings.definitions
        self.faults: list[Diagnostic] = []
        self._root = surroundings.root
        self._arguments = surroundings.arguments
        self._gates = gates

    def _fault(self, span: Span, message: str, code: str, hint: str = "") -> None:
        self.faults.append(Diagnostic(span, message, code, hint=hint))

    def _new(self, placed: Placed, seen: Ids) -> bool:
        """Whether the block's id has not been seen before; reports a repeated one."""
        repeated = seen.repeated(placed)
        if repeated is not None:
            self.faults.append(repeated)
        return repeated is None

    def services(self, blocks: list[Placed]) -> None:
        configured: dict[str, Placed] = {}
        for placed in blocks:
            span, name = whole(*placed), block_id(placed.block)
            if not self._root:
                self._fault(span, f'service blocks not allowed inside a module: "{name}"', codes.PLACE)
            elif name in configured:
                self._fault(span, f'duplicate definition of "{name}"', codes.REPEATED)
            else:
                configured[name] = placed
        if self._root:
            for name in SERVICE_NAMES:
                placed_or_none = configured.get(name)
                self.graph.add(Node(Kind.SERVICE, name, *(placed_or_none or ())))

    def declares(self, blocks: list[Placed]) -> None:
        seen = Ids()
        for placed in blocks:
            block, source = placed
            if block.label == "declare":
                message = "'declare' is not a valid label for a declare block"
                self._fault(whole(block, source), message, codes.DECLARE_LABEL)
            elif self._new(placed, seen):
                self.definitions.declares[block.label] = Template(block.body, source)
                self.graph.add(Node(Kind.DECLARE, "declare", block, source))

    def configs(self, blocks: list[Placed]) -> None:
        """Add config blocks; as in Alloy, those after a faulty one are left out of the graph."""
        seen = Ids()
        before = len(self.faults)
        added: list[Node] = []
        for placed in blocks:
            block, source = placed
            name = block.full_name
            if not self._new(placed, seen):
                continue
            if name == "foreach":
                gate = refusal('config block "foreach"', Stability.EXPERIMENTAL, self._gates.gate.stability)
                if gate is not None:
                    self._fault(whole(block, source), gate, codes.GATE, admission(Stability.EXPERIMENTAL))
            if len(self.faults) > before:
                continue
            node = Node(CONFIG_KINDS[name], name, block, source)
            if node.kind is Kind.IMPORT:
                self.definitions.imports[block.label] = None
            self.graph.add(node)
            added.append(node)
        self._check_configs(added)
        self._add_defaults(added)

    def _check_configs(self, nodes: list[Node]) -> None:
        if self._root:
            for kind in (Kind.ARGUMENT, Kind.EXPORT):
                for node in nodes:
                    if node.kind is kind and node.span is not None:
                        self._fault(node.span, texts.only_inside_module(kind.value), codes.PLACE)
        else:
            for kind in (Kind.LOGGING, Kind.TRACING):
                last = next((node for node in reversed(nodes) if node.kind is kind), None)
                if last is not None and last.span is not None:
                    message = f"{kind.value} block not allowed inside a module"
                    self._fault(last.span, message, codes.PLACE)
        known = {node.label for node in nodes if node.kind is Kind.ARGUMENT}
        for name in self._arguments:
            if name not in known:
                message = texts.argument_unknown(name)
                self.faults.append(Diagnostic(None, message, codes.ARGUMENT_UNKNOWN))

    def _add_defaults(self, nodes: list[Node]) -> None:
        kinds = {node.kind for node in nodes}
        for kind in (Kind.LOGGING, Kind.TRACING):
            if self._root and kind not in kinds:
                self.graph.add(Node(kind, kind.value))

    def components(self, blocks: list[Placed]) -> None:
        seen = Ids()
        for placed in blocks:
            if not self._new(placed, seen):
                continue
            block, source = placed
            name = block.full_name
            if self.definitions.is_custom(block.name[0]):
                self._add_component(Node(Kind.CUSTOM, name, block, source))
                continue
            refused = self._refused(name, bool(block.label))
            if refused is not None:
                self.faults.append(refused._replace(span=header(block, source, len(name.encode()))))
            else:
                self._add_component(Node(Kind.COMPONENT, name, block, source))

    def _add_component(self, node: Node) -> None:
        if node.id not in self.graph:
            self.graph.add(node)
            return
        other = self.graph[node.id]
        if node.block is not None:
            span = header(node.block, node.source, len(node.id.encode()))
            where = other.span or f"its own {other.kind.value}"
            self._fault(span, texts.declared_already(node.id, where), codes.REPEATED)

    def _refused(self, name: str, labelled: bool) -> Diagnostic | None:
        """Why a component of this name cannot be used, with a hint."""
        refused = self._gates.refused(name)
        if refused is None and not labelled:
            return Diagnostic(None, texts.unlabelled(f'component "{name}"'), codes.NO_LABEL)
        if refused is None or refused.code != codes.UNKNOWN_COMPONENT or refused.hint:
            return refused
        close = nearest(name, self._gates.registry) if len(self.faults) < _MOST_SEARCHED else None
        return refused if close is None else refused._replace(hint=f"did you mean `{close}`?")
