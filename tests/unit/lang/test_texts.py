"""Numbers, durations, quotes and values as texts."""

from __future__ import annotations

import math
from typing import Any

import pytest

from alloypy.lang.evaluation.power import float_power
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.go.duration import Duration
from alloypy.lang.go.floats import SHORTEST, format_float
from alloypy.lang.go.text import joined, parse_decimal, quote_ascii, quote_rune
from alloypy.lang.numbers import number_text, parse_number, to_int, to_uint, wrap_bits
from alloypy.lang.stdlib import Stdlib
from alloypy.lang.value_text import value_text
from alloypy.lang.values import Capsule, OptionalSecret, Secret, UInt


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("1.5s", 1_500_000_000),
        ("-1h30m", -5_400_000_000_000),
        ("+5us", 5_000),
        ("5\u00b5s", 5_000),
        ("5\u03bcs", 5_000),
        (".5m", 30_000_000_000),
        ("1.s", 1_000_000_000),
        ("0.3333333333333333333h", 1_200_000_000_000),
        ("9223372036854775807ns", (1 << 63) - 1),
        ("-9223372036854775808ns", -(1 << 63)),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert Duration.parse(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("s", 'time: invalid duration "s"'),
        (".s", 'time: invalid duration ".s"'),
        ("1", 'time: missing unit in duration "1"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1\u00e9", 'time: unknown unit "\\xc3\\xa9" in duration "1\\xc3\\xa9"'),
        ("9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'),
        ("9223372036854775809", 'time: invalid duration "9223372036854775809"'),
        ("2562048h", 'time: invalid duration "2562048h"'),
    ],
)
def test_bad_durations(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="time: ") as caught:
        Duration.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["0s", "1ns", "1.5\u00b5s", "20ms", "1m30s", "2h0m0.000000001s", "-1h0m0s"])
def test_durations_are_written_as_read(text: str) -> None:
    assert str(Duration.parse(text)) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e21, "1000000000000000000000"),
        (1.50, "1.5"),
        (-0.0, "-0"),
        (5e-324, "0." + "0" * 323 + "5"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (UInt((1 << 64) - 1), "18446744073709551615"),
    ],
)
def test_number_texts(number: float, text: str) -> None:
    assert number_text(number) == text


def test_numbers_in_texts() -> None:
    assert parse_number("-9223372036854775808") == -(1 << 63)
    assert parse_number("-9223372036854775809") is None
    assert isinstance(parse_number("5"), UInt)
    assert parse_number("1E2") == 100.0
    assert parse_number("") is None


def test_floats_become_integers_as_the_processor_does_it() -> None:
    assert [to_int(1.9), to_int(-1.9), to_int(math.nan), to_int(1e19)] == [1, -1, -(1 << 63), -(1 << 63)]
    assert [to_uint(-1.5), to_uint(1e19), to_uint(1e20)] == [(1 << 64) - 1, 10**19, 1 << 63]
    assert [wrap_bits(300, 8, True), wrap_bits(200, 8, True), wrap_bits(-1, 16, False)] == [44, -56, 65535]


@pytest.mark.parametrize(
    ("number", "layout", "precision", "text"),
    [
        (1000000.0, "g", SHORTEST, "1e+06"),
        (100000.0, "g", SHORTEST, "100000"),
        (0.00001, "g", SHORTEST, "1e-05"),
        (1234.5, "g", 3, "1.23e+03"),
        (1.0, "b", SHORTEST, "4503599627370496p-52"),
        (5e-324, "b", SHORTEST, "1p-1074"),
        (1.5, "x", SHORTEST, "0x1.8p+00"),
        (1.999999, "x", 1, "0x1.0p+01"),
        (0.0, "x", 2, "0x0.00p+00"),
        (5e-324, "X", SHORTEST, "0X1P-1074"),
        (1.5, "e", 0, "2e+00"),
        (2.5, "f", 0, "2"),
        (-math.inf, "E", 3, "-Inf"),
    ],
)
def test_float_layouts(number: float, layout: str, precision: int, text: str) -> None:
    assert format_float(number, layout, precision) == text


@pytest.mark.parametrize(
    ("base", "exponent", "result"),
    [
        (0.0, -1.0, math.inf),
        (-0.0, -3.0, -math.inf),
        (-0.0, 3.0, -0.0),
        (-8.0, 1 / 3, math.nan),
        (-1.0, math.inf, 1.0),
        (2.0, 0.5, 1.4142135623730951),
        (2.0, -0.5, 0.7071067811865475),
        (1e200, 2.0, math.inf),
        (1e-200, 2.0, 0.0),
        (-2.0, 3.0, -8.0),
        (-1.5, 1e300, math.inf),
        (-1.0, 1e300, 1.0),
        (0.5, 1e300, 0.0),
        (5e-324, -0.25, 9.736915275439818e76),
    ],
)
def test_powers(base: float, exponent: float, result: float) -> None:
    assert repr(float_power(base, exponent)) == repr(result)


def test_quotes() -> None:
    assert quote_ascii("a\u00e9\udcff\U0001f600\n") == '"a\\u00e9\\xff\\U0001f600\\n"'
    assert [quote_rune("'"), quote_rune('"'), quote_rune("\u00e9", ascii_only=True)] == [
        r"'\''",
        "'\"'",
        r"'\u00e9'",
    ]


def test_joined_bytes_become_characters() -> None:
    assert joined("\udcc3", "\udca9") == "\u00e9"
    assert joined("\udcc3", "x") == "\udcc3x"


class Target(Capsule):
    kind = "discovery.Target"

    def fields(self) -> dict[str, Any]:
        return {"job": "api", "a-b": Secret("hush")}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (UInt(5), "5"),
        (1e21, "1000000000000000000000"),
        ('a"\n', r'"a\"\n"'),
        (Duration(1_000_000_000), '"1s"'),
        (b"hi", "[104, 105]"),
        ([], "[]"),
        ({}, "{}"),
        ({"b": 1, "a c": [2]}, '{\n\t"a c" = [2],\n\tb     = 1,\n}'),
        (Secret("hush"), "(secret)"),
        (OptionalSecret("plain", is_secret=False), '"plain"'),
        (Capsule(), 'capsule("any")'),
        (Target(), '{\n\t"a-b" = (secret),\n\tjob   = "api",\n}'),
        (Stdlib().lookup("coalesce"), "function"),
        (math.inf, "+Inf"),
    ],
)
def test_values_are_written_in_the_language(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_capsules_describe_themselves_without_their_content() -> None:
    described = [
        Secret("hush").describe(),
        OptionalSecret("hush", is_secret=True).describe(),
        Capsule().describe(),
    ]
    assert described == ["(secret)", "(secret)", 'capsule("any")']
    assert OptionalSecret("plain", is_secret=False).describe() == "plain"
    assert Secret("hush").type_text() == 'capsule("alloytypes.Secret")'
    assert "hush" not in repr([Secret("hush"), OptionalSecret("hush", is_secret=True)])
    assert isinstance(Stdlib(), Scope)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("0", 0),
        ("-0", 0),
        ("+7", 7),
        ("-007", -7),
        ("0" * 5000 + "5", 5),
        (str((1 << 63) - 1), (1 << 63) - 1),
        (str(-1 << 63), -1 << 63),
        (str(1 << 63), "value out of range"),
        (str((-1 << 63) - 1), "value out of range"),
        ("9" * 5000, "value out of range"),
        ("", "invalid syntax"),
        ("+", "invalid syntax"),
        ("--1", "invalid syntax"),
        ("1_0", "invalid syntax"),
        (" 1", "invalid syntax"),
        ("1\n", "invalid syntax"),
        ("\u0663", "invalid syntax"),
        ("0x1", "invalid syntax"),
    ],
    ids=lambda value: str(value)[:22],
)
def test_decimal_integers_as_go_reads_them(text: str, outcome: int | str) -> None:
    if isinstance(outcome, int):
        assert parse_decimal(text) == outcome
    else:
        with pytest.raises(ValueError, match=outcome):
            parse_decimal(text)
