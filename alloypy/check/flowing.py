"""What flows along the references of a checked block: which way, and what it is.

Along a reference to a receiver, data flows from the block that refers to it; along any other reference,
what is exported flows to it. Unlike Alloy's API, this also knows the arguments and exports of modules.
Source: docs/spec/RUNTIME.md, section 2.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.catalog.received import RECEIVED
from alloypy.check.expressions.shapes import ANYTHING, Shape
from alloypy.check.modules.frames import Frame
from alloypy.check.scope import CheckedNode
from alloypy.graph.nodes import Kind
from alloypy.graph.references import Chain, Reference, expression_chains, resolve
from alloypy.lang import types as wanted
from alloypy.lang.targets import Target
from alloypy.lang.types import Type
from alloypy.lang.values import Kind as ValueKind
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.tree import Attribute, Statement

TARGETS = "targets"
"""What flows from components that find something to collect from."""


class Flow(NamedTuple):
    """What flows between a block and one that it refers to.

    other: that block; it may be in a scope around. out: whether it flows to the other one. carries: what
    flows. is_data: whether that is data that is collected, or targets, not just a value.
    """

    other: CheckedNode
    out: bool
    carries: str
    is_data: bool


def flows(node: CheckedNode, frame: Frame) -> Iterator[Flow]:
    """What flows along each reference in the body of a node of a module, in source order."""
    for attribute, type_ in _attributes(node.body, node.arguments):
        for chain in expression_chains(attribute.value):
            reference = resolve(chain, frame.scope.graph)
            if reference is None or not isinstance(reference.target, CheckedNode):
                continue
            received = RECEIVED.get(_capsule(chain, frame)) or RECEIVED.get(_wanted(type_))
            if received is not None and not _has_value(reference):
                yield Flow(reference.target, True, received, True)
            else:
                yield _value(reference, reference.target, type_)


def _has_value(reference: Reference) -> bool:
    """Whether a reference certainly means an export that is no receiver."""
    exports = reference.target.exports if isinstance(reference.target, CheckedNode) else None
    member = exports.lookup.get(".".join(reference.rest)) if exports is not None else None
    return isinstance(member, AttributeSpec) and _wanted(member.type) not in RECEIVED


def _value(reference: Reference, target: CheckedNode, type_: Type | None) -> Flow:
    name = reference.rest[0] if reference.rest else target.label
    exported = target.exports.lookup.get(name) if target.exports is not None else None
    if isinstance(exported, AttributeSpec):
        is_targets = _wanted(exported.type) == Target.kind
    else:
        is_targets = _wanted(type_) == Target.kind
    if target.kind is Kind.ARGUMENT:
        name = target.label
    return Flow(target, False, TARGETS if is_targets else name, is_targets)


def _capsule(chain: Chain, frame: Frame) -> str:
    """The kind of capsule that a chain certainly means, or a list of them; "" for anything else."""
    seen = frame.resolve(chain)
    if seen is None:
        return ""
    shape = seen.shape
    for name in chain[seen.used :]:
        shape = shape.part(name.name) if name.name in (shape.names or ()) else ANYTHING
    return _of_elements(shape)


def _of_elements(shape: Shape) -> str:
    while shape.kind == ValueKind.ARRAY and shape.length:
        shape = shape.part(0)
    return shape.capsule


def _wanted(type_: Type | None) -> str:
    """The kind of capsule that a place takes, or a list of them; "" for anything else."""
    while isinstance(type_, wanted.NullableType | wanted.ListType):
        type_ = type_.inner if isinstance(type_, wanted.NullableType) else type_.element
    return type_.cls.kind if isinstance(type_, wanted.CapsuleType) else ""


def _attributes(body: Sequence[Statement], spec: Spec | None) -> Iterator[tuple[Attribute, Type | None]]:
    """All attributes of a body and of the blocks inside it, each with the type that it wants if known."""
    for statement in body:
        if isinstance(statement, Attribute):
            member = spec.lookup.get(statement.name.name) if spec is not None else None
            yield statement, member.type if isinstance(member, AttributeSpec) else None
        else:
            name = statement.full_name
            block = None if spec is None else spec.groups.get(name) or spec.lookup.get(name)
            yield from _attributes(statement.body, block.body if isinstance(block, BlockSpec) else None)
