"""Brackets that are missing, surplus, on the wrong line, or after an `=` that a block must not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alloypy.syntax import codes
from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.repairs.layout import unclosed_block
from alloypy.syntax.repairs.place import CLOSERS, Place, Repair
from alloypy.syntax.tokens import CLOSER_OF

NO_EQUALS = "a block is written without `=`: `name { ... }`"


def braces(place: Place) -> Iterator[Repair]:
    """A block without `{`, or with it on the next line, or with `=` before it."""
    name = place.before()
    wanted = place.code in {codes.EXPECTED_BODY, codes.BAD_LABEL}
    if wanted and name is not None and place.token.type in {"TERMINATOR", "EOF", "IDENT", "RCURLY"}:
        hint = "a block's `{` goes on the line of its name"
        brace = re.compile(rb"\s*\{").match(place.data, name.end)
        if brace is not None:
            yield Repair(hint, (Edit(name.end, brace.end() - 1, " "),))
        yield Repair(hint, (Edit(name.end, name.end, " {"),))
    if place.code in {codes.DOTTED_ATTRIBUTE, codes.LABELED_ATTRIBUTE, codes.BLOCK_AS_EXPRESSION}:
        for first in (place.at, place.at - 1):
            at = first
            while at < len(place.tokens) and place.tokens[at].type in {"IDENT", "DOT", "STRING"}:
                at += 1
            equals, after = place.tokens[at], place.tokens[min(at + 1, len(place.tokens) - 1)]
            if equals.type == "ASSIGN" and after.type in {"LCURLY", "STRING", "IDENT"}:
                yield Repair(NO_EQUALS, (Edit(equals.start, after.start, ""),))
    if place.message.startswith("expected =, got"):  # a block in what looks like an object
        opener = opener_of(place)
        if opener > 0 and place.tokens[opener - 1].type == "ASSIGN":
            equals = place.tokens[opener - 1]
            yield Repair(NO_EQUALS, (Edit(equals.start, place.tokens[opener].start, ""),))


def openers(place: Place) -> Iterator[Repair]:
    """An opening bracket that is missing: `f"x")`, `a, b]`."""
    text, called = place.before(), place.before(2)
    misread = text is not None and text.type == "STRING" and place.message.startswith("expected {, got")
    if misread and text is not None and called is not None and called.type == "IDENT":
        yield Repair("`(` is missing", (Edit(text.start, text.start, "("),))
    if place.token.type == "RBRACK" and place.code == codes.EXPECTED_EXPRESSION:
        yield Repair("`[` is missing", (Edit(place.offset, place.offset, "["),))
    if place.code == codes.EXPECTED_TERMINATOR and place.token.type in {"COMMA", "RBRACK"}:
        equals = place.data.rfind(b"=", place.line[0], place.offset)
        if equals >= 0:
            at = equals + 1 + len(place.data[equals + 1 :]) - len(place.data[equals + 1 :].lstrip(b" \t"))
            yield Repair("`[` is missing", (Edit(at, at, "["),))


def brackets(place: Place) -> Iterator[Repair]:
    """One closing bracket too many or too few."""
    closer = CLOSERS.get(place.token.type)
    if closer is not None and place.code in {codes.EXPECTED_IDENTIFIER, codes.EXPECTED_TERMINATOR}:
        hint = f"nothing is open that `{closer}` could close"
        yield Repair(hint, (Edit(place.token.start, place.token.end, ""),))
    if place.token.type == "EOF":
        edit = unclosed_block(place.data, place.tokens)
        if edit is not None:
            line = place.data.count(b"\n", 0, edit.opener) + 1
            yield Repair(f"the `{{` of line {line} is not closed", (edit.edit,))
    wanted = _innermost(place)
    before = place.before()
    if wanted is not None and before is not None:
        hint = f"`{CLOSERS[wanted]}` is missing"
        yield Repair(hint, (Edit(before.end, before.end, CLOSERS[wanted]),))


def in_object(place: Place) -> bool:
    """Whether the innermost bracket open at the fault belongs to an object."""
    opener = opener_of(place)
    return opener > 0 and place.tokens[opener - 1].type in {"ASSIGN", "COMMA", "LBRACK", "LPAREN"}


def opener_of(place: Place) -> int:
    """The token number of the innermost bracket open at the fault; -1 if there is none."""
    depth = 0
    for number in range(place.at - 1, -1, -1):
        kind = place.tokens[number].type
        depth += (kind in CLOSERS) - (kind in CLOSER_OF)
        if depth < 0:
            return number
    return -1


def _innermost(place: Place) -> str | None:
    """The closer of the innermost bracket open at the fault."""
    stack: list[str] = []
    for token in place.tokens[: place.at]:
        if token.type in CLOSER_OF:
            stack.append(CLOSER_OF[token.type])
        elif stack and token.type == stack[-1]:
            stack.pop()
    return stack[-1] if stack else None
