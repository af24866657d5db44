"""Every lint rule: its examples, its fix, its texts, and the table that lists its module."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alloypy.check import lint
from alloypy.check.lint import THEMES, all_rules
from alloypy.check.lint.rule import Rule
from alloypy.check.units.units import check_texts
from alloypy.syntax.diagnostics import Diagnostic, Severity, edited
from alloypy.syntax.source import Source
from tests.support.lint_page import ALL, example_options

RULES = list(all_rules().values())


def found(text: str, selected: frozenset[str] | None, program: str = "alloy") -> tuple[Diagnostic, ...]:
    """What `validate --for` a program reports about a text."""
    return check_texts("c", [Source("c", text.encode())], example_options(program, selected)).diagnostics


def is_wrong(each: Diagnostic, rule: Rule) -> bool:
    """Whether a diagnostic must not be there after the rule's fault has been mended."""
    return each.code == rule.code or each.severity is Severity.ERROR


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_finds_its_fault_and_its_remedy_has_none(rule: Rule) -> None:
    wrong, right = found(rule.wrong, ALL, rule.program), found(rule.right, ALL, rule.program)
    assert [each for each in wrong if each.severity is Severity.ERROR] == []
    own = [each for each in wrong if each.code == rule.code]
    assert own
    assert [str(each) for each in right if is_wrong(each, rule)] == []
    for each in own:
        assert each.severity is Severity.WARNING
        assert each.message == each.message.strip()
        assert not each.message.endswith(".")
        assert not each.hint.endswith(".")
        assert bool(each.hint) or not each.fix


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_belongs_to_the_default_selection_or_must_be_selected(rule: Rule) -> None:
    assert (rule.code in [each.code for each in found(rule.wrong, None, rule.program)]) == rule.default
    assert rule.code not in [each.code for each in found(rule.wrong, frozenset(), rule.program)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_fix_leaves_no_finding_and_no_error(rule: Rule) -> None:
    text = rule.wrong
    for each in reversed([each for each in found(text, ALL, rule.program) if each.code == rule.code]):
        if not each.fix:
            return
        text = edited(text.encode(), each.fix).decode()
    assert [str(each) for each in found(text, ALL, rule.program) if is_wrong(each, rule)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_texts_of_a_rule_follow_the_style(rule: Rule) -> None:
    assert re.fullmatch(r"ALY09\d\d", rule.code)
    assert re.fullmatch(r"[^A-Z .][^.]*|[A-Z]{2}[^.]*", rule.title), "a few words, without a full stop"
    assert len(rule.title) <= 60
    assert re.fullmatch(r"(?s)\S.*[.]", rule.explanation), "whole sentences"
    assert "  " not in rule.explanation
    assert "\t" not in rule.wrong + rule.right


def test_each_code_belongs_to_one_rule() -> None:
    codes = [rule.code for theme in THEMES for rule in theme.rules]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_table_knows_the_module(theme: lint.Theme) -> None:
    assert theme.default == any(rule.default and rule.check is not None for rule in theme.rules)
    for rule in theme.rules:
        assert theme.may_concern(rule.wrong.encode(), by_default=rule.default), (
            f"no word of the theme: {rule.code}"
        )


def test_the_table_lists_every_module() -> None:
    folder = Path(lint.__file__).parent / "rules"
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == {theme.name for theme in THEMES}
