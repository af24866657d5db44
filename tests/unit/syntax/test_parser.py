"""Trees of files and lone expressions, and how deep they may be."""

from __future__ import annotations

import gc

import pytest

from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.dump import expression_json
from alloypy.syntax.nesting import MAX_DEPTH, MAX_NESTING
from alloypy.syntax.parser import parse_expression, parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Binary, Block, Object


def faults(text: str) -> list[str]:
    with pytest.raises(DiagnosticsError) as caught:
        parse_file(Source("x", text.encode()))
    return [str(each) for each in caught.value.diagnostics]


def shape(text: str) -> str:
    """The expression with every operation in parentheses."""
    expression = parse_expression(Source("", text.encode()))

    def show(node: object) -> str:
        if isinstance(node, Binary):
            return f"({show(node.left)} {node.op} {show(node.right)})"
        written = expression_json(Source("", text.encode()), node)  # type: ignore[arg-type]
        return (
            f"({written['op']}{written['value']['text']})" if written["kind"] == "Unary" else written["text"]
        )

    return show(expression)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", "(1 + (2 * 3))"),
        ("1 - 2 - 3", "((1 - 2) - 3)"),
        ("2 ^ 3 ^ 4", "(2 ^ (3 ^ 4))"),
        ("-2 ^ 2", "((-2) ^ 2)"),
        ("2 ^ -1", "(2 ^ (-1))"),
        ("1 || 2 && 3 == 4", "(1 || (2 && (3 == 4)))"),
        ("1 < 2 < 3", "((1 < 2) < 3)"),
        ("1 + 2 == 3 % 4", "((1 + 2) == (3 % 4))"),
    ],
)
def test_precedence(text: str, expected: str) -> None:
    assert shape(text) == expected


def test_an_empty_file_is_a_tree() -> None:
    for text in (b"", b"\n\n", b"\xef\xbb\xbf", b"// only this"):
        assert parse_file(Source("x", text)).body == []


def test_places_of_statements() -> None:
    source = Source("x", b'a.b "l" {\n\tc = [1]\n}\n')
    block = parse_file(source).body[0]
    assert isinstance(block, Block)
    assert (block.name, block.name_end, block.label, block.label_start) == (("a", "b"), 2, "l", 4)
    assert (block.start, block.lcurly, block.end) == (0, 8, 19)
    inner = block.body[0]
    assert isinstance(inner, Attribute)
    assert (inner.start, inner.end, inner.name.end) == (11, 17, 11)


def test_an_empty_label_is_no_label() -> None:
    block = parse_file(Source("x", b'a "" { }')).body[0]
    assert isinstance(block, Block)
    assert (block.label, block.label_start) == ("", 2)


def test_quoted_field_names_are_stripped_and_not_decoded() -> None:
    value = parse_expression(Source("", rb'{"a\nb" = 1, "" = 2, `r` = 3, c = 4}'))
    assert isinstance(value, Object)
    assert [(field.name, field.quoted, field.end - field.start) for field in value.fields] == [
        (r"a\nb", True, 3),
        ('""', False, 1),
        ("r", True, 0),
        ("c", False, 0),
    ]


@pytest.mark.parametrize("label", ['"a-b"', '"true"', '"1"', r'"\u0041"', "`a`"])
def test_labels_that_are_no_names_are_refused(label: str) -> None:
    assert "expected block label to be a" in faults(f"a {label} {{ }}")[0]


def test_a_lone_expression_ends_with_its_line() -> None:
    parse_expression(Source("", b"1 +\n2\n} 'anything' \xff"))
    with pytest.raises(DiagnosticsError, match=r"1:3: expected TERMINATOR, got NUMBER"):
        parse_expression(Source("", b"1 2"))
    with pytest.raises(DiagnosticsError, match=r"1:1: expected expression, got EOF"):
        parse_expression(Source("", b""))


@pytest.mark.parametrize(
    ("opener", "closer"),
    [("[", "]"), ("(", ")"), ("{a = ", "}"), ("f(", ")"), ("b[", "]"), ("1 || 1 + 1 * (", ")")],
)
def test_brackets_nest_as_deep_as_promised(opener: str, closer: str) -> None:
    inner = "1" if opener != "[" else ""
    parse_file(Source("x", f"a = {opener * MAX_NESTING}{inner}{closer * MAX_NESTING}".encode()))
    over = MAX_NESTING + 1
    assert faults(f"a = {opener * over}{inner}{closer * over}")[0].endswith(
        f"nesting is deeper than {MAX_NESTING} levels"
    )
    assert len(faults(f"a = {opener * 50_000}")) == 1


def test_blocks_nest_as_deep_as_promised() -> None:
    parse_file(Source("x", ("a {\n" * MAX_NESTING + "}\n" * MAX_NESTING).encode()))
    deeper = "a {\n" * (MAX_NESTING + 1) + "}\n" * (MAX_NESTING + 1)
    assert faults(deeper) == [f"x:{MAX_NESTING + 1}:3: nesting is deeper than {MAX_NESTING} levels"]


@pytest.mark.parametrize("chain", ["!", "- ", "1 + ", "1 ^ "])
def test_rows_of_operators_are_as_long_as_promised(chain: str) -> None:
    parse_file(Source("x", f"a = {chain * MAX_DEPTH}1".encode()))
    assert "operators in a row" in faults(f"a = {chain * (MAX_DEPTH + 1)}1")[0]


@pytest.mark.parametrize("text", ["a = b" + ".c" * 20_000, "a = b" + "[0]" * 20_000, "a = b" + "()" * 20_000])
def test_rows_of_accesses_are_bounded(text: str) -> None:
    assert "operators in a row" in faults(text)[0]


@pytest.mark.parametrize(("begin", "level"), [("", "-"), ("1", " + 1"), ("b", "()")])
def test_a_tree_of_any_depth_is_thrown_away(begin: str, level: str) -> None:
    with_value = f"a = {begin}{level * 200_000}{'' if begin else '1'}"
    assert "operators in a row" in faults(with_value)[0]


def test_broken_nesting_ends_too() -> None:
    assert faults("a { ) \n" * 5_000)
    assert faults("a = [1 \n" * 5_000)
    assert faults("a = b {\n" * 5_000)


def test_the_collector_works_on_afterwards() -> None:
    parse_file(Source("x", b"a = 1"))
    assert gc.isenabled()
    with pytest.raises(DiagnosticsError):
        parse_file(Source("x", b"a ="))
    assert gc.isenabled()
