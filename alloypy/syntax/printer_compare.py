"""Whether two files say the same: equal trees and comments, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

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


def same_content(one: File, other: File) -> bool:
    """Whether both files have the same tree and the same comments in the same order."""
    return _comments(one) == _comments(other) and all(
        left == right for left, right in zip_longest(_content(one), _content(other))
    )


def _comments(file: File) -> list[str]:
    return [comment.text for group in file.comments for comment in group]


def _content(file: File) -> Iterator[tuple[object, ...]]:
    """What each node holds, in one order for all files, and how many parts it has, so that none can move."""
    nodes: list[_Node] = list(file.body)
    yield (len(nodes),)
    while nodes:
        node = nodes.pop()
        content, parts = _open(node)
        yield (type(node), len(parts), *content)
        nodes += parts


def _open(node: _Node) -> tuple[tuple[object, ...], list[_Node]]:
    """What a node holds of its own, and the nodes in it."""
    match node:
        case Attribute():
            return (node.name.name,), [node.value]
        case Block():
            return (node.name, node.label), list(node.body)
        case Identifier():
            return (node.name,), []
        case Literal():
            return (node.kind, node.text), []
        case Array():
            return (), list(node.elements)
        case Object():
            return (), list(node.fields)
        case Field():
            return (node.name, node.quoted), [node.value]
        case Access():
            return (node.name.name,), [node.value]
        case Index():
            return (), [node.value, node.index]
        case Call():
            return (), [node.value, *node.args]
        case Unary():
            return (node.op,), [node.value]
        case Binary():
            return (node.op,), [node.left, node.right]
        case Paren():
            return (), [node.inner]
