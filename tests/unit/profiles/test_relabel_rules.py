"""Relabel rules do what Prometheus' do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alloypy.lang.go_regexp import parse_regexp
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
