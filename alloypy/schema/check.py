"""The static check of a body: finds all faults that literals show.

Only literals, arrays, objects, and operators between literals are checked; names and calls pass.
Texts and positions are those of Alloy's type check, which differ from those of evaluation.
Source: docs/spec/SYNTAX.md, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alloypy.lang import types as wanted
from alloypy.lang.conversion import ConversionError, convert
from alloypy.lang.evaluation.faults import BadValueError
from alloypy.lang.evaluation.literals import LiteralError, literal_value
from alloypy.lang.evaluation.operators import binary, unary
from alloypy.lang.evaluation.traced import LITERAL, Traced
from alloypy.lang.types import Type
from alloypy.schema import texts
from alloypy.schema.corrections import Beside, as_attribute, as_block, beside, other_attribute, other_value
from alloypy.schema.nearest import NO_CORRECTION, Correction, meant
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import (
    Array,
    Attribute,
    Binary,
    Block,
    Expression,
    Literal,
    Object,
    Statement,
    Unary,
)


class _Broken:
    """The value of a literal that has none."""


def check_body(block: Block, body: Sequence[Statement], source: Source, spec: Spec) -> list[Diagnostic]:
    """All faults of a body, in Alloy's order. body: the body of `block`, or some of its statements.

    The label of `block` is not checked.
    """
    checker = _Checker(source)
    checker.body(block, body, spec)
    return checker.found


def check_value(value: Expression, source: Source, type_: Type) -> list[Diagnostic]:
    """The faults that literals show in the value of an attribute."""
    checker = _Checker(source)
    checker.expression(value, type_)
    return checker.found


class _Checker:
    def __init__(self, source: Source) -> None:
        self._source = source
        self.found: list[Diagnostic] = []

    def _report(
        self, start: int, end: int, message: str, kind: str, correction: Correction = NO_CORRECTION
    ) -> None:
        span, (hint, fix) = Span(self._source, start, end), correction
        self.found.append(Diagnostic(span, message, texts.CODES[kind], hint=hint, fix=fix))

    def body(self, block: Block, body: Sequence[Statement], spec: Spec) -> None:
        if spec.free is not None:
            if block.label:
                self._report(block.start, block.lcurly, texts.label_refused_by_map(block.full_name), "label")
            return
        counts, others = count_blocks(body), beside(body)
        seen: set[str] = set()
        for statement in body:
            if isinstance(statement, Attribute):
                self._attribute(statement, others, spec, seen)
            else:
                self._inner_block(statement, spec, counts)
        for member in spec.required:
            attribute = isinstance(member, AttributeSpec)
            if member.name not in (seen if attribute else counts):
                kind = "attribute" if attribute else "block"
                self._report(block.start, block.end, texts.missing(kind, member.name), "missing")

    def _inner_block(self, block: Block, spec: Spec, counts: dict[str, int]) -> None:
        name = block.full_name
        grouped = spec.groups.get(name)
        if grouped is not None:
            self.body(block, block.body, grouped.body)
            return
        member = spec.lookup.get(name)
        if member is None:
            correction = meant(name, [each.name for each in spec.blocks], block.start, block.name_end + 1)
            self._report(block.start, block.end, texts.block_unknown(name), "unknown block", correction)
        elif isinstance(member, AttributeSpec):
            correction = as_attribute(block)
            self._report(block.start, block.end, texts.must_be_attribute(name), "kind", correction)
        elif member.count is not None and member.count != counts[name]:
            message = texts.block_count(name, member.count, counts[name])
            self._report(block.start, block.end, message, "repeated")
        elif member.count is None and not member.repeated and counts[name] > 1:
            self._report(block.start, block.end, texts.block_repeated(name), "repeated")
        else:
            self.body(block, block.body, member.body)

    def _attribute(self, attribute: Attribute, others: Beside, spec: Spec, seen: set[str]) -> None:
        name = attribute.name.name
        member = spec.lookup.get(name)
        if member is None:
            correction = other_attribute(attribute, others, spec, self._source)
            message = texts.attribute_unknown(name)
            self._report(attribute.start, attribute.end, message, "unknown attribute", correction)
        elif isinstance(member, BlockSpec):
            correction = as_block(attribute, self._source)
            self._report(attribute.start, attribute.end, texts.must_be_block(name), "kind", correction)
        elif name in seen:
            self._report(attribute.start, attribute.end, texts.attribute_repeated(name), "repeated")
        else:
            seen.add(name)
            self.expression(attribute.value, member.type)

    def expression(self, node: Expression, type_: Type) -> None:
        match node:
            case Literal():
                value = self._literal(node)
                if not isinstance(value, _Broken):
                    self._value(node, value, type_)
            case Array():
                self._array(node, type_)
            case Object():
                self._object(node, type_)
            case Unary(value=Literal() as operand):
                self._unary(node, operand, type_)
            case Binary(left=Literal() as left, right=Literal() as right):
                self._binary(node, left, right, type_)

    def _value(self, node: Expression, value: Any, type_: Type) -> None:
        message = value_fault(value, type_)
        if message is not None:
            self._report(node.start, node.end, message, "type", other_value(node, value, type_))

    def _array(self, node: Array, type_: Type) -> None:
        element = _element_type(type_)
        if element is None:
            self._report(node.start, node.end, texts.expected(type_word(type_), "array"), "type")
        elif not _takes_anything(_without_null(element)):
            for item in node.elements:
                self.expression(item, _without_null(element))

    def _object(self, node: Object, type_: Type) -> None:
        type_ = _without_null(type_)
        if _takes_anything(type_) or (
            isinstance(type_, wanted.CapsuleType) and _literal_form(type_) == "object"
        ):
            return
        if isinstance(type_, wanted.MapType):
            element = _without_null(type_.element)
            if not _takes_anything(element):
                for field in node.fields:
                    self.expression(field.value, element)
        elif isinstance(type_, wanted.ObjectType):
            self._fields(node, type_)
        else:
            self._report(node.start, node.end, texts.expected(type_word(type_), "object"), "type")

    def _fields(self, node: Object, type_: wanted.ObjectType) -> None:
        known = {field.name: field for field in type_.fields}
        given = {field.name for field in node.fields}
        seen = set()
        for field in node.fields:
            if field.name not in known:
                end = field.start + len(field.name.encode()) + (2 if field.quoted else 0)
                correction = meant(
                    field.name, [each for each in known if each not in given], field.start, end
                )
                message = texts.attribute_unknown(field.name)
                self._report(field.start, field.value.end, message, "unknown attribute", correction)
                continue
            seen.add(field.name)
            self.expression(field.value, _without_null(known[field.name].type))
        for wanted_field in type_.fields:
            if wanted_field.required and wanted_field.name not in seen:
                self._report(node.start, node.end, texts.missing("attribute", wanted_field.name), "missing")

    def _unary(self, node: Unary, literal: Literal, type_: Type) -> None:
        """Tries the operator on the operand; but compares the operand itself with the type."""
        value = self._literal(literal)
        if isinstance(value, _Broken):
            return
        try:
            unary(node.op, Traced(value, LITERAL))
        except BadValueError as error:
            self._report(literal.start, literal.end, _operator_message(error), "type")
        else:
            self._value(literal, value, type_)

    def _binary(self, node: Binary, left: Literal, right: Literal, type_: Type) -> None:
        lhs, rhs = self._literal(left), self._literal(right)
        if isinstance(lhs, _Broken) or isinstance(rhs, _Broken):
            return
        try:
            value = binary(Traced(lhs, LITERAL), node.op, Traced(rhs, LITERAL))
        except BadValueError as error:
            self._report(left.start, right.end, _operator_message(error), "type")
        else:
            self._value(node, value, type_)

    def _literal(self, node: Literal) -> Any:
        """The literal's value; a number that no float can hold is reported."""
        try:
            return literal_value(node)
        except LiteralError as error:
            self._report(node.start, node.end, str(error), "type")
            return _Broken()


def value_fault(value: Any, type_: Type) -> str | None:
    """Why a scalar does not fit the type, in the words of the static check; None if it does."""
    inner = _without_null(type_)
    if value is None:
        return inner.null_error or None if isinstance(inner, wanted.TextType) else None
    try:
        convert(value, type_)
    except ConversionError as error:
        return texts.static(error.message)
    return None


def _operator_message(error: BadValueError) -> str:
    return texts.static(error.links[-1].message or "")


def count_blocks(body: Sequence[Statement]) -> dict[str, int]:
    """How often each block name occurs in a body."""
    counts: dict[str, int] = {}
    for statement in body:
        if isinstance(statement, Block):
            name = statement.full_name
            counts[name] = counts.get(name, 0) + 1
    return counts


def _without_null(type_: Type) -> Type:
    return type_.inner if isinstance(type_, wanted.NullableType) else type_


def _literal_form(type_: wanted.CapsuleType) -> Any:
    return type_.cls.literal_form


def _takes_anything(type_: Type) -> bool:
    """Whether array and object literals pass unchecked: for `any`, and capsules that are Go interfaces."""
    if isinstance(type_, wanted.CapsuleType):
        return bool(_literal_form(type_) == "interface")
    return isinstance(type_, wanted.AnyType)


def _element_type(type_: Type) -> Type | None:
    """The type of the elements if an array is accepted, else None."""
    type_ = _without_null(type_)
    if isinstance(type_, wanted.ListType):
        return type_.element
    if isinstance(type_, wanted.BytesType):
        return wanted.IntType(8, False)
    if _takes_anything(type_):
        return wanted.AnyType()
    if isinstance(type_, wanted.CapsuleType):
        form = _literal_form(type_)
        return None if isinstance(form, str) else form
    return None


_WORDS: dict[type, str] = {
    wanted.AnyType: "any",
    wanted.BoolType: "bool",
    wanted.StringType: "string",
    wanted.BytesType: "array",
    wanted.IntType: "number",
    wanted.FloatType: "number",
    wanted.DurationType: "string",
    wanted.SecretType: "capsule",
    wanted.OptionalSecretType: "capsule",
    wanted.TextType: "string",
    wanted.CapsuleType: "capsule",
    wanted.ListType: "array",
    wanted.MapType: "object",
    wanted.ObjectType: "object",
}


def type_word(type_: Type) -> str:
    """The word that Alloy's messages use for a wanted type."""
    return _WORDS[type(_without_null(type_))]
