"""The standard library: its table, its platform, its arrays, and what it loads when."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from alloypy.lang.evaluation.evaluator import EvaluationError, evaluate
from alloypy.lang.stdlib import DEPRECATED, EXPERIMENTAL, IDENTIFIERS, Stdlib
from alloypy.lang.stdlib.constants import Platform
from alloypy.lang.values import Function, OptionalSecret, Secret
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source

LIBRARY = Stdlib(environ={"HOME": "/home/me"}, platform=Platform("box", "linux", "arm64", "v1.2.3"))


def value_of(text: str, **variables: Any) -> Any:
    source = Source("config.alloy", text.encode())
    return evaluate(parse_expression(source), source, LIBRARY.child(variables))


def message_of(text: str, **variables: Any) -> str:
    with pytest.raises((DiagnosticsError, EvaluationError)) as caught:
        value_of(text, **variables)
    error = caught.value
    return error.diagnostics[0].message if isinstance(error, DiagnosticsError) else str(error)


def test_the_table() -> None:
    namespaces = {"array", "constants", "convert", "encoding", "file", "string", "sys"}
    assert namespaces | {"coalesce", "json_path"} | DEPRECATED == IDENTIFIERS
    assert set(LIBRARY.variables) == IDENTIFIERS
    for name in EXPERIMENTAL:
        assert isinstance(value_of(name), Function)
    for name in DEPRECATED | {"coalesce", "json_path"}:
        assert isinstance(value_of(name), Function)


def test_every_function_knows_its_full_name() -> None:
    for namespace, members in LIBRARY.variables.items():
        if isinstance(members, dict):
            for name, member in members.items():
                if isinstance(member, Function):
                    assert member.name == f"{namespace}.{name}"


def test_the_environment_is_read_when_asked() -> None:
    environ = {"A": "1"}
    library = Stdlib(environ)
    source = Source("config.alloy", b'env("A") + sys.env("B")')
    expression = parse_expression(source)
    assert evaluate(expression, source, library) == "1"
    environ["B"] = "2"
    assert evaluate(expression, source, library) == "12"


def test_constants() -> None:
    assert value_of("[constants.hostname, constants.os, constants.arch, constants.version]") == [
        "box",
        "linux",
        "arm64",
        "v1.2.3",
    ]
    here = Platform.current()
    assert here.version.startswith("v")
    assert here.os in {"linux", "darwin", "windows"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('coalesce(null, 0, "", [], {}, false, "x", "y")', "x"),
        ("coalesce(null, 0)", 0),
        ("coalesce(-0.0, 5)", 5),
        ("coalesce()", None),
        ("coalesce(none, some)", Secret("hush")),
        ("coalesce(empty, 1)", OptionalSecret("", is_secret=True)),
    ],
)
def test_coalesce(text: str, expected: Any) -> None:
    variables = {"none": Secret(""), "some": Secret("hush"), "empty": OptionalSecret("", is_secret=True)}
    assert value_of(text, **variables) == expected


class TestArrays:
    def test_concat(self) -> None:
        assert value_of("array.concat([1], [], [[2]], given)", given=(3, 4)) == [1, [2], 3, 4]
        assert value_of("concat()") == []
        assert message_of("concat([1], 2)") == "2 should be array, got number"

    def test_combine_maps_joins(self) -> None:
        text = 'array.combine_maps([{k = "a", l = 1}, {k = "b"}], [{k = "a", l = 2}], ["k"]%s)'
        assert value_of(text % "") == [{"k": "a", "l": 2}]
        assert value_of(text % ", true") == [{"k": "a", "l": 2}, {"k": "b"}]

    def test_combine_maps_compares_kinds(self) -> None:
        assert value_of("array.combine_maps([{k = 1}], [{k = 1.0}], [`k`])") == []
        assert value_of("array.combine_maps([{k = null}], [{k = null}], [`k`])") == [{"k": None}]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ("[], []", "combine_maps: expected 3 or 4 arguments, got 2"),
            ("[], [], []", "[] combine_maps: merge conditions must not be empty"),
            ("[], [1], [`k`]", "1 should be object, got number"),
            ("[], [], [`k`], 1", "1 should be bool, got number"),
            ("[{k = 1}], [{k = 1}], [1000]", "1000 should be string, got number"),
            ("[{k = [1]}], [{k = [1]}], [`k`]", "[1] combine_maps: cannot compare values of type array"),
        ],
    )
    def test_combine_maps_refuses(self, arguments: str, message: str) -> None:
        assert message_of(f"array.combine_maps({arguments})") == message

    def test_group_by(self) -> None:
        items = '[{k = "a", n = 1}, {n = 2}, {k = "b"}, {k = "a", n = 3}]'
        groups = value_of(f'array.group_by({items}, "k", false)')
        assert groups == [
            {"k": "a", "items": [{"k": "a", "n": 1}, {"k": "a", "n": 3}]},
            {"k": "", "items": [{"n": 2}]},
            {"k": "b", "items": [{"k": "b"}]},
        ]
        assert len(value_of(f'array.group_by({items}, "k", true)')) == 2

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ("[]", "group_by: expected 3 arguments, got 1"),
            ("1, `k`, true", "1 should be array, got number"),
            ("[], 1, true", "1 should be string, got number"),
            ("[], `k`, 1", "1 should be bool, got number"),
            ("[1], `k`, true", "1 should be object, got number"),
            ("[{k = 5}], `k`, true", "5 should be string, got number"),
        ],
    )
    def test_group_by_refuses(self, arguments: str, message: str) -> None:
        assert message_of(f"array.group_by({arguments})") == message


class TestEncodings:
    def test_secrets_are_revealed_where_that_is_the_purpose(self) -> None:
        variables = {"s": Secret("hush"), "os": OptionalSecret("dark", is_secret=True)}
        assert value_of("convert.nonsensitive(s)", **variables) == "hush"
        assert value_of("encoding.to_json({a = s, b = os})", **variables) == (
            '{"a":"hush","b":{"IsSecret":true,"Value":"dark"}}'
        )
        assert value_of('string.format("%s %v", s, os)', **variables) == "hush {true dark}"

    def test_secrets_are_refused_elsewhere(self) -> None:
        for call in ("string.to_upper(s)", "encoding.to_base64(s)", "sys.env(s)", "string.join([s], ``)"):
            message = message_of(call, s=Secret("hush-hush"))
            assert message.endswith("secrets may not be converted into strings")
            assert "hush-hush" not in message

    def test_json_cannot_hold_everything(self) -> None:
        assert message_of("encoding.to_json({a = 1e308 * 10})").endswith("json: unsupported value: +Inf")
        assert message_of("encoding.to_json({a = env})").endswith(
            "json: unsupported type: func(string) string"
        )

    def test_deep_json(self) -> None:
        deep = value_of("encoding.from_json(given)", given="[" * 9_999 + "]" * 9_999)
        assert isinstance(deep, list)
        assert message_of("encoding.from_json(given)", given="[" * 10_001).endswith("exceeded max depth")

    @pytest.mark.parametrize(
        "nested",
        [
            lambda depth: "[" * depth + "]" * depth,
            lambda depth: "{a: " * depth + "}" * depth,
            lambda depth: "- " * depth + "a",
            lambda depth: "".join(f"{' ' * level}a:\n" for level in range(depth)),
            lambda depth: "- " * (depth - 500) + "[" * 500 + "]" * 500,
        ],
        ids=["lists", "objects", "dashes", "indented", "dashes-and-lists"],
    )
    def test_deep_yaml(self, nested: Callable[[int], str]) -> None:
        """The same with every version of PyYAML, whose own limits differ."""
        assert value_of("encoding.from_yaml(given)", given=nested(999))
        too_deep = message_of("encoding.from_yaml(given)", given=nested(1_000))
        assert too_deep.endswith("yaml: exceeded max depth of 999")

    def test_yaml_does_not_explode(self) -> None:
        lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
        for previous, name in zip("abcdefg", "bcdefgh", strict=True):
            lines.append(f"{name}: &{name} [{', '.join([f'*{previous}'] * 9)}]")
        assert message_of("encoding.from_yaml(given)", given="\n".join(lines)).endswith(
            "document contains excessive aliasing"
        )

    def test_yaml_that_contains_itself(self) -> None:
        assert message_of('encoding.from_yaml("&a [*a]")').endswith("anchor 'a' value contains itself")

    def test_yaml_keys_that_are_no_strings_make_a_capsule(self) -> None:
        made = value_of(
            '[encoding.from_yaml("1: 2"), encoding.from_yaml("1: 2"), encoding.from_yaml("1: 3")]'
        )
        assert made[0].type_text() == 'capsule("map[interface {}]interface {}")'
        assert made[0] == made[1]
        assert made[1] != made[2]


def test_names_of_functions_in_formatted_texts() -> None:
    types = value_of('string.format("%T|%T|%T|%T", env, array.concat, format, nonsensitive)')
    assert types == (
        "func(string) string|value.RawFunction|func(string, ...interface {}) string|"
        "func(alloytypes.Secret) string"
    )


def test_libraries_are_loaded_when_needed() -> None:
    program = """
import sys
there = set(sys.modules)
from alloypy.lang.evaluation.evaluator import evaluate
from alloypy.lang.stdlib import Stdlib
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source

def value(text):
    source = Source("x", text.encode())
    return evaluate(parse_expression(source), source, Stdlib())

def loaded():
    return set(sys.modules) - there

own = {"alloypy.lang.stdlib.sprintf.format", "alloypy.lang.stdlib.json.codec"}
heavy = {"yaml", "json", "re2", "fractions", *own}
value('[1 + 2, string.to_upper("x"), concat([1]), "a" == "b", {a = 1}.a]')
assert not heavy & loaded(), heavy & loaded()
value('encoding.from_yaml("a: 1")')
assert "yaml" in loaded()
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_deep_values_need_no_deep_c_stack() -> None:
    program = """
import threading
from alloypy.lang import types
from alloypy.lang.evaluation.evaluator import evaluate_as
from alloypy.lang.stdlib import Stdlib
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source

def work():
    for deep in ("[" * 9900 + "]" * 9900, '{"a":' * 9900 + "1" + "}" * 9900):
        read = f"encoding.from_json(`{deep}`)"
        calls = [f"encoding.to_json({{a = {read}}})", f"string.format(`%v`, {read})"]
        for text in (f"{read} == {read}", read, *calls):
            source = Source("x", text.encode())
            evaluate_as(parse_expression(source), types.AnyType(), source, Stdlib())
    done.append(True)

done = []
threading.stack_size(256 * 1024)
thread = threading.Thread(target=work)
thread.start()
thread.join()
assert done
"""
    subprocess.run([sys.executable, "-c", program], check=True)
