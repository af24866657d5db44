"""Parameters of every message of the protocol, and the same with one member that is wrong.

They are made from the types of `lsprotocol`: valid parameters that have every member, and from these, for
each member, what a broken client may send in its place.
"""

from __future__ import annotations

import collections.abc
import copy
import enum
import types as builtin
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from lsprotocol import types
from lsprotocol.converters import get_converter

ABSENT = object()
"""Says that a member is left out."""

DEEP: Any = []
for _ in range(400):
    DEEP = [DEEP]

WRONG: tuple[Any, ...] = (
    *(ABSENT, None, True, 0, -1, 1.5, 2**31 - 1, 2**31, 2**63, 10**400, -(10**30)),
    *("", "x", "\ud800", "\0", "x" * 100_000, [], [None], DEEP, {}, {"a": [{"b": {}}]}),
)
"""What may come instead of a value."""

_DEEPEST = 7

Path = tuple[str | int, ...]


def parameters(method: str) -> Any:
    """Valid parameters, with every member that there is; None where the method takes none."""
    kind = types.METHOD_TO_TYPES[method][2]
    return _CONVERTER.unstructure(_sample(kind, 0)) if kind is not None else None


_CONVERTER = get_converter()


def _sample(kind: Any, depth: int) -> Any:
    origin = typing.get_origin(kind)
    if origin in {typing.Union, builtin.UnionType}:
        return _sample(next(each for each in typing.get_args(kind) if each is not type(None)), depth)
    if origin is typing.Literal:
        return typing.get_args(kind)[0]
    if origin in {list, collections.abc.Sequence}:
        return [_sample(typing.get_args(kind)[0], depth + 1)]
    if origin in {dict, collections.abc.Mapping}:
        return dict([[_sample(each, depth + 1) for each in typing.get_args(kind)]])
    if origin is tuple:
        return [_sample(each, depth + 1) for each in typing.get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    if isinstance(kind, type) and attrs.has(kind):
        return kind(
            **{
                each.name: _sample(each.type, depth + 1)
                for each in attrs.fields(kind)
                if each.init and (depth <= _DEEPEST or each.default is attrs.NOTHING)
            }
        )
    return {str: "x", int: 1, float: 1.0, bool: True}.get(kind, {"a": 1})


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths to all that is in a value; the value itself first."""
    yield path
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from places(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*path, number))


def damaged(value: Any, path: Path, wrong: Any) -> Any:
    """The same value with another at a path, or without it."""
    if not path:
        return None if wrong is ABSENT else wrong
    found = copy.deepcopy(value)
    holder = found
    for step in path[:-1]:
        holder = holder[step]
    if wrong is ABSENT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = wrong
    return found


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """The same value with what is right at this place: by the names of members."""
    if isinstance(value, Mapping):
        return {name: known[name] if name in known else filled(each, known) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [filled(each, known) for each in value]
    return value
