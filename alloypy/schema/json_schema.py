"""Specs as JSON Schema (draft 2020-12).

A body becomes an object: attributes by name, blocks as objects or, if they can be repeated, as arrays
of objects; a block's label is its property `$label`. References to other components are described by
the kind of value they have, because JSON has no such values.
"""

from __future__ import annotations

from typing import Any

from alloypy.lang import types as wanted
from alloypy.lang.types import Type
from alloypy.schema.describe import accepted_values, default_of
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PLAIN: dict[type, dict[str, Any]] = {
    wanted.AnyType: {},
    wanted.BoolType: {"type": "boolean"},
    wanted.StringType: {"type": "string"},
    wanted.BytesType: {"type": "string"},
    wanted.FloatType: {"type": "number"},
    wanted.DurationType: {"type": "string", "description": 'A duration such as "1m30s".'},
    wanted.SecretType: {"type": "string", "writeOnly": True},
    wanted.OptionalSecretType: {"type": "string"},
}


class SchemaWriter:
    """Collects the schemas of bodies in `definitions`."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._kept: list[Spec] = []  # kept alive, so that no id is reused

    def reference(self, spec: Spec) -> dict[str, Any]:
        """A reference to the schema of a body."""
        name = self._names.get(id(spec))
        if name is None:
            name, number = spec.name or "free", 1
            while name in self.definitions:
                number += 1
                name = f"{spec.name or 'free'}#{number}"
            self._names[id(spec)] = name
            self._kept.append(spec)
            self.definitions[name] = {}
            self.definitions[name] = self._body(spec)
        return {"$ref": f"#/$defs/{name.replace('~', '~0').replace('/', '~1').replace('#', '%23')}"}

    def _body(self, spec: Spec) -> dict[str, Any]:
        if spec.free is not None:
            return {"type": "object", "additionalProperties": type_schema(spec.free)}
        properties: dict[str, Any] = {}
        required = [member.name for member in spec.required]
        if spec.takes_label:
            properties["$label"] = {"type": "string"}
            required.insert(0, "$label")
        for member in spec.members:
            if isinstance(member, AttributeSpec):
                properties[member.name] = _attribute_schema(member)
            else:
                properties[member.name] = self._block(member)
        body: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if required:
            body["required"] = required
        return body

    def _block(self, block: BlockSpec) -> dict[str, Any]:
        inner = self.reference(block.body)
        if block.repeated:
            inner = {"type": "array", "items": inner}
        elif block.count is not None:
            inner = {"type": "array", "items": inner, "minItems": block.count, "maxItems": block.count}
        return inner | ({"description": block.doc} if block.doc else {})


def _attribute_schema(attribute: AttributeSpec) -> dict[str, Any]:
    schema = dict(type_schema(attribute.type))
    default = None if attribute.required else default_of(attribute)
    if default is not None:
        schema["default"] = default
    if attribute.doc:
        schema["description"] = attribute.doc
    return schema


def type_schema(type_: Type) -> dict[str, Any]:
    """The schema of a type's literals."""
    match type_:
        case wanted.NullableType(inner):
            return type_schema(inner)
        case wanted.ListType(element, length):
            fixed = {} if length is None else {"minItems": length, "maxItems": length}
            return {"type": "array", "items": type_schema(element), **fixed}
        case wanted.MapType(element):
            return {"type": "object", "additionalProperties": type_schema(element)}
        case wanted.ObjectType(fields, _):
            required = [field.name for field in fields if field.required]
            return {
                "type": "object",
                "properties": {field.name: type_schema(field.type) for field in fields},
                "additionalProperties": False,
                **({"required": required} if required else {}),
            }
        case wanted.IntType(bits, signed):
            low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
            return {"type": "integer", "minimum": low, "maximum": high}
        case wanted.CapsuleType(cls):
            what = "An object, or a reference" if cls.literal_form == "object" else "A reference"
            return {"description": f"{what} to a value of kind {cls.kind}."}
        case wanted.TextType():
            values = accepted_values(type_)
            return {"type": "string", **({"enum": list(values)} if values else {})}
    return _PLAIN[type(type_)]
