"""Load-time rules applied to the bodies of a configuration.

Source: docs/spec/RUNTIME.md, section 2.4; the rules are in `alloypy.rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.graph.codes import LOAD_RULE
from alloypy.rules import rules_for
from alloypy.rules.body import Body, Reader
from alloypy.rules.view import Undecided
from alloypy.schema.check import count_blocks
from alloypy.schema.faults import Fault
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block, Statement


class RulePlace(NamedTuple):
    """A block to which rules are applied.

    path: component and inner blocks, such as `loki.write/wal`.
    older: whether it is checked for an earlier version of Alloy.
    """

    block: Block
    path: str
    source: Source
    older: bool = False


def check_rules(
    place: RulePlace, statements: Sequence[Statement], spec: Spec, read: Reader
) -> Iterator[Diagnostic]:
    """The broken rules of a body and of all blocks in it.

    An incomplete body is skipped. For an earlier version of Alloy so is a block younger than 1.0.
    """
    if _is_complete(statements, spec):
        for fault in _faults(place, statements, spec, read):
            yield _diagnostic(place, statements, fault)
    for statement in statements:
        if isinstance(statement, Block):
            name = statement.full_name
            member = spec.groups.get(name) or spec.lookup.get(name)
            if isinstance(member, BlockSpec) and member.body.free is None and name not in spec.young:
                inner = place._replace(block=statement, path=f"{place.path}/{name}")
                yield from check_rules(inner, statement.body, member.body, read)


def _faults(place: RulePlace, statements: Sequence[Statement], spec: Spec, read: Reader) -> Iterator[Fault]:
    body = Body(spec, statements, read)
    body.older = place.older
    for rule in rules_for(place.path, spec.rules):
        try:
            yield from rule(body)
        except Undecided:
            continue


def _is_complete(statements: Sequence[Statement], spec: Spec) -> bool:
    if not spec.required:
        return True
    blocks = count_blocks(statements)
    attributes = {s.name.name for s in statements if isinstance(s, Attribute)}
    return all(m.name in (attributes if isinstance(m, AttributeSpec) else blocks) for m in spec.required)


def _diagnostic(place: RulePlace, statements: Sequence[Statement], fault: Fault) -> Diagnostic:
    """The diagnostic of a fault, at the attribute or block at fault, or else at the head of the block."""
    block, _, inner = fault.name.partition("/")
    for statement in reversed(statements):
        if inner and isinstance(statement, Block) and statement.full_name == block:
            below = place._replace(block=statement)
            return _diagnostic(below, statement.body, fault._replace(name=inner))
        if isinstance(statement, Attribute):
            if statement.name.name == fault.name:
                if fault.at is None and not fault.within:
                    return _at(place, statement.start, statement.end, fault)
                from alloypy.check.string_places import place_in_value  # most faults are of whole attributes

                span = place_in_value(statement.value, fault.within, fault.at, place.source)
                return Diagnostic(span, fault.message, fault.code or LOAD_RULE, hint=fault.hint)
        elif statement.full_name == fault.name:
            return _at(place, statement.start, statement.lcurly, fault)
    return _at(place, place.block.start, place.block.lcurly, fault)


def _at(place: RulePlace, start: int, end: int, fault: Fault) -> Diagnostic:
    span = Span(place.source, start, end)
    return Diagnostic(span, fault.message, fault.code or LOAD_RULE, hint=fault.hint)
