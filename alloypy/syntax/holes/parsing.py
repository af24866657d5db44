"""Parsing what is being typed, or is broken: what can be read of it, with its places."""

from __future__ import annotations

from typing import cast

from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.grammar.grammar import alloy_parser
from alloypy.syntax.holes.mending import mended
from alloypy.syntax.lexer import scan
from alloypy.syntax.parser import collector_resting, tree_of
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block, Expression, File, Identifier, Statement


def parse_with_holes(source: Source) -> File:
    """The tree of a text, faults or not; that of a valid file is the one that `parse_file` makes.

    Where a value or a name is missing there is a hole, see `is_hole`. What begins a statement and has
    neither `=` nor `{` is a block without a body, see `is_unfinished`. A bracket that is missing stands,
    with no length, where it is likely to belong. What cannot be read is left out. Takes time in
    proportion to the text, and raises nothing.
    """
    with collector_resting():
        scanned = scan(source)
        tokens = scanned.tokens[:-1]
        body = None if scanned.errors else tree_of(source, tokens, "file")
        if body is None or isinstance(body, Diagnostic):
            body = alloy_parser().parse(mended(scanned), "file")
    return File(source, cast("list[Statement]", body), scanned.comments)


def is_hole(expression: Expression) -> bool:
    """Whether an expression, or the name after a dot, is missing.

    Its range is the gap in the line; `end` comes before `start` where there is no gap.
    """
    return isinstance(expression, Identifier) and not expression.name


def is_unfinished(block: Block) -> bool:
    """Whether a block has no body: it is a name, perhaps with a label, where a statement is to be."""
    return block.lcurly == block.end
