"""Lark's LALR(1) parser at work on prepared tables and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from alloypy.syntax.grammar.lark_core import lalr_core
from alloypy.syntax.grammar.tables import Tables
from alloypy.syntax.tokens import Token


class NotInGrammarError(Exception):
    """The tokens are not in the language of the grammar.

    token: the first one that cannot come where it is; None if the text ends too early.
    """

    def __init__(self, token: Token | None, expected: Callable[[], Iterable[str]]) -> None:
        super().__init__(token)
        self.token = token
        self._expected = expected

    def expected(self) -> frozenset[str]:
        """The names of the terminals that could have come instead; `$END` if the text could have ended."""
        return frozenset(self._expected())


class TokenFeed:
    """Lark's lexer: hands the parser tokens that have been made elsewhere.

    For Alloy's own language `alloypy.syntax.lexer` makes them: neither terminal patterns nor a postlex can
    see whether a comment hides a line end.
    """

    @staticmethod
    def _Token(type_: str, text: str) -> Token:  # noqa: N802  # Lark calls it to try what could come next
        return Token(type_, text, 0, 0)

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
        except self._unexpected as error:
            found: Any = error
            token = found.token if isinstance(found.token, Token) else None  # the end is Lark's own token
            raise NotInGrammarError(token, found.interactive_parser.accepts) from None


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
