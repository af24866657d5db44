"""Targets: made of objects, looked at as objects, equal by their labels."""

from __future__ import annotations

from typing import Any

import pytest

from alloypy.lang import types
from alloypy.lang.conversion import ConversionError, convert
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.go.duration import Duration
from alloypy.lang.stdlib.library import Stdlib
from alloypy.lang.targets import Target
from alloypy.lang.value_text import value_text
from alloypy.lang.values import Capsule, OptionalSecret, Secret, UInt

TARGET = types.CapsuleType(Target)
STRINGS = types.MapType(types.StringType())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        ("", ""),
        (8080, "8080"),
        (-3, "-3"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (UInt(18446744073709551615), "18446744073709551615"),
        (True, "true"),
        (Duration(90_000_000_000), "1m30s"),
        (OptionalSecret("plain", is_secret=False), "plain"),
        ([1, "a"], "[1 a]"),
        ({"a": 1}, "map[a:1]"),
        (Capsule(), 'capsule("any")'),
        (Stdlib().lookup("coalesce"), "function"),
    ],
)
def test_values_of_an_object_become_text(value: Any, text: str) -> None:
    assert convert({"a": value}, TARGET) == Target({"a": text})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": None}, "target::ConvertFrom: cannot convert a nil value to a target value"),
        ({"a": Secret("hush")}, "target::ConvertFrom: cannot use a secret as a target value"),
        ({"a": OptionalSecret("hush", True)}, "target::ConvertFrom: cannot use a secret as a target value"),
        ("x", "target::ConvertFrom: conversion from 'string' is not supported"),
        (5, "target::ConvertFrom: conversion from 'int64' is not supported"),
        (1.5, "target::ConvertFrom: conversion from 'float64' is not supported"),
        (True, "target::ConvertFrom: conversion from 'bool' is not supported"),
        (["a"], "should be capsule, got array"),
        (Secret("hush"), 'expected capsule("discovery.Target"), got capsule("alloytypes.Secret")'),
    ],
)
def test_other_values_are_refused(value: Any, message: str) -> None:
    with pytest.raises(ConversionError) as refused:
        convert(value, TARGET)
    assert refused.value.message == message


def test_a_target_stays_the_same_one_on_its_way() -> None:
    target = Target({"a": "b"})
    assert convert(target, TARGET) is target


def test_labels_of_a_target_win_over_those_of_its_group() -> None:
    group = {"env": "prod", "job": "group"}
    target = Target({"job": "own"}, group)
    assert target.labels == {"env": "prod", "job": "own"}
    assert [target.get(name) for name in ("env", "job", "none")] == ["prod", "own", None]
    assert target.group is group


def test_targets_compare_by_their_labels() -> None:
    one, same = Target({"a": "1", "b": "2"}), Target({"b": "2"}, {"a": "1"})
    assert one == same
    assert len({one, same, Target({"a": "1"})}) == 2
    assert one != {"a": "1", "b": "2"}


def test_a_target_can_be_looked_at_as_an_object() -> None:
    target = Target({"a": "1"}, {"b c": "2"})
    assert convert(target, STRINGS) == {"a": "1", "b c": "2"}
    assert value_text(target) == '{\n\ta     = "1",\n\t"b c" = "2",\n}'
    assert Scope({"t": target}, Stdlib()).lookup("t") is target
