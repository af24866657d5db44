"""Lark and the diagnoser agree on every text, and so do the two scanners."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.graph.references import inner_expressions
from alloypy.syntax.diagnoser import diagnose
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.dump import expression_json
from alloypy.syntax.lexer import scan
from alloypy.syntax.parser import parse_expression, parse_file
from alloypy.syntax.scanner import scan_characters
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Expression
from tests.support.watchdog import briefly

NAMES_AND_VALUES = ["a", "b.c", "é", "true", "null", "1", "1.", ".5", "1e3", '"s"', '"\\n"', "`r\n`", "f(1)"]
OPERATORS = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "^"]
MARKS = ["!", "=", "{", "}", "(", ")", "[", "]", ",", ".", "{a = 1}", "[1, 2]", 'a "l" {\n', "x = 1\n", "}\n"]
GAPS = ["\n", "\r\n", " ", "\t", "// c\n", "/* c */", "/*\n*/"]
FAULTS = ["1e", '"\\q"', '"', "'q'", "|", "/*", "@", "#", "\0", "\ufeff", "\\", "\udcff"]
PIECES = st.sampled_from([*NAMES_AND_VALUES, *OPERATORS, *MARKS, *GAPS, *FAULTS]).map(
    lambda text: text.encode(errors="surrogateescape")
)
SOUP = st.lists(PIECES, max_size=16).map(b"".join)

NAMES = st.sampled_from(["a", "b", "x_1", "forward_to", "日本", "endpoint"])
SPACE = st.sampled_from(["", " ", "\t", " /* c */ "])
BREAK = st.sampled_from(["\n", " // end\n", "\n\n", "\r\n", " /* x */\n// y\n"])
ATOMS = st.one_of(
    NAMES, st.sampled_from(["1", "007", "2.5", ".5e-3", '"text"', '"\\u00e9"', "`r\naw`", "true", "null"])
)


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(inner, max_size=3)
    fields = st.lists(st.tuples(st.one_of(NAMES, st.just('"k y"')), inner), max_size=3)
    operand = st.one_of(ATOMS, inner.map("({})".format))
    return st.one_of(
        st.builds("{}{}{}{}{}".format, operand, SPACE, st.sampled_from(OPERATORS), SPACE, operand),
        st.builds("{} {}\n{}".format, operand, st.sampled_from(OPERATORS), operand),
        st.builds("{}{}".format, st.sampled_from("!-"), operand),
        st.builds("{}.{}".format, operand.filter(lambda text: not text[0].isdigit()), NAMES),
        st.builds("{}[{}]".format, operand, inner),
        st.builds("{}({})".format, NAMES, items.map(", ".join)),
        items.map(lambda parts: f"[{', '.join(parts)}]"),
        items.map(lambda parts: "[\n" + "".join(f"  {part},\n" for part in parts) + "]"),
        fields.map(lambda parts: "{" + ", ".join(f"{name} = {value}" for name, value in parts) + "}"),
        fields.map(lambda parts: "{\n" + "".join(f"  {name} = {value},\n" for name, value in parts) + "}"),
    )


EXPRESSIONS = st.recursive(ATOMS, containers, max_leaves=8)
ATTRIBUTES = st.builds("{} = {}".format, NAMES, EXPRESSIONS)


def blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    head = st.builds(
        "{}{}{}".format, NAMES, st.sampled_from(["", ".c"]), st.sampled_from(["", ' "l"', ' ""'])
    )
    body = st.lists(st.builds("{}{}".format, inner, BREAK), max_size=3).map("".join)
    one_line = st.one_of(st.just("{ }"), inner.map("{{ {} }}".format))
    many_lines = st.builds("{{{}{}}}".format, BREAK, body)
    return st.builds("{} {}".format, head, st.one_of(one_line, many_lines))


STATEMENTS = st.recursive(ATTRIBUTES, lambda inner: st.one_of(ATTRIBUTES, blocks(inner)), max_leaves=6)
FILES = st.lists(st.builds("{}{}".format, STATEMENTS, BREAK), max_size=4).map("".join)


def accepted(source: Source) -> bool:
    try:
        parse_file(source)
    except DiagnosticsError as error:
        assert list(error.diagnostics) == diagnose(scan(source), "file")
        return False
    return True


@settings(max_examples=400)
@given(SOUP)
@briefly()
def test_lark_accepts_what_the_diagnoser_is_silent_about(text: bytes) -> None:
    source = Source("soup.alloy", text)
    assert accepted(source) == (not diagnose(scan(source), "file"))


@settings(max_examples=200)
@given(FILES)
@briefly()
def test_what_the_grammar_generates_is_accepted(text: str) -> None:
    source = Source("valid.alloy", text.encode())
    assert accepted(source)
    assert not diagnose(scan(source), "file")


@settings(max_examples=300)
@given(FILES, st.data())
@briefly()
def test_both_agree_on_damaged_files(text: str, data: st.DataObject) -> None:
    whole = text.encode()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 6)))
    source = Source("damaged.alloy", whole[:start] + data.draw(PIECES) + whole[end:])
    assert accepted(source) == (not diagnose(scan(source), "file"))


@settings(max_examples=200)
@given(EXPRESSIONS)
@briefly()
def test_lone_expressions_agree_and_their_parts_are_where_they_say(text: str) -> None:
    source = Source("expression", text.encode())
    assert not diagnose(scan(source), "lone_expression")
    for part in parts(parse_expression(source)):
        written = source.data[part.start : part.end + 1]
        again = Source("part", written)
        assert without_places(expression_json(again, parse_expression(again))) == without_places(
            expression_json(source, part)
        )


@settings(max_examples=400)
@given(st.one_of(SOUP, st.binary(max_size=24)))
@briefly()
def test_both_scanners_agree(text: bytes) -> None:
    quick, thorough = scan(Source("x", text)), scan_characters(Source("x", text))
    assert [(t.type, t.text, t.start) for t in quick.tokens] == [
        (t.type, t.text, t.start) for t in thorough.tokens
    ]
    assert [[(c.start, c.end, c.text) for c in group] for group in quick.comments] == [
        [(c.start, c.end, c.text) for c in group] for group in thorough.comments
    ]


def parts(expression: Expression) -> list[Expression]:
    """The expression and all those inside of it."""
    return [expression, *(part for inner in inner_expressions(expression) for part in parts(inner))]


def without_places(tree: object) -> object:
    if isinstance(tree, dict):
        places = {"range", "op_pos", "name_pos"}
        return {key: without_places(value) for key, value in tree.items() if key not in places}
    return [without_places(item) for item in tree] if isinstance(tree, list) else tree
