"""Trees with holes: nothing untouched gets lost, and no text is too broken."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.graph.references import inner_expressions
from alloypy.syntax.dump import tree_answer
from alloypy.syntax.holes.parsing import parse_with_holes
from alloypy.syntax.lexer import scan
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source
from alloypy.syntax.tokens import Token
from alloypy.syntax.tree import Access, Block, Expression, Identifier, Literal, Object, Statement
from tests.support.alloy_texts import alloy_text
from tests.support.counts import repeated
from tests.support.watchdog import briefly

ROOT = Path(__file__).parents[2]
WORDS = (
    *"{}[](),=.+-*!^?'\"`@",
    "a",
    "b.c",
    '"x"',
    "true",
    "1",
    "&&",
    "==",
    "\n",
    "\n\t",
    "// c\n",
    "/* c */",
)

MOST_LOST = 3
"""The token that was cut, and the neighbours that have no meaning without it."""


def words(statements: list[Statement], depth: int = 0) -> Iterator[tuple[int, str]]:
    """Every name and literal with the number of blocks around it."""
    for each in statements:
        if isinstance(each, Block):
            yield depth, each.full_name
            yield from words(each.body, depth + 1)
        else:
            yield depth, each.name.name
            yield from ((depth, word) for word in words_of(each.value))


def words_of(expression: Expression) -> Iterator[str]:
    match expression:
        case Identifier():
            yield expression.name
        case Literal():
            yield expression.text
        case Access():
            yield expression.name.name
        case Object():
            yield from (field.name for field in expression.fields)
    for inner in inner_expressions(expression):
        yield from words_of(inner)


def valid_texts() -> list[bytes]:
    texts = [path.read_bytes() for path in sorted((ROOT / "examples").rglob("*.alloy"))]
    for line in (ROOT / "tests/golden/validate/loads.jsonl").read_text("utf-8").splitlines():
        texts += [text.encode() for text in json.loads(line)["files"].values() if isinstance(text, str)]
    return [text for text in texts if "ast" in tree_answer(Source("config.alloy", text))]


def tokens_of(text: bytes) -> list[Token]:
    return [
        each for each in scan(Source("config.alloy", text)).tokens if each.type not in {"TERMINATOR", "EOF"}
    ]


def test_a_token_that_is_cut_takes_nothing_else_along() -> None:
    cuts = lost = 0
    for text in valid_texts()[:: 100 // repeated(100)]:
        whole = Counter(words(parse_with_holes(Source("config.alloy", text)).body))
        for token in tokens_of(text):
            cut = Source("config.alloy", text[: token.start] + text[token.end :])
            cuts += 1
            lost += (whole - Counter(words(parse_with_holes(cut).body))).total() > MOST_LOST
    assert cuts > 300
    assert lost <= cuts // 200


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=40))
@briefly()
def test_any_words_have_a_tree(parts: list[str]) -> None:
    text = " ".join(parts).encode()
    assert_in_order(text)


@given(st.binary(max_size=60))
@briefly()
def test_any_bytes_have_a_tree(data: bytes) -> None:
    assert_in_order(data)


def assert_in_order(text: bytes) -> None:
    """The statements have the positions of the text."""
    previous = 0
    for each in parse_with_holes(Source("config.alloy", text)).body:
        assert previous <= each.start <= len(text)
        previous = each.start


def test_what_comes_before_the_end_stays() -> None:
    seeds = repeated(600)
    differ = 0
    for seed in range(seeds):
        random = Random(seed)
        text = format_source(Source("config.alloy", alloy_text(random).encode()))
        end = random.randint(0, len(text))
        line = text.rfind(b"\n", 0, end)
        whole = [each for each in parse_with_holes(Source("config.alloy", text)).body if each.end < line]
        cut = parse_with_holes(Source("config.alloy", text[:end])).body[: len(whole)]
        differ += [(each.start, each.end) for each in whole] != [(each.start, each.end) for each in cut]
    # A name that continues on another line after a dot looks like the next statement.
    assert differ <= seeds // 50
