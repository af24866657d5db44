"""What to write instead of a statement or a value that a body does not accept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from alloypy.lang import types as wanted
from alloypy.lang.types import Type
from alloypy.schema.choices import Choice
from alloypy.schema.nearest import NO_CORRECTION, Correction, meant
from alloypy.schema.spec import AttributeSpec, Spec
from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.letters import is_identifier
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Array, Attribute, Block, Expression, Object, Statement


def as_attribute(block: Block) -> Correction:
    """A block written as the attribute that it should be."""
    hint = f"write `{block.full_name} = ...`"
    if block.label or not all(isinstance(statement, Attribute) for statement in block.body):
        return Correction(hint)
    commas = [Edit(statement.end + 1, statement.end + 1, ",") for statement in block.body]
    return Correction(hint, (Edit(block.lcurly, block.lcurly, "= "), *commas))


def as_block(attribute: Attribute, source: Source) -> Correction:
    """An attribute written as the block that it should be."""
    hint = f"write `{attribute.name.name} {{ ... }}`"
    value = attribute.value
    edits = [Edit(attribute.name.end + 1, value.start, " ")]
    if isinstance(value, Array) and len(value.elements) == 1:
        inner = value.elements[0]
        edits += [Edit(value.start, inner.start, ""), Edit(inner.end + 1, value.end + 1, "")]
        value = inner
    if not isinstance(value, Object) or not all(is_identifier(field.name) for field in value.fields):
        return Correction(hint)
    fields = value.fields
    for number, field in enumerate(fields):
        if field.quoted:
            edits.append(Edit(field.start, field.start + len(field.name.encode()) + 2, field.name))
        following = fields[number + 1].start if number + 1 < len(fields) else value.end
        comma = source.data.find(b",", field.value.end + 1, following)
        if comma >= 0:
            edits.append(Edit(comma, comma + 1, "" if b"\n" in source.data[comma:following] else "\n"))
    return Correction(hint, tuple(edits))


class Beside(NamedTuple):
    """The content of a body, collected once for all of its faults: attribute names, and blocks by name."""

    names: frozenset[str]
    blocks: dict[str, list[Block]]


def beside(body: Sequence[Statement]) -> Beside:
    """The attribute names and blocks of a body."""
    blocks: dict[str, list[Block]] = {}
    for statement in body:
        if isinstance(statement, Block):
            blocks.setdefault(statement.full_name, []).append(statement)
    return Beside(frozenset(each.name.name for each in body if isinstance(each, Attribute)), blocks)


def other_attribute(attribute: Attribute, others: Beside, spec: Spec, source: Source) -> Correction:
    """For an unknown attribute: the block in which it belongs, or another name."""
    name = attribute.name.name
    homes = [block for block in spec.blocks if isinstance(block.body.lookup.get(name), AttributeSpec)]
    if len(homes) == 1:
        return _moved_into(homes[0].name, attribute, others, source)
    if homes:
        return Correction(f"`{name}` belongs in one of the blocks {', '.join(home.name for home in homes)}")
    free = [member.name for member in spec.attributes if member.name not in others.names]
    return meant(name, free, attribute.name.start, attribute.name.end + 1)


def _moved_into(home: str, attribute: Attribute, others: Beside, source: Source) -> Correction:
    hint = f"`{attribute.name.name}` belongs in the block `{home} {{ ... }}`"
    after = attribute.end + 1
    there = others.blocks.get(home, [])
    if not there:
        return Correction(
            hint, (Edit(attribute.start, attribute.start, f"{home} {{\n"), Edit(after, after, "\n}"))
        )
    if len(there) > 1:
        return Correction(hint)
    text = source.data[attribute.start : after].decode("utf-8", "surrogateescape")
    begin = there[0].lcurly + 1
    return Correction(hint, (Edit(begin, begin, f"\n{text}\n"), Edit(attribute.start, after, "")))


def other_value(node: Expression, value: Any, type_: Type) -> Correction:
    """For a literal that does not fit."""
    inner = type_.inner if isinstance(type_, wanted.NullableType) else type_
    start, end = node.start, node.end + 1
    if isinstance(inner, wanted.TextType) and isinstance(inner.parse, Choice) and isinstance(value, str):
        hint, fix = meant(value, [each for each in inner.parse.values if each], start, end)
        return Correction(hint, tuple(edit._replace(text=f'"{edit.text}"') for edit in fix))
    if isinstance(inner, wanted.DurationType):
        number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        fix = (Edit(start, start, '"'), Edit(end, end, 's"')) if number else ()
        return Correction('a duration is a string with units, such as "15s" or "1m30s"', fix)
    if isinstance(inner, wanted.BoolType) and value in {"true", "false"}:
        return Correction(f"write {value} without quotes", (Edit(start, end, str(value)),))
    return NO_CORRECTION
