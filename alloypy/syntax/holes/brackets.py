"""Makes unmatched brackets match, judging by their kinds and by the indentation of the lines.

A bracket that was never closed is closed where a line returns to the indentation of the line that opened it.
A bracket that was never opened is left out, or opened where the indentation begins.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from alloypy.syntax.tokens import CLOSER_OF, Token

_OPENER_OF = {closer: opener for opener, closer in CLOSER_OF.items()}
_TAB = 8
_MOST_LOOKED_AT = 100


def virtual(type_: str, at: int) -> Token:
    """A token that is not in the text: it has a place, but no text and no length."""
    return Token(type_, "", at, at)


def balanced(tokens: list[Token], data: bytes) -> list[Token]:
    """The tokens with all brackets paired: some inserted, with no length, and some left out."""
    begin = _first_doubt(tokens)
    if begin is None:
        return tokens
    return tokens[:begin] + _Matching(tokens[begin:], data).tokens()


def _first_doubt(tokens: list[Token]) -> int | None:
    """The first token of the statement from which on brackets may be wrongly paired; None if all is well."""
    opened: list[str] = []
    statement = 0
    for number, token in enumerate(tokens):
        if token.type in CLOSER_OF:
            opened.append(CLOSER_OF[token.type])
        elif token.type in _OPENER_OF:
            if not opened:
                return 0  # an opening bracket missing before it may have ended any earlier pair
            if opened.pop() != token.type:
                return statement
        elif token.type == "TERMINATOR" and not opened:
            statement = number + 1
    return statement if opened else None


class _Open(NamedTuple):
    """A bracket that is still open.

    closer: the type of the token that closes it. line: the line that opens it. column: its indentation.
    """

    closer: str
    column: int
    line: int


class _Matching:
    """Goes through the tokens once; `_kept` is the result."""

    def __init__(self, tokens: list[Token], data: bytes) -> None:
        self._tokens = tokens
        self._data = data
        self._open: list[_Open] = []
        self._kept: list[Token] = []
        self._column = 0
        self._line = 0
        self._line_start = 0
        self._end = 0
        types = [token.type for token in tokens]
        counts = {closer: types.count(opener) - types.count(closer) for opener, closer in CLOSER_OF.items()}
        swapped = not any(counts.values())
        self._unopened = {closer for closer, count in counts.items() if swapped or count < 0}
        indented = b"\n\t" in data or b"\n " in data
        self._unclosed = indented and (swapped or any(count > 0 for count in counts.values()))

    def tokens(self) -> list[Token]:
        """The tokens with all brackets paired."""
        for index, token in enumerate(self._tokens):
            if token.type == "TERMINATOR":
                self._kept.append(token)
                continue
            first = self._begin_line(token)
            if token.type in _OPENER_OF:
                self._close(token, first=first)
            else:
                if first:
                    self._leave_indentation(token)
                    self._enter_indentation(index)
                if token.type in CLOSER_OF:
                    self._open.append(_Open(CLOSER_OF[token.type], self._column, self._line))
                self._kept.append(token)
            self._end = token.end
        self._close_down_to(0)
        return self._kept

    def _begin_line(self, token: Token) -> bool:
        """Whether the token is the first of its line; if so, its column is the line's indentation."""
        breaks = self._data.count(b"\n", self._end, token.start)
        if not breaks and self._end:
            return False
        self._line += breaks
        self._line_start = self._data.rfind(b"\n", 0, token.start) + 1
        self._column = self._indentation(token)
        return True

    def _indentation(self, token: Token) -> int:
        """The indentation of a token's line."""
        line = self._data[self._data.rfind(b"\n", 0, token.start) + 1 : token.start]
        return len(line[: len(line) - len(line.lstrip())].expandtabs(_TAB))

    # Closing

    def _close(self, token: Token, *, first: bool) -> None:
        if first and self._unclosed:
            while self._open and self._open[-1].column > self._column:
                self._close_down_to(len(self._open) - 1)
        depth = self._partner(token.type, first=first)
        if depth is None:
            self._open_in_line(token)
            return
        self._close_down_to(depth + 1)
        self._open.pop()
        self._kept.append(token)

    def _partner(self, closer: str, *, first: bool) -> int | None:
        """The index of the open bracket that a closer ends; None if it ends none."""
        sure = closer not in self._unopened
        for depth in range(len(self._open) - 1, max(-1, len(self._open) - _MOST_LOOKED_AT), -1):
            candidate = self._open[depth]
            if not sure and (candidate.column < self._column if first else candidate.line < self._line):
                return None
            if candidate.closer == closer:
                return depth
        return None

    def _close_down_to(self, depth: int) -> None:
        while len(self._open) > depth:
            closer = self._open.pop().closer
            self._kept.append(virtual(closer, self._end))

    def _leave_indentation(self, token: Token) -> None:
        """Close the brackets whose indentation ends with this line."""
        while self._unclosed and self._open and self._open[-1].line != self._line:
            column = self._open[-1].column
            if column < self._column or (column == self._column and token.type == "COMMA"):
                return
            self._close_down_to(len(self._open) - 1)

    # Opening

    def _enter_indentation(self, index: int) -> None:
        """Open the missing bracket of a block or value when indented lines follow its beginning."""
        before = next((token for token in reversed(self._kept) if token.type != "TERMINATOR"), None)
        if before is None or not self._unopened:
            return
        column = self._indentation(before)
        opener = ""
        if self._column <= column:
            return
        if before.type == "ASSIGN":
            field = index + 1 < len(self._tokens) and self._tokens[index + 1].type == "ASSIGN"
            opener = "LCURLY" if field else "LBRACK"
        elif self._kept[-1].type == "TERMINATOR" and self._is_head():
            opener = "LCURLY"
        if opener and CLOSER_OF[opener] in self._unopened:
            while self._kept[-1].type == "TERMINATOR":
                self._kept.pop()
            self._kept.append(virtual(opener, self._end))
            self._open.append(_Open(CLOSER_OF[opener], column, self._line - 1))

    def _is_head(self) -> bool:
        """Whether the last kept line is the name of a block, with or without a label."""
        kept = [token for token in self._kept[-_MOST_LOOKED_AT:] if token.type != "TERMINATOR"]
        if kept and kept[-1].type == "STRING":
            kept.pop()
        wanted = "IDENT"
        while kept and kept[-1].type == wanted:
            start = kept.pop().start
            if wanted == "IDENT" and not self._data[self._data.rfind(b"\n", 0, start) + 1 : start].strip():
                return True
            wanted = "DOT" if wanted == "IDENT" else "IDENT"
        return False

    def _open_in_line(self, closer: Token) -> None:
        """Insert the opener of `closer` in this line if its place is clear; else leave `closer` out."""
        begin = self._beginning(closer)
        if begin and self._kept[begin - 1].start >= self._line_start:
            opener = _OPENER_OF[closer.type]
            at = self._kept[begin].start if begin < len(self._kept) else self._end
            self._kept[begin:] = [virtual(opener, at), *self._kept[begin:], closer]

    def _beginning(self, closer: Token) -> int | None:
        """The index of the kept token before which a bracket is probably missing."""
        part: list[int] = []  # the tokens since the last comma, last first
        found = None
        depth = 0
        for number in range(len(self._kept) - 1, max(-1, len(self._kept) - _MOST_LOOKED_AT), -1):
            token = self._kept[number]
            if token.start < self._line_start:
                break
            depth += (token.type in _OPENER_OF) - (token.type in CLOSER_OF)
            if depth < 0:
                break
            if depth == 0 and token.type == "COMMA" and closer.type == "RCURLY":
                start = self._first_field(part)
                if start is None:
                    return found
                found, part = start, []
            elif depth == 0:
                part.append(number)
        if closer.type == "RCURLY":
            start = self._first_field(part)
            if start is None and found is None and part and self._is_head():
                return len(self._kept)
            return found if start is None else start
        assign = next((number for number in part if self._kept[number].type == "ASSIGN"), None)
        return None if assign is None or closer.type == "RPAREN" else assign + 1

    def _first_field(self, part: list[int]) -> int | None:
        """Where the last `name =` in a part of a line begins; None if there is none."""
        for number, before in pairwise(part):
            if self._kept[number].type == "ASSIGN" and self._kept[before].type in {"IDENT", "STRING"}:
                return before
        return None
