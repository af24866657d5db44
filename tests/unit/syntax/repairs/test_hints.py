"""Hints for habits from other languages: the right form, and the edit that gives it."""

from __future__ import annotations

import pytest

from alloypy.syntax.diagnostics import DiagnosticsError, edited
from alloypy.syntax.parser import parse_file
from alloypy.syntax.repairs.hints import hinted
from alloypy.syntax.source import Source

IN_BLOCK = 'a.b "c" {{\n  {0}\n}}\n'

STATEMENTS = [
    ('u: "x"', 'u = "x"', "`=` instead of `:`"),
    ('u:"x"', 'u = "x"', "`=` instead of `:`"),
    ('u := "x"', 'u = "x"', "`=` instead of `:`"),
    ('u => "x"', 'u = "x"', "`=` instead of `=>`"),
    ('u == "x"', 'u = "x"', "`=` instead of `==`"),
    ('u "x/y"', 'u = "x/y"', "`name = value`"),
    ("u true", "u = true", "`name = value`"),
    ("u [1]", "u = [1]", "`name = value`"),
    ('h {"a" = "b"}', 'h = {"a" = "b"}', "`h = { ... }`"),
    ("u = 'x'", 'u = "x"', "double quotes"),
    ("u = ['x', 'a\"b']", 'u = ["x", "a\\"b"]', "double quotes"),
    ("u = http://x:1/y", 'u = "http://x:1/y"', "double quotes"),
    ("u: http://x:1/y", 'u = "http://x:1/y"', "in quotes"),
    ("u = 10s", 'u = "10s"', "double quotes"),
    ("u = 127.0.0.1", 'u = "127.0.0.1"', "double quotes"),
    ("u = \u201cx\u201d", 'u = "x"', "plain quotes"),
    ("u\u00a0= 1", "u = 1", "blanks"),
    ('h = {"a": "b", c: 1}', 'h = {"a" = "b", c = 1}', "`=` instead of `:`"),
    ('h = {"a" = "b" "c" = "d"}', 'h = {"a" = "b", "c" = "d"}', "`,`"),
    ('h = {X-Id = "b"}', 'h = {"X-Id" = "b"}', "double quotes"),
    ('u = ["a" "b" "c"]', 'u = ["a", "b", "c"]', "`,`"),
    ("u = [\n    a.b\n  ]", "u = [\n    a.b,\n  ]", "`,`"),
    ("u = [a.b", "u = [a.b]", "`]` is missing"),
    ('u = sys.env("A"', 'u = sys.env("A")', "`)` is missing"),
    ("u = [1, , 2]", "u = [1,  2]", "one `,`"),
    ('u = "x', 'u = "x"', 'closing `"`'),
    ('e { u = "x }', 'e { u = "x" }', 'closing `"`'),
    ('h = {"a = "b", "c" = "d"}', 'h = {"a" = "b", "c" = "d"}', '`"` is missing'),
    ('h = {"a" = "b", c" = "d"}', 'h = {"a" = "b", "c" = "d"}', '`"` is missing'),
    ('u = f"x")', 'u = f("x")', "`(` is missing"),
    ("u = a, b]", "u = [a, b]", "`[` is missing"),
    ('u = "x";', 'u = "x"', "without `;`"),
    ('u = "x",', 'u = "x"', "without `,`"),
    ('e { u = "x", v = 1 }', 'e {\n u = "x"\n v = 1 \n}', "a line of its own"),
    ('e { u = "x"; v = 1 }', 'e {\n u = "x"\n v = 1 \n}', "a line of its own"),
    ("u = 1 v = 2", "u = 1\nv = 2", "a line of its own"),
    ("u = $HOST", 'u = sys.env("HOST")', '`sys.env("HOST")`'),
    ("u = ${HOST}", 'u = sys.env("HOST")', '`sys.env("HOST")`'),
    ('u = "${sys.env("A")}"', 'u = sys.env("A")', "join texts"),
    ('u = "a${b["c"]}d${e}f"', 'u = "a" + b["c"] + "d" + e + "f"', "join texts"),
    (r'u = "\d+"', r'u = "\\d+"', r"`\\`"),
    ("u = a and b", "u = a && b", "`&&`"),
    ("u = a or b", "u = a || b", "`||`"),
    ("u = not b", "u = !b", "`!`"),
    ("u = a & b", "u = a && b", "`&&`"),
    ("u-v = 1", "u_v = 1", "`u_v`"),
    ("e\n  {\n  }", "e {\n  }", "on the line of its name"),
    ('e "x"\n    u = 1\n  }', 'e "x" {\n    u = 1\n  }', "on the line of its name"),
    ('e "x" = {\n    f {\n    }\n  }', 'e "x" {\n    f {\n    }\n  }', "without `=`"),
    ("u = 1 # why", "u = 1 // why", "a comment begins with `//`"),
    ("## don't", "// don't", "a comment begins with `//`"),
]

FILES = [
    ("a.b c {\n}\n", 'a.b "c" {\n}\n', '`"c"`'),
    ("a.b my-c {\n}\n", 'a.b "my_c" {\n}\n', '`"my_c"`'),
    ('a.b "my-c" {\n}\n', 'a.b "my_c" {\n}\n', '`"my_c"`'),
    ('a.b "1c" {\n}\n', 'a.b "_1c" {\n}\n', '`"_1c"`'),
    ("a.b 'c' {\n}\n", 'a.b "c" {\n}\n', "double quotes"),
    ("a.b `c` {\n}\n", 'a.b "c" {\n}\n', '`"c"`'),
    ('a.b = "c" {\n}\n', 'a.b "c" {\n}\n', "without `=`"),
    (
        'a.b "c" {\n  e {\n    u = 1\n}\na.b "d" {\n}\n',
        'a.b "c" {\n  e {\n    u = 1\n  }\n}\na.b "d" {\n}\n',
        "line 2",
    ),
    ("a {,\n  b = 1\n}\n", "a {\n  b = 1\n}\n", "nothing before this"),
    ("a {\n  b = {\n    c {\n    }\n  }\n}\n", "a {\n  b {\n    c {\n    }\n  }\n}\n", "without `=`"),
    ("a {\n}\n}\n", "a {\n}\n\n", "nothing is open"),
    ("/* a\nb {\n}\n", "/* a */\nb {\n}\n", "`*/`"),
]


def faults(text: str) -> DiagnosticsError:
    with pytest.raises(DiagnosticsError) as caught:
        parse_file(Source("c", text.encode()))
    return caught.value


def check(faulty: str, wanted: str, words: str) -> None:
    error = faults(faulty)
    found = hinted(error.diagnostics)
    assert [diagnostic._replace(hint="", fix=()) for diagnostic in found] == list(error.diagnostics)
    assert words in found[0].hint
    assert edited(faulty.encode(), found[0].fix).decode() == wanted
    parse_file(Source("c", wanted.encode()))
    assert [d.hint for d in found[1:] if d.hint] == []  # the rest follows from it


@pytest.mark.parametrize(("faulty", "wanted", "words"), STATEMENTS)
def test_a_mistake_in_a_statement_gets_the_right_form(faulty: str, wanted: str, words: str) -> None:
    check(IN_BLOCK.format(faulty), IN_BLOCK.format(wanted), words)


@pytest.mark.parametrize(("faulty", "wanted", "words"), FILES)
def test_a_mistake_in_a_block_gets_the_right_form(faulty: str, wanted: str, words: str) -> None:
    check(faulty, wanted, words)


def test_each_of_two_mistakes_has_its_hint() -> None:
    found = hinted(faults("# a\nb {\n  u = 'x'\n}\nc d {\n}\n").diagnostics)
    assert [d.hint for d in found if d.hint] == [
        "a comment begins with `//`",
        'text goes in double quotes, as in `"text"`',
        'write the label as `"d"`',
    ]


def test_what_no_change_fixes_gets_the_rule() -> None:
    found = hinted(faults(IN_BLOCK.format('u = c == "" ? "a" : "b"')).diagnostics)
    assert [d.hint for d in found if d.hint] == [
        "there is no `? :`; `coalesce(a, b)` is the first of its arguments that is not empty"
    ]
    assert not any(d.fix for d in found)


def test_hints_end_where_trying_would_take_long() -> None:
    many = "a = 'x'\n" * 3_000
    found = hinted(faults(many).diagnostics)
    assert 1 <= sum(bool(d.hint) for d in found) <= 20
