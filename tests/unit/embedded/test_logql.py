"""Selectors and filters are read as Alloy's own parser reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloypy.embedded.logql.logql import check_logql
from alloypy.lang.text_error import TextError
from tests.support.checking import check_text
from tests.support.watchdog import briefly

GOLDEN = Path(__file__).parents[2] / "golden/embedded/logql.jsonl"
CASES = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]

OTHER_WORDS = 8
"""Cases that are refused in other words: numbers that are none, and several faults at once."""


def verdict(text: str) -> str | None:
    try:
        check_logql(text)
    except TextError as error:
        assert 0 <= error.start <= error.end <= len(text)
        return str(error)
    return None


def test_every_verdict_is_alloy_s() -> None:
    assert len([case for case in CASES if "error" not in case]) > 80
    different = [case["text"] for case in CASES if (verdict(case["text"]) is None) == ("error" in case)]
    assert different == []


def test_the_words_are_alloy_s() -> None:
    refused = [case for case in CASES if "error" in case]
    expected = [case["error"].removeprefix("filter: ").removeprefix("panic: ") for case in refused]
    different = [
        case["text"] for case, text in zip(refused, expected, strict=True) if verdict(case["text"]) != text
    ]
    assert len(different) == OTHER_WORDS
    assert len(refused) > 370


@pytest.mark.parametrize(
    ("text", "part", "hint"),
    [
        ('{a="b"} | json', "|", "nothing but filters follows the selector here"),
        ('{a="b"} |= `x`', "`x`", "strings are in double quotes here"),
        ('{a="b",}', "}", "a selector has at least one matcher"),
        ("{}", "}", "a selector has at least one matcher"),
        (r'{a="b"} |~ "x\d"', r"\d", "a backslash in a string of LogQL is written twice"),
        (r'{a="b"} |~ "\\d(x" != "y"', "(", ""),
        (r'{a=~"é[z-a]"}', "z-a", ""),
        ('{a="b"', "", ""),
        ('{a="b', '"b', ""),
    ],
)
def test_a_fault_has_its_place_and_a_hint(text: str, part: str, hint: str) -> None:
    with pytest.raises(TextError) as caught:
        check_logql(text)
    assert text[caught.value.start : caught.value.end] == part
    assert caught.value.hint.startswith(hint)
    assert bool(caught.value.hint) == bool(hint)


def test_the_place_is_shown_in_the_file() -> None:
    stage = 'selector = "{a=\\"\\u00e9\\"} | json"\naction = "drop"'
    text = f'loki.process "a" {{\nforward_to = []\nstage.match {{\n{stage}\n}}\n}}\n'
    (found,) = [each for each in check_text(text).further if each.code == "ALY0505"]
    assert found.span is not None
    assert found.span.start == found.span.end == text.index("| json")
    assert found.hint.startswith("nothing but filters")


@pytest.mark.parametrize("more", [' |= "x"', " /* */", ' |~ "a*"', " {", ' "'], ids=repr)
def test_long_texts_take_time_in_proportion(more: str) -> None:
    verdict("{}")
    with briefly():
        verdict('{a="b"}' + more * 3_000)
        verdict('{a="b"' + ', c=~"d+"' * 2_000 + "}")
