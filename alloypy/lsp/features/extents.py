"""Where parts of a text end: in trees with holes, brackets that are missing have no length."""

from __future__ import annotations

from alloypy.syntax.holes.parsing import is_unfinished
from alloypy.syntax.tree import (
    Array,
    Attribute,
    Block,
    Call,
    Expression,
    Field,
    Index,
    Object,
    Paren,
    Statement,
)

_CLOSERS = {Array: b"]", Index: b"]", Call: b")", Paren: b")", Object: b"}"}


def stop_of(data: bytes, node: Statement | Expression) -> int:
    """The offset just after a statement or an expression."""
    if isinstance(node, Attribute):
        return max(stop_of(data, node.value), node.name.end + 1)
    if isinstance(node, Block):
        return _stop_of_block(data, node)
    closer = _CLOSERS.get(type(node))
    if closer is not None and not data.startswith(closer, node.end):
        return node.end
    return max(node.end + 1, node.start)


def label_stop(block: Block) -> int:
    """The offset just after a block's label, or its name if it has none."""
    if block.label_start is None:
        return block.name_end + 1
    return block.label_start + len(block.label.encode("utf-8", "surrogateescape")) + 2


def name_stop(data: bytes, field: Field) -> int:
    """The offset just after the name of a field, with its quotes."""
    if field.quoted:
        return field.end + 3
    return max(field.end + 1, field.start)


def _stop_of_block(data: bytes, block: Block) -> int:
    if is_unfinished(block):
        return label_stop(block)
    return block.end + data.startswith(b"}", block.end)
