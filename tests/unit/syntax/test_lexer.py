"""Tokens: terminators, comments aside, and characters of all kinds."""

from __future__ import annotations

import pytest

from alloypy.syntax.lexer import scan
from alloypy.syntax.source import Source
from alloypy.syntax.tokens import OPERATORS


def kinds(text: str) -> list[str]:
    return [token.type for token in scan(Source("x", text.encode())).tokens]


def comments(text: str) -> list[list[str]]:
    return [[comment.text for comment in group] for group in scan(Source("x", text.encode())).comments]


def faults(text: bytes) -> list[tuple[int, int, str]]:
    return [(error.before, error.offset, error.message) for error in scan(Source("x", text)).errors]


@pytest.mark.parametrize("last", ["a", "true", "null", "1", "1.5", '"s"', "`s`", ")", "]", "}"])
def test_a_line_end_after_a_value_a_name_or_a_closer_ends_the_statement(last: str) -> None:
    assert kinds(f"{last}\n\n")[1:] == ["TERMINATOR", "EOF"]
    assert kinds(last)[1:] == ["TERMINATOR", "EOF"]


@pytest.mark.parametrize("operator", sorted(set(OPERATORS) - set(")]}")))
def test_a_line_end_after_an_operator_is_white_space(operator: str) -> None:
    assert kinds(f"{operator}\n") == [OPERATORS[operator], "EOF"]


@pytest.mark.parametrize(
    ("comment", "ends"),
    [
        ("// x", True),
        ("/* x */", True),
        ("/* x */ // y", True),
        ("/* x\n */ b", True),
        ("/* x */ /* y\n */ b", True),
        ("/* x */ b", False),
        ("/* x */ /* y */ b", False),
        ("/* x */ / b", False),
    ],
)
def test_a_terminator_comes_before_the_comments_that_hide_it(comment: str, ends: bool) -> None:
    tokens = scan(Source("x", f"a {comment}".encode())).tokens
    assert (tokens[1].type == "TERMINATOR" and tokens[1].start == 2) is ends


def test_comments_are_grouped_by_tokens_and_empty_lines() -> None:
    assert comments("// a\n// b\n\n// c\nx = 1 // d\n// e\n/* f\n */ y = 2 /* g */ // h") == [
        ["// a", "// b"],
        ["// c"],
        ["// d", "// e", "/* f\n */"],
        ["/* g */", "// h"],
    ]


def test_comments_lose_carriage_returns_except_one_that_keeps_them_open() -> None:
    assert comments("// a\rb\r\n") == [["// ab"]]
    assert comments("/* a\r\n *\r/ b */") == [["/* a\n *\r/ b */"]]


def test_offsets_count_bytes() -> None:
    tokens = scan(Source("x", '\ufeffé = "日本"'.encode())).tokens
    assert [(token.text, token.start, token.end) for token in tokens[:3]] == [
        ("é", 3, 5),
        ("=", 6, 7),
        ('"日本"', 8, 16),
    ]


@pytest.mark.parametrize("name", ["_", "_1", "naïve", "日本", "x٣", "\U0001123f", "a\U00011f50"])
def test_letters_and_digits_of_all_scripts_make_names(name: str) -> None:
    assert kinds(name) == ["IDENT", "TERMINATOR", "EOF"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", "NUMBER"), ("010", "NUMBER"), ("1.", "FLOAT"), (".5", "FLOAT"), ("1e+3", "FLOAT")],
)
def test_numbers(text: str, number: str) -> None:
    assert kinds(text)[0] == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a \x00", [(1, 2, "illegal character NUL"), (1, 2, "illegal character U+0000")]),
        (b"a ; b", [(1, 2, "illegal character U+003B ';'")]),
        (b"a\xc2\xa0b", [(1, 1, "illegal character U+00A0")]),
        (b"a | b", [(1, 3, "missing second | in ||")]),
        (b"1e", [(0, 0, "exponent has no digits")]),
        (b"'x'", [(0, 0, "illegal single-quoted string; use double quotes")]),
        (b'"a\nb', [(0, 0, "string literal not terminated")]),
        (b'"\\z"', [(0, 2, "unknown escape sequence")]),
        (b'"\\u12g4"', [(0, 2, "illegal character U+0067 'g' in escape sequence")]),
        (b'"\\400"', [(0, 2, "escape sequence is invalid Unicode code point")]),
        (b'"\\ud800"', [(0, 2, "escape sequence is invalid Unicode code point")]),
        (b"/* x", [(0, 0, "block comment not terminated")]),
        (b"a \xef\xbb\xbf", [(1, 2, "illegal byte order mark")]),
        (b"x /* \xff */ y", [(1, 5, "illegal UTF-8 encoding"), (1, 5, "illegal UTF-8 encoding")]),
        (b"x // \xff", [(2, 5, "illegal UTF-8 encoding")]),
    ],
)
def test_faults_come_in_the_order_of_discovery(text: bytes, expected: list[tuple[int, int, str]]) -> None:
    assert faults(text) == expected
