"""Named classes of characters mean for RE2 what they mean in Go."""

from __future__ import annotations

import pytest

from alloypy.lang.go.character_classes import for_re2
from alloypy.lang.go.regexp import parse_regexp


@pytest.mark.parametrize(
    ("text", "matching", "other"),
    [
        (r"\p{greek}", "α", "a"),
        (r"\p{GREEK}+", "αΩ", "αa"),
        (r"\pl", "é", "5"),
        (r"\P{lu}", "a", "A"),
        (r"\p{^lu}", "a", "A"),
        (r"\P{^lu}", "A", "a"),
        (r"\p{Uppercase_Letter}", "A", "a"),
        (r"[\p{combining mark}x]", "x", "a"),
        (r"\p{digit}", "5", "a"),
        (r"\p{LC}", "a", "你"),
        (r"\P{cased_letter}", "你", "a"),
        (r"[^\p{LC}0-9]", "你", "5"),
        (r"\p{ascii}", "a", "é"),
        (r"[\P{ascii}]", "é", "a"),
        (r"\p{assigned}", "a", "\u0378"),
        (r"\p{Cn}", "\u0378", "a"),
        (r"(?i)\p{lu}", "a", "5"),
    ],
)
def test_the_names_of_go_are_used(text: str, matching: str, other: str) -> None:
    found = parse_regexp(text)
    assert found.matches(matching)
    assert not found.matches(other)


@pytest.mark.parametrize("text", [r"\p{Old_Persian}", r"\p{Tai_Tham}", r"\p{Foo}", r"[\p{Nag_Mundari}]"])
def test_what_go_does_not_know_is_refused_in_its_words(text: str) -> None:
    with pytest.raises(ValueError, match="invalid character class range: `\\\\p"):
        parse_regexp(text)


@pytest.mark.parametrize(
    "text", [r"\\p{lu}", r"\Q\p{lu}\E", r"[[:alpha:]]\\p", r"[]a]\Q]\p{lu}\E", r"\Q[\E\\pl", r"[\\]\\pl"]
)
def test_only_classes_are_changed(text: str) -> None:
    assert for_re2(text) == text
    assert for_re2(text + r"\pl") == text + r"\p{L}"
