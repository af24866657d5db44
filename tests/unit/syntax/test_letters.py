"""Characters and quoting as in Go."""

from __future__ import annotations

import pytest

from alloypy.syntax.letters import is_digit, is_identifier, is_letter, is_printable, quote


@pytest.mark.parametrize(
    ("char", "letter", "digit", "printable"),
    [
        ("a", True, False, True),
        ("_", True, False, True),
        ("5", False, True, True),
        ("٣", False, True, True),
        ("²", False, False, True),
        ("é", True, False, True),
        ("\u00a0", False, False, False),
        ("\U0001e4d0", True, False, True),  # new in Unicode 15.0
        ("\U00011f55", False, True, True),
        ("\U0001fae8", False, False, True),
        ("\U0002ebf0", False, False, False),  # new in Unicode 15.1
        ("\U00010d50", False, False, False),  # new in Unicode 16.0
    ],
)
def test_characters_are_those_of_unicode_15(char: str, letter: bool, digit: bool, printable: bool) -> None:
    assert (is_letter(char), is_digit(char), is_printable(char)) == (letter, digit, printable)


@pytest.mark.parametrize("text", ["a", "_9", "é٣", "truer"])
def test_names(text: str) -> None:
    assert is_identifier(text)


@pytest.mark.parametrize("text", ["", "9a", "a-b", "a.b", "true", "null", "é-", "٣", "\udcff"])
def test_no_names(text: str) -> None:
    assert not is_identifier(text)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain é 日", '"plain é 日"'),
        ('a"b\\c', r'"a\"b\\c"'),
        ("\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
        ("\x00\x7f", r'"\x00\x7f"'),
        ("\u00a0\u2028", r'"\u00a0\u2028"'),
        ("\U000e0001", r'"\U000e0001"'),
        ("\udcff", r'"\xff"'),
    ],
)
def test_quoting(text: str, quoted: str) -> None:
    assert quote(text) == quoted
