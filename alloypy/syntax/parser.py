"""From tokens to the tree.

Lark's LALR parser reads valid files by grammar/alloy.lark and builds the tree as it goes.
On the first fault the tokens go to `alloypy.syntax.diagnoser`, which finds every fault of
the file and its words.

Source: docs/spec/SYNTAX.md, section 2.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.grammar.building import InvalidLabelError
from alloypy.syntax.grammar.grammar import alloy_parser
from alloypy.syntax.grammar.machine import NotInGrammarError
from alloypy.syntax.lexer import scan
from alloypy.syntax.nesting import check_nesting
from alloypy.syntax.source import Source
from alloypy.syntax.tokens import Token, TokenList
from alloypy.syntax.tree import Expression, File, Statement


def parse_file(source: Source) -> File:
    """The tree of a whole file.

    Raises `DiagnosticsError` with every fault of the file.
    """
    with collector_resting():
        scanned = scan(source)
        body = _parse(scanned, scanned.tokens[:-1], "file")
    return File(source, cast("list[Statement]", body), scanned.comments)


def parse_expression(source: Source) -> Expression:
    """The tree of a lone expression; text after the end of its line is not read.

    Raises `DiagnosticsError` with all of its faults.
    """
    with collector_resting():
        scanned = scan(source)
        return cast("Expression", _parse(scanned, _first_line(scanned), "lone_expression"))


def _first_line(scanned: TokenList) -> list[Token]:
    """The tokens up to and including the first terminator."""
    line: list[Token] = []
    for token in scanned.tokens[:-1]:
        line.append(token)
        if token.type == "TERMINATOR":
            break
    return line


def _parse(scanned: TokenList, tokens: list[Token], start: str) -> object:
    # The scanner reads to the end of the text; the parser reads only one token ahead.
    valid = all(error.before > len(tokens) for error in scanned.errors)
    tree = tree_of(scanned.source, tokens, start) if valid else None
    if isinstance(tree, Diagnostic):
        raise DiagnosticsError([tree])
    if tree is None:
        from alloypy.syntax.diagnoser import diagnose

        raise DiagnosticsError(diagnose(scanned, start))
    return tree


def tree_of(source: Source, tokens: list[Token], start: str) -> object:
    """The tree of the tokens; None if the grammar rejects them, a diagnostic if they nest too deeply."""
    try:
        tree: object = alloy_parser().parse(tokens, start)
    except (NotInGrammarError, InvalidLabelError):
        return None
    return check_nesting(source, tokens) or tree


@contextmanager
def collector_resting() -> Iterator[None]:
    """Turns the garbage collector off inside the `with`: a new tree has no cycles and no garbage."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
