"""Declares the fields of a component: the decorators, and the functions for the right side of `=`.

A declaration is an ordinary frozen dataclass; what Alloy needs to know beyond the Python
annotation is in the metadata of its fields and is read by `alloypy.schema.derive`.
Source: docs/spec/SYNTAX.md, section 6.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform, overload

T = TypeVar("T")

METADATA_KEY = "alloypy"
"""The key of a field's `Declaration` in its dataclass metadata."""

SHOWING_DEFAULTS: set[type[Any]] = set()
"""Classes declared with `shows_defaults`."""

RULES: dict[type[Any], str] = {}
"""The key of its rules for each class declared with `rules`."""


class Declaration(NamedTuple):
    """What a field declares beyond its annotation.

    kind: `attribute`, `block`, `label`, `squash` or `enum`.
    name: the name in the configuration, None if it is the field's own.
    shown: part of the API's JSON even if it has its default value, unless it is empty.
    alternatives: for an enum, the block names after the dot and their classes.
    """

    kind: str
    name: str | None = None
    doc: str = ""
    shown: bool = False
    alternatives: Mapping[str, type[Any]] | None = None


def _field(declaration: Declaration, default: Any, default_factory: Any) -> Any:
    metadata = {METADATA_KEY: declaration}
    if default is not dataclasses.MISSING:
        return dataclasses.field(default=default, metadata=metadata)
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    return dataclasses.field(metadata=metadata)


@overload
def attribute(*, default: T, name: str | None = None, doc: str = "", shown: bool = False) -> T: ...
@overload
def attribute(
    *, default_factory: Callable[[], T], name: str | None = None, doc: str = "", shown: bool = False
) -> T: ...
@overload
def attribute(*, name: str | None = None, doc: str = "", shown: bool = False) -> Any: ...
def attribute(
    *,
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
    name: str | None = None,
    doc: str = "",
    shown: bool = False,
) -> Any:
    """A field given as `name = value`; without a default it is required.

    name: its name in the configuration; by default the field's own without a trailing underscore.
    doc: one or two sentences for the reference.
    shown: include it in the API's JSON even if it has its default value, unless it is empty.
    """
    return _field(Declaration("attribute", name, doc, shown), default, default_factory)


@overload
def block(*, default: T, name: str | None = None, doc: str = "", shown: bool = False) -> T: ...
@overload
def block(
    *, default_factory: Callable[[], T], name: str | None = None, doc: str = "", shown: bool = False
) -> T: ...
@overload
def block(*, name: str | None = None, doc: str = "", shown: bool = False) -> Any: ...
def block(
    *,
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
    name: str | None = None,
    doc: str = "",
    shown: bool = False,
) -> Any:
    """A field given as `name { ... }`; without a default it is required.

    The annotation says how often: `Inner` or `Inner | None` once, `tuple[Inner, ...]` any number of
    times, `tuple[Inner, Inner]` exactly twice, `Mapping[str, T]` once and with free attribute names.
    The name may have dots, as in `stage.json`. The class of a block with a label has a `label()` field.
    """
    return _field(Declaration("block", name, doc, shown), default, default_factory)


def label() -> Any:
    """The field for the block's label, which is then required."""
    return _field(Declaration("label"), dataclasses.MISSING, dataclasses.MISSING)


@overload
def squash(*, default: T) -> T: ...
@overload
def squash(*, default_factory: Callable[[], T]) -> T: ...
@overload
def squash() -> Any: ...
def squash(*, default: Any = dataclasses.MISSING, default_factory: Any = dataclasses.MISSING) -> Any:
    """A declared class whose fields appear as the outer body's own.

    A default supplies the values of the inner fields that are not given.
    The inner class's `check` runs before the outer one's.
    """
    return _field(Declaration("squash"), default, default_factory)


def enum(
    alternatives: Mapping[str, type[Any]],
    *,
    default: tuple[Any, ...],
    name: str | None = None,
    doc: str = "",
) -> Any:
    """A list of blocks of several kinds, kept in source order.

    `steps: tuple[A | B, ...] = enum({"a": A, "b": B}, default=())` accepts blocks `steps.a` and `steps.b`.

    alternatives: the part of the block name after `NAME.`, and the class each decodes into.
    """
    return _field(Declaration("enum", name, doc, False, alternatives), default, dataclasses.MISSING)


def export(*, name: str | None = None, doc: str = "") -> Any:
    """A value that the component exports, or a line of its debug information; always in the API's JSON."""
    return _field(Declaration("attribute", name, doc, True), dataclasses.MISSING, dataclasses.MISSING)


@overload
def arguments(cls: type[T], /) -> type[T]: ...
@overload
def arguments(*, shows_defaults: bool = False, rules: str = "") -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(attribute, block, label, squash, enum),
)
def arguments(cls: type[Any] | None = None, /, *, shows_defaults: bool = False, rules: str = "") -> Any:
    """Make a class of declared fields: frozen, slotted, keyword-only, compared by value.

    A method `check(self) -> Iterator[Fault]` yields the rules that an instance breaks. Decoding calls
    it for every body; the first fault counts.

    shows_defaults: the API shows every setting of the body that is not empty, even with its default
        value, as Alloy does for blocks whose Go type sets no defaults itself.
    rules: key of its rules in `alloypy.rules`: a Go type, or a component and inner blocks.
    """

    def declare(declared: type[Any]) -> type[Any]:
        made = _declared(declared)
        if shows_defaults:
            SHOWING_DEFAULTS.add(made)
        if rules:
            RULES[made] = rules
        return made

    return declare if cls is None else declare(cls)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(export, attribute, block))
def exports(cls: type[T]) -> type[T]:
    """Make a class of exports or of debug information: frozen, slotted, keyword-only, compared by value."""
    return _declared(cls)


def _declared(cls: type[T]) -> type[T]:
    """A slotted dataclass with the methods of `_Declared`.

    `dataclass` would generate and compile its own methods for each class: for the classes of a small
    configuration that takes longer than the rest of the start.
    """
    for name in ("__init__", "__eq__", "__hash__", "__repr__", "__setattr__", "__delattr__"):
        setattr(cls, name, getattr(_Declared, name))
    return dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)


class _Declared:
    """The methods of all declared classes: keyword-only, frozen, compared by value."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __init__(self, **values: Any) -> None:
        put = object.__setattr__
        missing = []
        for name, field in self.__dataclass_fields__.items():
            if name in values:
                put(self, name, values.pop(name))
            elif field.default is not dataclasses.MISSING:
                put(self, name, field.default)
            elif field.default_factory is not dataclasses.MISSING:
                put(self, name, field.default_factory())
            else:
                missing.append(name)
        if missing or values:
            wrong = f"missing {missing}" if missing else f"unexpected {list(values)}"
            raise TypeError(f"{type(self).__name__}: {wrong}")

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__dataclass_fields__)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__dataclass_fields__))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__dataclass_fields__)
        return f"{type(self).__qualname__}({shown})"

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
