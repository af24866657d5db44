"""Regular expressions are read as Go reads them, and faults have their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloypy.lang.go.regexp_syntax import check_syntax, check_wrapped
from alloypy.lang.text_error import TextError
from tests.support.watchdog import briefly

GOLDEN = Path(__file__).parents[3] / "golden/lang/go_regexp_syntax.jsonl"


def verdict(text: str) -> str | None:
    try:
        check_syntax(text)
    except TextError as error:
        assert 0 <= error.start <= error.end <= len(text)
        return str(error)
    return None


def test_every_verdict_is_that_of_go() -> None:
    cases = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]
    assert len(cases) > 500
    different = [(case["text"], verdict(case["text"])) for case in cases]
    assert [each for each, case in zip(different, cases, strict=True) if each[1] != case.get("error")] == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a(b", "("),
        ("a)b", ")"),
        ("x(?!y)", "(?!"),
        (r"a\8b", r"\8"),
        ("é[z-a]", "z-a"),
        ("ab**c", "**"),
        ("(?P<a-b>c)", "(?P<a-b>"),
        (r"x\pXy", r"\pX"),
        ("x{2,1}y", "{2,1}"),
        ("x[a", "[a"),
        ("a\\", "\\"),
        ("a\udcffb", "\udcff"),
    ],
)
def test_a_fault_has_its_place(text: str, part: str) -> None:
    with pytest.raises(TextError) as caught:
        check_syntax(text)
    assert text[caught.value.start : caught.value.end] == part


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a(?!b)", "no lookarounds"),
        ("(?<=a)b", "no lookarounds"),
        (r"(a)\1", "no backreferences"),
        ("(?>a)", "no atomic groups"),
        (r"a\Z", r"`\z`"),
    ],
)
def test_what_other_dialects_have_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(TextError) as caught:
        check_syntax(text)
    assert hint in caught.value.hint


@pytest.mark.parametrize(("text", "place"), [("a)b", (1, 2)), ("a(b", (1, 2)), ("a|*", (2, 3))])
def test_a_fault_in_a_wrapped_expression_has_its_place_in_the_inner_one(
    text: str, place: tuple[int, int]
) -> None:
    with pytest.raises(TextError) as caught:
        check_wrapped("^(?s:", text, ")$")
    assert (caught.value.start, caught.value.end) == place


def test_what_is_only_wrong_when_wrapped_is_the_whole_inner_one() -> None:
    with pytest.raises(TextError) as caught:
        check_wrapped("^(?s:", r"a\Q", ")$")
    assert (caught.value.start, caught.value.end) == (0, 3)


LONG = ("a" * 500_000, "a*" * 50_000, "(a)" * 30_000, "[a-z]" * 20_000, "(" * 50_000, "[[:" * 20_000)


@pytest.mark.parametrize("text", LONG, ids=lambda text: text[:5])
def test_long_texts_take_time_in_proportion(text: str) -> None:
    with briefly():
        verdict(text)
