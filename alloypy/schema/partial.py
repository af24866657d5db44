"""Rules of declared classes over values that are not all known yet.

`validate` runs the `check` of a class on a stand-in: where the rule asks for a value that only
running tells, it ends without a verdict, and what it found before holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from alloypy.lang.conversion import zero
from alloypy.schema.spec import AttributeSpec, BlockSpec, Missing, Spec

if TYPE_CHECKING:
    from alloypy.schema.fields import Fault


class Undecided(Exception):
    """A value is not known before the configuration runs."""


class _Unknown:
    """The place of a value that is not known."""


UNKNOWN = _Unknown()


class PartialInstance:
    """Stands for an instance of a declared class in its own `check`."""

    def __init__(self, cls: type[Any], values: Mapping[str, Any]) -> None:
        self._cls = cls
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name in self._values:
            value = self._values[name]
            if isinstance(value, _Unknown):
                raise Undecided
            return value
        member = getattr(self._cls, name)
        if isinstance(member, property) and member.fget is not None:
            return member.fget(self)
        return MethodType(member, self) if isinstance(member, FunctionType) else member


def partial_faults(spec: Spec, given: Mapping[str, Any]) -> Iterator[Fault]:
    """The broken rules of a body, as far as they can be told.

    given: values by the names of the configuration, decoded, or UNKNOWN; blocks as PartialInstances or
        lists of them. What is absent has its default. The paths of faults are names of the configuration.
    """
    if spec.cls is None:
        return
    from alloypy.schema.fields import Fault  # brings in `dataclasses`, which checks by catalog do without

    values = {member.path: _value(member, given) for member in spec.members}
    instance = _instance(spec.cls, values, spec, ())
    names = {".".join(member.path): member.name for member in spec.members}
    for path in [*sorted(spec.squashed, key=len, reverse=True), ()]:
        target: Any = instance
        for part in path:
            target = getattr(target, part)
        try:
            for fault in target.check() if hasattr(target, "check") else ():
                inner = ".".join((*path, fault.path)) if fault.path else ""
                yield Fault(names.get(inner.partition("[")[0], ""), fault.message)
        except Undecided:
            continue


def instance_of(spec: Spec, given: Mapping[str, Any]) -> Any:
    """A stand-in for a block's value, for the `check` of the body around; `given` itself without a class."""
    if spec.cls is None:
        return given
    return _instance(spec.cls, {m.path: _value(m, given) for m in spec.members}, spec, ())


def _value(member: AttributeSpec | BlockSpec, given: Mapping[str, Any]) -> Any:
    if member.name in given:
        return given[member.name]
    if not isinstance(member.default, Missing):
        return member.default
    return zero(member.type) if isinstance(member, AttributeSpec) else UNKNOWN


def _instance(
    cls: type[Any], values: Mapping[tuple[str, ...], Any], spec: Spec, prefix: tuple[str, ...]
) -> PartialInstance:
    """An instance with the values below a path; those of squashed classes are instances in turn."""
    depth = len(prefix)
    fields = {
        path[depth]: value
        for path, value in values.items()
        if len(path) == depth + 1 and path[:depth] == prefix
    }
    for path, (inner, _) in spec.squashed.items():
        if len(path) == depth + 1 and path[:depth] == prefix:
            fields[path[depth]] = _instance(inner, values, spec, path)
    return PartialInstance(cls, fields)
