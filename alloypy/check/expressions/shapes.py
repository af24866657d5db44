"""What is known about a value before anything runs: its kind, its parts, perhaps the value itself.

Source: docs/spec/SYNTAX.md, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from alloypy.lang import texts
from alloypy.lang import types as wanted
from alloypy.lang.conversion import ConversionError, convert
from alloypy.lang.targets import Target
from alloypy.lang.types import Type
from alloypy.lang.values import Capsule, Function, Kind, OptionalSecret, Secret, Value, kind_of


class _Unknown:
    """A value that is known only at run time."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()
_SECRETS = frozenset({Secret.kind, OptionalSecret.kind})


class Shape(NamedTuple):
    """What is known about a value.

    kind: one of `Kind`, "" if not even that is known. value: the value itself, or UNKNOWN.
    parts: all fields of an object, or all elements of an array by index, if known; else None.
    capsule: a capsule's kind, such as `pyroscope.Appendable`.
    secret: whether the value must not be shown, because it comes from a place with a secret's name.
    """

    kind: str
    value: Any = UNKNOWN
    parts: Mapping[Any, Shape] | None = None
    capsule: str = ""
    secret: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether the value itself is known."""
        return not isinstance(self.value, _Unknown)

    def part(self, key: Any) -> Shape:
        """What is known about a field or element that exists."""
        if self.is_exact and not isinstance(self.value, Capsule | Function):
            return exactly(self.value[key])._replace(secret=self.secret)
        return ANYTHING if self.parts is None else self.parts[key]

    @property
    def names(self) -> frozenset[str] | None:
        """The fields of an object if all are known, else None."""
        if self.is_exact:
            return frozenset(self.value) if isinstance(self.value, Mapping) else None
        return None if self.parts is None else frozenset(self.parts)

    @property
    def length(self) -> int | None:
        """The length of an array if it is known, else None."""
        if self.is_exact:
            return len(self.value)
        return None if self.parts is None else len(self.parts)

    @property
    def is_object(self) -> bool:
        """Whether it has fields: an object, or a capsule that converts to one."""
        return self.kind == Kind.OBJECT or self.capsule == Target.kind


ANYTHING = Shape("")
STRING = Shape(Kind.STRING)
NUMBER = Shape(Kind.NUMBER)
BOOL = Shape(Kind.BOOL)
ARRAY = Shape(Kind.ARRAY)
OBJECT = Shape(Kind.OBJECT)


def exactly(value: Value) -> Shape:
    """The shape of a known value."""
    if isinstance(value, Capsule):
        return Shape(Kind.CAPSULE, value, capsule=value.kind)
    return Shape(kind_of(value), value)


def hidden(shape: Shape) -> Shape:
    """The same shape, for a value that must not be shown."""
    parts = None if shape.parts is None else {key: hidden(part) for key, part in shape.parts.items()}
    return shape._replace(parts=parts, secret=True)


def common(shapes: Sequence[Shape]) -> Shape:
    """What is known about a value that is one of several."""
    kinds = {shape.kind for shape in shapes}
    if len(kinds) != 1 or Kind.CAPSULE in kinds:
        return ANYTHING
    return Shape(kinds.pop(), secret=any(shape.secret for shape in shapes))


_BY_TYPE: dict[type, Shape] = {
    wanted.BoolType: BOOL,
    wanted.StringType: STRING,
    wanted.TextType: STRING,
    wanted.DurationType: STRING,
    wanted.IntType: NUMBER,
    wanted.FloatType: NUMBER,
    wanted.ListType: ARRAY,
    wanted.MapType: OBJECT,
    wanted.ObjectType: OBJECT,
    wanted.SecretType: Shape(Kind.CAPSULE, capsule=Secret.kind),
    wanted.OptionalSecretType: Shape(Kind.CAPSULE, capsule=OptionalSecret.kind),
}


def of_type(type_: Type) -> Shape:
    """What is known about a value of a declared type."""
    if isinstance(type_, wanted.NullableType):
        return of_type(type_.inner)
    if isinstance(type_, wanted.CapsuleType):
        return Shape(Kind.CAPSULE, capsule=type_.cls.kind)
    return _BY_TYPE.get(type(type_), ANYTHING)


_WANTED_KINDS: dict[type, tuple[str, tuple[str, ...]]] = {
    wanted.BoolType: (Kind.BOOL, (Kind.BOOL,)),
    wanted.StringType: (Kind.STRING, (Kind.STRING, Kind.NUMBER)),
    wanted.TextType: (Kind.STRING, (Kind.STRING, Kind.NUMBER)),
    wanted.DurationType: (Kind.STRING, (Kind.STRING, Kind.NUMBER)),
    wanted.BytesType: (Kind.ARRAY, (Kind.ARRAY, Kind.STRING)),
    wanted.IntType: (Kind.NUMBER, (Kind.NUMBER, Kind.STRING)),
    wanted.FloatType: (Kind.NUMBER, (Kind.NUMBER, Kind.STRING)),
    wanted.ListType: (Kind.ARRAY, (Kind.ARRAY,)),
    wanted.MapType: (Kind.OBJECT, (Kind.OBJECT,)),
    wanted.ObjectType: (Kind.OBJECT, (Kind.OBJECT,)),
    wanted.SecretType: (Kind.CAPSULE, (Kind.STRING,)),
    wanted.OptionalSecretType: (Kind.CAPSULE, (Kind.STRING,)),
}
"""For each wanted type: its word in messages, and the kinds that fit, or may fit depending on the value."""


_CAPSULES = {
    "pyroscope.Appendable": "a receiver of profiles",
    "storage.Appendable": "a receiver of metrics",
    "loki.LogsReceiver": "a receiver of logs",
    "otelcol.Consumer": "a consumer of OpenTelemetry data",
    "relabel.Rules": "the rules of a relabel component",
    Secret.kind: "a secret",
    OptionalSecret.kind: "a text that may be secret",
}
"""Descriptions of capsules, by kind."""


def mismatch(shape: Shape, type_: Type) -> str | None:
    """Why no value of that shape fits the wanted type, in evaluation's words; None if one may fit."""
    if isinstance(type_, wanted.NullableType):
        return mismatch(shape, type_.inner)
    if shape.kind in {"", Kind.NULL} or isinstance(type_, wanted.AnyType):
        return None
    if shape.is_exact:
        return _exact_mismatch(shape.value, type_)
    if isinstance(type_, wanted.CapsuleType):
        return _capsule_mismatch(shape, type_.cls)
    word, fitting = _WANTED_KINDS[type(type_)]
    if shape.kind in fitting:
        return None
    if shape.kind == Kind.CAPSULE:
        return _from_capsule(shape.capsule, word)
    return texts.should_be(word, shape.kind)


def in_words(shape: Shape, type_: Type) -> str:
    """A mismatch of capsules in plain words, where evaluation uses names from Alloy's code; else ""."""
    if not isinstance(type_, wanted.CapsuleType):
        return ""
    expected, given = _CAPSULES.get(type_.cls.kind), _CAPSULES.get(shape.capsule)
    return f"{expected} is expected here, not {given}" if expected and given else ""


def _exact_mismatch(value: Value, type_: Type) -> str | None:
    try:
        convert(value, type_)
    except ConversionError as error:
        return None if error.path else error.message
    return None


def _from_capsule(capsule: str, word: str) -> str | None:
    """Why a capsule cannot become the wanted type; an optional secret may, depending on its content."""
    if word == Kind.CAPSULE:
        if capsule in _SECRETS:
            return None
        return texts.wrong_capsule(Secret.kind, capsule)
    if capsule == Secret.kind and word == Kind.STRING:
        return texts.NOT_CONVERTED
    if capsule == OptionalSecret.kind and word in {Kind.STRING, Kind.NUMBER}:
        return None
    if capsule == Target.kind and word == Kind.OBJECT:
        return None
    return texts.should_be(word, Kind.CAPSULE)


def _capsule_mismatch(shape: Shape, cls: type[Capsule]) -> str | None:
    if shape.kind == Kind.CAPSULE:
        if shape.capsule == cls.kind:
            return None
        return texts.wrong_capsule(cls.kind, shape.capsule)
    if cls.kind == Target.kind:
        if shape.kind == Kind.OBJECT:
            secret = any(part.capsule == Secret.kind for part in (shape.parts or {}).values())
            return _exact_mismatch({"": Secret("")}, wanted.CapsuleType(cls)) if secret else None
        if shape.kind == Kind.STRING:
            return _exact_mismatch("", wanted.CapsuleType(cls))
    return texts.should_be(Kind.CAPSULE, shape.kind)
