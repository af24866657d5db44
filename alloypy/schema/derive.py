"""Derives the `Spec` of a declared class: annotations become wanted types.

Imported only when a declared class is first used, never by checks that use only the catalog.
Source: docs/spec/SYNTAX.md, section 6.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from alloypy.lang import types as wanted
from alloypy.lang.go.duration import Duration
from alloypy.lang.types import Type
from alloypy.lang.values import Capsule, OptionalSecret, Secret, UInt
from alloypy.schema.building import build_object
from alloypy.schema.fields import METADATA_KEY, RULES, Declaration
from alloypy.schema.spec import MISSING, AttributeSpec, BlockSpec, Member, Spec

Settle: TypeAlias = Callable[[Any], Any] | None

_PLAIN: dict[Any, Type] = {
    Any: wanted.AnyType(),
    object: wanted.AnyType(),
    str: wanted.StringType(),
    bool: wanted.BoolType(),
    bytes: wanted.BytesType(),
    int: wanted.IntType(),
    UInt: wanted.IntType(64, False),
    float: wanted.FloatType(),
    Duration: wanted.DurationType(),
    Secret: wanted.SecretType(),
    OptionalSecret: wanted.OptionalSecretType(),
}
_TYPES = typing.get_args(Type)
_LISTS = (tuple, list)
_MAPS = (Mapping, dict)


_SPECS: dict[type[Any], Spec] = {}


def spec_of(declared: type[Any]) -> Spec:
    """The spec of a declared class, built once.

    Raises TypeError for an annotation without an Alloy type, or for two fields of one name.
    """
    spec = _SPECS.get(declared)
    if spec is None:
        spec = _SPECS[declared] = _derive_spec(declared)
    return spec


def _derive_spec(cls: type[Any]) -> Spec:
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls.__qualname__} has no declared fields")
    collected = _Collected(cls)
    names = [member.name for member in collected.members]
    for name in names:
        if names.count(name) > 1:
            raise TypeError(f"{cls.__qualname__} declares {name!r} twice")
    return Spec(
        cls.__qualname__,
        tuple(collected.members),
        label_path=collected.label_path,
        cls=cls,
        squashed=collected.squashed,
        rules=RULES.get(cls, ""),
    )


class _Collected:
    """The members of a class and of the classes squashed into it, in declared order."""

    def __init__(self, cls: type[Any]) -> None:
        self.members: list[Member] = []
        self.label_path: tuple[str, ...] | None = None
        self.squashed: dict[tuple[str, ...], tuple[type[Any], Any]] = {}
        self._collect(cls, (), MISSING)

    def _collect(self, cls: type[Any], prefix: tuple[str, ...], preset: Any) -> None:
        """Collect from a class; `preset`: the instance with a squashed class's default values, if any."""
        hints = typing.get_type_hints(cls, include_extras=True)
        for field in dataclasses.fields(cls):
            declaration = field.metadata.get(METADATA_KEY)
            if not isinstance(declaration, Declaration):
                raise TypeError(f"{cls.__qualname__}.{field.name} is not declared with a field helper")
            default = _default(field)
            if default is not MISSING and preset is not MISSING:
                default = getattr(preset, field.name)
            self._add(declaration, default, hints[field.name], (*prefix, field.name))

    def _add(self, declaration: Declaration, default: Any, hint: Any, path: tuple[str, ...]) -> None:
        name = declaration.name or path[-1].removesuffix("_")
        match declaration.kind:
            case "label":
                self.label_path = path
            case "squash":
                self.squashed[path] = (hint, default)
                self._collect(hint, path, default)
            case "enum":
                for part, cls in (declaration.alternatives or {}).items():
                    self.members.append(
                        BlockSpec(
                            f"{name}.{part}",
                            partial(spec_of, cls),
                            required=False,
                            repeated=True,
                            group=name,
                            default=default,
                            doc=declaration.doc,
                            path=path,
                            settle=tuple,
                        )
                    )
            case "attribute":
                self.members.append(_attribute(name, declaration, hint, default, path))
            case _:
                self.members.append(_block(name, declaration, hint, default, path))


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return MISSING


def _attribute(
    name: str, declaration: Declaration, hint: Any, default: Any, path: tuple[str, ...]
) -> AttributeSpec:
    type_, settle = derive_type(hint)
    return AttributeSpec(
        name,
        type_,
        required=default is MISSING,
        default=default,
        secret=holds_secret(type_),
        doc=declaration.doc,
        path=path,
        settle=settle,
        shown=declaration.shown,
    )


def _block(name: str, declaration: Declaration, hint: Any, default: Any, path: tuple[str, ...]) -> BlockSpec:
    optional, inner = _without_none(hint)
    origin, args = get_origin(inner), get_args(inner)
    repeated, count, settle = False, None, None
    if origin in _LISTS:
        repeated, settle = True, typing.cast("Settle", origin)
        if origin is tuple and (len(args) != 2 or args[1] is not Ellipsis):
            repeated, count = False, len(args)
        inner = args[0]
    body: Callable[[], Spec]
    if get_origin(inner) in _MAPS:
        element, element_settle = derive_type(get_args(inner)[1])
        body = partial(_free_body, element)
        if element_settle is not None:
            settle = partial(_settle_values, element_settle)
    elif inner in (Any, object):
        body = partial(_free_body, wanted.AnyType())
    elif dataclasses.is_dataclass(inner):
        body = partial(spec_of, typing.cast("type[Any]", inner))
    else:
        raise TypeError(f"{'.'.join(path)}: {inner!r} cannot be a block")
    return BlockSpec(
        name,
        body,
        required=default is MISSING,
        repeated=repeated,
        count=count,
        default=default,
        doc=declaration.doc,
        path=path,
        settle=settle,
        shown=declaration.shown or optional,
    )


def _free_body(element: Type) -> Spec:
    return Spec("", (), free=element)


def derive_type(hint: Any) -> tuple[Type, Settle]:
    """The wanted type of an annotation, and a function from conversion's result to the annotated type.

    Raises TypeError for an annotation without an Alloy type.
    """
    if hint in _PLAIN:
        return _PLAIN[hint], None
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        for extra in args[1:]:
            if isinstance(extra, _TYPES):
                return typing.cast("Type", extra), None
        return derive_type(args[0])
    optional, inner = _without_none(hint)
    if optional:
        type_, settle = derive_type(inner)
        return wanted.NullableType(type_), None if settle is None else partial(_settle_unless_none, settle)
    if origin in _LISTS:
        return _list_type(typing.cast("type", origin), args)
    if origin in _MAPS:
        element, settle = derive_type(args[1])
        return wanted.MapType(element), None if settle is None else partial(_settle_values, settle)
    if dataclasses.is_dataclass(hint):
        return _object_type(typing.cast("type[Any]", hint)), None
    if isinstance(hint, type) and issubclass(hint, Capsule):
        return wanted.CapsuleType(hint), None
    raise TypeError(f"{hint!r} is not a type of the configuration language")


def _list_type(origin: type, args: tuple[Any, ...]) -> tuple[Type, Settle]:
    element, settle = derive_type(args[0])
    fixed = origin is tuple and (len(args) != 2 or args[1] is not Ellipsis)
    return wanted.ListType(element, len(args) if fixed else None), partial(_settle_list, origin, settle)


def _object_type(cls: type[Any]) -> wanted.ObjectType:
    spec = spec_of(cls)
    fields = tuple(wanted.ObjectField(a.name, a.type, a.required) for a in spec.attributes)
    return wanted.ObjectType(fields, partial(_make_object, spec))


def _make_object(spec: Spec, /, **values: Any) -> Any:
    return build_object(spec, values)


def _without_none(hint: Any) -> tuple[bool, Any]:
    """Whether the annotation admits None, and what remains of it."""
    if get_origin(hint) not in {Union, types.UnionType}:
        return False, hint
    rest = [arg for arg in get_args(hint) if arg is not type(None)]
    if len(rest) != 1 or len(rest) == len(get_args(hint)):
        raise TypeError(f"{hint!r} is not a type of the configuration language")
    return True, rest[0]


def _settle_unless_none(settle: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else settle(value)


def _settle_list(origin: type, settle: Settle, value: Any) -> Any:
    return origin(value if settle is None else map(settle, value))


def _settle_values(settle: Callable[[Any], Any], value: Any) -> Any:
    return {key: settle(item) for key, item in value.items()}


def holds_secret(type_: Type) -> bool:
    """Whether values of the type are or contain secrets."""
    if isinstance(type_, wanted.SecretType | wanted.OptionalSecretType):
        return True
    if isinstance(type_, wanted.NullableType):
        return holds_secret(type_.inner)
    return isinstance(type_, wanted.ListType | wanted.MapType) and holds_secret(type_.element)
