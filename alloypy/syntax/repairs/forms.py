"""Blocks written as attributes, and attributes written as blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import TypeAlias

from alloypy.syntax import codes
from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.repairs.brackets import opener_of
from alloypy.syntax.repairs.place import CLOSERS, ENDS, Place, Repair
from alloypy.syntax.tokens import CLOSER_OF, Token


class Form(Enum):
    """How something is written: `name { ... }` or `name = value`."""

    BLOCK = "block"
    ATTRIBUTE = "attribute"


FormOf: TypeAlias = Callable[[Sequence[str]], Form | None]
"""The form of the last name, inside blocks with the names before it; None if unknown."""


def unknown_form(names: Sequence[str]) -> None:
    """A `FormOf` for texts whose names are unknown."""


def forms(place: Place, form_of: FormOf) -> Iterator[Repair]:
    """Write the statement with the fault in the other form."""
    opener = opener_of(place)
    if opener < 1:
        return
    before = place.tokens[opener - 1]
    listed = place.code == codes.MISSING_COMMA and before.type == "ASSIGN"
    if listed and form_of(_names(place.tokens, opener)) is Form.BLOCK:
        name = place.tokens[opener - 2].text
        equals = Edit(before.start, place.tokens[opener].start, "")
        commas = (
            Edit(token.start, token.end, "") for token in _line_ends(place, opener) if token.text == ","
        )
        yield Repair(f"a block is written without `=`: `{name} {{ ... }}`", (equals, *commas))
    quoted = place.code == codes.EXPECTED_IDENTIFIER and place.token.type == "STRING"
    ended = place.code == codes.EXPECTED_TERMINATOR and place.token.type == "COMMA"
    if before.type == "IDENT" and (quoted or ended):
        form = form_of(_names(place.tokens, opener))
        if form is Form.ATTRIBUTE or (quoted and form is None):
            ends = (token for token in _line_ends(place, opener) if token.type in ENDS)
            edits = (Edit(before.end, before.end, " ="), *(Edit(each.end, each.end, ",") for each in ends))
            yield Repair(f"an object is written with `=`: `{before.text} = {{ ... }}`", edits)


def _line_ends(place: Place, opener: int) -> Iterator[Token]:
    """The last token of each line inside a bracket, except inside inner brackets."""
    depth = 0
    for number in range(opener + 1, len(place.tokens) - 1):
        token, after = place.tokens[number], place.tokens[number + 1]
        depth += (token.type in CLOSER_OF) - (token.type in CLOSERS)
        if depth < 0:
            return
        ends = after.type == "TERMINATOR" or b"\n" in place.data[token.end : after.start]
        if depth == 0 and token.type != "TERMINATOR" and ends:
            yield token


def _names(tokens: Sequence[Token], last: int) -> list[str]:
    """The names that the braces open at token number `last` belong to, outermost first."""
    names: list[str] = []
    for number in range(last + 1):
        if tokens[number].type in CLOSER_OF:
            names.append(_name(tokens, number))
        elif tokens[number].type in CLOSERS and names:
            names.pop()
    return names


def _name(tokens: Sequence[Token], opener: int) -> str:
    end = opener
    while end > 0 and tokens[end - 1].type in {"ASSIGN", "STRING"}:
        end -= 1
    start = end
    while start > 0 and tokens[start - 1].type in {"IDENT", "DOT"}:
        start -= 1
    return "".join(token.text for token in tokens[start:end])
