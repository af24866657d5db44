"""The blocks of a configuration as the check sees them: scopes of nodes, with the faults of each block.

A scope is the root, the body of a `declare`, or the `template` of a `foreach`. The order of nodes
is Alloy's: declares, config blocks, components, services.
Source: docs/spec/RUNTIME.md, sections 2.1, 2.3, 2.7.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from alloypy.graph.dag import Graph
from alloypy.graph.definitions import Template
from alloypy.graph.nodes import Kind, Node
from alloypy.lang.types import AnyType
from alloypy.schema.spec import AttributeSpec, Spec
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import Diagnostic, Edit, Severity
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block, Literal, Statement

if TYPE_CHECKING:
    from alloypy.catalog.versions import Version
    from alloypy.schema.vocabulary import Vocabulary


class ComponentEntry(Protocol):
    """What the check needs to know about a component."""

    @property
    def stability(self) -> str:
        """Its stability level as written on the command line."""
        ...

    @property
    def community(self) -> bool:
        """Whether it is a community component, to which the stability gate does not apply."""
        ...

    @property
    def arguments(self) -> Spec:
        """What its body may contain."""
        ...

    @property
    def exports(self) -> Spec | None:
        """What it exports."""
        ...


class BlockEntry(Protocol):
    """What the check needs to know about a config block or service."""

    @property
    def stability(self) -> str:
        """Its stability level as written on the command line."""
        ...

    @property
    def arguments(self) -> Spec | None:
        """What its body may contain; None if it cannot be configured."""
        ...


class Language(Protocol):
    """What exists: components, config blocks and the standard library."""

    @property
    def version(self) -> Version | None:
        """The version of Alloy that was asked for; None for main and for alloypy itself."""
        ...

    @property
    def has_history(self) -> bool:
        """Whether the history of Alloy's catalog is the history of this language."""
        ...

    def component(self, name: str) -> ComponentEntry | None:
        """The component `name`."""
        ...

    def missing_package(self, name: str) -> str:
        """What must be installed before the component `name` can run; "" if nothing."""
        ...

    def block(self, name: str) -> BlockEntry | None:
        """The config block or service `name`."""
        ...

    @property
    def component_names(self) -> Collection[str]:
        """All component names."""
        ...

    @property
    def beyond(self) -> Vocabulary:
        """Everything in Alloy, whether alloypy has it or not."""
        ...

    @property
    def block_names(self) -> Collection[str]:
        """The names of config blocks and services."""
        ...

    @property
    def identifiers(self) -> Mapping[str, object]:
        """Top-level names of the standard library."""
        ...

    @property
    def deprecated(self) -> frozenset[str]:
        """Deprecated names of the standard library."""
        ...

    @property
    def experimental(self) -> frozenset[str]:
        """Experimental functions, with their namespaces."""
        ...


class _Kind(NamedTuple):
    """A component as the graph needs it; its exports do not matter there."""

    stability: Stability
    community: bool
    exports: type | None = None


class Kinds(Mapping[str, _Kind]):
    """The components of a language, as the graph needs them."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def __getitem__(self, name: str) -> _Kind:
        entry = self._language.component(name)
        if entry is None:
            raise KeyError(name)
        return _Kind(stability_of(entry), entry.community)

    def __iter__(self) -> Iterator[str]:
        return iter(self._language.component_names)

    def __len__(self) -> int:
        return len(self._language.component_names)


def stability_of(entry: ComponentEntry) -> Stability:
    """The level of a component; the gate never excludes a community component by its level."""
    if entry.community:
        return Stability.GENERALLY_AVAILABLE
    return level_of(entry.stability)


def level_of(word: str) -> Stability:
    """The level that is written `word` on the command line."""
    return Stability[word.upper().replace("-", "_")]


class CheckedNode(Node):
    """A node and what the check knows about it.

    faults: the faults of the block itself, without its body.
    arguments: what the body may contain; None if no spec applies to it.
    body: the statements that belong to this node: none for a declare, all but the template for a foreach.
    inner: the scope inside a declare or a foreach.
    exports: what a component exports.
    used: whether any expression refers to it.
    """

    __slots__ = ("_body", "arguments", "exports", "faults", "inner", "used")

    block: Block
    source: Source

    def __init__(self, kind: Kind, block: Block, source: Source) -> None:
        super().__init__(kind, block.full_name, block, source)
        self.faults: list[Diagnostic] = []
        self.used = False
        self.arguments: Spec | None = None
        self.exports: Spec | None = None
        self.inner: CheckedScope | None = None
        self._body: Sequence[Statement] = block.body

    @property
    def body(self) -> Sequence[Statement]:
        return self._body

    @body.setter
    def body(self, statements: Sequence[Statement]) -> None:
        self._body = statements

    def fault(self, end: int, message: str, code: str, hint: str = "") -> None:
        """Note a fault from the start of the block to `end`."""
        self.faults.append(Diagnostic(Span(self.source, self.block.start, end), message, code, hint=hint))


class ScopeGraph(Graph):
    """The nodes of a scope; also finds those of an outer scope, which templates can see."""

    def __init__(self, outer: ScopeGraph | None) -> None:
        super().__init__()
        self._outer = outer

    def get(self, node_id: str) -> Node | None:
        node = super().get(node_id)
        if node is None and self._outer is not None:
            return self._outer.get(node_id)
        return node


class CheckedScope:
    """One scope.

    root: whether it is the root or a template directly in it. template: whether it is a template.
    variables: names beyond the standard library. leaked: further names that Alloy's own check accepts
        here, because it keeps the names of all scopes in one table.
    customs: declares and imports by label, as Alloy's own check knows them.
    arguments: argument blocks of a module.
    written: the body of the declare or template; None for the root, and for the top of imported content.
    """

    def __init__(
        self, outer: CheckedScope | None, *, root: bool, template: bool, written: Template | None = None
    ) -> None:
        self.written = written
        self.outer = outer
        self.root = root
        self.template = template
        seen = outer if template else None
        self.graph: ScopeGraph = ScopeGraph(seen.graph if seen is not None else None)
        self.variables: set[str] = set(seen.variables) if seen is not None else {"module_path"}
        self.leaked: set[str] = outer.leaked if outer is not None else {"module_path"}
        self._nodes: dict[str, CheckedNode] = {}
        self.customs: dict[str, CheckedNode] = {}
        self.arguments: list[Block] = []
        self._numbers: dict[str, int] = {}
        self._firsts: set[str] = set()

    def custom(self, first: str) -> CheckedNode | None:
        """The declare or import of the components whose name begins with `first`; the innermost wins."""
        scope: CheckedScope | None = self
        while scope is not None:
            if first in scope.customs:
                return scope.customs[first]
            scope = scope.outer
        return None

    def hides(self, name: str) -> bool:
        """Whether a block or variable that is visible here has that first name; all blocks must be known."""
        if not self._firsts:
            self._firsts = {*self.variables, *(node.id.partition(".")[0] for node in self.nodes)}
        around = self.outer if self.template else None
        return name in self._firsts or (around is not None and around.hides(name))

    def add(self, node: CheckedNode) -> None:
        """Add a node under its id, or under a new id if that is taken."""
        wanted = node.id
        number = self._numbers.get(wanted, 0)
        while node.id in self.graph:
            node.id = f"{wanted}-{number}"
            number += 1
        self._numbers[wanted] = number
        self._nodes[node.id] = node
        self.graph.add(node)

    @property
    def nodes(self) -> Iterable[CheckedNode]:
        """The nodes, in the order in which they were read."""
        return self._nodes.values()

    def find(self, node_id: str) -> CheckedNode | None:
        """The scope's own node of that id, if there is one."""
        return self._nodes.get(node_id)

    def node(self, node_id: str) -> CheckedNode:
        """The scope's own node of that id. Raises KeyError."""
        return self._nodes[node_id]


def arguments_of_module(blocks: Sequence[Block]) -> Spec:
    """The spec of an instance of a module: its arguments, of any type."""
    members = tuple(
        AttributeSpec(block.label, AnyType(), required=not literal_flag(block, "optional"))
        for block in blocks
    )
    return Spec("module", members)


def literal_flag(block: Block, name: str) -> bool:
    """The last boolean literal given to an attribute `name` anywhere in the block; False without one."""
    found = last_literal(block.body, name, "BOOL")
    return found is not None and found.text == "true"


def last_literal(body: Sequence[Statement], name: str, kind: str) -> Literal | None:
    """The last literal of a kind given to an attribute `name` in a body or a block in it."""
    found = None
    for statement in body:
        if isinstance(statement, Attribute):
            value = statement.value
            if statement.name.name == name and isinstance(value, Literal) and value.kind == kind:
                found = value
        else:
            found = last_literal(statement.body, name, kind) or found
    return found


def warning(span: Span, message: str, code: str, hint: str = "", fix: tuple[Edit, ...] = ()) -> Diagnostic:
    """A diagnostic that does not fail."""
    return Diagnostic(span, message, code, Severity.WARNING, hint=hint, fix=fix)
