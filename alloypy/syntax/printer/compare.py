"""Whether two files have the same content: equal trees and comments, whatever their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from alloypy.syntax.tree import (
    Access,
    Array,
    Attribute,
    Binary,
    Block,
    Call,
    Expression,
    Field,
    File,
    Identifier,
    Index,
    Literal,
    Object,
    Paren,
    Statement,
    Unary,
)

_Node = Statement | Expression | Field
_Opened = tuple[tuple[object, ...], Sequence[_Node]]

# For each type of node: the values it holds, and the nodes in it.
_OPEN: dict[type, Callable[[Any], _Opened]] = {
    Attribute: lambda node: ((node.name.name,), (node.value,)),
    Block: lambda node: ((node.name, node.label), node.body),
    Identifier: lambda node: ((node.name,), ()),
    Literal: lambda node: ((node.kind, node.text), ()),
    Array: lambda node: ((), node.elements),
    Object: lambda node: ((), node.fields),
    Field: lambda node: ((node.name, node.quoted), (node.value,)),
    Access: lambda node: ((node.name.name,), (node.value,)),
    Index: lambda node: ((), (node.value, node.index)),
    Call: lambda node: ((), (node.value, *node.args)),
    Unary: lambda node: ((node.op,), (node.value,)),
    Binary: lambda node: ((node.op,), (node.left, node.right)),
    Paren: lambda node: ((), (node.inner,)),
}


def same_content(one: File, other: File) -> bool:
    """Whether both files have the same tree and the same comments in the same order."""
    return _comments(one) == _comments(other) and _same_nodes(one.body, other.body)


def _comments(file: File) -> list[str]:
    return [comment.text for group in file.comments for comment in group]


def _same_nodes(ones: Sequence[_Node], others: Sequence[_Node]) -> bool:
    if len(ones) != len(others):
        return False
    pairs = list(zip(ones, others, strict=True))
    while pairs:
        one, other = pairs.pop()
        kind = type(one)
        if type(other) is not kind:
            return False
        content, parts = _OPEN[kind](one)
        other_content, other_parts = _OPEN[kind](other)
        if content != other_content or len(parts) != len(other_parts):
            return False
        pairs += zip(parts, other_parts, strict=True)
    return True
