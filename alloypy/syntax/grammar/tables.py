"""Parse tables of the grammar as plain data that can be stored in a file.

The file records which Lark made the tables from which grammar, and is ignored by any other.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_FORMAT = 2


class GrammarRule(NamedTuple):
    """A production: the nonterminal it makes, how many symbols it takes, the name of its function."""

    makes: str
    takes: int
    function: str


class Terminal(NamedTuple):
    """A terminal that the grammar itself defines.

    pattern: an expression for `re`. text: what it looks like, if it always looks the same, else empty.
    """

    name: str
    pattern: str
    text: str


class Tables(NamedTuple):
    """A shift-reduce automaton, and what its scanner needs if the grammar defines its terminals.

    states: what to do in each state, by the terminal ahead or the nonterminal just made: the
    number of a state to go to, or the complement (`~`) of the number of a rule to reduce by.
    starts, ends: the first state and the accepting one, by the name of the start symbol.
    terminals: those with a pattern, in the order in which they are tried.
    words: texts that are a terminal of their own wherever another terminal matches exactly them:
    (the other's name, the text) and the name.
    ignored: the names of terminals that the parser does not see.
    """

    states: list[dict[str, int]]
    rules: list[GrammarRule]
    starts: dict[str, int]
    ends: dict[str, int]
    terminals: Sequence[Terminal] = ()
    words: Mapping[tuple[str, str], str] = {}
    ignored: frozenset[str] = frozenset()


def to_bytes(tables: Tables, lark_version: str, grammar: str) -> bytes:
    """The content of a file with these tables."""
    rules = [tuple(rule) for rule in tables.rules]
    terminals = [tuple(terminal) for terminal in tables.terminals]
    lexis = terminals, dict(tables.words), tables.ignored
    parts = tables.states, rules, tables.starts, tables.ends, *lexis
    return marshal.dumps((_FORMAT, lark_version, grammar, *parts))


def from_bytes(content: bytes, lark_version: str, grammar: str) -> Tables | None:
    """The tables in a file's content; None if it is something else, or another Lark's or grammar's."""
    try:
        stored = marshal.loads(content)  # noqa: S302  # our own file, like the .pyc beside it
    except (EOFError, TypeError, ValueError):
        return None
    if not isinstance(stored, tuple) or stored[:3] != (_FORMAT, lark_version, grammar):
        return None
    _, _, _, states, rules, starts, ends, terminals, words, ignored = stored
    made = [GrammarRule(*rule) for rule in rules]
    return Tables(states, made, starts, ends, [Terminal(*each) for each in terminals], words, ignored)
