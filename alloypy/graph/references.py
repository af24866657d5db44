"""References: the chains of names in a body, and the nodes that they mean.

Source: docs/spec/RUNTIME.md, section 2.2.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Literal as OneOf
from typing import NamedTuple, TypeAlias

from alloypy.graph.dag import Graph
from alloypy.graph.nodes import Node
from alloypy.syntax.tree import (
    Access,
    Array,
    Attribute,
    Binary,
    Call,
    Expression,
    Identifier,
    Index,
    Literal,
    Object,
    Paren,
    Statement,
    Unary,
)

Chain: TypeAlias = tuple[Identifier, ...]
"""Names joined by dots, up to the first index or call."""


class Reference(NamedTuple):
    """A chain that means a node: the node, and the names after its id."""

    target: Node
    rest: tuple[str, ...]


def chain_text(chain: Chain) -> str:
    """The chain as written."""
    return ".".join(part.name for part in chain)


def chains(body: Sequence[Statement]) -> list[Chain]:
    """Every chain in the expressions of a body and of the blocks inside it, in source order."""
    collector = _Collector()
    collector.body(body)
    collector.flush()
    return collector.found


def expression_chains(expression: Expression) -> list[Chain]:
    """Every chain in one expression, in source order."""
    collector = _Collector()
    collector.expression(expression)
    collector.flush()
    return collector.found


def resolve(chain: Chain, graph: Graph) -> Reference | None:
    """The node that the shortest prefix of the chain names, or None."""
    name = ""
    for length, part in enumerate(chain, 1):
        name = f"{name}.{part.name}" if name else part.name
        node = graph.get(name)
        if node is not None:
            return Reference(node, tuple(each.name for each in chain[length:]))
    return None


class Library:
    """The names of the standard library. experimental: functions with their namespace."""

    def __init__(
        self, identifiers: Container[str], deprecated: Container[str], experimental: Container[str]
    ) -> None:
        self.identifiers = identifiers
        self.deprecated = deprecated
        self.experimental = experimental

    def __contains__(self, name: str) -> bool:
        return name in self.identifiers or name in self.deprecated


Meaning: TypeAlias = OneOf["node", "shadowing", "deprecated", "experimental", "other", "nothing"]
"""What a chain means.

node: a node. shadowing: a node whose name the standard library has, too.
deprecated: an old name of the library. experimental: a function that the stability level must permit.
other: any other name of the library, or a variable.
"""


def meaning(
    chain: Chain, reference: Reference | None, variables: Container[str], library: Library
) -> Meaning:
    """What a chain means; `reference`: the node that it names, if any."""
    first = chain[0].name
    if reference is not None:
        return "shadowing" if first in library else "node"
    if first not in library and first not in variables:
        return "nothing"
    if first in library.deprecated:
        return "deprecated"
    return "experimental" if chain_text(chain) in library.experimental else "other"


class _Collector:
    """Walks expressions and builds one chain at a time, which the next name, an index or a call ends."""

    def __init__(self) -> None:
        self.found: list[Chain] = []
        self._chain: list[Identifier] | None = None

    def flush(self) -> None:
        """Store the unfinished chain, if there is one."""
        if self._chain:
            self.found.append(tuple(self._chain))
        self._chain = None

    def body(self, body: Sequence[Statement]) -> None:
        """Collect from statements."""
        for statement in body:
            if not isinstance(statement, Attribute):
                self.body(statement.body)
            elif not isinstance(statement.value, Literal):
                self.expression(statement.value)

    def expression(self, node: Expression) -> None:
        """Collect from an expression."""
        match node:
            case Literal():  # most expressions
                return
            case Identifier():
                self.flush()
                self._chain = [node]
            case Access():
                self.expression(node.value)
                if self._chain is not None:
                    self._chain.append(node.name)
            case Index():
                self.expression(node.value)
                self.flush()
                self.expression(node.index)
            case Call():
                self.expression(node.value)
                self.flush()
                for argument in node.args:
                    self.expression(argument)
            case _:
                for part in inner_expressions(node):
                    self.expression(part)


def inner_expressions(node: Expression) -> list[Expression]:
    """The direct subexpressions of an expression, in source order."""
    match node:
        case Array():
            return node.elements
        case Object():
            return [field.value for field in node.fields]
        case Unary() | Access():
            return [node.value]
        case Binary():
            return [node.left, node.right]
        case Paren():
            return [node.inner]
        case Index():
            return [node.value, node.index]
        case Call():
            return [node.value, *node.args]
        case _:
            return []
