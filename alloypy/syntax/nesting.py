"""How deeply a file may nest.

Nearly all code reads trees by recursion, so the depth that the parser accepts decides
whether anything later can run out of stack.
"""

from __future__ import annotations

import sys

from alloypy.syntax import codes
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tokens import OPERATORS, Token

# Brackets, braces and parentheses open at the same time.
MAX_NESTING = 1_000
# Nodes on the way from the file to a leaf; each operator in a row makes one.
MAX_DEPTH = 10_000
# A tree no deeper than this can be read within the interpreter's usual limit.
SHALLOW = 100
# Calls of Python functions live on the heap, so this many are no danger to the stack.
_FRAMES = 4 * MAX_DEPTH

# How a token changes the depth; tokens that do not are not listed.
_OPENS, _CLOSES, _RESETS, _ADDS = range(4)
_EFFECTS = dict.fromkeys(OPERATORS.values(), _ADDS)
_EFFECTS |= dict.fromkeys(("LCURLY", "LBRACK", "LPAREN"), _OPENS)
_EFFECTS |= dict.fromkeys(("RCURLY", "RBRACK", "RPAREN"), _CLOSES)
_EFFECTS |= dict.fromkeys(("COMMA", "ASSIGN", "TERMINATOR"), _RESETS)


def allow_recursion() -> None:
    """Raises the interpreter's recursion limit to what reading a tree of the greatest depth takes."""
    if sys.getrecursionlimit() < _FRAMES:
        sys.setrecursionlimit(_FRAMES)


def check_nesting(source: Source, tokens: list[Token]) -> Diagnostic | None:
    """The diagnostic where valid tokens nest too deeply; None if recursion can read their tree."""
    if len(tokens) <= SHALLOW:
        return None
    deepest = SHALLOW
    depth = 0  # upper bound of the tree's depth here
    row = 0  # operators so far in this expression
    rows: list[int] = []
    effect_of = _EFFECTS.get
    for token in tokens:
        effect = effect_of(token.type)
        if effect is None:
            continue
        if effect == _RESETS:
            depth -= row
            row = 0
        elif effect == _OPENS:
            rows.append(row)
            row = 0
            depth += 1
            if len(rows) > MAX_NESTING:
                return too_deep(source, token.start)
        elif effect == _CLOSES:
            # The bracket pair remains one node in its row, as in `a[0][0]`.
            depth -= row
            row = rows.pop() + 1
        else:
            row += 1
            depth += 1
        if depth > deepest:
            if depth > MAX_DEPTH:
                return too_long(source, token.start)
            deepest = depth
    if deepest > SHALLOW:
        allow_recursion()
    return None


def too_deep(source: Source, offset: int) -> Diagnostic:
    """The diagnostic for the bracket at `offset`, one too many."""
    message = f"nesting is deeper than {MAX_NESTING} levels"
    return Diagnostic(Span(source, offset), message, codes.TOO_DEEP)


def too_long(source: Source, offset: int) -> Diagnostic:
    """The diagnostic for the operator at `offset`, one too many."""
    message = f"expression has more than {MAX_DEPTH} operators in a row"
    return Diagnostic(Span(source, offset), message, codes.TOO_DEEP)
