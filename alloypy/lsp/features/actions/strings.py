"""Turns quoted strings into raw ones and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alloypy.graph.references import inner_expressions
from alloypy.lang.evaluation.literals import string_value
from alloypy.lsp.features.actions.action import REWRITE, Action, Asked, text_edits
from alloypy.syntax.diagnostics import DiagnosticsError, Edit
from alloypy.syntax.letters import is_printable, quote
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block, Expression, Literal, Statement


def other_quotes(asked: Asked) -> Iterator[Action]:
    """The action for the string at the selection, if its value can be written in the other way.

    Unasked it is only offered for a string in double quotes that has a backslash.
    """
    section = asked.document.section_at(asked.start)
    literal = _string_at(section.file.body, asked.start - section.start, asked.stop - section.start)
    if literal is None or not _is_valid(literal.text):
        return
    raw = literal.text.startswith("`")
    if not (asked.invoked or asked.only or "\\" in literal.text) or (raw and not asked.invoked):
        return
    text = _quoted(literal.text) if raw else _raw(literal.text)
    if text is not None:
        start, stop = literal.start + section.start, literal.end + 1 + section.start
        title = "Write the string in double quotes" if raw else "Write the string in backquotes, as it is"
        yield Action(title, REWRITE, text_edits(asked.document.path, [Edit(start, stop, text)]))


def _is_valid(literal: str) -> bool:
    """Whether a string is one by the rules; in a broken text it may have an unknown escape, or no end."""
    try:
        parse_expression(Source("", literal.encode("utf-8", "surrogateescape")))
    except DiagnosticsError:
        return False
    return True


def _quoted(literal: str) -> str | None:
    text = quote(string_value(literal))
    return text if string_value(text) == string_value(literal) else None


def _raw(literal: str) -> str | None:
    """The literal with backquotes; None if its value cannot be written, or not be read, in that way."""
    value = string_value(literal)
    shown = all(is_printable(char) or char in "\n\t" for char in value)
    return f"`{value}`" if shown and "`" not in value else None


def _string_at(body: Sequence[Statement], start: int, stop: int) -> Literal | None:
    """The string that contains both offsets."""
    statements: Sequence[Statement] = body
    while True:
        found = next((each for each in statements if each.start <= start and stop <= each.end + 1), None)
        if not isinstance(found, Block):
            return _in_expression(found.value, start, stop) if found is not None else None
        statements = found.body


def _in_expression(value: Expression, start: int, stop: int) -> Literal | None:
    node: Expression | None = value
    while node is not None and not isinstance(node, Literal):
        parts = inner_expressions(node)
        node = next((each for each in parts if each.start <= start and stop <= each.end + 1), None)
    inside = node is not None and node.start <= start and stop <= node.end + 1
    return node if inside and isinstance(node, Literal) and node.kind == "STRING" and node.text else None
