"""Lark's LALR(1) parser at work on prepared tables and tokens.

A parse is Lark's: the table, its state, and the last step, at the end of the text or at the first token that
cannot come. The steps before that, thousands for each file, are taken by a loop here, which does what Lark's
`feed_token` does in less time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

from alloypy.syntax.grammar.lark_core import Core, lalr_core
from alloypy.syntax.grammar.tables import GrammarRule, Tables
from alloypy.syntax.tokens import Token

_END = "$END"

_Make: TypeAlias = Callable[[list[Any]], Any]


class NotInGrammarError(Exception):
    """The tokens are not in the language of the grammar.

    token: the first one that cannot come where it is; None if the text ends too early.
    """

    def __init__(self, token: Token | None, expected: Callable[[], frozenset[str]]) -> None:
        super().__init__(token)
        self.token = token
        self._expected = expected

    def expected(self) -> frozenset[str]:
        """The names of the terminals that could have come instead; `$END` if the text could have ended."""
        return self._expected()


class Machine:
    """Parses by the tables; for each rule it calls the attribute of `builder` that the rule names."""

    def __init__(self, tables: Tables, builder: object) -> None:
        core = self._core = lalr_core()
        self._states = tables.states
        self._rules = [_Production(rule, getattr(builder, rule.function)) for rule in tables.rules]
        self._table = core.table(_RowsForLark(core, self._states, self._rules), tables.starts, tables.ends)
        self._functions = {rule: rule.function for rule in self._rules}

    def parse(self, tokens: Iterable[Token], start: str) -> Any:
        """The result of the start symbol's function for the tokens. Raises NotInGrammarError."""
        core = self._core
        state = core.state(core.conf(self._table, self._functions, start), None)
        wrong = self._advance(tokens, state.state_stack, state.value_stack)
        try:
            return state.feed_token(wrong or Token(_END, "", 0, 0), wrong is None)
        except core.unexpected:
            raise NotInGrammarError(wrong, partial(self._accepted, state, start)) from None

    def _advance(self, tokens: Iterable[Token], path: list[int], values: list[Any]) -> Token | None:
        """Move a parse over the tokens; returns the first one that cannot come, or None after the last.

        path, values: the stacks of its state: the states on the way here, and what was made on it.
        """
        states, rules = self._states, self._rules
        row = states[path[-1]]
        for token in tokens:
            symbol = token.type
            to = row.get(symbol)
            while to is not None and to < 0:
                rule = rules[~to]
                takes = rule.takes
                if takes == 1:
                    values[-1] = rule.function([values[-1]])
                    path[-1] = to = states[path[-2]][rule.makes]
                else:
                    start = len(values) - takes
                    made = rule.function(values[start:])
                    values[start:] = [made]
                    to = states[path[start]][rule.makes]
                    path[start + 1 :] = [to]
                row = states[to]
                to = row.get(symbol)
            if to is None:
                return token
            path.append(to)
            values.append(token)
            row = states[to]
        return None

    def _accepted(self, state: Any, start: str) -> frozenset[str]:
        """The terminals with which a parse could go on; it is tried on copies, which make nothing."""
        core = self._core
        conf = core.conf(self._table, {}, start)
        accepted = set()
        for symbol in self._states[state.position]:
            if symbol.isupper():
                copied = core.state(conf, None, list(state.state_stack), list(state.value_stack))
                try:
                    copied.feed_token(Token(symbol, "", 0, 0), symbol == _END)
                except core.unexpected:
                    continue
                accepted.add(symbol)
        return frozenset(accepted)


class _RowsForLark(dict[int, "dict[str, tuple[object, Any]]"]):
    """The states of a table as Lark reads them, each made when Lark first comes to it."""

    def __init__(self, core: Core, states: list[dict[str, int]], rules: list[_Production]) -> None:
        super().__init__()
        self._core = core
        self._states = states
        self._rules = rules

    def __missing__(self, state: int) -> dict[str, tuple[object, Any]]:
        shift, reduce, rules = self._core.shift, self._core.reduce, self._rules
        made = self[state] = {
            symbol: (shift, to) if to >= 0 else (reduce, rules[~to])
            for symbol, to in self._states[state].items()
        }
        return made


class _Symbol:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Production:
    """A rule of the grammar and its function; hashed by identity: Lark's own rules hash all their symbols.

    origin, expansion: what it makes and what it takes, as Lark reads it.
    """

    __slots__ = ("expansion", "function", "makes", "origin", "takes")

    def __init__(self, rule: GrammarRule, function: _Make) -> None:
        self.makes = rule.makes
        self.takes = rule.takes
        self.function = function
        self.origin = _Symbol(rule.makes)
        self.expansion = range(rule.takes)
