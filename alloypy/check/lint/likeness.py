"""Whether parts of a configuration say the same, whatever their layout and order."""

from __future__ import annotations

from collections.abc import Iterable

from alloypy.graph.references import inner_expressions
from alloypy.lang.evaluation.literals import string_value
from alloypy.syntax.tree import (
    Access,
    Attribute,
    Binary,
    Block,
    Expression,
    Identifier,
    Literal,
    Object,
    Statement,
    Unary,
)


def likeness(node: Expression | Statement) -> str:
    """A text that is equal for two expressions or statements if they have the same meaning in one module."""
    match node:
        case Attribute():
            return f"{node.name.name}={likeness(node.value)}"
        case Literal():
            return repr(string_value(node.text)) if node.kind == "STRING" else node.text
        case Identifier():
            return node.name
        case Access():
            return f"{likeness(node.value)}.{node.name.name}"
        case Object():
            fields = sorted(f"{field.name!r}:{likeness(field.value)}" for field in node.fields)
            return f"{{{','.join(fields)}}}"
        case Unary() | Binary():
            parts = map(likeness, inner_expressions(node))
            return f"({node.op} {' '.join(parts)})"
        case Block():
            return f"{node.full_name} {node.label!r}{{{body_likeness(node.body)}}}"
    return f"{type(node).__name__}({','.join(map(likeness, inner_expressions(node)))})"


def body_likeness(body: Iterable[Statement]) -> str:
    """The same for the statements of a body. The order of attributes does not matter, that of blocks does."""
    attributes: list[str] = []
    blocks: list[str] = []
    for statement in body:
        (attributes if isinstance(statement, Attribute) else blocks).append(likeness(statement))
    return ";".join([*sorted(attributes), *blocks])
