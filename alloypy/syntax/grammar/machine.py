"""Lark's LALR(1) parser at work on prepared tables and tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from alloypy.syntax.grammar.lark_core import lalr_core
from alloypy.syntax.grammar.tables import Tables
from alloypy.syntax.tokens import Token


class NotInGrammarError(Exception):
    """The tokens are not in the language of the grammar."""


class TokenFeed:
    """Lark's lexer for Alloy: hands the parser the tokens that `alloypy.syntax.lexer` made.

    Neither terminal patterns nor a postlex can see whether a comment hides a line end.
    """

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = tokens

    def lex(self, parser_state: object) -> Iterator[Token]:
        """The tokens as they are, whatever the parser's state."""
        del parser_state
        return iter(self._tokens)


class Machine:
    """Parses by the tables; for each rule it calls the attribute of `builder` that the rule names."""

    def __init__(self, tables: Tables, builder: object) -> None:
        core = lalr_core()
        rules = [_Production(_Symbol(rule.makes), range(rule.takes)) for rule in tables.rules]
        going = [(core.shift, state) for state in range(len(tables.states))]
        reducing = [(core.reduce, rule) for rule in rules]
        states = [
            {symbol: going[to] if to >= 0 else reducing[~to] for symbol, to in row.items()}
            for row in tables.states
        ]
        functions = [getattr(builder, rule.function) for rule in tables.rules]
        table = core.table(states, tables.starts, tables.ends)
        self._parser = core.parser(table, dict(zip(rules, functions, strict=True)))
        self._unexpected = core.unexpected

    def parse(self, tokens: Iterable[Token], start: str) -> Any:
        """The result of the start symbol's function for the tokens. Raises NotInGrammarError."""
        try:
            return self._parser.parse(TokenFeed(tokens), start)
        except self._unexpected:
            raise NotInGrammarError from None


class _Symbol:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Production:
    """A rule as Lark's parser uses it; hashed by identity, while Lark's own rules hash all their symbols."""

    __slots__ = ("expansion", "origin")

    def __init__(self, origin: _Symbol, expansion: range) -> None:
        self.origin = origin
        self.expansion = expansion
