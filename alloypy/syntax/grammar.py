"""The parser Lark makes of grammar/alloy.lark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from lark import Lark
from lark.lexer import Lexer

from alloypy.syntax.building import TreeBuilder
from alloypy.syntax.tokens import Token

_START = ["file", "lone_expression"]


class TokenFeed(Lexer):
    """Lark's lexer for Alloy: hands the parser the tokens that `alloypy.syntax.lexer` made.

    Neither terminal patterns nor a postlex can see whether a comment hides a line end.
    """

    def __init__(self, lexer_conf: Any) -> None:
        """Needs no configuration: the grammar only declares its terminals."""

    def lex(self, tokens: Iterable[Token]) -> Iterator[Token]:  # type: ignore[override]
        """The tokens as they are."""
        return iter(tokens)


@lru_cache(maxsize=1)
def lark_parser() -> Lark:
    """The parser of files and lone expressions."""
    return Lark(_grammar_text(), parser="lalr", lexer=TokenFeed, start=_START, transformer=TreeBuilder)


def _grammar_text() -> str:
    packaged = Path(__file__).parent.parent / "_grammar" / "alloy.lark"
    checkout = Path(__file__).parent.parent.parent / "grammar" / "alloy.lark"
    return (packaged if packaged.exists() else checkout).read_text(encoding="utf-8")
