"""Load-time rules applied to the bodies of a configuration.

Source: RUNTIME spec section 2.4; the rules are in `alloypy.rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from alloypy.graph.codes import LOAD_RULE
from alloypy.rules import rules_for
from alloypy.rules.body import Body, Broken, Reader, Undecided
from alloypy.schema.check import count_blocks
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block, Statement


class RulePlace(NamedTuple):
    """A block that rules are applied to. path: component and inner blocks, such as `loki.write/wal`."""

    block: Block
    path: str
    source: Source


def check_rules(
    place: RulePlace, statements: Sequence[Statement], spec: Spec, read: Reader
) -> Iterator[Diagnostic]:
    """The broken rules of a body and of all blocks in it. A body without all it needs is passed over."""
    if _is_complete(statements, spec):
        # What a component's constructor refuses is a rule of the catalog only, so both are asked.
        own = _own_rules(statements, spec, read) if spec.cls is not None else ()
        for fault in dict.fromkeys((*own, *_catalog_rules(place, statements, spec, read))):
            yield _diagnostic(place, statements, fault)
    for statement in statements:
        if isinstance(statement, Block):
            name = statement.full_name
            member = spec.groups.get(name) or spec.lookup.get(name)
            if isinstance(member, BlockSpec) and member.body.free is None:
                inner = RulePlace(statement, f"{place.path}/{name}", place.source)
                yield from check_rules(inner, statement.body, member.body, read)


def _catalog_rules(
    place: RulePlace, statements: Sequence[Statement], spec: Spec, read: Reader
) -> Iterator[Broken]:
    body = Body(spec, statements, read)
    for rule in rules_for(place.path, spec.name):
        try:
            yield from rule(body)
        except Undecided:
            continue


def _own_rules(statements: Sequence[Statement], spec: Spec, read: Reader) -> Iterator[Broken]:
    """The rules that a declared class has itself."""
    from alloypy.schema.partial import partial_faults

    for path, message in partial_faults(spec, _given(statements, spec, read)):
        yield Broken(path, message)


def _given(statements: Sequence[Statement], spec: Spec, read: Reader) -> dict[str, Any]:
    """The values of a body by name, UNKNOWN where only running tells."""
    from alloypy.schema.partial import UNKNOWN, instance_of

    given: dict[str, Any] = {}
    for statement in statements:
        if isinstance(statement, Attribute):
            name = statement.name.name
            member = spec.lookup.get(name)
            if isinstance(member, AttributeSpec):
                try:
                    value = read(statement.value, member.type)
                    given[name] = value if member.settle is None else member.settle(value)
                except Undecided:
                    given[name] = UNKNOWN
        else:
            name = statement.full_name
            block = spec.lookup.get(name)
            if isinstance(block, BlockSpec):
                value = instance_of(block.body, _given(statement.body, block.body, read))
                if block.repeated or block.count is not None:
                    given[name] = (*given.get(name, ()), value)
                else:
                    given[name] = value
    return given


def _is_complete(statements: Sequence[Statement], spec: Spec) -> bool:
    if not spec.required:
        return True
    blocks = count_blocks(statements)
    attributes = {s.name.name for s in statements if isinstance(s, Attribute)}
    return all(m.name in (attributes if isinstance(m, AttributeSpec) else blocks) for m in spec.required)


def _diagnostic(place: RulePlace, statements: Sequence[Statement], broken: Broken) -> Diagnostic:
    """At the attribute or block at fault, else at the head of the body's block."""
    for statement in reversed(statements):
        if isinstance(statement, Attribute):
            if statement.name.name == broken.name:
                return _at(place, statement.start, statement.end, broken.message)
        elif statement.full_name == broken.name:
            return _at(place, statement.start, statement.lcurly, broken.message)
    return _at(place, place.block.start, place.block.lcurly, broken.message)


def _at(place: RulePlace, start: int, end: int, message: str) -> Diagnostic:
    return Diagnostic(Span(place.source, start, end), message, LOAD_RULE)
