"""Highlighting in VS Code and in what else reads TextMate grammars."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alloypy.syntax import tree
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.lexer import scan
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from tests.support.counts import repeated
from tests.support.documented import blocks
from tests.support.textmate import GRAMMAR, Coloured, Colourist

ROOT = Path(__file__).parents[2]
SYNTAX = ROOT / "tests" / "golden" / "syntax"
DECLARING = {"declare", "argument", "export", "foreach", "template", "import"}
LITERALS = {
    "STRING": ("string.quoted.double.alloy", "string.quoted.other.raw.alloy"),
    "NUMBER": ("constant.numeric.integer.alloy",),
    "FLOAT": ("constant.numeric.float.alloy",),
    "BOOL": ("constant.language.boolean.alloy",),
    "NULL": ("constant.language.null.alloy",),
}
OPERATORS = {
    "comparison": {"EQ", "NEQ", "LT", "LTE", "GT", "GTE"},
    "logical": {"AND", "OR", "NOT"},
    "arithmetic": {"ADD", "SUB", "MUL", "DIV", "MOD", "POW"},
    "assignment": {"ASSIGN"},
}
PUNCTUATION = {
    "LCURLY": "punctuation.section.",
    "RCURLY": "punctuation.section.",
    "LBRACK": "punctuation.section.brackets.begin.alloy",
    "RBRACK": "punctuation.section.brackets.end.alloy",
    "LPAREN": "punctuation.section.parens.begin.alloy",
    "RPAREN": "punctuation.section.parens.end.alloy",
    "COMMA": "punctuation.separator.comma.alloy",
    "DOT": "punctuation.accessor.alloy",
}


@pytest.fixture(scope="module")
def colourist(tmp_path_factory: pytest.TempPathFactory) -> Colourist:
    return Colourist(tmp_path_factory.mktemp("colourist"))


def documented() -> list[str]:
    """The examples, and the configurations of the documentation."""
    examples = [path.read_text() for path in sorted(ROOT.glob("examples/*/config.alloy"))]
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return examples + [
        block.text
        for page in pages
        for block in blocks(page)
        if block.language == "alloy" and readable(block.text)
    ]


def recorded() -> list[str]:
    """Everything that Alloy's formatter was asked about and could read."""
    files = [(SYNTAX / f"{name}.jsonl").read_text("utf-8") for name in ("fmt", "fmt_random")]
    cases = [json.loads(line) for file in files for line in file.splitlines()]
    texts = [text for case in cases for text in (case["input"], case["expect"].get("output")) if text]
    return [text for text in dict.fromkeys(texts) if readable(text)]


def readable(text: str) -> bool:
    try:
        parse_file(Source("config.alloy", text.encode()))
    except DiagnosticsError:
        return False
    return True


class Wanted:
    """The scope that each place of a text must have, by the parser and the lexer of alloypy."""

    def __init__(self, text: str) -> None:
        self.source = Source("config.alloy", text.encode())
        self.found: dict[int, tuple[str, ...]] = {}
        file = parse_file(self.source)
        for token in scan(self.source).tokens:
            self._token(token.type, token.start)
        for group in file.comments:
            for comment in group:
                kind = "line.double-slash" if comment.text.startswith("//") else "block"
                self.found[comment.start] = (f"comment.{kind}.alloy",)
        self._body(file.body)

    def _token(self, kind: str, start: int) -> None:
        for name, kinds in OPERATORS.items():
            if kind in kinds:
                self.found[start] = (f"keyword.operator.{name}.alloy",)
        if kind in PUNCTUATION:
            self.found[start] = (PUNCTUATION[kind],)

    def _body(self, statements: list[tree.Statement]) -> None:
        for statement in statements:
            if isinstance(statement, tree.Attribute):
                self.found[statement.start] = ("variable.other.property.alloy",)
                self._expression(statement.value)
                continue
            first = "storage.type.alloy" if _declares(statement) else "entity.name.type.alloy"
            self.found[statement.start] = (first,)
            if statement.label_start is not None:
                self.found[statement.label_start + 1] = ("string.quoted.double.label.alloy",)
            self.found[statement.lcurly] = ("punctuation.section.block.begin.alloy",)
            self.found[statement.end] = ("punctuation.section.block.end.alloy",)
            self._body(statement.body)

    def _expression(self, node: tree.Expression) -> None:
        if isinstance(node, tree.Identifier):
            self.found.setdefault(node.start, ("variable.other.readwrite.alloy",))
        elif isinstance(node, tree.Literal):
            self.found[node.start] = LITERALS[node.kind]
        elif isinstance(node, tree.Access):
            self.found.setdefault(node.name.start, ("variable.other.member.alloy",))
            self._expression(node.value)
        elif isinstance(node, tree.Call):
            self._call(node.value)
            self._expression(node.value)
            for argument in node.args:
                self._expression(argument)
        elif isinstance(node, tree.Object):
            self._object(node)
        else:
            for child in _children(node):
                self._expression(child)

    def _object(self, node: tree.Object) -> None:
        self.found[node.start] = ("punctuation.section.object.begin.alloy",)
        self.found[node.end] = ("punctuation.section.object.end.alloy",)
        for field in node.fields:
            self.found[field.start] = ("support.type.property-name.alloy",)
            self._expression(field.value)

    def _call(self, function: tree.Expression) -> None:
        """The name of a function, and the namespaces before it."""
        if isinstance(function, tree.Identifier | tree.Access):
            name = function if isinstance(function, tree.Identifier) else function.name
            self.found[name.start] = ("entity.name.function.alloy",)
        while isinstance(function, tree.Access) and _named(function):
            function = function.value
            place = function.name.start if isinstance(function, tree.Access) else function.start
            self.found[place] = ("entity.name.namespace.alloy",)


def _named(node: tree.Expression) -> bool:
    """Whether it is a chain of names."""
    return isinstance(node, tree.Identifier) or (isinstance(node, tree.Access) and _named(node.value))


def _declares(block: tree.Block) -> bool:
    first = block.name[0]
    return first in DECLARING and (len(block.name) > 1) == (first == "import")


def _children(node: tree.Expression) -> Iterator[tree.Expression]:
    if isinstance(node, tree.Array):
        yield from node.elements
    elif isinstance(node, tree.Index):
        yield from (node.value, node.index)
    elif isinstance(node, tree.Unary):
        yield node.value
    elif isinstance(node, tree.Binary):
        yield from (node.left, node.right)
    elif isinstance(node, tree.Paren):
        yield node.inner


def wrong(coloured: Coloured) -> list[str]:
    """Places whose scopes are not those wanted."""
    wanted = Wanted(coloured.text)
    found = []
    for offset, scopes in sorted(wanted.found.items()):
        given = coloured.at(offset)
        parts = {part for scope in given for part in scope.split()}
        if not any(part.startswith(scope) for part in parts for scope in scopes):
            place = wanted.source.position(offset)
            found.append(f"{place.line}:{place.column}: {scopes}, not {given}\n{coloured.text}")
    return found


def test_the_documented_configurations_are_coloured(colourist: Colourist) -> None:
    texts = documented()
    assert len(texts) >= 14
    for coloured in colourist.colour(texts):
        assert wrong(coloured) == []
        assert [run for run in coloured.runs() if not run[1]] == []


def test_what_alloy_reads_is_coloured_as_it_is_read(colourist: Colourist) -> None:
    texts = recorded()
    assert len(texts) > 3000
    chosen = texts[:: max(1, len(texts) // repeated(len(texts)))]
    assert [found for coloured in colourist.colour(chosen) for found in wrong(coloured)] == []


NAME = "entity.name.type.alloy"
DECLARES = "storage.type.alloy"
KEY = "variable.other.property.alloy"
VARIABLE = "variable.other.readwrite.alloy"
MEMBER = "variable.other.member.alloy"
FIELD = "support.type.property-name.alloy"
FUNCTION = "entity.name.function.alloy"
STRING = "string.quoted.double.alloy"
RAW = "string.quoted.other.raw.alloy"
ESCAPE = "constant.character.escape.alloy"
BAD_ESCAPE = "invalid.illegal.escape.alloy"
INTEGER = "constant.numeric.integer.alloy"
FLOAT = "constant.numeric.float.alloy"
COMMENT = "comment.line.double-slash.alloy"
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
DIRECTIVE = "keyword.other.directive.alloy"
PARTS: list[tuple[str, list[tuple[str, str]]]] = [
    # heads of blocks
    ('a.b "c" {}', [("a", NAME), ("b", NAME), ("c", "string.quoted.double.label.alloy")]),
    ("a {\n}\nb {\n}", [("a", NAME), ("b", NAME)]),
    ("a {\n\tb.c {\n\t\td = 1\n\t}\n}", [("b", NAME), ("c", NAME), ("d", KEY)]),
    ('a /* b */ "c" {}', [("b", "comment.block.alloy"), ("c", "string.quoted.double.label.alloy")]),
    (r'a "\n\q" {}', [(r"\n", ESCAPE), (r"\q", BAD_ESCAPE)]),
    *[(f'{word} "x" {{}}', [(word, DECLARES)]) for word in sorted(DECLARING - {"import"})],
    ('import.file "x" {}', [("import", DECLARES), ("file", NAME)]),
    ('a.declare "x" {}', [("declare", NAME)]),
    # attributes and references
    ("a = b", [("a", KEY), ("=", "keyword.operator.assignment.alloy"), ("b", VARIABLE)]),
    ("a = b.c.d", [("b", VARIABLE), ("c", MEMBER), ("d", MEMBER)]),
    ("a1 = b2", [("a1", KEY), ("b2", VARIABLE)]),
    ("ä = é.ß", [("ä", KEY), ("é", VARIABLE), ("ß", MEMBER)]),
    ('a = "😀" + b', [("😀", STRING), ("b", VARIABLE)]),
    ("a =\n\tb", [("b", VARIABLE)]),
    ("a = b +\n\tc", [("b", VARIABLE), ("c", VARIABLE)]),
    # texts that are not finished
    ("pyroscope.wri\nb = 1", [("pyroscope", NAME), ("wri", NAME), ("b", KEY)]),
    ("a =\nb = 1", [("a", KEY), ("b", KEY), ("1", INTEGER)]),
    ("a = b.\nc = 1", [("b", VARIABLE), ("c", KEY), ("1", INTEGER)]),
    ("a {\n\tb = [c,\n}\nd = 1", [("c", VARIABLE), ("d", KEY)]),
    ("b = [c,\nd = 1", [("c", VARIABLE), ("d", KEY), ("1", INTEGER)]),
    ("a {\n\tb = c(\n}\nd = 1", [("c", FUNCTION), ("d", KEY)]),
    ('a = "b\nc = 1', [("b", STRING), ("c", KEY), ("1", INTEGER)]),
    # objects
    ('a = {b = 1, "c" = 2, `d` = 3}', [("b", FIELD), ("c", FIELD), ("d", FIELD)]),
    (r'a = {"\n\q" = 1}', [(r"\n", ESCAPE), (r"\q", BAD_ESCAPE)]),
    ("a = [{b = c}]", [("b", FIELD), ("c", VARIABLE)]),
    ("a = {b = c == d}", [("b", FIELD), ("c", VARIABLE), ("==", "keyword.operator.comparison.alloy")]),
    # strings
    ('a = "b"', [("b", STRING)]),
    ('a = "http://b"', [("http://b", STRING)]),
    *[
        (rf'a = "b{good}"', [(good, ESCAPE)])
        for good in (*[rf"\{letter}" for letter in 'abfnrtv\\"'], r"\101", r"\x41", r"\u00e9", r"\U0001F600")
    ],
    *[(rf'a = "{bad}"', [(bad, BAD_ESCAPE)]) for bad in (r"\q", r"\'", r"\.")],
    *[
        (rf'a = "{bad}x"', [(bad[:2], BAD_ESCAPE)])
        for bad in (r"\400", r"\x4", r"\u00e", r"\ud800", r"\U00110000", r"\U0000dfff")
    ],
    ("a = `b\\n\nc`\nd = 1", [("b\\n", RAW), ("c", RAW), ("d", KEY)]),
    # numbers and words
    *[(f"a = {number}", [(number, INTEGER)]) for number in ("0", "42", "007")],
    *[(f"a = {number}", [(number, FLOAT)]) for number in ("1.", "1.5", ".5", "1e3", "1.5E-3", "2e+1")],
    *[(f"a = [{word}]", [(word, "constant.language.boolean.alloy")]) for word in ("true", "false")],
    ("a = null", [("null", "constant.language.null.alloy")]),
    ("a = [truee, x.null]", [("truee", VARIABLE), ("null", MEMBER)]),
    # calls and operators
    ("a = b(1)", [("b", FUNCTION), ("1", INTEGER)]),
    ("a = b.c(1)", [("b", "entity.name.namespace.alloy"), ("c", FUNCTION)]),
    ("a = b[0].c(1)", [("b", VARIABLE), ("c", FUNCTION)]),
    *[(f"a = b {sign} c", [(sign, "keyword.operator.comparison.alloy")]) for sign in COMPARISONS],
    *[(f"a = b {sign} c", [(sign, "keyword.operator.arithmetic.alloy")]) for sign in "+-*/%^"],
    *[(f"a = b {sign} c", [(sign, "keyword.operator.logical.alloy")]) for sign in ("&&", "||")],
    ("a = !b", [("!", "keyword.operator.logical.alloy"), ("b", VARIABLE)]),
    # comments
    ("// b c\na = 1 // d\ne = 1", [("b c", COMMENT), ("d", COMMENT), ("e", KEY)]),
    ("/* b\n c */ a = 1", [("b", "comment.block.alloy"), ("a", KEY)]),
    ("// alloypy: ignore[ALY0903] why", [("alloypy:", DIRECTIVE), ("ignore", DIRECTIVE)]),
    ("// alloypy: ignore-file", [("ignore-file", DIRECTIVE)]),
    ("// alloypy: ignores", [("alloypy: ignores", COMMENT)]),
    # what the language does not have
    ("a = 'b'", [("'b'", "invalid.illegal.string.single.alloy")]),
    *[(f"a = b {sign} c", [(sign, "invalid.illegal.character.alloy")]) for sign in "#;:?~$@&|"],
]
"""Texts, and parts of them with their scope."""


@pytest.fixture(scope="module")
def parts(colourist: Colourist) -> dict[str, Coloured]:
    return {coloured.text: coloured for coloured in colourist.colour([text for text, _ in PARTS])}


@pytest.mark.parametrize(("text", "wanted"), PARTS, ids=[text for text, _ in PARTS])
def test_every_kind_of_token(text: str, wanted: list[tuple[str, str]], parts: dict[str, Coloured]) -> None:
    runs = parts[text].runs()
    for part, scope in wanted:
        given = [scopes for run, scopes in runs if run == part]
        assert any(scopes[-1].endswith(scope) for scopes in given), (part, runs)


def rules(node: Any) -> Iterator[dict[str, Any]]:
    """All rules of a grammar, however deep."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from rules(child)


class TestWithoutNode:
    """What holds of the grammar as data."""

    DATA = json.loads(GRAMMAR.read_text("utf-8"))

    def test_its_expressions_are_well_formed(self) -> None:
        written = [rule[key] for rule in rules(self.DATA) for key in ("match", "begin", "end") if key in rule]
        expressions = [text for text in written if isinstance(text, str)]
        assert len(expressions) > 30
        for text in expressions:  # Python lacks the classes of Unicode
            re.compile(text.replace(r"\p{L}", "A-Za-zÀ-￿").replace(r"\p{Nd}", "0-9"))

    def test_its_rules_exist_and_are_used(self) -> None:
        there = set(self.DATA["repository"])
        used = {rule["include"].removeprefix("#") for rule in rules(self.DATA) if "include" in rule}
        assert used == there

    def test_its_scopes_end_with_the_language(self) -> None:
        named = [rule["name"] for rule in rules(self.DATA["repository"]) if isinstance(rule.get("name"), str)]
        assert len(named) > 50
        assert [part for name in named for part in name.split() if not part.endswith(".alloy")] == []
