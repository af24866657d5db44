"""Every value against every wanted type, and where a fault lies."""

from __future__ import annotations

from typing import Any

import pytest

from alloypy.lang import types
from alloypy.lang.conversion import ConversionError, convert, zero
from alloypy.lang.go.duration import Duration
from alloypy.lang.targets import Target
from alloypy.lang.values import Capsule, OptionalSecret, Secret, UInt, Value

STRING, INT = types.StringType(), types.IntType()
HUSH = Secret("hush")
PLAIN, HIDDEN = OptionalSecret("plain", is_secret=False), OptionalSecret("hush", is_secret=True)


class Receiver(Capsule):
    kind = "pyroscope.Appendable"


class Rules(Capsule):
    kind = "relabel.Rules"


RECEIVER = Receiver()

GOOD: list[tuple[Value, types.Type, Any]] = [
    ("x", STRING, "x"),
    (5, STRING, "5"),
    (UInt(18446744073709551615), STRING, "18446744073709551615"),
    (1.5, STRING, "1.5"),
    (1e30, STRING, "1" + "0" * 30),
    (1e-7, STRING, "0.0000001"),
    (b"hi\xff", STRING, "hi\udcff"),
    (Duration(90_000_000_000), STRING, "1m30s"),
    (PLAIN, STRING, "plain"),
    ("5", INT, 5),
    ("5.9", INT, 5),
    ("-7", INT, -7),
    ("1e3", INT, 1000),
    (5.9, INT, 5),
    (-5.9, INT, -5),
    (1e30, INT, -(1 << 63)),
    (OptionalSecret("12", is_secret=False), INT, 12),
    (300, types.IntType(8), 44),
    (-1, types.IntType(signed=False), (1 << 64) - 1),
    (-1, types.IntType(16, signed=False), 65535),
    ("0x1.8p1", types.FloatType(), 3.0),
    (3, types.FloatType(), 3.0),
    (True, types.BoolType(), True),
    ("1h", types.DurationType(), Duration(3_600_000_000_000)),
    ("0", types.DurationType(), Duration(0)),
    (0, types.DurationType(), Duration(0)),
    ("hush", types.SecretType(), HUSH),
    (HUSH, types.SecretType(), HUSH),
    (HIDDEN, types.SecretType(), HUSH),
    (PLAIN, types.SecretType(), Secret("plain")),
    ("hush", types.OptionalSecretType(), OptionalSecret("hush", is_secret=False)),
    (HUSH, types.OptionalSecretType(), HIDDEN),
    ("hi", types.BytesType(), b"hi"),
    ([104, "105", 361], types.BytesType(), b"hii"),
    (b"hi", types.ListType(INT), [104, 105]),
    (["1", 2], types.ListType(INT), [1, 2]),
    ((1, 2), types.ListType(STRING, length=2), ["1", "2"]),
    ({"a": "1"}, types.MapType(INT), {"a": 1}),
    (Target({"a": "1"}), types.MapType(STRING), {"a": "1"}),
    (RECEIVER, types.CapsuleType(Receiver), RECEIVER),
    (RECEIVER, types.AnyType(), RECEIVER),
    (UInt(5), types.AnyType(), 5),
    ([b"h", Duration(1)], types.AnyType(), [[104], "1ns"]),
    ("5", types.NullableType(INT), 5),
    (None, types.NullableType(INT), None),
    (None, types.ListType(INT), []),
]
BAD: list[tuple[Value, types.Type, str]] = [
    ("+5", INT, "should be number, got string"),
    (" 5", INT, "should be number, got string"),
    ("1_0", INT, "should be number, got string"),
    ("0x5", INT, "should be number, got string"),
    ("-1.5", INT, "should be number, got string"),
    ("inf", types.FloatType(), "should be number, got string"),
    ("1e999", types.FloatType(), "should be number, got string"),
    ("18446744073709551616", INT, "should be number, got string"),
    (Duration(5), INT, "should be number, got string"),
    (HUSH, INT, "should be number, got capsule"),
    (PLAIN, INT, "should be number, got capsule"),
    (True, STRING, "should be string, got bool"),
    ("true", types.BoolType(), "should be bool, got string"),
    (HUSH, STRING, "secrets may not be converted into strings"),
    (HIDDEN, STRING, "secrets may not be converted into strings"),
    (HUSH, types.DurationType(), "secrets may not be converted into strings"),
    (5, types.SecretType(), "should be capsule, got number"),
    (
        RECEIVER,
        types.SecretType(),
        'expected capsule("alloytypes.Secret"), got capsule("pyroscope.Appendable")',
    ),
    (10, types.DurationType(), 'time: missing unit in duration "10"'),
    ("99999999999h", types.DurationType(), 'time: invalid duration "99999999999h"'),
    ([1, 2, 3], types.ListType(INT, length=2), "array must have exactly 2 elements, got 3"),
    (
        Rules(),
        types.CapsuleType(Receiver),
        'expected capsule("pyroscope.Appendable"), got capsule("relabel.Rules")',
    ),
    ("x", types.CapsuleType(Receiver), "should be capsule, got string"),
    (RECEIVER, types.MapType(STRING), "should be object, got capsule"),
    ({"a": HUSH}, types.CapsuleType(Target), "target::ConvertFrom: cannot use a secret as a target value"),
]


@pytest.mark.parametrize(("value", "wanted", "expected"), GOOD)
def test_converts(value: Value, wanted: types.Type, expected: Any) -> None:
    converted = convert(value, wanted)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(("value", "wanted", "message"), BAD)
def test_refuses(value: Value, wanted: types.Type, message: str) -> None:
    with pytest.raises(ConversionError) as caught:
        convert(value, wanted)
    assert caught.value.message == message
    assert caught.value.path == ()


def test_an_object_becomes_a_capsule() -> None:
    made = convert({"a": "b"}, types.CapsuleType(Target))
    assert made.labels == {"a": "b"}


def test_the_path_leads_to_the_fault() -> None:
    wanted = types.MapType(types.ListType(INT))
    with pytest.raises(ConversionError) as caught:
        convert({"good": [1], "bad": [1, "x"]}, wanted)
    assert (caught.value.path, caught.value.message) == (("bad", 1), "should be number, got string")


class TestObjects:
    XY = types.ObjectType(
        (types.ObjectField("x", STRING, required=True), types.ObjectField("y", INT, required=False)), dict
    )

    def test_keys_are_matched_and_absent_ones_left_to_the_maker(self) -> None:
        assert convert({"x": 5}, self.XY) == {"x": "5"}

    def test_null_gives_zero_values(self) -> None:
        assert convert(None, self.XY) == {"x": "", "y": 0}

    def test_an_unknown_key_is_named_but_not_in_the_path(self) -> None:
        with pytest.raises(ConversionError) as caught:
            convert([{"z": 1}], types.ListType(self.XY))
        assert caught.value.message == 'does not have field named "z"'
        assert (caught.value.path, caught.value.unnamed) == ((0,), "z")

    def test_what_the_maker_refuses_is_a_fault_of_the_object(self) -> None:
        def make(**given: Any) -> None:
            raise ValueError("x must not be empty")

        with pytest.raises(ConversionError, match="x must not be empty"):
            convert({}, types.ObjectType((), make))


class TestTextTypes:
    def test_the_text_is_parsed(self) -> None:
        level = types.TextType("level", lambda text: int(text) + 1, zero=7)
        assert convert(4, level) == 5
        assert convert(None, level) == 7

    def test_the_parser_has_the_word(self) -> None:
        def parse(text: str) -> int:
            raise ValueError(f"unknown mode {text}")

        with pytest.raises(ConversionError, match="unknown mode x"):
            convert("x", types.TextType("mode", parse))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (types.AnyType(), None),
        (types.BoolType(), False),
        (STRING, ""),
        (types.BytesType(), b""),
        (types.FloatType(), 0.0),
        (types.SecretType(), Secret("")),
        (types.OptionalSecretType(), OptionalSecret("", is_secret=False)),
        (types.CapsuleType(Receiver), None),
        (types.ListType(STRING, length=2), ["", ""]),
        (types.MapType(STRING), {}),
    ],
)
def test_zero_values(wanted: types.Type, expected: Any) -> None:
    assert zero(wanted) == expected
    assert convert(None, wanted) == expected


def test_types_without_parameters_differ() -> None:
    assert types.StringType() == types.StringType()
    assert types.StringType() != types.BoolType()
    assert len({types.AnyType(), types.AnyType(), types.SecretType()}) == 2
    assert types.AnyType()
