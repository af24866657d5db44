"""Builds an instance of a declared class from collected values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from alloypy.lang.conversion import zero
from alloypy.schema.faults import Fault
from alloypy.schema.spec import MISSING, Spec


class DecodeError(Exception):
    """A body could not be decoded, for a reason that Alloy reports without a position.

    The text is Alloy's, such as `missing required attribute "url"`.
    fault: the broken rule; None for other errors.
    """

    def __init__(self, message: str, fault: Fault | None = None) -> None:
        self.fault = fault
        super().__init__(message)


def build_object(spec: Spec, given: Mapping[str, Any]) -> Any:
    """An instance from the attribute values of an object; missing required ones get their zero value.

    Raises ValueError for a broken rule.
    """
    values: dict[tuple[str, ...], Any] = {}
    for attribute in spec.attributes:
        if attribute.name in given:
            value = given[attribute.name]
        elif attribute.required:
            value = zero(attribute.type)
        else:
            continue
        values[attribute.path] = value if attribute.settle is None else attribute.settle(value)
    try:
        return build(spec, values)
    except DecodeError as error:
        raise ValueError(str(error)) from None


def build(spec: Spec, values: dict[tuple[str, ...], Any]) -> Any:
    """An instance of the spec's class from values by path; raises DecodeError for the first broken rule."""
    if spec.cls is None:
        raise TypeError(f"{spec.name} has no class to build")
    for path in sorted(spec.squashed, key=len, reverse=True):
        cls, default = spec.squashed[path]
        inner = {p[-1]: values.pop(p) for p in list(values) if p[:-1] == path}
        if inner and default is not MISSING:
            values[path] = dataclasses.replace(default, **inner)
        elif inner or default is MISSING:
            values[path] = cls(**inner)
    instance = spec.cls(**{path[0]: value for path, value in values.items()})
    for fault in faults(spec, instance):
        raise DecodeError(fault.message, fault)
    return instance


def faults(spec: Spec, instance: Any) -> Iterator[Fault]:
    """The broken rules of an instance's own body; those of squashed classes come first."""
    for path in sorted(spec.squashed, key=len, reverse=True):
        inner = instance
        for name in path:
            inner = getattr(inner, name)
        if hasattr(inner, "check"):
            yield from inner.check()
    if hasattr(instance, "check"):
        yield from instance.check()
