"""Evaluation: values, and the places and texts of faults."""

from __future__ import annotations

from typing import Any

import pytest

from alloypy.lang import types
from alloypy.lang.evaluation.evaluator import EvaluationError, evaluate, evaluate_as
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.stdlib import Stdlib
from alloypy.lang.targets import Target
from alloypy.lang.values import Capsule, Function, OptionalSecret, Secret, UInt
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source

LIBRARY = Stdlib(environ={"HOME": "/home/me"})


def value_of(text: str, **variables: Any) -> Any:
    source = Source("config.alloy", text.encode())
    return evaluate(parse_expression(source), source, LIBRARY.child(variables))


def fault_of(text: str, wanted: types.Type | None = None, **variables: Any) -> tuple[str, str | None, str]:
    """The message, the text at the place, and the value shown beside it."""
    source = Source("config.alloy", text.encode())
    expression = parse_expression(source)
    with pytest.raises(DiagnosticsError) as caught:
        if wanted is None:
            evaluate(expression, source, LIBRARY.child(variables))
        else:
            evaluate_as(expression, wanted, source, LIBRARY.child(variables))
    (diagnostic,) = caught.value.diagnostics
    span = diagnostic.span
    place = None if span is None or span.end is None else source.data[span.start : span.end + 1].decode()
    return diagnostic.message, place, diagnostic.value


class TestValues:
    def test_literals_keep_their_kind(self) -> None:
        values = value_of("[010, 08, 9223372036854775807, 9223372036854775808, 18446744073709551616, 1.0]")
        assert values == [8, 8.0, 9223372036854775807, 9223372036854775808, 18446744073709551616.0, 1.0]
        assert [type(value) for value in values] == [int, float, int, UInt, float, float]

    def test_strings_are_unescaped(self) -> None:
        assert value_of(r'"\a\t\\\"\101\x41\u00e9\U0001F600"') == '\a\t\\"AA\u00e9\U0001f600'
        assert value_of(r'"\xc3\xa9\xff"') == "\u00e9\udcff"
        assert value_of("`raw\\n\r\n`") == "raw\\n\n"

    def test_the_last_of_equal_keys_wins(self) -> None:
        assert value_of('{a = 1, "a" = 2}') == {"a": 2}

    def test_an_unescaped_key_is_another_key(self) -> None:
        assert value_of(r'{"a\nb" = 1}') == {r"a\nb": 1}

    def test_a_missing_key_is_null_by_index_only(self) -> None:
        assert value_of('{a = 1}["b"]') is None
        assert fault_of("{a = 1}.b") == ('field "b" does not exist', "b", "")

    def test_indices_are_truncated(self) -> None:
        assert value_of("[[1, 2][1.9], [1, 2][-0.5]]") == [2, 1]

    def test_the_scope_comes_before_the_library(self) -> None:
        assert value_of("env", env=5) == 5

    def test_scopes_are_searched_from_the_inside(self) -> None:
        outer = Scope({"a": 1, "b": 2}, LIBRARY)
        inner = outer.child({"a": 3})
        assert [inner.lookup("a"), inner.lookup("b")] == [3, 2]
        assert "string" in inner
        assert "nothing" not in inner
        with pytest.raises(KeyError):
            inner.lookup("nothing")

    def test_capsules_that_stand_for_objects_have_fields(self) -> None:
        target = Target({"job": "api"})
        assert value_of('[t.job, t["job"], t["none"]]', t=target) == ["api", "api", None]
        assert fault_of("t.none", t=target) == ('field "none" does not exist', "none", "")

    def test_aliases_are_the_very_functions(self) -> None:
        assert value_of("env") is value_of("sys.env")
        assert value_of("concat") is value_of("array.concat")
        assert isinstance(value_of("format"), Function)


class TestOperators:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("9223372036854775807 + 1", -(1 << 63)),
            ("18446744073709551615 == -1", True),
            ("18446744073709551615 > 1", False),
            ("-7 / 2", -3),
            ("-7 % 3", -1),
            ("-2 ^ 2", 4),
            ("2 ^ -1", 2),
            ("0 ^ -1", 0),
            ("3 ^ 64", 8733086111712066817),
            ("2 ^ 3 ^ 2", 512),
            ("7.5 % 2", 1.5),
            ('"b" > "a"', True),
            ('"\\xff" > "\u00e9"', True),
            ("1 == 1.0", True),
            ('1 == "1"', False),
            ("[1, {a = 2}] == [1.0, {a = 2}]", True),
            ("env == env", False),
            ("!false || false && true", True),
        ],
    )
    def test_value(self, text: str, expected: Any) -> None:
        result = value_of(text)
        assert result == expected
        assert type(result) is type(expected)

    def test_unsigned_numbers_stay_unsigned_among_themselves(self) -> None:
        assert value_of("big + big", big=UInt((1 << 64) - 1)) == UInt((1 << 64) - 2)
        assert value_of("big - 1", big=UInt((1 << 64) - 1)) == -2
        assert value_of("-big", big=UInt(5)) == -5

    def test_both_sides_are_evaluated(self) -> None:
        assert fault_of("true || nothing") == ('identifier "nothing" does not exist', "nothing", "")

    def test_secrets_taint(self) -> None:
        names: dict[str, Any] = {
            "s": Secret("hush"),
            "op": OptionalSecret("plain", is_secret=False),
            "os": OptionalSecret("dark", is_secret=True),
        }
        assert value_of('s + "x"', **names) == Secret("hushx")
        assert value_of('"x" + s', **names) == Secret("xhush")
        assert value_of("s + op", **names) == Secret("hushplain")
        assert value_of("os + s", **names) == Secret("darkhush")
        assert value_of('op + "x"', **names) == "plainx"
        assert value_of('os + "x"', **names) == OptionalSecret("darkx", is_secret=True)
        assert value_of('"x" + os', **names) == OptionalSecret("xdark", is_secret=True)
        assert value_of("op + os", **names) == OptionalSecret("plaindark", is_secret=True)
        assert value_of('[s == "hush", s == s, os == op, op < "z"]', **names) == [True, True, False, True]

    @pytest.mark.parametrize(
        ("text", "message", "place"),
        [
            ('1 + "a"', '"a" should be number, got string', '"a"'),
            ("[1] + 1", "[1] should be one of [number string capsule] for binop +, got array", "[1]"),
            ("1 && true", "1 should be one of [bool] for binop &&, got number", "1"),
            ("5 / 0.0", "0.0 divide by zero error", "0.0"),
            ("5 % (1 - 1)", "(1 - 1) divide by zero error", "(1 - 1)"),
            ("!1", "1 should be bool, got number", "1"),
            ('-"a"', '"a" should be number, got string', '"a"'),
            ("cap + cap", "cap could not perform binop + for unknown types lhs capsule rhs capsule", "cap"),
        ],
    )
    def test_fault(self, text: str, message: str, place: str) -> None:
        assert fault_of(text, cap=Capsule()) == (message, place, "")


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "message", "place"),
        [
            ("nothing", 'identifier "nothing" does not exist', "nothing"),
            ("[1][3]", "3 index 3 is out of range of array with length 1", "3"),
            ('[1]["a"]', '"a" should be number, got string', '"a"'),
            ("{}[1]", "1 should be string, got number", "1"),
            ("1[0]", "1 expected object or array, got number", "1"),
            ("1 .a", '1 cannot access field "a" on value of type number', "1"),
            ("5(1)", "5 should be function, got number", "5"),
            ("sys.env()", "sys.env expected 1 args, got 0", "sys.env"),
            ("format()", "format expected at least 1 args, got 0", "format"),
            ("string.join(1, 2)", "1 should be array, got number", "1"),
            ('string.join(["a", [2]], "")', "[2] should be string, got array", "[2]"),
            (
                'encoding.from_json("[")',
                "encoding.from_json unexpected end of JSON input",
                "encoding.from_json",
            ),
        ],
    )
    def test_the_place_is_the_expression_at_fault(self, text: str, message: str, place: str) -> None:
        assert fault_of(text) == (message, place, "")

    def test_null_has_no_place(self) -> None:
        assert fault_of("null + 1") == (
            " should be one of [number string capsule] for binop +, got null",
            None,
            "",
        )

    def test_small_values_are_one_and_the_same(self) -> None:
        source = Source("config.alloy", b"[1, 1 && true, 1]")
        with pytest.raises(DiagnosticsError) as caught:
            evaluate(parse_expression(source), source, LIBRARY)
        assert caught.value.diagnostics[0].span == (source, 4, 4)
        assert fault_of("true < true")[1] == "true"
        source = Source("config.alloy", b"true < true")
        with pytest.raises(DiagnosticsError) as caught:
            evaluate(parse_expression(source), source, LIBRARY)
        assert caught.value.diagnostics[0].span == (source, 7, 10)  # the last of them

    def test_large_values_are_themselves(self) -> None:
        source = Source("config.alloy", b"1000 && 1000")
        with pytest.raises(DiagnosticsError) as caught:
            evaluate(parse_expression(source), source, LIBRARY)
        assert caught.value.diagnostics[0].span == (source, 0, 3)

    def test_the_path_follows_what_is_not_visible(self) -> None:
        wanted = types.ListType(types.ListType(types.BoolType()))
        message, place, shown = fault_of("made", wanted, made=[[True], [True, "no"]])
        assert (message, place, shown) == ("made[1][1] should be bool, got string", "made", '"no"')

    def test_what_is_visible_is_pointed_at(self) -> None:
        wanted = types.MapType(types.IntType())
        assert fault_of('{a = 1, b = "x"}', wanted) == ('"x" should be number, got string', '"x"', "")

    def test_unknown_keys_point_at_their_value(self) -> None:
        wanted = types.ObjectType((), dict)
        assert fault_of("{z = 1}", wanted) == ('1 does not have field named "z"', "1", "")

    def test_secrets_are_hidden_in_the_value_beside_the_message(self) -> None:
        wanted = types.ListType(types.ListType(types.StringType()))
        variables = {"made": [{"password": Secret("hush"), "list": [OptionalSecret("hush", is_secret=True)]}]}
        message, _, shown = fault_of("made", wanted, **variables)
        assert message == "made[0] should be array, got object"
        assert shown == "{\n\tlist     = [(secret)],\n\tpassword = (secret),\n}"

    def test_numbers_beyond_all_floats_have_no_place(self) -> None:
        with pytest.raises(EvaluationError, match="value out of range"):
            value_of("1e999")


class TestDepth:
    @pytest.mark.parametrize(
        ("before", "inside", "after"),
        [("[", "1", "]"), ("(", "1", ")"), ("{a = ", "1", "}"), ("[", "", "][0]"), ("!", "true", "")],
    )
    def test_a_thousand_levels(self, before: str, inside: str, after: str) -> None:
        levels = 999
        text = before * levels + inside + after * levels
        if after == "][0]":
            assert fault_of(text)[0].startswith("0 index 0 is out of range")
        else:
            value_of(text)

    def test_a_deep_value_can_be_decoded_compared_and_shown(self) -> None:
        text = "[" * 500 + "]" * 500
        assert value_of(f"{text} == {text}")
        source = Source("config.alloy", text.encode())
        decoded = evaluate_as(parse_expression(source), types.AnyType(), source, LIBRARY)
        for _ in range(499):
            (decoded,) = decoded
        assert decoded == []

    def test_a_long_row_of_operators(self) -> None:
        assert value_of("1" + " + 1" * 5_000) == 5_001
