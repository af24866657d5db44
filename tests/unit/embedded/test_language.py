"""A language with a grammar and a scanner of its own: words, ignored text, messages and places."""

from __future__ import annotations

import pytest

from alloypy.embedded import language
from alloypy.embedded.language import Language
from alloypy.lang.text_error import TextError
from alloypy.syntax.grammar.table_building import build_tables, start_symbols
from alloypy.syntax.grammar.tables import from_bytes, to_bytes

GRAMMAR = r"""
// Start symbols: sum, name
sum: atom                -> one
    | sum ("+" | "-") atom -> more
atom: NUMBER -> number
    | "(" sum ")" -> inner
    | "twice" atom -> double
name: WORD -> word
WORD: /[a-z]+/
NUMBER: /[0-9]+/
COMMENT: /#[^\n]*/
%ignore /\s+/
%ignore COMMENT
"""


class Adder:
    one = staticmethod(lambda items: items[0])
    more = staticmethod(lambda items: items[0] + items[2] * (1 if items[1].text == "+" else -1))
    number = staticmethod(lambda items: int(items[0].text))
    inner = staticmethod(lambda items: items[1])
    double = staticmethod(lambda items: 2 * items[1])
    word = staticmethod(lambda items: items[0].text)


@pytest.fixture
def adding(monkeypatch: pytest.MonkeyPatch) -> Language:
    built = build_tables(GRAMMAR, start_symbols(GRAMMAR))
    tables = from_bytes(to_bytes(built, "1", GRAMMAR), "1", GRAMMAR)
    assert tables == built
    monkeypatch.setattr(language, "load_tables", lambda _: tables)
    return Language("adding", Adder, {"NUMBER": "a number", "WORD": "a name"})


def test_a_text_becomes_what_the_builder_makes(adding: Language) -> None:
    assert adding.parse("1 + twice (2 - 5) # a remark\n+ 40", "sum") == 35
    assert adding.parse("twicer", "name") == "twicer"


@pytest.mark.parametrize(
    ("text", "start", "message", "place"),
    [
        ("1 + ", "sum", "syntax error: unexpected end, expected `(`, `twice` or a number", (4, 4)),
        ("1 2", "sum", "syntax error: unexpected `2`, expected `+`, `-` or the end", (2, 3)),
        ("(1 twice", "sum", "syntax error: unexpected `twice`, expected `)`, `+` or `-`", (3, 8)),
        ("1 + \u00e9", "sum", "syntax error: unexpected character `\u00e9`", (4, 5)),
        ("twice", "name", "syntax error: unexpected `twice`, expected a name", (0, 5)),
        ("", "name", "syntax error: unexpected end, expected a name", (0, 0)),
    ],
)
def test_the_first_fault_has_a_place_and_says_what_was_expected(
    adding: Language, text: str, start: str, message: str, place: tuple[int, int]
) -> None:
    with pytest.raises(TextError) as caught:
        adding.parse(text, start)
    assert str(caught.value) == message
    assert (caught.value.start, caught.value.end) == place


def test_a_grammar_names_its_start_symbols() -> None:
    with pytest.raises(ValueError, match="Start symbols"):
        start_symbols("sum: NUMBER")
