"""Targets: what `discovery.*` components export, and scraping and enriching components take.

A target is a set of labels. Configurations write it as an object, and can read an exported one like an
object; in between it is a capsule, so that labels shared by many targets are stored once.
Source: docs/spec/SYNTAX.md, section 5 (capsules that convert).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from alloypy.lang.go.duration import Duration
from alloypy.lang.values import Capsule, Function, OptionalSecret, Secret, UInt, Value, kind_of

_NO_LABELS: Mapping[str, str] = MappingProxyType({})
_GO_NAMES = {str: "string", Duration: "string", bool: "bool", int: "int64", UInt: "uint64", float: "float64"}


class Target(Capsule):
    """The labels of one target. Frozen; compares by its labels.

    own: labels of this target alone. group: labels shared with its group; `own` wins. Neither changes.
    """

    __slots__ = ("_hash", "group", "own")
    kind = "discovery.Target"
    literal_form = "object"

    def __init__(self, own: Mapping[str, str], group: Mapping[str, str] = _NO_LABELS) -> None:
        self.own = own
        self.group = group
        self._hash: int | None = None

    @property
    def labels(self) -> Mapping[str, str]:
        """All labels; a new mapping on each access if there are group labels."""
        return {**self.group, **self.own} if self.group else self.own

    def get(self, name: str) -> str | None:
        """The value of a label; None if there is none."""
        value = self.own.get(name)
        return self.group.get(name) if value is None else value

    def fields(self) -> Mapping[str, str]:
        return self.labels

    @classmethod
    def from_value(cls, value: Value) -> Target | None:
        """The target for an object, with its values as text. Raises ValueError with Alloy's texts."""
        if isinstance(value, Mapping):
            labels = {_label_name(name): _label_value(item) for name, item in value.items()}
            odd = next((name for name, item in value.items() if isinstance(item, _WITHOUT_TEXT)), None)
            return cls(labels) if odd is None else OddTarget(labels, _label_name(odd), value[odd])
        name = _GO_NAMES.get(type(value))
        if name is not None:
            raise ValueError(f"target::ConvertFrom: conversion from '{name}' is not supported")
        return None

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Target):
            return False
        if self.group is other.group or (not self.group and not other.group):
            return self.own == other.own
        return self.labels == other.labels

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.labels.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"Target({dict(self.labels)!r})"


_WITHOUT_TEXT = (list, tuple, Mapping, Function)


class OddTarget(Target):
    """A target with a label whose value is a list, an object or a function.

    Alloy uses what Go prints for it, memory addresses included; alloypy refuses to load it.
    label: the name of the label. sort: what it is: `array`, `object` or `function`.
    """

    __slots__ = ("label", "sort")

    def __init__(self, labels: Mapping[str, str], label: str, value: Value) -> None:
        super().__init__(labels)
        self.label = label
        self.sort = kind_of(value)


def _label_name(name: str) -> str:
    """A label's name, for a key of an object: there, keys keep their escape sequences as written."""
    if "\\" not in name:
        return name
    from alloypy.lang.evaluation.literals import string_value

    try:
        return string_value(f'"{name}"')
    except (KeyError, ValueError, OverflowError):  # no literal: it comes from a function
        return name


def _label_value(value: Value) -> str:
    """A label's value. Numbers and nested values are written as by Go's `%v`, but without addresses."""
    match value:
        case str() | Duration():
            return str(value)
        case None:
            raise ValueError("target::ConvertFrom: cannot convert a nil value to a target value")
        case OptionalSecret(is_secret=False):
            return value.reveal()
        case Secret() | OptionalSecret():
            raise ValueError("target::ConvertFrom: cannot use a secret as a target value")
        case Capsule():
            return value.describe()
        case Function():
            return kind_of(value)
    from alloypy.lang.stdlib.sprintf.format import sprintf

    return sprintf("%v", [value])
