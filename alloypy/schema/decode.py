"""Decoding: a block or a body becomes an instance of a declared class.

Statements are decoded in source order and the first error ends decoding, as in Alloy's evaluation;
`alloypy.schema.check` collects all errors.
Source: docs/spec/SYNTAX.md, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from alloypy.lang.evaluation.evaluator import evaluate_as
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.types import Type
from alloypy.schema import texts
from alloypy.schema.building import DecodeError, build
from alloypy.schema.derive import spec_of
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block, Statement

T = TypeVar("T")


def decode(cls: type[T], node: Block | Sequence[Statement], source: Source, scope: Scope) -> T:
    """Evaluate and decode a block, or a body alone, into `cls`.

    Pass the body of a component, not its block: the component's label is not an argument.

    Raises DiagnosticsError for an error with a place, DecodeError or EvaluationError for one that
    Alloy reports without a place.
    """
    result: T = _Decoder(source, scope).body(spec_of(cls), node)
    return result


class _Decoder:
    def __init__(self, source: Source, scope: Scope) -> None:
        self._source = source
        self._scope = scope

    def body(self, spec: Spec, node: Block | Sequence[Statement]) -> Any:
        if spec.free is not None:
            return self._free(spec.free, node)
        values: dict[tuple[str, ...], Any] = {}
        if isinstance(node, Block):
            self._label(spec, node, values)
            statements: Sequence[Statement] = node.body
        else:
            statements = node
        counts = _count(spec, statements)
        seen: set[str] = set()
        for statement in statements:
            if isinstance(statement, Attribute):
                self._attribute(spec, statement, seen, values)
            else:
                self._block(spec, statement, counts, seen, values)
        for member in spec.required:
            if member.name not in seen:
                kind = "attribute" if isinstance(member, AttributeSpec) else "block"
                raise DecodeError(texts.missing(kind, member.name))
        for member in spec.blocks:
            if member.path in values and member.settle is not None:
                values[member.path] = member.settle(values[member.path])
        return build(spec, values)

    def _free(self, element: Type, node: Block | Sequence[Statement]) -> dict[str, Any]:
        if isinstance(node, Block):
            if node.label:
                self._refuse(node.start, node.lcurly, texts.label_refused_by_map(node.full_name), "label")
            statements: Sequence[Statement] = node.body
        else:
            statements = node
        result: dict[str, Any] = {}
        for statement in statements:
            if isinstance(statement, Block):
                self._refuse(statement.start, statement.end, texts.NESTED_BLOCKS, "nested")
            result[statement.name.name] = evaluate_as(statement.value, element, self._source, self._scope)
        return result

    def _label(self, spec: Spec, node: Block, values: dict[tuple[str, ...], Any]) -> None:
        if spec.label_path is not None:
            if not node.label:
                self._refuse(node.start, node.lcurly, texts.label_required(node.full_name), "label")
            values[spec.label_path] = node.label
        elif node.label:
            self._refuse(node.start, node.lcurly, texts.label_refused(node.full_name), "label")

    def _attribute(
        self, spec: Spec, statement: Attribute, seen: set[str], values: dict[tuple[str, ...], Any]
    ) -> None:
        name = statement.name.name
        if name in seen and not isinstance(spec.lookup.get(name), BlockSpec):
            self._refuse(statement.start, statement.end, texts.attribute_repeated(name), "repeated")
        member = spec.lookup.get(name)
        if member is None:
            self._refuse(statement.start, statement.end, texts.attribute_unknown(name), "unknown attribute")
        if isinstance(member, BlockSpec):
            self._refuse(statement.start, statement.end, texts.must_be_block(name), "kind")
        seen.add(name)
        value = evaluate_as(statement.value, member.type, self._source, self._scope)
        values[member.path] = value if member.settle is None else member.settle(value)

    def _block(
        self,
        spec: Spec,
        statement: Block,
        counts: dict[str, int],
        seen: set[str],
        values: dict[tuple[str, ...], Any],
    ) -> None:
        name = statement.full_name
        member = spec.groups.get(name) or spec.lookup.get(name)
        if member is None:
            self._refuse(statement.start, statement.end, texts.block_unknown(name), "unknown block")
        if isinstance(member, AttributeSpec):
            self._refuse(statement.start, statement.end, texts.must_be_attribute(name), "kind")
        if member.count is not None and counts[name] != member.count:
            message = texts.block_count(name, member.count, counts[name])
            self._refuse(statement.start, statement.end, message, "repeated")
        several = member.repeated or member.count is not None
        if not several and counts[name] > 1:
            self._refuse(statement.start, statement.end, texts.block_repeated(name), "repeated")
        value = self.body(member.body, statement)
        if several:
            values.setdefault(member.path, []).append(value)
        else:
            values[member.path] = value
        seen.add(name)

    def _refuse(self, start: int, end: int, message: str, kind: str) -> NoReturn:
        span = Span(self._source, start, end)
        raise DiagnosticsError([Diagnostic(span, message, texts.CODES[kind])])


def _count(spec: Spec, statements: Sequence[Statement]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for statement in statements:
        if isinstance(statement, Block):
            name = statement.full_name
            counts[name] = counts.get(name, 0) + 1
    return counts
