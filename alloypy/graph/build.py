"""From blocks to a graph: which nodes there are, what refers to what, and all that is wrong with it.

Phases, in Alloy's order: services, declares, config blocks, components, references, cycles. The
diagnostics of all phases are gathered; with any error the graph is not fit to be evaluated.
Source: RUNTIME spec sections 2.2, 2.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from alloypy.graph.dag import Graph, cycle_text
from alloypy.graph.definitions import Definitions, Template
from alloypy.graph.edges import Notice, connect
from alloypy.graph.nodes import CONFIG_KINDS, SERVICE_NAMES, Kind, Node, block_id, header, whole
from alloypy.graph.notices import NOT_RUN_HINT, not_run
from alloypy.graph.sections import Placed, Sections
from alloypy.schema.nearest import nearest
from alloypy.schema.stability import Stability, admission, refusal
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span

_MOST_SEARCHED = 100
"""Names with a fault beyond which no more are compared with those there are."""


class ComponentKind(Protocol):
    """What the graph needs to know of a component kind."""

    @property
    def stability(self) -> Stability:
        """The level it is at."""
        ...

    @property
    def community(self) -> bool:
        """Whether it is a community component, which the stability gate does not concern."""
        ...

    @property
    def exports(self) -> type | None:
        """The declared class of its exports."""
        ...


class Gates(NamedTuple):
    """Which component kinds there are, and which of them the command line lets in."""

    registry: Mapping[str, ComponentKind]
    stability: Stability = Stability.GENERALLY_AVAILABLE
    community: bool = False


class Surroundings(NamedTuple):
    """What a module is given from outside.

    root: whether it is the root, which alone has services, logging and tracing.
    definitions: new and empty, with the parent's and the scope's variables set; the build fills it.
    arguments: names of the arguments given to the module.
    """

    root: bool
    definitions: Definitions
    arguments: tuple[str, ...] = ()


class Built(NamedTuple):
    """A graph, what its custom components are made from, and what was found on the way."""

    graph: Graph
    definitions: Definitions
    diagnostics: tuple[Diagnostic, ...]
    notices: tuple[Notice, ...]


def build(sections: Sections, surroundings: Surroundings, gates: Gates) -> Built:
    """Build the graph of one module; never raises for what is wrong with the configuration."""
    builder = _Builder(surroundings, gates)
    builder.services(sections.services)
    builder.declares(sections.declares)
    builder.configs(sections.configs)
    builder.components(sections.components)
    known = {*builder.definitions.variables, *(("argument",) if surroundings.arguments else ())}
    wired = connect(builder.graph, known, gates.stability)
    diagnostics = [*builder.faults, *wired.diagnostics, *_cycles(builder.graph)]
    return Built(builder.graph, builder.definitions, tuple(diagnostics), wired.notices)


def _cycles(graph: Graph) -> Iterable[Diagnostic]:
    for cycle in graph.cycles():
        yield Diagnostic(None, f"cycle: {cycle_text(cycle)}", "ALY0411")
    for node_id in graph.self_references():
        yield Diagnostic(None, f"self reference: {node_id}", "ALY0412")


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

    def _new(self, placed: Placed, seen: dict[str, Placed]) -> bool:
        """Whether the block's id is new among those seen; a repeated one is a fault."""
        node_id = block_id(placed.block)
        first = seen.setdefault(node_id, placed)
        if first is placed:
            return True
        where = whole(first.block, first.source)
        span = header(placed.block, placed.source, len(node_id.encode()))
        self._fault(span, f"block {node_id} already declared at {where}", "ALY0402")
        return False

    def services(self, blocks: list[Placed]) -> None:
        configured: dict[str, Placed] = {}
        for placed in blocks:
            span, name = whole(*placed), block_id(placed.block)
            if not self._root:
                self._fault(span, f'service blocks not allowed inside a module: "{name}"', "ALY0403")
            elif name in configured:
                self._fault(span, f'duplicate definition of "{name}"', "ALY0402")
            else:
                configured[name] = placed
        if self._root:
            for name in SERVICE_NAMES:
                placed_or_none = configured.get(name)
                self.graph.add(Node(Kind.SERVICE, name, *(placed_or_none or ())))

    def declares(self, blocks: list[Placed]) -> None:
        seen: dict[str, Placed] = {}
        for placed in blocks:
            block, source = placed
            if block.label == "declare":
                message = "'declare' is not a valid label for a declare block"
                self._fault(whole(block, source), message, "ALY0404")
            elif self._new(placed, seen):
                self.definitions.declares[block.label] = Template(block.body, source)
                self.graph.add(Node(Kind.DECLARE, "declare", block, source))

    def configs(self, blocks: list[Placed]) -> None:
        """Add config blocks; as in Alloy, one with a fault keeps those after it out of the graph."""
        seen: dict[str, Placed] = {}
        before = len(self.faults)
        added: list[Node] = []
        for placed in blocks:
            block, source = placed
            name = block.full_name
            if not self._new(placed, seen):
                continue
            if name == "foreach":
                gate = refusal('config block "foreach"', Stability.EXPERIMENTAL, self._gates.stability)
                if gate is not None:
                    self._fault(whole(block, source), gate, "ALY0405", admission(Stability.EXPERIMENTAL))
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
                        message = f"{kind.value} blocks only allowed inside a module"
                        self._fault(node.span, message, "ALY0403")
        else:
            for kind in (Kind.LOGGING, Kind.TRACING):
                last = next((node for node in reversed(nodes) if node.kind is kind), None)
                if last is not None and last.span is not None:
                    message = f"{kind.value} block not allowed inside a module"
                    self._fault(last.span, message, "ALY0403")
        known = {node.label for node in nodes if node.kind is Kind.ARGUMENT}
        for name in self._arguments:
            if name not in known:
                message = f'Provided argument "{name}" is not defined in the module'
                self.faults.append(Diagnostic(None, message, "ALY0406"))

    def _add_defaults(self, nodes: list[Node]) -> None:
        kinds = {node.kind for node in nodes}
        for kind in (Kind.LOGGING, Kind.TRACING):
            if self._root and kind not in kinds:
                self.graph.add(Node(kind, kind.value))

    def components(self, blocks: list[Placed]) -> None:
        seen: dict[str, Placed] = {}
        for placed in blocks:
            if not self._new(placed, seen):
                continue
            block, source = placed
            name = block.full_name
            if self.definitions.is_custom(block.name[0]):
                self._add_component(Node(Kind.CUSTOM, name, block, source))
                continue
            problem = self._refused(name, bool(block.label))
            if problem is not None:
                self._fault(header(block, source, len(name.encode())), *problem)
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
            self._fault(span, f"block {node.id} already declared at {where}", "ALY0402")

    def _refused(self, name: str, labelled: bool) -> tuple[str, ...] | None:
        """Why there can be no component of that name, the code for it, and a hint."""
        kind = self._gates.registry.get(name)
        if kind is None:
            from alloypy.catalog.catalog import load_catalog  # no need of it where all is well

            if name in load_catalog().component_names:
                return not_run(name), "ALY0407", NOT_RUN_HINT
            close = nearest(name, self._gates.registry) if len(self.faults) < _MOST_SEARCHED else None
            hint = f"did you mean `{close}`?" if close is not None else ""
            return f'cannot find the definition of component name "{name}"', "ALY0407", hint
        if kind.community:
            if not self._gates.community:
                return (
                    f'the component "{name}" is a community component. Use the '
                    "--feature.community-components.enabled command-line flag to enable community components"
                ), "ALY0405"
        else:
            gate = refusal(f'component "{name}"', kind.stability, self._gates.stability)
            if gate is not None:
                return gate, "ALY0405", admission(kind.stability)
        if not labelled:
            return f'component "{name}" must have a label', "ALY0408"
        return None
