"""What the golden files and the properties of the formatter leave open."""

from __future__ import annotations

import pytest

from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.letters import quote
from alloypy.syntax.parser import parse_expression, parse_file
from alloypy.syntax.printer.compare import same_content
from alloypy.syntax.printer.printer import format_expression, format_source
from alloypy.syntax.source import Source


def formatted(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return format_source(Source("config.alloy", data)).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f( 1,g (2) ) [ 0 ]", "f(1, g(2))[0]"),
        ("a . b . c", "a.b.c"),
        ("5 .x", "5 .x"),
        ("{ a=1 , `b`=- 2 }", '{a = 1, "b" = -2}'),
        ("[1,\n2]", "[1,\n\t2]"),
        ("(1 /* gone */ +\n 2)", "(1 + 2)"),
    ],
)
def test_format_expression(text: str, expected: str) -> None:
    source = Source("config.alloy", text.encode())
    assert format_expression(parse_expression(source), source) == expected


def test_part_of_a_file_is_formatted_by_its_own_lines() -> None:
    source = Source("config.alloy", b"a {\n\tb = [\n1,\n]\n}\n")
    block = parse_file(source).body[0]
    assert format_expression(block.body[0].value, source) == "[\n\t1,\n]"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "opening, closing", [("[", "]"), ("(", ")"), ("{a = ", "}"), ("f(", ")"), ("-", ""), ("[\n", ",\n]")]
)
def test_a_thousand_levels(opening: str, closing: str) -> None:
    text = formatted(f"a = {opening * 1000}1{closing * 1000}")
    assert formatted(text) == text
    assert text.count("1") == 1


def test_a_thousand_blocks_deep() -> None:
    text = formatted("b {\n" * 1000 + "}\n" * 1000)
    assert text.startswith("b {\n\tb {\n\t\tb {\n")
    assert text.endswith("\t\t}\n\t}\n}\n")


def test_long_rows() -> None:
    assert formatted("a = 1" + "+1" * 5000) == "a = 1" + " + 1" * 5000 + "\n"
    assert len(formatted("a = [" + "1," * 100_000 + "]")) == len("a = [") + 100_000 * 3 - 2 + 2


def test_ends_of_lines_and_marks() -> None:
    assert (
        formatted(b"\xef\xbb\xbfa = 1\r\n\r\n\r\n// c\r\nb = `x\r\ny`\r\n") == "a = 1\n\n// c\nb = `x\r\ny`\n"
    )
    assert formatted("") == "\n"
    assert formatted("// only\n") == "// only\n"


def test_faults_are_all_named() -> None:
    with pytest.raises(DiagnosticsError) as caught:
        formatted("a = \n\nb = 'x'\n")
    assert len(caught.value.diagnostics) >= 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a = 1", "a = 2"),
        ("a = 1", "b = 1"),
        ("a = [1, [2]]", "a = [[1], 2]"),
        ("a = [[1, 2]]", "a = [[1], 2]"),
        ("a {\nb {\n}\n}", "a {\n}\nb {\n}"),
        ('a "x" {\n}', 'a "y" {\n}'),
        ("a.b {\n}", "a {\n}"),
        ("a = {b = 1}", 'a = {"b" = 1}'),
        ("a = x.y", "a = x.z"),
        ("a = x[0]", "a = x(0)"),
        ("a = (1)", "a = 1"),
        ("a = 1 + 2", "a = 1 - 2"),
        ("a = 1 + 2 + 3", "a = 1 + (2 + 3)"),
        ("a = -1", "a = !1"),
        ("a = 1 // x", "a = 1 // y"),
        ("a = 1 // x", "a = 1"),
        ("a = 1", "a = 1\na = 1"),
        ("", "a = 1"),
    ],
)
def test_what_differs_is_distinguished(one: str, other: str) -> None:
    files = [parse_file(Source("config.alloy", text.encode())) for text in (one, other)]
    assert same_content(files[0], files[0])
    assert not same_content(*files)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ('"\\', r'"\"\\"'),
        ("\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
        ("\x00\x7f", r'"\x00\x7f"'),
        ("é\u00a0\u2028", '"é\\u00a0\\u2028"'),
        ("\U0001f600\U000e0001", '"\U0001f600\\U000e0001"'),
    ],
)
def test_quote(text: str, quoted: str) -> None:
    assert quote(text) == quoted
