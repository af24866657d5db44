"""Instances of declared classes as JSON for the admin API, with secrets hidden, and as Alloy values.

Source: docs/spec/RUNTIME.md, section 4.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from alloypy.lang import types as wanted
from alloypy.lang.conversion import zero
from alloypy.lang.go.duration import Duration, format_duration
from alloypy.lang.go.text import quote
from alloypy.lang.secrecy import HIDDEN, hide, names_secret, secret_keys
from alloypy.lang.types import Type
from alloypy.lang.values import Capsule, Function, OptionalSecret, Value
from alloypy.schema.derive import spec_of
from alloypy.schema.fields import SHOWING_DEFAULTS
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec

JSON = Any
"""A value that `json.dumps` accepts."""


class _Attribute(NamedTuple):
    """An attribute that is not encoded yet. secret: whether all texts in it are hidden."""

    name: str
    type: Type
    value: Any
    secret: bool


def encode_body(instance: Any, most: int | None = None) -> list[JSON]:
    """The statements that decode to `instance`, as the API shows arguments, exports and debug information.

    Optional fields with their default value are left out. None gives an empty body.
    most: how many statements, and of the elements of their lists, are encoded; None for all.
    """
    return [
        _attribute(*_shortened(each, most)) if isinstance(each, _Attribute) else each
        for each in islice(_statements(instance), most)
    ]


def encode_text(instance: Any) -> Iterator[str]:
    """The same as JSON, in pieces: of a long list, no more than one element is encoded at a time."""
    before = "["
    for each in _statements(instance):
        yield before
        before = ","
        if isinstance(each, _Attribute) and _is_list(each):
            yield f'{{"name":{_text(each.name)},"type":"attr","value":{{"type":"array","value":['
            element, between = _element_of(each.type), ""
            for item in each.value:
                yield between + _text(encode_value(item, element, each.name, each.secret))
                between = ","
            yield "]}}"
        else:
            yield _text(_attribute(*each) if isinstance(each, _Attribute) else each)
    yield "[]" if before == "[" else "]"


def _text(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shortened(attribute: _Attribute, most: int | None) -> _Attribute:
    if most is None or not _is_list(attribute):
        return attribute
    return attribute._replace(value=attribute.value[:most])


def _is_list(attribute: _Attribute) -> bool:
    type_ = attribute.type
    type_ = type_.inner if isinstance(type_, wanted.NullableType) else type_
    return isinstance(attribute.value, list | tuple) and not isinstance(type_, wanted.TextType)


def _element_of(type_: Type) -> Type | None:
    type_ = type_.inner if isinstance(type_, wanted.NullableType) else type_
    return type_.element if isinstance(type_, wanted.ListType) else None


def _statements(instance: Any) -> Iterator[_Attribute | JSON]:
    if instance is None:
        return
    if isinstance(instance, Mapping):
        keys = secret_keys("", instance)
        for name, value in instance.items():
            yield _Attribute(name, wanted.AnyType(), value, name in keys)
        return
    spec = spec_of(type(instance))
    shows_defaults = type(instance) in SHOWING_DEFAULTS
    keys = secret_keys("", {a.name: _value_at(instance, a.path) for a in spec.attributes})
    grouped: set[str] = set()
    for member in spec.members:
        value = _value_at(instance, member.path)
        if isinstance(member, AttributeSpec):
            if not _left_out(member, value, shows_defaults):
                yield _Attribute(member.name, member.type, value, member.name in keys)
        elif member.group:
            if member.group not in grouped:
                grouped.add(member.group)
                yield from _encode_group(spec, member.group, value)
        elif not _left_out(member, value, shows_defaults):
            yield from _encode_blocks(member, value)


def _value_at(instance: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        instance = getattr(instance, name)
    return instance


def _left_out(member: AttributeSpec | BlockSpec, value: Any, shows_defaults: bool) -> bool:
    """Whether a field is left out of the JSON: it has its default, or is empty."""
    if member.required:
        return False
    if isinstance(member, BlockSpec):
        if value in (None, ()):
            return True
        if member.shown or shows_defaults or member.repeated:
            return False
        return bool(value == member.default)
    empty = value is None or bool(value == zero(member.type)) or value == ()
    if member.shown or shows_defaults:
        return empty
    if _is_collection(member.type):
        return empty and not member.default  # Go cannot compare collections
    return bool(value == member.default) or (member.default is None and empty)


def _is_collection(type_: Type) -> bool:
    inner = type_.inner if isinstance(type_, wanted.NullableType) else type_
    return isinstance(inner, wanted.ListType | wanted.MapType)


def _attribute(name: str, type_: Type, value: Any, secret: bool) -> JSON:
    return {"name": name, "type": "attr", "value": encode_value(value, type_, name, secret)}


def _encode_blocks(member: BlockSpec, value: Any) -> Iterator[JSON]:
    several = member.repeated or member.count is not None
    for one in value if several else [value]:
        yield _block(member.name, one, member.body)


def _encode_group(spec: Spec, group: str, values: Any) -> Iterator[JSON]:
    by_class = {m.body.cls: m for m in spec.groups.values() if m.group == group}
    for value in values:
        yield _block(by_class[type(value)].name, value, by_class[type(value)].body)


def _block(name: str, value: Any, body: Spec) -> JSON:
    result: dict[str, JSON] = {"name": name, "type": "block"}
    if body.free is not None:
        result["body"] = [_attribute(key, body.free, item, names_secret(key)) for key, item in value.items()]
        return result
    if body.label_path is not None:
        result["label"] = _value_at(value, body.label_path)
    result["body"] = encode_body(value)
    return result


def encode_value(value: Any, type_: Type | None = None, name: str = "", secret: bool = False) -> JSON:
    """One value as the API shows it; `type_` is the type it was decoded into, if known.

    name: the value's name. secret: whether to hide all texts in it.
    """
    type_ = type_.inner if isinstance(type_, wanted.NullableType) else type_
    match value:
        case None:
            return {"type": "null", "value": None}
        case Capsule():
            fields = value.fields()
            if fields is not None:
                return {"type": "object", "value": _fields(fields, None, name, secret)}
            return {"type": "capsule", "value": HIDDEN if secret else _describe(value, type_)}
        case Function():
            return {"type": "function", "value": "function"}
        case _ if isinstance(type_, wanted.TextType):
            return {"type": "string", "value": type_.format(value)}
        case bool():
            return {"type": "bool", "value": value}
        case Duration():
            return {"type": "string", "value": format_duration(value)}
        case int() | float() if secret and (type_ is None or isinstance(type_, wanted.AnyType)):
            return {"type": "string", "value": HIDDEN}
        case int() | float():
            return {"type": "number", "value": _number(value)}
        case str():
            return {"type": "string", "value": HIDDEN if secret and value else hide(value, name)}
        case bytes() | list() | tuple():
            element = None if type_ is None else _element_of(type_)
            return {"type": "array", "value": [encode_value(item, element, name, secret) for item in value]}
        case _:
            return {"type": "object", "value": _fields(value, type_, name, secret)}


def _describe(value: Capsule, type_: Type | None) -> str:
    if isinstance(value, OptionalSecret) and not value.is_secret:
        return quote(hide(value.reveal()))
    if isinstance(type_, wanted.CapsuleType):
        return f'capsule("{type_.cls.kind}")'
    return value.describe()


def _number(value: float) -> float:
    """A float, as an int if it is whole, as Go's JSON prints it."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else value


def _fields(value: Any, type_: Type | None, name: str, secret: bool) -> list[JSON]:
    if isinstance(value, Mapping):
        element = type_.element if isinstance(type_, wanted.MapType) else None
        keys = secret_keys(name, value)
        return [
            {"key": key, "value": encode_value(value[key], element, key, secret or key in keys)}
            for key in sorted(value)
        ]
    return [
        {
            "key": a.name,
            "value": encode_value(_value_at(value, a.path), a.type, a.name, secret or names_secret(a.name)),
        }
        for a in spec_of(type(value)).attributes
    ]


def to_values(instance: Any) -> dict[str, Value]:
    """Exports by name, as the Alloy values that references to the component get."""
    spec = spec_of(type(instance))
    return {a.name: to_value(_value_at(instance, a.path), a.type) for a in spec.attributes}


def to_value(value: Any, type_: Type | None = None) -> Value:
    """A decoded value as an Alloy value again: lists for tuples, text for durations and text types."""
    type_ = type_.inner if isinstance(type_, wanted.NullableType) else type_
    if value is None or isinstance(value, Capsule | Function):
        return value
    if isinstance(type_, wanted.TextType):
        return type_.format(value)
    if isinstance(value, Duration):
        return format_duration(value)
    if isinstance(value, list | tuple):
        element = type_.element if isinstance(type_, wanted.ListType) else None
        return [to_value(item, element) for item in value]
    if isinstance(value, Mapping):
        inner = type_.element if isinstance(type_, wanted.MapType) else None
        return {key: to_value(item, inner) for key, item in value.items()}
    if isinstance(value, str | bytes | int | float):
        return value
    return to_values(value)
