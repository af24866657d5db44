"""A lint rule: what it is called, what it explains, and how it finds what it reports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from alloypy.syntax.diagnostics import Diagnostic, Edit, Severity
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Node

if TYPE_CHECKING:
    from alloypy.check.lint.view import View

Check: TypeAlias = "Callable[[View], Iterator[Diagnostic]]"
"""Yields the findings in one module as written. It raises Undecided where only running can tell."""

_COMMENT = rb'"(?:[^"\\\n]|\\.)*"|`[^`]*`|(//[^\n]*|(?s:/\*.*?\*/))'
_SUPPRESSION = rb"[ \t]*//\s*alloypy:\s*ignore\b"


class Rule:
    """One rule.

    code: `ALY` and four digits; never changes its meaning.
    title: a few words; what is wrong, not what is right. explanation: sentences for people.
    wrong: a configuration in which the rule finds something, and which otherwise loads. right: the same
        one mended.
    program: for which program the examples load, as in `validate --for`.
    default: whether it belongs to the default selection: only if what it finds is certainly a fault when
        the configuration runs.
    check: finds it; None for findings that the check of the configuration makes itself.

    A rule is never wrong: what is not certain is not reported. It visits each part of a module a limited
    number of times. A fix keeps everything that the configuration does, apart from the fault, and all
    comments but those inside a statement that it removes; where a person has to decide, there is only a hint.
    """

    __slots__ = ("check", "code", "default", "explanation", "program", "right", "title", "wrong")

    def __init__(
        self,
        code: str,
        title: str,
        explanation: str,
        *,
        wrong: str,
        right: str,
        program: str = "alloy",
        default: bool = False,
        check: Check | None = None,
    ) -> None:
        self.code = code
        self.title = title
        self.explanation = explanation
        self.wrong = wrong
        self.right = right
        self.program = program
        self.default = default
        self.check = check


def finding(span: Span, message: str, hint: str = "", fix: tuple[Edit, ...] = ()) -> Diagnostic:
    """What a rule reports; the runner adds the rule's code. A fix that would lose a comment is left out."""
    made = () if any(_loses_comment(each, span.source) for each in fix) else fix
    return Diagnostic(span, message, severity=Severity.WARNING, hint=hint, fix=made)


def removal(span: Span, message: str, hint: str, node: Node) -> Diagnostic:
    """What a rule reports about a statement, block or attribute, that its fix removes."""
    fix = (removing(node, span.source),)
    return Diagnostic(span, message, severity=Severity.WARNING, hint=hint, fix=fix)


def replacing(node: Node, text: str) -> Edit:
    """The change that replaces a node's text."""
    return Edit(node.start, node.end + 1, text)


def removing(node: Node, source: Source) -> Edit:
    """The change that removes a statement, and its lines if they hold nothing else.

    Comments inside the statement go with it, and so does a comment at its end that suppresses findings. All
    others stay: those above it, and those on its lines.
    """
    data, start, end = source.data, node.start, node.end + 1
    first = data.rfind(b"\n", 0, start) + 1
    newline = data.find(b"\n", end)
    last = len(data) if newline < 0 else newline
    before, rest = data[first:start], data[end:last]
    if re.match(_SUPPRESSION, rest):
        end, rest = last, b""
    if not before.strip() and not rest.strip():
        return Edit(first, min(last + 1, len(data)), "")
    if not rest.strip():
        return Edit(first + len(before.rstrip()), end, "")
    blanks = len(rest) - len(rest.lstrip(b" \t"))
    return Edit(start, end + (blanks if before[-1:] in b" \t" else 0), "")


def _loses_comment(edit: Edit, source: Source) -> bool:
    old = source.data[edit.start : edit.end]
    return b"/" in old and _comments(old) > _comments(edit.text.encode("utf-8", "surrogateescape"))


def _comments(text: bytes) -> int:
    return sum(found[1] is not None for found in re.finditer(_COMMENT, text))


def text_of(node: Node, source: Source) -> str:
    """A node's text as written."""
    return source.data[node.start : node.end + 1].decode("utf-8", "surrogateescape")
