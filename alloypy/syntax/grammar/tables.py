"""Parse tables of the grammar as plain data that can be stored in a file.

The file records which Lark made the tables from which grammar, and is ignored by any other.
"""

from __future__ import annotations

import marshal
from typing import NamedTuple

_FORMAT = 1


class GrammarRule(NamedTuple):
    """A production: the nonterminal it makes, how many symbols it takes, the name of its function."""

    makes: str
    takes: int
    function: str


class Tables(NamedTuple):
    """A shift-reduce automaton.

    states: what to do in each state, by the terminal ahead or the nonterminal just made: the
    number of a state to go to, or the complement (`~`) of the number of a rule to reduce by.
    starts, ends: the first state and the accepting one, by the name of the start symbol.
    """

    states: list[dict[str, int]]
    rules: list[GrammarRule]
    starts: dict[str, int]
    ends: dict[str, int]


def to_bytes(tables: Tables, lark_version: str, grammar: str) -> bytes:
    """The content of a file with these tables."""
    rules = [tuple(rule) for rule in tables.rules]
    return marshal.dumps((_FORMAT, lark_version, grammar, tables.states, rules, tables.starts, tables.ends))


def from_bytes(content: bytes, lark_version: str, grammar: str) -> Tables | None:
    """The tables in a file's content; None if it is something else, or another Lark's or grammar's."""
    try:
        stored = marshal.loads(content)  # noqa: S302  # our own file, like the .pyc beside it
    except (EOFError, TypeError, ValueError):
        return None
    if not isinstance(stored, tuple) or stored[:3] != (_FORMAT, lark_version, grammar):
        return None
    _, _, _, states, rules, starts, ends = stored
    return Tables(states, [GrammarRule(*rule) for rule in rules], starts, ends)
