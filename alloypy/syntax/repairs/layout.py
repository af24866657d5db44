"""Where brackets and statements belong, judging by the layout of a text that cannot be parsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.tokens import Token

_OPEN = frozenset({"LCURLY", "LBRACK", "LPAREN"})
_CLOSE = frozenset({"RCURLY", "RBRACK", "RPAREN"})
_ENDS = frozenset({"STRING", "IDENT", "NUMBER", "FLOAT", "BOOL", "NULL"}) | _CLOSE


def split_block(data: bytes, tokens: Sequence[Token], at: int) -> tuple[Edit, ...]:
    """Changes that put each statement of a one-line block on its own line.

    The block is the one around token number `at`; empty if that is not in a one-line block.
    """
    first, last = _block_around(tokens, at)
    if first is None or last is None or b"\n" in data[tokens[first].start : tokens[last].start]:
        return ()
    edits = [Edit(tokens[first].end, tokens[first].end, "\n")]
    depth, joined = 0, False
    for number in range(first + 1, last):
        token, after = tokens[number], tokens[number + 1]
        depth += (token.type in _OPEN) - (token.type in _CLOSE)
        separator = depth == 0 and (token.type == "COMMA" or token.text == ";")
        begins = depth == 0 and token.type in _ENDS and after.type == "IDENT" and not joined
        joined = token.type == "IDENT" and after.type != "ASSIGN" and begins
        if separator:
            edits.append(Edit(token.start, token.end, "\n"))
        elif begins and tokens[min(number + 2, last)].type in {"ASSIGN", "LCURLY", "STRING", "DOT"}:
            edits.append(Edit(token.end, token.end, "\n"))
    return (*edits, Edit(tokens[last].start, tokens[last].start, "\n"))


def _block_around(tokens: Sequence[Token], at: int) -> tuple[int | None, int | None]:
    """The numbers of the `{` and `}` around a token."""
    depth, first = 0, None
    for number in range(at - 1, -1, -1):
        kind = tokens[number].type
        depth += (kind in _CLOSE) - (kind in _OPEN)
        if depth < 0:
            first = number if kind == "LCURLY" else None
            break
    depth = 0
    for number in range(at, len(tokens)):
        kind = tokens[number].type
        depth += (kind in _OPEN) - (kind in _CLOSE)
        if depth < 0:
            return first, number if kind == "RCURLY" else None
    return first, None


class Unclosed(NamedTuple):
    """A block without its `}`. opener: where its `{` is. edit: puts one in, by the indentation."""

    opener: int
    edit: Edit


def unclosed_block(data: bytes, tokens: Sequence[Token]) -> Unclosed | None:
    """The block without a `}`, judging by the indentation of what follows it."""
    stack: list[Token] = []
    previous: Token | None = None
    for token in tokens:
        begin = data.rfind(b"\n", 0, token.start) + 1
        leads = not data[begin : token.start].strip()
        if token.type == "TERMINATOR":
            continue
        if stack and previous is not None and leads and token.type in {"IDENT", "RCURLY"}:
            inner = _indent(data, stack[-1])
            deeper = len(data[begin : token.start]) > len(inner)
            own = token.type == "RCURLY" and len(data[begin : token.start]) == len(inner)
            if not deeper and not own:
                return _closed(stack[-1], previous, inner)
        if token.type == "LCURLY":
            stack.append(token)
        elif token.type == "RCURLY" and stack:
            stack.pop()
        if token.type != "EOF":
            previous = token
    return _closed(stack[-1], previous, _indent(data, stack[-1])) if stack and previous is not None else None


def _indent(data: bytes, token: Token) -> bytes:
    """The blanks at the beginning of a token's line."""
    line = data[data.rfind(b"\n", 0, token.start) + 1 : token.start]
    return line[: len(line) - len(line.lstrip())]


def _closed(opener: Token, last: Token, indent: bytes) -> Unclosed:
    return Unclosed(opener.start, Edit(last.end, last.end, f"\n{indent.decode()}}}"))
