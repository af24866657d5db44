"""OTTL in strings: the same verdicts as Alloy's own parsers, and messages that say what to write instead.

`judged.jsonl` has texts, the place in a component where they were given to Alloy's parser, and its message,
which is empty if Alloy accepts them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.versions import find_version
from alloypy.check.configuration import check_files
from alloypy.embedded.ottl.contexts import context_of
from alloypy.embedded.ottl.names import field_name, parameter_name
from alloypy.embedded.ottl.parsing import parse_condition, parse_statement, parse_value
from alloypy.embedded.ottl.tokens import UnjudgedError
from alloypy.lang.text_error import TextError
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.source import Source
from tests.support.checking import EVERYTHING
from tests.support.ottl.cases import faults_of, marked

CASES = [
    json.loads(line)
    for line in Path(__file__).with_name("judged.jsonl").read_text(encoding="utf-8").splitlines()
]


def test_there_are_many_cases_of_both_kinds() -> None:
    accepted = sum(not case["alloy"] for case in CASES)
    assert accepted > 150
    assert len(CASES) - accepted > 250


@pytest.mark.parametrize("refused", [True, False])
def test_the_verdict_is_alloys(refused: bool) -> None:
    cases = [case for case in CASES if bool(case["alloy"]) is refused]
    assert [case for case in cases if bool(faults_of(case)) is not refused] == []


SPAN = {"kind": "transform", "signal": "trace", "context": "span"}


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('set(attributes["a"], 1) where nam == "x"', "nam", "did you mean `name`?"),
        ("set(body, 1)", "body", "it has `attributes`, `cache`, `dropped_attributes_count`"),
        ("set(stat.code, 1)", "stat", "did you mean `status`?"),
        ("set(status.cod, 1)", "cod", "`status` has `code` and `message`"),
        ("set(attributes.foo, 1)", "foo", "a key is written in brackets"),
        ('set(name["a"], 1)', '"a"', "cannot be indexed"),
        ('set(trace_state["a"]["b"], 1)', '"b"', "takes one key"),
        ("set(resource.cache, 1)", "resource.cache", "belongs to the span context only"),
        (
            "set(name, Concatt([], name))",
            "Concatt",
            "no converter `Concatt` in the span context: did you mean `Concat`?",
        ),
        ("sett(name, 1)", "sett", "no editor `sett` in the span context: did you mean `set`?"),
        ("Concat([name], name)", "Concat", "a statement begins with an editor"),
        ("set(name, set(name, 1))", "set", "has no value"),
        ("set(name)", "set(name)", "takes 2 arguments: `target`, `value`, but 1 is given"),
        ("limit(attributes, 1, [], 1)", "limit(attributes, 1, [], 1)", "takes 3 arguments"),
        ("set(target=name, valu=1)", "valu", "no parameter `valu`: it has `target`, `value`"),
        ("set(target=name, 1)", "1", "all others need theirs"),
        ('set("name", 1)', '"name"', "`target` of `set` must be a path"),
        ("limit(attributes, 1.5, [])", "1.5", "`limit` of `limit` must be an integer"),
        ("keep_keys(attributes, name)", "name", "must be a list in brackets"),
        ("set(name, Substring(1, 0, 1))", "1", "must be a string, but this is an integer"),
        ("set(kind, SPAN_KIND_SERVR)", "SPAN_KIND_SERVR", "did you mean `SPAN_KIND_SERVER`?"),
        ('set(name, "\\d")', "\\d", "write `\\\\d`"),
        ('set(name, "x', '"x', "no closing"),
        ("set(name, 'x')", "'", "double quotes"),
        ('set(name, 1) where name = "x"', "=", "compared with `==`"),
        ("set(name, 1) where name", "name", "compare it"),
        ("set(name, 1) where name == 1 && true", "&", "write `and`"),
        ("set(name, (name == 1) + 1)", "(name == 1)", "a number is needed"),
        ('set(name, ("x"))', '"x"', "may be in parentheses"),
        ('set(name, 1)["x"]', '"x"', "could be indexed"),
        ("set(name, 1", "", "unexpected end, expected `)` or `,`"),
        ("set(name, All([], (i, v) => true))", "=>", "does not switch on"),
        ("set(name, 0x123)", "0x123", "even number"),
        ("set(name, 99999999999999999999)", "99999999999999999999", "too large"),
        ('replace_pattern(name, "a(", "")', "(", "not a regular expression: error parsing regexp: missing"),
        ('merge_maps(attributes, attributes, "x")', '"x"', 'one of "insert", "update", "upsert"'),
        ("append(name)", "name", "what to append is missing"),
        ('replace_pattern(name, "a", "b", Sha256)', "Sha256", "did you mean `SHA256`?"),
        ("replace_pattern(name, name, name, name)", "name", "must be the name of a converter"),
    ],
)
def test_messages_name_the_place_and_the_remedy(text: str, place: str, message: str) -> None:
    (fault,) = faults_of({**SPAN, "statements": [text]})
    assert message in fault.message
    assert marked(text, fault) == place
    assert (fault.name, fault.code, fault.within) == ("statements", "ALY0506", (0,))


def test_every_faulty_text_of_a_list_is_reported() -> None:
    faults = faults_of({**SPAN, "statements": ["set(nam, 1)", "set(name, 1)", "set(name"]})
    assert sorted(fault.within for fault in faults) == [(0,), (2,)]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"kind": "transform", "signal": "trace", "context": "log"}, 'no context "log" for this signal'),
        ({"kind": "filter", "signal": "log", "context": "span"}, 'it has "resource", "scope" and "log"'),
    ],
)
def test_a_context_belongs_to_a_signal(case: dict[str, str], message: str) -> None:
    (fault,) = faults_of({**case, "statements": [], "conditions": []})
    assert fault.name == "context"
    assert message in fault.message


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (['set(attributes["a"], 1)'], "no path begins with the name of a context, such as `log.`"),
        (["set(span.name, 1)"], "`span` is not a context here"),
        (["set(log.body, 1)", "set(body, 1)"], "must begin with the name of a context: write `log.body`"),
        (['replace_pattern(log.body, "a", "b", SHA256)'], "name the context"),
    ],
)
def test_without_a_context_paths_must_say_it(statements: list[str], message: str) -> None:
    (fault,) = faults_of({"kind": "transform", "signal": "log", "statements": statements})
    assert message in fault.message


@pytest.mark.parametrize("kind", ["transform", "filter", "filter_old", "s2m"])
def test_for_an_earlier_version_only_the_syntax_is_checked(kind: str) -> None:
    signal, context = {"filter_old": ("traces", "span"), "s2m": ("spans", "")}.get(kind, ("trace", "span"))
    case = {"kind": kind, "signal": signal, "context": context}
    texts = "statements" if kind == "transform" else "conditions"
    unknown, broken = ("sett(nam)", "sett(nam") if kind == "transform" else ("Nam()", "Nam(")
    assert faults_of({**case, texts: [unknown]})
    assert faults_of({**case, texts: [unknown]}, older=True) == []
    assert faults_of({**case, texts: [broken]}, older=True)


@pytest.mark.parametrize("read", [parse_condition, parse_value])
@pytest.mark.parametrize(
    "text", ["(" * 1000, "[" * 500 + "]" * 500, "[body [], 1]", "Now((a) => a)", "not " * 1000, "1+" * 1000]
)
def test_strange_texts_end_in_an_error(read: Callable[[str], object], text: str) -> None:
    with pytest.raises((TextError, UnjudgedError)):
        read(text)


def test_long_texts_are_read() -> None:
    condition = " or ".join(["name == 1"] * 1000)
    assert (
        faults_of({"kind": "filter", "signal": "trace", "context": "span", "conditions": [condition]}) == []
    )
    assert parse_statement("set(name, " + " + ".join(["1"] * 1000) + ")")


@pytest.mark.parametrize("dialect", ["transform", "filter", "signaltometrics"])
@pytest.mark.parametrize("context", ["span", "datapoint", "log"])
def test_every_parameter_can_be_named(dialect: str, context: str) -> None:
    functions = context_of(context, dialect).functions
    assert len(functions) > 100
    assert [n for n in functions if n[0].islower()] == [] or dialect == "transform"
    fields = {each.field for function in functions.values() for each in function.parameters or ()}
    assert {field_name(parameter_name(field)) for field in fields} == fields


@pytest.mark.parametrize(("version", "faulty"), [("main", ["nam", "&"]), ("1.10.2", ["&"])])
def test_the_version_decides_how_much_is_checked(version: str, faulty: list[str]) -> None:
    text = """
otelcol.processor.filter "a" {
  traces {
    span = [`nam == "x"`, `name == "x" && true`]
  }
  output { }
}
"""
    source = Source("c", text.encode())
    checked = check_files(parse_config([source]), load_catalog(find_version(version)), EVERYTHING)
    places = [each.span for each in (*checked.as_alloy, *checked.further) if each.code == "ALY0506"]
    assert sorted(text[place.start] for place in places if place) == sorted(each[0] for each in faulty)
