"""Specs as plain data, for reference pages, editors and completion.

Source: the notation of types is the catalog's (`alloypy.catalog`).
"""

from __future__ import annotations

from typing import Any

from alloypy.lang import types as wanted
from alloypy.lang.go.duration import Duration
from alloypy.lang.types import Type
from alloypy.lang.values import Capsule, Secret
from alloypy.schema.choices import Choice
from alloypy.schema.spec import AttributeSpec, BlockSpec, Missing, Spec

_NAMES: dict[type, str] = {
    wanted.AnyType: "any",
    wanted.BoolType: "bool",
    wanted.StringType: "string",
    wanted.BytesType: "bytes",
    wanted.FloatType: "float64",
    wanted.DurationType: "duration",
    wanted.SecretType: "secret",
    wanted.OptionalSecretType: "optional_secret",
    wanted.ObjectType: "object",
}


def type_text(type_: Type) -> str:
    """A type in the catalog's notation, such as `list(string)`; a named type is shown as its plain kind."""
    match type_:
        case wanted.NullableType(inner):
            return type_text(inner)
        case wanted.ListType(element, _):
            return f"list({type_text(element)})"
        case wanted.MapType(element):
            return f"map({type_text(element)})"
        case wanted.IntType(bits, signed):
            return f"{'' if signed else 'u'}int{'' if bits == 64 else bits}"
        case wanted.CapsuleType(cls):
            return f"capsule({cls.kind})"
        case wanted.TextType():
            return "string"
    return _NAMES[type(type_)]


def accepted_values(type_: Type) -> tuple[str, ...]:
    """The texts that a type accepts, if they are few and known."""
    inner = type_.inner if isinstance(type_, wanted.NullableType) else type_
    if isinstance(inner, wanted.ListType | wanted.MapType):
        return accepted_values(inner.element)
    if isinstance(inner, wanted.TextType) and isinstance(inner.parse, Choice):
        return inner.parse.values
    return ()


def describe(spec: Spec) -> dict[str, Any]:
    """A body as JSON-like data: `attributes`, `blocks` with their bodies, `label`, `free`.

    A body inside itself is described as `{"recursive": NAME}`.
    """
    return _describe(spec, ())


def _describe(spec: Spec, around: tuple[Spec, ...]) -> dict[str, Any]:
    if spec in around:
        return {"recursive": spec.name}
    inside = (*around, spec)
    described: dict[str, Any] = {
        "name": spec.name,
        "attributes": [_attribute(attribute) for attribute in spec.attributes],
        "blocks": [_block(block, inside) for block in spec.blocks],
    }
    if spec.takes_label:
        described["label"] = True
    if spec.free is not None:
        described["free"] = type_text(spec.free)
    return described


def _attribute(attribute: AttributeSpec) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": attribute.name,
        "type": type_text(attribute.type),
        "required": attribute.required,
        "secret": attribute.secret,
    }
    if not attribute.required:
        described["default"] = default_of(attribute)
    values = accepted_values(attribute.type)
    if values:
        described["values"] = list(values)
    if attribute.doc:
        described["doc"] = attribute.doc
    return described


def default_of(attribute: AttributeSpec) -> Any:
    """The default as JSON; null for the type's zero value if no default is declared."""
    return None if isinstance(attribute.default, Missing) else _plain(attribute.default, attribute.type)


def _plain(value: Any, type_: Type) -> Any:
    inner = type_.inner if isinstance(type_, wanted.NullableType) else type_
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, Secret) and not value.reveal():
        return ""
    if isinstance(value, Capsule):
        return value.describe()
    if isinstance(inner, wanted.TextType) and not isinstance(value, str):
        return inner.format(value)
    if isinstance(value, list | tuple) and isinstance(inner, wanted.ListType):
        return [_plain(item, inner.element) for item in value]
    return value


def _block(block: BlockSpec, around: tuple[Spec, ...]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": block.name,
        "required": block.required,
        "repeated": block.repeated,
        "body": _describe(block.body, around),
    }
    if block.count is not None:
        described["count"] = block.count
    if block.doc:
        described["doc"] = block.doc
    return described
