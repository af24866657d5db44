"""The blocks around a place: what each of them is, and what it may contain."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from alloypy.syntax.tree import Block

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.workspace.workspace import Workspace
    from alloypy.schema.spec import Member, Spec


class Role(Enum):
    """What a block is. ROOT stands for the top level, which is no block."""

    ROOT = "top level"
    COMPONENT = "component"
    CUSTOM = "custom component"
    CONFIG = "config block"
    DECLARE = "declare"
    FOREACH = "foreach"
    TEMPLATE = "template of a foreach"
    INNER = "inner block"
    UNKNOWN = "unknown block"

    @property
    def has_nodes(self) -> bool:
        """Whether its body has components and config blocks."""
        return self in {Role.ROOT, Role.DECLARE, Role.TEMPLATE}


class Around(NamedTuple):
    """A block around a place. spec: what its body may contain; None for one that is unknown or has nodes."""

    block: Block
    role: Role
    spec: Spec | None


def around_of(
    workspace: Workspace, document: Document, start: int, block: Block, outer: Around | None
) -> Around:
    """A block in the body of another, or of the top level if `outer` is None.

    start: of the section, from which the offsets in the block count.
    """
    name = block.full_name
    if outer is None or outer.role.has_nodes:
        return _node(workspace, document, start, block)
    if outer.role is Role.FOREACH and name == "template":
        return Around(block, Role.TEMPLATE, None)
    from alloypy.schema.spec import BlockSpec

    member = member_of(outer.spec, name)
    if isinstance(member, BlockSpec):
        return Around(block, Role.INNER, member.body)
    return Around(block, Role.UNKNOWN, None)


def member_of(spec: Spec | None, name: str) -> Member | None:
    """The attribute or block of that name in a body."""
    if spec is None:
        return None
    return spec.groups.get(name) or spec.lookup.get(name)


def _node(workspace: Workspace, document: Document, start: int, block: Block) -> Around:
    name = block.full_name
    if name == "declare":
        return Around(block, Role.DECLARE, None)
    language = workspace.language(document.path)
    entry = language.block(name)
    if entry is not None:
        return Around(block, Role.FOREACH if name == "foreach" else Role.CONFIG, entry.arguments)
    component = language.component(name)
    if component is not None:
        return Around(block, Role.COMPONENT, component.arguments)
    from alloypy.lsp.cursor.sight import Sight

    sight = Sight(workspace, document, start + block.start)
    if name not in sight.customs:
        return Around(block, Role.UNKNOWN, None)
    return Around(block, Role.CUSTOM, sight.custom_arguments(name))
