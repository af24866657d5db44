"""What a configuration uses of Alloy, each with its history: found in one walk over all of its modules.

Modules are the root, declares, templates of a foreach, and what is imported from available files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from alloypy.catalog.history import EntryHistory, History, NameHistory, PathHistory
from alloypy.check.modules.frames import Frame
from alloypy.check.scope import CheckedNode
from alloypy.graph.nodes import Kind
from alloypy.graph.references import Chain, chains, resolve
from alloypy.schema.check import count_blocks
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Block, Statement


class Member(NamedTuple):
    """An attribute or block as written. path: in its component. history: None if no version has it."""

    statement: Attribute | Block
    path: str
    history: PathHistory | None

    def span(self, body: Body) -> Span:
        """Its place: the whole attribute, or the head of the block."""
        statement = self.statement
        end = statement.end if isinstance(statement, Attribute) else statement.lcurly
        return Span(body.node.source, statement.start, end)


class Body:
    """The body of a component, a config block or a block in it.

    block: in the tree. path: in its component, "" for the whole. history: of the block, None for the whole.
    statements: its content. members: the same with their histories.
    """

    def __init__(
        self, node: NodeUse, block: Block, path: str, history: PathHistory | None, body: Sequence[Statement]
    ) -> None:
        self.node = node
        self.block = block
        self.path = path
        self.history = history
        self.statements = body
        self.members: list[Member] = []
        self.counts = count_blocks(body)

    @property
    def present(self) -> int:
        """The versions that have it."""
        return self.node.entry.present if self.history is None else self.history.present & self.history.block

    @property
    def head(self) -> Span:
        """Its name and label."""
        return Span(self.node.source, self.block.start, self.block.lcurly)

    def gives(self, name: str) -> bool:
        """Whether an attribute or block of that name is written in it."""
        return name in self.counts or self.attribute(name) is not None

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of that name, if it is written."""
        for statement in self.statements:
            if isinstance(statement, Attribute) and statement.name.name == name:
                return statement
        return None

    def inner(self, name: str) -> list[Body]:
        """The bodies of the blocks of that name directly in it."""
        path = f"{self.path}/{name}" if self.path else name
        blocks = {id(each.statement) for each in self.members if each.path == path}
        return [each for each in self.node.bodies if id(each.block) in blocks]


class NodeUse:
    """A component or config block. entry: its history. bodies: its own, and those of the blocks in it."""

    def __init__(self, node: CheckedNode, frame: Frame, entry: EntryHistory) -> None:
        self.node = node
        self.frame = frame
        self.entry = entry
        self.source = node.source
        self.bodies: list[Body] = []

    @property
    def name(self) -> str:
        """The name of the component or block."""
        return self.node.name

    @property
    def is_component(self) -> bool:
        """Whether it is a component."""
        return self.node.kind is Kind.COMPONENT

    @property
    def head(self) -> Span:
        """Its name and label."""
        return Span(self.source, self.node.block.start, self.node.block.lcurly)


class NameUse(NamedTuple):
    """A name of the standard library, such as `sys.env`. history: None if no version has the member."""

    node: CheckedNode
    frame: Frame
    chain: Chain
    name: str
    history: NameHistory | None

    @property
    def span(self) -> Span:
        """Where it is written."""
        last = self.chain[min(len(self.chain), self.name.count(".") + 1) - 1]
        return Span(self.node.source, self.chain[0].start, last.end)


class Uses(NamedTuple):
    """Everything that a configuration uses. customs: instances of declares and of imported modules."""

    nodes: list[NodeUse]
    names: list[NameUse]
    customs: list[CheckedNode]


def find_uses(frames: Iterable[Frame], history: History) -> Uses:
    """What the modules use. frames: one for each scope, as `check_files` returns them."""
    uses = Uses([], [], [])
    for frame in frames:
        for node in frame.scope.nodes:
            _node(node, frame, history, uses)
            uses.names.extend(_names(node, frame, history))
    return uses


def _node(node: CheckedNode, frame: Frame, history: History, uses: Uses) -> None:
    if node.kind is Kind.CUSTOM:
        uses.customs.append(node)
        return
    entry = history.component(node.name) if node.kind is Kind.COMPONENT else history.block(node.name)
    if entry is None or node.kind is Kind.DECLARE:
        return
    use = NodeUse(node, frame, entry)
    _body(use, node.block, "", None, node.body)
    uses.nodes.append(use)


def _body(
    use: NodeUse, block: Block, path: str, history: PathHistory | None, statements: Sequence[Statement]
) -> None:
    body = Body(use, block, path, history, statements)
    use.bodies.append(body)
    for statement in statements:
        name = statement.name.name if isinstance(statement, Attribute) else statement.full_name
        inner = f"{path}/{name}" if path else name
        member = Member(statement, inner, use.entry.path(inner))
        body.members.append(member)
        if isinstance(statement, Block) and member.history is not None and member.history.block:
            _body(use, statement, inner, member.history, statement.body)


def _names(node: CheckedNode, frame: Frame, history: History) -> Iterator[NameUse]:
    for chain in chains(node.body):
        first = chain[0].name
        if first in frame.scope.variables or resolve(chain, frame.scope.graph) is not None:
            continue
        name = first
        if first not in history.functions or first == "constants":
            name = ".".join(part.name for part in chain[:2])
        known = history.functions.get(name)
        if known is not None or first in namespaces(history):
            yield NameUse(node, frame, chain, name, known)


@cache
def namespaces(history: History) -> dict[str, int]:
    """The namespaces of the standard library, with the versions that have them."""
    found: dict[str, int] = {}
    for name, each in history.functions.items():
        first, dot, _ = name.partition(".")
        if dot:
            found[first] = found.get(first, 0) | each.present
    return found
