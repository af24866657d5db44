"""A syntax fault with the text around it, and a change that may mend it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.tokens import CLOSER_OF, LITERALS, SPELLING, Token, TokenList

CLOSERS = {closer: SPELLING[closer] for closer in CLOSER_OF.values()}
VALUES = LITERALS | {"IDENT"}
STARTS = VALUES | {"LCURLY", "LBRACK"}
ENDS = VALUES | set(CLOSERS)


class Repair(NamedTuple):
    """A change that may mend a fault. hint: what it does, in words."""

    hint: str
    edits: tuple[Edit, ...]


class Place:
    """A fault and the text around it.

    token: the first token at or after the fault; at: its number. line: the offsets at which the fault's line
    begins and ends, without its line end.
    """

    def __init__(self, scanned: TokenList, starts: list[int], fault: Diagnostic, offset: int) -> None:
        self.data = scanned.source.data
        self.tokens = scanned.tokens
        self.message = fault.message
        self.code = fault.code
        self.offset = offset
        self.at = min(bisect_left(starts, self.offset), len(starts) - 1)
        self.token = self.tokens[self.at]
        begin = self.data.rfind(b"\n", 0, self.offset) + 1
        end = self.data.find(b"\n", self.offset)
        self.line = (begin, len(self.data[: end if end >= 0 else len(self.data)].rstrip(b" \t\r")))

    def before(self, count: int = 1) -> Token | None:
        """The token `count` places before the fault's."""
        return self.tokens[self.at - count] if self.at >= count else None

    def same_line(self) -> Iterator[Token]:
        """The tokens of the line from the fault on."""
        for token in self.tokens[self.at :]:
            if token.start >= self.line[1]:
                return
            yield token

    def byte(self, offset: int = 0) -> bytes:
        """The byte `offset` places after the fault; empty past the end."""
        return self.data[self.offset + offset : self.offset + offset + 1]
