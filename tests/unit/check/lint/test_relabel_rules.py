"""Lint rules about relabel rules: what they find, and what they leave alone."""

from __future__ import annotations

import pytest

from alloypy.syntax.diagnostics import edited
from tests.unit.check.lint.test_rules import found

CODES = frozenset({"ALY0915", "ALY0916", "ALY0918", "ALY0919"})
KEEP_A = 'source_labels = ["a"]\nregex = "x"\naction = "keep"'
KEEP_Y = KEEP_A.replace('"x"', '"y"')


def messages(*rules: str) -> list[str]:
    """What is found in a list of relabel rules: the end of each code, and the message."""
    blocks = "".join(f"rule {{\n{rule}\n}}\n" for rule in rules)
    text = f'discovery.relabel "a" {{\ntargets = []\n{blocks}}}\n'
    return [f"{each.code[-2:]} {each.message}" for each in found(text, CODES)]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (['source_labels = ["a"]\naction = "drop"'], "16 drops everything: regex matches every value"),
        (['regex = "x"\naction = "keep"'], "16 drops everything: it reads no source_labels"),
        (['source_labels = ["a"]\nregex = "x$y"\naction = "keep"'], "16 drops everything: no text can match"),
        ([KEEP_A, KEEP_A.replace('"x"', '"y|z"')], "16 drops everything: none of the values"),
        ([KEEP_A, KEEP_A.replace("keep", "drop")], "16 drops everything: an earlier rule has the same"),
        ([KEEP_A, KEEP_A.replace("keep", "drop").replace('"x"', '"w|x"')], "16 drops everything: all of"),
        (['target_label = "a"\nreplacement = "y"', KEEP_A], "16 drops everything: none of the values"),
        (['source_labels = ["a"]\ntarget_label = "a"\naction = "dropequal"'], "16 drops everything: every"),
        ([KEEP_A, KEEP_A], "15 has no effect: an earlier rule has the same condition"),
        (['regex = "x"\naction = "drop"'], "15 has no effect: it reads no source_labels"),
        (['target_label = "a"\nreplacement = "y"', KEEP_Y], "15 has no effect: all of the values"),
        (['source_labels = ["a"]\nregex = "^(.*)$"\naction = "keep"'], "15 has no effect: regex matches"),
        (['regex = "x^y"\naction = "labeldrop"'], "15 has no effect: no label name can match regex"),
        ([KEEP_A, 'source_labels = ["a"]\nregex = "(y)"\ntarget_label = "b"'], "15 has no effect: none of"),
        (['source_labels = ["a"]\nregex = "x.*"\ntarget_label = "b"'], "18 regex has no group for $1"),
        (['regex = "(x.*)"\nreplacement = "$2"\naction = "labelmap"'], '18 regex has no group "2"'),
        (['source_labels = ["a"]\nregex = "(?P<n>.+)"\ntarget_label = "${m}"'], '18 regex has no group "m"'),
        ([KEEP_A + '\nreplacement = "b"'], "19 replacement has no effect: the action keep"),
        (['source_labels = ["a"]\nregex = "x_(.+)"\naction = "labelmap"'], "19 source_labels has no effect"),
        (['source_labels = ["a"]\nseparator = "-"\ntarget_label = "b"'], "19 separator has no effect"),
    ],
)  # fmt: skip
def test_what_is_certain_is_found(rules: list[str], expected: str) -> None:
    (message,) = messages(*rules)
    assert message.startswith(expected)


def test_a_rule_after_one_that_drops_everything_is_never_reached() -> None:
    first, second = messages('action = "drop"', KEEP_A, KEEP_A)
    assert first.startswith("16 ")
    assert second == "15 never reached: the rule before it drops everything"


@pytest.mark.parametrize(
    "rules",
    [
        [KEEP_A, KEEP_A.replace('"a"', '"b"')],
        [KEEP_A, 'source_labels = ["b"]\nregex = "z"\ntarget_label = "a"\nreplacement = "y"', KEEP_Y],
        [KEEP_A, 'source_labels = ["b"]\ntarget_label = "a"', KEEP_Y],
        [KEEP_A, 'regex = "b_(.+)"\naction = "labelmap"', KEEP_Y],
        [KEEP_A, 'regex = "a"\naction = "labeldrop"', KEEP_A.replace('"x"', '"|y"')],
        [KEEP_A, 'source_labels = ["b"]\ntarget_label = "$1"', KEEP_Y],
        [KEEP_A, 'source_labels = ["b"]\ntarget_label = "a"\naction = "lowercase"', KEEP_Y],
        [KEEP_A.replace('"x"', '"(?i)x"'), KEEP_A.replace('"x"', '"X"')],
        [KEEP_A.replace('"x"', 'sys.env("X")'), KEEP_A.replace('"x"', 'sys.env("X")')],
        ['source_labels = ["a"]\nregex = ".+"\naction = "drop"'],
        ['source_labels = ["a"]\nregex = "|x"\naction = "drop"'],
        ['source_labels = ["a", "a"]\ntarget_label = "a"\naction = "keepequal"'],
        ['target_label = "a"\nreplacement = ""'],
        ['source_labels = ["a"]\nregex = "(x)"\ntarget_label = "b"\nreplacement = "$$2 ${1} $0"'],
        ['source_labels = ["a", "b"]\nseparator = "-"\ntarget_label = "b"'],
        ['source_labels = ["a"]\nregex = `[[:alpha:]$]+`\naction = "keep"'],
        ['source_labels = ["a"]\nregex = `(?m)x$\\s^y`\naction = "keep"'],
    ],
)  # fmt: skip
def test_what_may_be_meant_is_left_alone(rules: list[str]) -> None:
    assert messages(*rules) == []


@pytest.mark.parametrize(
    ("stage", "number"),
    [
        ('stage.drop {\nexpression = ".*"\n}', 1),
        ('stage.drop {\nexpression = "x*"\n}', 1),
        ('stage.drop {\nexpression = "^$"\n}', 0),
        ('stage.drop {\nexpression = ".*"\nsource = "level"\n}', 0),
        ('stage.drop {\nexpression = ".*"\nlonger_than = "8KB"\n}', 0),
        ('stage.match {\nselector = `{a="b"}`\nstage.drop {\nexpression = ".*"\n}\n}', 0),
    ],
)
def test_a_stage_that_drops_every_line_is_found(stage: str, number: int) -> None:
    text = f'loki.process "a" {{\nforward_to = []\n{stage}\n}}\n'
    assert len(found(text, frozenset({"ALY0916"}))) == number


def test_the_fix_of_a_group_keeps_the_rest_of_the_replacement() -> None:
    rule = 'source_labels = ["b"]\nregex = "(.+)"\ntarget_label = "c"\nreplacement = "x-$1_y"'
    text = f'discovery.relabel "a" {{\ntargets = []\nrule {{\n{rule}\n}}\n}}\n'
    (only,) = found(text, CODES)
    assert '"x-${1}_y"' in edited(text.encode(), only.fix).decode()
