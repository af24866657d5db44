"""Converts a value to the type that its place in the configuration wants.

Source: docs/spec/SYNTAX.md, section 5, `Decoding into a wanted type`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from alloypy.lang import texts, types
from alloypy.lang.evaluation.effort import spend
from alloypy.lang.go.duration import Duration
from alloypy.lang.go.text import quote
from alloypy.lang.numbers import number_text, parse_number, to_int, to_uint, wrap_bits
from alloypy.lang.values import Capsule, Kind, OptionalSecret, Secret, UInt, Value, kind_of, text_of
from alloypy.syntax.nesting import allow_recursion

PathStep: TypeAlias = int | str


class ConversionError(Exception):
    """A value does not fit the wanted type.

    message: what is wrong with the value at `path`, such as `should be string, got bool`.
    path: indices and keys from the converted value to the one at fault.
    unnamed: key, below `path`, of the value at fault, if the error's text does not name it.
    """

    def __init__(self, message: str, path: tuple[PathStep, ...] = (), unnamed: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.unnamed = unnamed

    def below(self, step: PathStep) -> ConversionError:
        """The same fault, seen from the value that contains this one at `step`."""
        return ConversionError(self.message, (step, *self.path), self.unnamed)


def convert(value: Value, wanted: types.Type) -> Any:
    """`value` as `wanted`. Raises ConversionError."""
    allow_recursion()
    return _convert(value, wanted)


def _convert(value: Value, wanted: types.Type) -> Any:
    spend()
    if value is None:
        return zero(wanted)
    return _CONVERTERS[type(wanted)](value, wanted)


def zero(wanted: types.Type) -> Any:
    """The value of null and of an absent field."""
    return _ZEROS[type(wanted)](wanted)


def _mismatch(expected: str, value: Value) -> ConversionError:
    return ConversionError(texts.should_be(expected, kind_of(value)))


def _to_any(value: Value, wanted: types.AnyType) -> Any:
    """Unsigned numbers become ints if they fit, bytes become a list, durations their text."""
    match value:
        case UInt() if value < 1 << 63:
            return int(value)
        case Duration():
            return str(value)
        case list() | tuple() | bytes():
            spend(len(value))
            return [_to_any(element, wanted) for element in value]
        case Mapping():
            spend(len(value))
            return {key: _to_any(element, wanted) for key, element in value.items()}
    return value


def _to_bool(value: Value, wanted: types.BoolType) -> bool:
    if isinstance(value, bool):
        return value
    raise _mismatch(Kind.BOOL, value)


def _to_string(value: Value, wanted: types.StringType) -> str:
    return text(value)


def text(value: Value) -> str:
    """`value` as a string. Raises ConversionError."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    kind = kind_of(value)
    if kind == Kind.NUMBER:
        return number_text(value)
    if kind == Kind.STRING:
        return text_of(value)
    if isinstance(value, Secret) or (isinstance(value, OptionalSecret) and value.is_secret):
        raise ConversionError(texts.NOT_CONVERTED)
    if isinstance(value, OptionalSecret):
        return value.reveal()
    raise _mismatch(Kind.STRING, value)


def _to_bytes(value: Value, wanted: types.BytesType) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return value
    return bytes(_elements(value, types.IntType(8, signed=False)))


def _number(value: Value) -> int | float:
    kind = kind_of(value)
    if kind == Kind.NUMBER:
        number: int | float = value
        return number
    parsed = None
    if isinstance(value, str):
        parsed = parse_number(value)
    elif isinstance(value, OptionalSecret) and not value.is_secret:
        parsed = parse_number(value.reveal())
    if parsed is None:
        raise _mismatch(Kind.NUMBER, value)
    return parsed


def _to_int(value: Value, wanted: types.IntType) -> int:
    number = _number(value)
    whole = to_int(number) if wanted.signed else to_uint(number)
    return int(whole) if wanted.bits == 64 else wrap_bits(whole, wanted.bits, wanted.signed)


def _to_float(value: Value, wanted: types.FloatType) -> float:
    return float(_number(value))


def _to_duration(value: Value, wanted: types.DurationType) -> Duration:
    if isinstance(value, Duration):
        return value
    try:
        return Duration.parse(text(value))
    except ValueError as error:
        raise ConversionError(str(error)) from None


def _to_text_type(value: Value, wanted: types.TextType) -> Any:
    try:
        written = text(value)
        spend(len(written) // 16)
        return wanted.parse(written)
    except ValueError as error:
        raise ConversionError(str(error)) from None


def _to_secret(value: Value, wanted: types.SecretType) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, OptionalSecret):
        return Secret(value.reveal())
    if isinstance(value, str):
        return Secret(value)
    raise _wrong_capsule(value, Secret)


def _to_optional_secret(value: Value, wanted: types.OptionalSecretType) -> OptionalSecret:
    if isinstance(value, OptionalSecret):
        return value
    if isinstance(value, Secret):
        return OptionalSecret(value.reveal(), is_secret=True)
    if isinstance(value, str):
        return OptionalSecret(value, is_secret=False)
    raise _wrong_capsule(value, OptionalSecret)


def _to_capsule(value: Value, wanted: types.CapsuleType) -> Capsule:
    cls: type[Capsule] = wanted.cls
    if isinstance(value, cls):
        return value
    try:
        made = cls.from_value(value)
    except ValueError as error:
        raise ConversionError(str(error)) from None
    if made is None:
        raise _wrong_capsule(value, cls)
    return made


def _wrong_capsule(value: Value, wanted: type[Capsule]) -> ConversionError:
    if isinstance(value, Capsule):
        return ConversionError(texts.wrong_capsule(wanted.kind, value.kind))
    return _mismatch(Kind.CAPSULE, value)


def _sequence(value: Value) -> Sequence[Value]:
    if isinstance(value, bytes):
        return [UInt(byte) for byte in value]
    if isinstance(value, list | tuple):
        return value
    raise _mismatch(Kind.ARRAY, value)


def _elements(value: Value, element: types.Type) -> list[Any]:
    result = []
    for index, item in enumerate(_sequence(value)):
        try:
            result.append(_convert(item, element))
        except ConversionError as error:
            raise error.below(index) from None
    return result


def _to_list(value: Value, wanted: types.ListType) -> list[Any]:
    if wanted.length is not None:
        length = len(_sequence(value))
        if length != wanted.length:
            raise ConversionError(f"array must have exactly {wanted.length} elements, got {length}")
    return _elements(value, wanted.element)


def _mapping(value: Value) -> Mapping[str, Value]:
    if isinstance(value, Mapping):
        return value
    fields = value.fields() if isinstance(value, Capsule) else None
    if fields is None:
        raise _mismatch(Kind.OBJECT, value)
    return fields


def _to_map(value: Value, wanted: types.MapType) -> dict[str, Any]:
    result = {}
    for key, item in _mapping(value).items():
        try:
            result[key] = _convert(item, wanted.element)
        except ConversionError as error:
            raise error.below(key) from None
    return result


def _to_object(value: Value, wanted: types.ObjectType) -> Any:
    fields = {field.name: field.type for field in wanted.fields}
    given = {}
    for key, item in _mapping(value).items():
        if key not in fields:
            raise ConversionError(f"does not have field named {quote(key)}", unnamed=key)
        try:
            given[key] = _convert(item, fields[key])
        except ConversionError as error:
            raise error.below(key) from None
    try:
        return wanted.make(**given)
    except ValueError as error:
        raise ConversionError(str(error)) from None


def _to_nullable(value: Value, wanted: types.NullableType) -> Any:
    return _convert(value, wanted.inner)


_CONVERTERS: dict[type, Callable[[Value, Any], Any]] = {
    types.AnyType: _to_any,
    types.BoolType: _to_bool,
    types.StringType: _to_string,
    types.BytesType: _to_bytes,
    types.IntType: _to_int,
    types.FloatType: _to_float,
    types.DurationType: _to_duration,
    types.SecretType: _to_secret,
    types.OptionalSecretType: _to_optional_secret,
    types.TextType: _to_text_type,
    types.CapsuleType: _to_capsule,
    types.ListType: _to_list,
    types.MapType: _to_map,
    types.ObjectType: _to_object,
    types.NullableType: _to_nullable,
}


def _zero_list(wanted: types.ListType) -> list[Any]:
    return [zero(wanted.element) for _ in range(wanted.length or 0)]


def _zero_object(wanted: types.ObjectType) -> Any:
    return wanted.make(**{field.name: zero(field.type) for field in wanted.fields})


_ZEROS: dict[type, Callable[[Any], Any]] = {
    types.AnyType: lambda wanted: None,
    types.BoolType: lambda wanted: False,
    types.StringType: lambda wanted: "",
    types.BytesType: lambda wanted: b"",
    types.IntType: lambda wanted: 0,
    types.FloatType: lambda wanted: 0.0,
    types.DurationType: lambda wanted: Duration(0),
    types.SecretType: lambda wanted: Secret(""),
    types.OptionalSecretType: lambda wanted: OptionalSecret("", is_secret=False),
    types.TextType: lambda wanted: wanted.zero,
    types.CapsuleType: lambda wanted: None,
    types.ListType: _zero_list,
    types.MapType: lambda wanted: {},
    types.ObjectType: _zero_object,
    types.NullableType: lambda wanted: None,
}
