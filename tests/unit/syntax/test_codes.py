"""Codes of diagnostics: stable, explained, and on every error."""

from __future__ import annotations

import re

import pytest

from alloypy.syntax import codes
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source


def test_every_code_is_explained() -> None:
    named = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)}
    assert named <= set(codes.CODES)
    for code, meaning in codes.CODES.items():
        assert re.fullmatch(r"ALY\d{4}", code)
        assert meaning.title
        assert meaning.explanation.endswith(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = @", codes.ILLEGAL_CHARACTER),
        ('a = "', codes.UNTERMINATED_STRING),
        ("a = 'x'", codes.SINGLE_QUOTES),
        (r'a = "\z"', codes.BAD_ESCAPE),
        (r'a = "\u00zz"', codes.BAD_ESCAPE),
        ("a = 1 /*", codes.UNTERMINATED_COMMENT),
        ("a = 1e", codes.BAD_NUMBER),
        ("a = b | c", codes.HALF_OPERATOR),
        ("a = (1", codes.UNEXPECTED_TOKEN),
        ("a = 1 b = 2", codes.EXPECTED_TERMINATOR),
        ("1", codes.EXPECTED_IDENTIFIER),
        ('a "b-c" { }', codes.BAD_LABEL),
        ('a "b" c', codes.EXPECTED_BODY),
        ("a =", codes.EXPECTED_EXPRESSION),
        ("a = [1 2]", codes.MISSING_COMMA),
        ("a = {1 = 2}", codes.EXPECTED_FIELD),
        ("a.b = 1", codes.DOTTED_ATTRIBUTE),
        ('a "b" = 1', codes.LABELED_ATTRIBUTE),
        ("a = b { }", codes.BLOCK_AS_EXPRESSION),
        ("a = " + "(" * 2000, codes.TOO_DEEP),
    ],
)
def test_faults_carry_their_code(text: str, expected: str) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        parse_file(Source("x", text.encode()))
    assert caught.value.diagnostics[0].code == expected


def test_bytes_that_are_not_utf8_have_a_code() -> None:
    with pytest.raises(DiagnosticsError) as caught:
        parse_file(Source("x", b"\xff"))
    assert caught.value.diagnostics[0].code == codes.BAD_ENCODING
