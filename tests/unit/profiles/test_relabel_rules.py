"""Relabel rules do what Prometheus' do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alloypy.lang.go.regexp import parse_regexp
from alloypy.profiles.model import DeliveryError
from alloypy.profiles.relabel import RelabelRules, Rule, relabel

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "golden/relabel/cases.jsonl").read_text("utf-8").splitlines()
]


def rule(fields: dict[str, Any]) -> Rule:
    return Rule(
        **{
            **fields,
            "source_labels": tuple(fields["source_labels"]),
            "regex": parse_regexp(fields["regex"]),
        }
    )


@pytest.mark.parametrize("case", CASES, ids=[str(number) for number in range(len(CASES))])
def test_as_prometheus(case: dict[str, Any]) -> None:
    given = dict(case["labels"])
    result = relabel(given, [rule(fields) for fields in case["rules"]])
    assert result == case["result"]
    assert result is None or list(result) == sorted(result)
    assert given == case["labels"]


def test_a_hostile_pattern_does_not_stall() -> None:
    rules = [
        Rule(source_labels=("a",), regex=parse_regexp("(x+x+)+y"), target_label="b"),
        Rule(action="labeldrop", regex=parse_regexp("(a|aa|aaa)*b")),
    ]
    assert relabel({"a": "x" * 5000, "a" * 5000: "1"}, rules) == {"a": "x" * 5000, "a" * 5000: "1"}


def test_bytes_that_are_not_utf8_pass() -> None:
    rules = [
        Rule(action="hashmod", source_labels=("a",), regex=parse_regexp(".*"), target_label="b", modulus=7)
    ]
    result = relabel({"a": "\udcff"}, rules)
    assert result is not None
    assert result["a"] == "\udcff"


def test_rules_compare_by_content() -> None:
    one = RelabelRules([Rule(regex=parse_regexp("a"), target_label="x")])
    same = RelabelRules([Rule(regex=parse_regexp("a"), target_label="x")])
    other = RelabelRules([Rule(regex=parse_regexp("b"), target_label="x")])
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one.describe() == 'capsule("relabel.Rules")'


def grown(count: int, **fields: Any) -> list[Rule]:
    given = {"source_labels": ("a",), "target_label": "a", "regex": parse_regexp("(?s)(.*)"), **fields}
    return [Rule(**given) for _ in range(count)]


@pytest.mark.parametrize(
    "rules",
    [
        grown(60, replacement="$1$1"),
        grown(1, source_labels=("a",) * 200_000),
        grown(60, source_labels=("a", "a")),
    ],
)
def test_rules_that_make_ever_more_of_a_label_are_refused(rules: list[Rule]) -> None:
    with pytest.raises(
        DeliveryError, match="relabel rules make a label of more than 1048576 bytes"
    ) as caught:
        relabel({"a": "x" * 20}, rules)
    assert caught.value.code == "invalid_argument"


def test_a_label_that_came_large_may_be_passed_on() -> None:
    large = {"a": "x" * 3_000_000}
    assert relabel(large, grown(3, replacement="$1")) == large
