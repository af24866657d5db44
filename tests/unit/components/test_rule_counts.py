"""Counts of what relabel rules did: one for each outcome, added up for each rule when somebody asks."""

from __future__ import annotations

import re

import pytest

from alloypy.components.pyroscope import rule_counts
from alloypy.components.pyroscope.relabel import Cache
from alloypy.components.pyroscope.rule_counts import RuleCounts
from alloypy.lang.go.regexp import parse_regexp
from alloypy.profiles.relabel import Outcome, RelabelRules, Rule, relabel_closely


def rule(action: str, regex: str = "(.*)", target: str = "") -> Rule:
    return Rule(parse_regexp(regex), action, ("a",), target_label=target, modulus=7)


def counts(cache: Cache) -> list[tuple[str | int, ...]]:
    return [tuple(row[-2:]) for row in cache.counts.table().rows]


@pytest.mark.parametrize(
    ("given", "value", "outcome"),
    [
        (rule("keep", "x"), "x", Outcome(1, 0)),
        (rule("keep", "x"), "y", Outcome(0, 1)),
        (rule("drop", "x"), "x", Outcome(1, 1)),
        (rule("drop", "x"), "y", Outcome(0, 0)),
        (rule("keepequal", target="b"), "same", Outcome(1, 0)),
        (rule("keepequal", target="b"), "other", Outcome(0, 1)),
        (rule("dropequal", target="b"), "same", Outcome(1, 1)),
        (rule("dropequal", target="b"), "other", Outcome(0, 0)),
        (rule("replace", "x", "c"), "x", Outcome(1, 0)),
        (rule("replace", "x", "c"), "y", Outcome(0, 0)),
        (rule("hashmod", target="c"), "x", Outcome(1, 0)),
        (rule("uppercase", target="c"), "x", Outcome(1, 0)),
        (rule("labeldrop", "b"), "x", Outcome(1, 0)),
        (rule("labeldrop", "z"), "x", Outcome(0, 0)),
        (rule("labelmap", "(z)"), "x", Outcome(0, 0)),
    ],
    ids=lambda value: None if isinstance(value, Rule) else str(value),
)
def test_a_rule_matches_or_drops(given: Rule, value: str, outcome: Outcome) -> None:
    assert relabel_closely({"a": value, "b": "same"}, [given])[1] == outcome


def test_profiles_are_counted_whether_their_result_is_cached_or_not() -> None:
    rules = RelabelRules([rule("drop", "x.*"), rule("replace", "y", "c")])
    cache = Cache(10, rules)
    for value in ("x", "x", "y", "z", "y", "y"):
        cache.relabel({"a": value}, rules)
    cache.add({Outcome(0b01, 1): 5, Outcome(0b10, 0): 2})
    assert counts(cache) == [(7, 7), (5, 0)]
    assert counts(cache) == [(7, 7), (5, 0)]  # asking changes nothing
    cache.relabel({"a": "x"}, rules)
    assert counts(cache) == [(8, 8), (5, 0)]
    cache.begin_anew(rules)
    assert counts(cache) == [(0, 0), (0, 0)]


def test_clients_cannot_make_ever_more_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_counts, "_MOST_OUTCOMES", 4)
    rules = RelabelRules([rule("replace", f"[^{bit}]*{bit}.*", "c") for bit in "abcdef"])
    cache = Cache(1000, rules)
    for number in [*range(64), *range(64)]:
        text = "".join(letter for at, letter in enumerate("abcdef") if number >> at & 1)
        cache.relabel({"a": text}, rules)
        assert len(cache.counts._outcomes) <= 4
    assert counts(cache) == [(64, 0)] * 6


def test_long_texts_of_rules_are_cut() -> None:
    table = RuleCounts([rule("keep", "x" * 10_000)]).table()
    assert re.fullmatch(r"x{200}\.\.\.", str(table.rows[0][3]))
