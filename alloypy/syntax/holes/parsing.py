"""Parsing a text that is broken or being typed: whatever can be read, with its places."""

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
    """The tree of a text, with or without faults; for a valid file, the same as from `parse_file`.

    Where a value or a name is missing there is a hole (see `is_hole`). A name that begins a statement and has
    neither `=` nor `{` is a block without a body (see `is_unfinished`). A missing bracket is put, with no
    length, where it probably belongs. What cannot be read is left out. Takes time linear in the text, and
    raises nothing.
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

    Its range is the gap in the line; `end` comes before `start` if there is no gap.
    """
    return isinstance(expression, Identifier) and not expression.name


def is_unfinished(block: Block) -> bool:
    """Whether a block has no body: only a name, perhaps with a label, in the place of a statement."""
    return block.lcurly == block.end
