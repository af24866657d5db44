"""JMESPath expressions are read as the library in Alloy reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloypy.embedded.jmespath import check_jmespath
from alloypy.lang.text_error import TextError
from tests.support.checking import check_text
from tests.support.watchdog import briefly

GOLDEN = Path(__file__).parents[2] / "golden/embedded/jmespath.jsonl"
CASES = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]


def verdict(text: str) -> str | None:
    try:
        check_jmespath(text)
    except TextError as error:
        assert 0 <= error.start <= error.end <= len(text)
        return str(error)
    return None


def test_every_verdict_is_the_library_s() -> None:
    assert len([case for case in CASES if "error" not in case]) > 100
    assert [case["text"] for case in CASES if (verdict(case["text"]) is None) == ("error" in case)] == []


def test_the_words_of_syntax_errors_are_the_library_s() -> None:
    refused = [case for case in CASES if "SyntaxError" in case.get("error", "") and case["text"].isascii()]
    assert len(refused) > 150
    assert [case["text"] for case in refused if verdict(case["text"]) != case["error"]] == []


@pytest.mark.parametrize(
    ("expression", "place", "message"),
    [
        ('a = "b..c"', ".", "Expected identifier, lbracket, or lbrace"),
        ('a = "b.`x`"', "`x`", "not JSON: Expecting value"),
        ('"@timestamp" = ""', '""', "Unexpected token at the end of the expression: TOKUnquotedIdentifier"),
    ],
)
def test_the_place_is_shown_in_the_file(expression: str, place: str, message: str) -> None:
    stage = f'stage.json {{\nexpressions = {{ok = "", {expression}}}\n}}'
    text = f'loki.process "a" {{\nforward_to = []\n{stage}\n}}\n'
    (found,) = [each for each in check_text(text).further if each.code == "ALY0505"]
    assert found.message.startswith("could not compile JMES expression: ")
    assert message in found.message
    assert found.span is not None
    assert found.span.end is not None
    assert text[found.span.start : found.span.end + 1] == place


@pytest.mark.parametrize("part", ["(", "a.", "[", "a || ", "!", "f(", "[?", "{a: "], ids=repr)
def test_deep_and_long_texts_take_time_in_proportion(part: str) -> None:
    with briefly():
        verdict(part * 5_000)
        verdict(part * 5_000 + "a")
