"""The names of a configuration, for asking what completion offers where each of them stood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.catalog.catalog import load_catalog
from alloypy.graph.references import expression_chains, inner_expressions
from alloypy.lsp.cursor.around import member_of
from alloypy.schema.describe import accepted_values
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.tree import Attribute, Block, Expression, File, Literal, Statement


class Cut(NamedTuple):
    """A name in a text. kind: what it names. start, stop: its bytes."""

    kind: str
    start: int
    stop: int


def names_in(file: File) -> Iterator[Cut]:
    """Every name that completion could have offered."""
    yield from _nodes(file.body, file.source.data)


def _nodes(body: Sequence[Statement], data: bytes) -> Iterator[Cut]:
    catalog = load_catalog()
    for block in body:
        if not isinstance(block, Block):
            continue
        yield from _block_name("component", block, data)
        name = block.full_name
        if name == "declare":
            yield from _nodes(block.body, data)
            continue
        entry = catalog.component(name) or catalog.block(name)
        spec = entry.arguments if entry is not None else None
        inner = [each for each in block.body if not (isinstance(each, Block) and each.name == ("template",))]
        yield from _members(inner if name == "foreach" else block.body, spec, data)
        for each in block.body if name == "foreach" else ():
            if isinstance(each, Block) and each.name == ("template",):
                yield from _block_name("inner block", each, data)
                yield from _nodes(each.body, data)


def _block_name(kind: str, block: Block, data: bytes) -> Iterator[Cut]:
    at = block.start
    for part in block.name:
        size = len(part.encode())
        if data[at : at + size] != part.encode():
            return  # written with blanks around the dots
        yield Cut(kind, at, at + size)
        at += size + 1


def _members(body: Sequence[Statement], spec: Spec | None, data: bytes) -> Iterator[Cut]:
    for each in body:
        name = each.full_name if isinstance(each, Block) else each.name.name
        member = member_of(spec, name)
        if isinstance(each, Block):
            if isinstance(member, BlockSpec):
                yield from _block_name("inner block", each, data)
            yield from _members(each.body, member.body if isinstance(member, BlockSpec) else None, data)
            continue
        if isinstance(member, AttributeSpec):
            yield Cut("attribute", each.name.start, each.name.end + 1)
        yield from _value(each, member)


def _value(attribute: Attribute, member: object) -> Iterator[Cut]:
    library = load_catalog().identifiers
    for chain in expression_chains(attribute.value):
        kind = "function" if chain[0].name in library else "reference"
        for part in chain:
            yield Cut(kind, part.start, part.end + 1)
    choices = accepted_values(member.type) if isinstance(member, AttributeSpec) else ()
    for literal in _literals(attribute.value):
        if literal.kind == "BOOL":
            yield Cut("bool", literal.start, literal.end + 1)
        elif literal.kind == "STRING" and literal.text[1:-1] in choices and literal.text[1:-1]:
            yield Cut("choice", literal.start + 1, literal.end)


def _literals(value: Expression) -> Iterator[Literal]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Literal):
            yield node
        waiting += inner_expressions(node)
