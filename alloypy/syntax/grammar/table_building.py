"""Builds the parse tables: Lark reads the grammar, and detours are removed from its result.

An operand passes through one rule for each level of precedence, from `primary` to
`expression`, and most of these do nothing. In the tables such a chain is walked in advance:
the state after an operand does directly what the end of the chain would do with the terminal
ahead. The language stays the same, and parsing takes half the time.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from alloypy.partial_import import WHOLE
from alloypy.syntax.grammar.tables import GrammarRule, Tables, Terminal

_Action: TypeAlias = "tuple[Any, Any]"
_States: TypeAlias = "dict[int, dict[str, _Action]]"


_STARTS = re.compile(r"// Start symbols: (.+)")


def start_symbols(grammar: str) -> list[str]:
    """The start symbols that a comment of the grammar lists. Raises ValueError if none does."""
    found = _STARTS.search(grammar)
    if found is None:
        raise ValueError("the grammar has no comment such as `// Start symbols: file, expression`")
    return re.split(r",\s*", found[1].strip())


def build_tables(grammar: str, starts: list[str]) -> Tables:
    """The tables of a grammar in Lark's language, for the given start symbols."""
    with WHOLE:
        from lark import Lark
        from lark.parsers.lalr_analysis import Shift

    parser: Any = Lark(grammar, parser="lalr", lexer="basic", start=starts, strict=False)
    table = parser.parse_interactive(start=starts[0]).parser_state.parse_conf.parse_table
    states = _without_detours(table.states, Shift)
    order = _reachable(states, [table.start_states[name] for name in starts], Shift)
    numbers = {state: number for number, state in enumerate(order)}
    rules: dict[Any, int] = {}
    plain: list[dict[str, int]] = []
    for state in order:
        row: dict[str, int] = {}
        for symbol, (action, argument) in sorted(states[state].items(), key=_symbol):
            row[str(symbol)] = (
                numbers[argument] if action is Shift else ~rules.setdefault(argument, len(rules))
            )
        plain.append(row)
    return Tables(
        plain,
        [GrammarRule(str(rule.origin.name), len(rule.expansion), _function(rule)) for rule in rules],
        {name: numbers[table.start_states[name]] for name in starts},
        {name: numbers[table.end_states[name]] for name in starts},
        *_lexis(parser),
    )


def _lexis(parser: Any) -> tuple[list[Terminal], dict[tuple[str, str], str], frozenset[str]]:
    """The terminals that have patterns, the words among them, and what is ignored; as Lark's lexer has it."""
    order = sorted(
        parser.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name)
    )
    words: dict[tuple[str, str], str] = {}
    for wide in order:
        for word in order:
            if word.pattern.type == "str" != wide.pattern.type and word.priority == wide.priority:
                found = re.match(wide.pattern.to_regexp(), word.pattern.value)
                if found is not None and found.group() == word.pattern.value:
                    words[str(wide.name), str(word.pattern.value)] = str(word.name)
    terminals = [
        Terminal(str(t.name), t.pattern.to_regexp(), t.pattern.value if t.pattern.type == "str" else "")
        for t in order
    ]
    return terminals, words, frozenset(map(str, parser.ignore_tokens))


def _function(rule: Any) -> str:
    return str(rule.alias or rule.origin.name)


def _is_detour(rule: Any) -> bool:
    """Whether the rule only passes on its single part: `?a: b` without an alias."""
    return bool(len(rule.expansion) == 1 and rule.options.expand1 and not rule.alias)


def _without_detours(states: _States, shift: object) -> _States:
    """The states with a shortcut wherever a nonterminal just made leads into a chain of detours."""
    result = {state: dict(row) for state, row in states.items()}
    shortcuts: dict[tuple[tuple[str, _Action], ...], int] = {}
    for state, row in states.items():
        for symbol, (_, target) in row.items():
            if _is_terminal(symbol):
                continue
            ends = _ends_of_chains(states, state, target, shift)
            if ends != states[target]:
                key = tuple(sorted(ends.items(), key=_symbol))
                number = shortcuts.setdefault(key, len(states) + len(shortcuts))
                result[number] = ends
                result[state][symbol] = (shift, number)
    return result


def _ends_of_chains(states: _States, origin: int, target: int, shift: object) -> dict[str, _Action]:
    """The action that `target`, entered from `origin`, finally takes for each terminal ahead."""
    ends: dict[str, _Action] = {}
    for terminal, action in states[target].items():
        end: _Action | None = action
        while end is not None and end[0] is not shift and _is_detour(end[1]):
            _, passed = states[origin][end[1].origin.name]
            end = states[passed].get(terminal)
        if end is not None:  # otherwise the terminal is an error, which may as well be found here
            ends[terminal] = end
    return ends


def _reachable(states: _States, starts: list[int], shift: object) -> list[int]:
    """The states that can be reached, in order of discovery."""
    found = list(dict.fromkeys(starts))
    seen = set(found)
    for state in found:  # grows inside the loop
        for _, (action, argument) in sorted(states[state].items(), key=_symbol):
            if action is shift and argument not in seen:
                seen.add(argument)
                found.append(argument)
    return found


def _symbol(entry: tuple[str, _Action]) -> str:
    return entry[0]


def _is_terminal(symbol: str) -> bool:
    return symbol.isupper() or symbol.startswith("$")
