"""Trees of texts that are broken, or not finished."""

from __future__ import annotations

from typing import Any

import pytest

from alloypy.syntax.holes.parsing import is_hole, is_unfinished, parse_with_holes
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import (
    Access,
    Array,
    Attribute,
    Binary,
    Block,
    Call,
    Expression,
    Identifier,
    Index,
    Literal,
    Object,
    Paren,
    Statement,
    Unary,
)


def shown(expression: Expression) -> str:
    """An expression in one line; `?` is a hole."""
    match expression:
        case Identifier():
            return expression.name or "?"
        case Literal():
            return expression.text
        case Array():
            return f"[{', '.join(map(shown, expression.elements))}]"
        case Object():
            fields = [f"{field.name or '?'}={shown(field.value)}" for field in expression.fields]
            return f"{{{', '.join(fields)}}}"
        case Access():
            return f"{shown(expression.value)}.{expression.name.name or '?'}"
        case Index():
            return f"{shown(expression.value)}[{shown(expression.index)}]"
        case Call():
            return f"{shown(expression.value)}({', '.join(map(shown, expression.args))})"
        case Unary():
            return f"{expression.op}{shown(expression.value)}"
        case Binary():
            return f"({shown(expression.left)} {expression.op} {shown(expression.right)})"
        case Paren():
            return shown(expression.inner)


def outline(statements: list[Statement]) -> list[Any]:
    found: list[Any] = []
    for each in statements:
        if isinstance(each, Attribute):
            found.append(f"{each.name.name or '?'} = {shown(each.value)}")
            continue
        name = ".".join(part or "?" for part in each.name) + (f" {each.label}" if each.label else "")
        found.append(name if is_unfinished(each) else [name, *outline(each.body)])
    return found


def read(text: str) -> list[Any]:
    return outline(parse_with_holes(Source("config.alloy", text.encode())).body)


BACKEND = ["pyroscope.write backend", ["endpoint", 'url = "http://a"']]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("pyr", ["pyr"]),
        ("pyroscope.", ["pyroscope.?"]),
        ('pyroscope.write "w"', ["pyroscope.write w"]),
        ('pyroscope.write "w" {', [["pyroscope.write w"]]),
        ("a = ", ["a = ?"]),
        ("a = \nb = 1", ["a = ?", "b = 1"]),
        ("a = 1 +\nb = 2", ["a = (1 + ?)", "b = 2"]),
        ("a = b.\nc = 2", ["a = b.?", "c = 2"]),
        ("a = b.\nc.d {\n}", ["a = b.?", ["c.d"]]),
        ("a = .b", ["a = ?.b"]),
        ("a = f(1, )", ["a = f(1)"]),
        ("a = f(1, , 2)", ["a = f(1, ?, 2)"]),
        ("a = f(", ["a = f()"]),
        ("a = [b.c, d.", ["a = [b.c, d.?]"]),
        ('a = [1 2 "x"]', ['a = [1, 2, "x"]']),
        ("a = [\n\t1,\n\t2\n]", ["a = [1, 2]"]),
        ("a = {b = , c = 1}", ["a = {b=?, c=1}"]),
        ("a = {b, = 1}", ["a = {b=?, ?=1}"]),
        ("a = x[", ["a = x[?]"]),
        ("a = (1 + ", ["a = (1 + ?)"]),
        ("a = !", ["a = !?"]),
        ("a 1", ["a = 1"]),
        ('url "http://a"', ['url = "http://a"']),
        ('headers { "a" = "b" }', ['headers = {a="b"}']),
        ('"w" {\n\tb = 1\n}', [["? w", "b = 1"]]),
        ("= 1", ["? = 1"]),
        ("a.b = 1", ["a.b = 1"]),
        ('a "b" = 1', ["a = 1"]),
        ("a = 1 b = 2", ["a = 1", "b = 2"]),
        ("a = 1 }\nb = 2", ["a = 1", "b = 2"]),
        ("a = @\nb = 2", ["a = ?", "b = 2"]),
        ('a = "x\nb = 2', ['a = "x', "b = 2"]),
        ('a "no-name" {\n}', [["a"]]),
        ("] a = 1", ["a = 1"]),
    ],
)
def test_what_can_be_read_is_read(text: str, expected: list[Any]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'a.b "x" {\n\tc {\n\t\td = 1\n}\n\npyroscope.write "backend" {\n\tendpoint {\n\t\turl = "http://a"\n\t}\n}\n',
            [["a.b x", ["c", "d = 1"]], BACKEND],
        ),
        (
            'a.b "x" {\n\tc = [d.e\n}\n\npyroscope.write "backend" {\n\tendpoint {\n\t\turl = "http://a"\n\t}\n}\n',
            [["a.b x", "c = [d.e]"], BACKEND],
        ),
        (
            'pyroscope.write "backend" {\n\tendpoint\n\t\turl = "http://a"\n\t}\n}\n\na = 1\n',
            [BACKEND, "a = 1"],
        ),
        ('a = \n\t"b" = "c",\n\t"d" = "e",\n}\nf = 1\n', ['a = {b="c", d="e"}', "f = 1"]),
        ("a = f(\n\tb\n\t) c [\n", ["a = f(b)", "c = []"]),
        ("a = b, c]\nd = 1\n", ["a = [b, c]", "d = 1"]),
        ('x {\n\tdimension name = "a" }\n\ty = 1\n}\n', [["x", ["dimension", 'name = "a"'], "y = 1"]]),
        ("x {\n\targument }\n\ty = 1\n}\n", [["x", ["argument"], "y = 1"]]),
        ("a = [{b = 1}, c = 2, d = 3}]\n", ["a = [{b=1}, {c=2, d=3}]"]),
        ("a {\nb = [1\n}\n", [["a", "b = [1]"]]),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, str) else "",
)
def test_a_bracket_that_is_missing_belongs_where_the_lines_say(text: str, expected: list[Any]) -> None:
    assert read(text) == expected


def test_a_valid_file_has_the_tree_it_always_has() -> None:
    text = 'a "b" {\n\tc = [1 + 2 * 3, f(x.y[0]), {"k" = -1}] // note\n}\n'
    source = Source("config.alloy", text.encode())
    found, wanted = parse_with_holes(source), parse_file(source)
    assert outline(found.body) == outline(wanted.body)
    assert [comment.text for group in found.comments for comment in group] == ["// note"]


def test_a_hole_has_the_rest_of_its_gap() -> None:
    text = b"a =   // note\nb = x.\n"
    first, second = parse_with_holes(Source("config.alloy", text)).body
    assert isinstance(first, Attribute)
    assert isinstance(second, Attribute)
    assert isinstance(second.value, Access)
    assert is_hole(first.value)
    assert (first.value.start, first.value.end) == (3, 5)
    assert is_hole(second.value.name)
    assert (second.value.name.start, second.value.name.end) == (20, 19)


def test_what_nests_too_deeply_is_left_out() -> None:
    for opener in ("a {", "a = [", "(", "{b = "):
        begin = opener if opener.startswith("a") else f"a = {opener}"
        tree = parse_with_holes(Source("config.alloy", (begin + opener * 5_000).encode()))
        assert isinstance(tree.body[0], Block | Attribute)
    nested = "[" * 1_000 + "1 + [2]" + "]" * 1_000
    assert parse_with_holes(Source("config.alloy", f"a = {nested}\nb".encode())).body
    for row in ("1 + ", "-", "!"):
        parse_with_holes(Source("config.alloy", f"a = {row * 30_000}".encode()))
