"""Mutations of valid configurations: one mistake at a known place, as people make them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from alloypy.catalog.catalog import load_catalog
from alloypy.lang import types as wanted
from alloypy.lang.types import Type
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block, Statement


class Mutation(NamedTuple):
    """A text with one mistake. The diagnostic must overlap `start` to `end` in the new text."""

    kind: str
    text: bytes
    start: int
    end: int


def mutations(text: bytes) -> list[Mutation]:
    """Every mutation of a valid configuration."""
    source = Source("config.alloy", text)
    return list(_Mutator(source).all())


WRONG: dict[type, bytes] = {
    wanted.BoolType: b'"yes"',
    wanted.StringType: b"true",
    wanted.TextType: b"true",
    wanted.DurationType: b'"soon"',
    wanted.IntType: b"true",
    wanted.FloatType: b"[1]",
    wanted.SecretType: b"true",
    wanted.OptionalSecretType: b"true",
    wanted.ListType: b"true",
    wanted.MapType: b"true",
    wanted.ObjectType: b"true",
    wanted.CapsuleType: b"true",
}


class _Mutator:
    def __init__(self, source: Source) -> None:
        self._text = source.data
        self._file = parse_file(source)

    def all(self) -> Iterator[Mutation]:
        catalog = load_catalog()
        seen: dict[str, Block] = {}
        for block in self._file.body:
            assert isinstance(block, Block)
            component = catalog.component(block.full_name)
            if component is None:
                continue
            yield from self._component(block, seen)
            yield from self._body(block, block.body, component.arguments)

    def _replace(
        self, kind: str, start: int, end: int, by: bytes, around: Statement | None = None
    ) -> Mutation:
        """Replace start to end (exclusive); the place is the new text, or a whole statement."""
        text = self._text[:start] + by + self._text[end:]
        if around is None:
            return Mutation(kind, text, start, start + len(by))
        return Mutation(kind, text, around.start, around.end + 1 + len(by) - (end - start))

    def _component(self, block: Block, seen: dict[str, Block]) -> Iterator[Mutation]:
        name_end = block.name_end + 1
        yield self._replace("rename", name_end, name_end, b"zz", block)
        assert block.label_start is not None
        label_end = block.label_start + len(block.label.encode()) + 2
        yield self._replace("mislabel", block.label_start, label_end, b"", block)
        other = seen.setdefault(block.full_name, block)
        if other is not block:
            yield self._replace("mislabel", block.label_start, label_end, f'"{other.label}"'.encode(), block)

    def _body(self, block: Block, body: list[Statement], spec: Spec) -> Iterator[Mutation]:
        required = {member.name for member in spec.required}
        names = [s.name.name if isinstance(s, Attribute) else s.full_name for s in body]
        for statement, name in zip(body, names, strict=True):
            member = spec.groups.get(name) or spec.lookup.get(name)
            if isinstance(statement, Attribute) and isinstance(member, AttributeSpec):
                yield from self._attribute(statement, member.type)
            elif isinstance(statement, Block) and isinstance(member, BlockSpec):
                yield from self._inner(statement, member)
                yield from self._body(statement, statement.body, member.body)
            if name in required and names.count(name) == 1:
                end = statement.end + 1
                yield self._replace("drop", statement.start, end, b"", block)
        if block.body:
            yield self._replace("misplace", block.lcurly + 1, block.lcurly + 1, b"\nlogging { }\n", block)

    def _attribute(self, attribute: Attribute, type_: Type) -> Iterator[Mutation]:
        name_end = attribute.name.end + 1
        yield self._replace("rename", name_end, name_end, b"zz", attribute)
        inner = type_.inner if isinstance(type_, wanted.NullableType) else type_
        wrong = WRONG.get(type(inner))
        if wrong is not None:
            yield self._replace("retype", attribute.value.start, attribute.value.end + 1, wrong, attribute)
        written = self._text[attribute.start : attribute.end + 1]
        after = attribute.end + 1
        copy = self._replace("repeat", after, after, b"\n" + written)
        yield copy._replace(start=copy.start + 1)

    def _inner(self, block: Block, member: BlockSpec) -> Iterator[Mutation]:
        name_end = block.name_end + 1
        yield self._replace("rename", name_end, name_end, b"zz", block)
        if not member.body.takes_label:
            yield self._replace("mislabel", block.lcurly, block.lcurly, b' "zz" ', block)
        yield self._replace("retype", name_end, block.end + 1, b" = 1", block)
