"""A lint rule: what it is called, what it explains, and how it finds what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from alloypy.syntax.diagnostics import Diagnostic, Edit, Severity
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Node

if TYPE_CHECKING:
    from alloypy.check.lint.view import View

Check: TypeAlias = "Callable[[View], Iterator[Diagnostic]]"
"""Yields the findings in one module as written. It raises Undecided where only running can tell."""


class Rule:
    """One rule.

    code: `ALY` and four digits; never changes its meaning.
    title: a few words; what is wrong, not what is right. explanation: sentences for people.
    wrong: a configuration in which the rule finds something, and which otherwise loads. right: the same
        one mended.
    default: whether it belongs to the default selection: only if what it finds is certainly a fault when
        the configuration runs.
    check: finds it; None for findings that the check of the configuration makes itself.

    A rule is never wrong: what is not certain is not reported. It visits each part of a module a limited
    number of times. A fix keeps everything that the configuration does, apart from the fault; where a
    person has to decide, there is only a hint.
    """

    __slots__ = ("check", "code", "default", "explanation", "right", "title", "wrong")

    def __init__(
        self,
        code: str,
        title: str,
        explanation: str,
        *,
        wrong: str,
        right: str,
        default: bool = False,
        check: Check | None = None,
    ) -> None:
        self.code = code
        self.title = title
        self.explanation = explanation
        self.wrong = wrong
        self.right = right
        self.default = default
        self.check = check


def finding(span: Span, message: str, hint: str = "", fix: tuple[Edit, ...] = ()) -> Diagnostic:
    """What a rule reports; the runner adds the rule's code."""
    return Diagnostic(span, message, severity=Severity.WARNING, hint=hint, fix=fix)


def replacing(node: Node, text: str) -> Edit:
    """The change that replaces a node's text."""
    return Edit(node.start, node.end + 1, text)


def removing(node: Node, source: Source) -> Edit:
    """The change that removes a statement, with the rest of its lines if they hold nothing but a comment.

    A comment at the end of its last line goes with it; comments above it stay.
    """
    data, start, end = source.data, node.start, node.end + 1
    first = data.rfind(b"\n", 0, start) + 1
    last = data.find(b"\n", end)
    last = len(data) if last < 0 else last
    rest = data[end:last].strip()
    alone = not data[first:start].strip() and (not rest or rest.startswith(b"//"))
    return Edit(first, min(last + 1, len(data)), "") if alone else Edit(start, end, "")


def text_of(node: Node, source: Source) -> str:
    """A node's text as written."""
    return source.data[node.start : node.end + 1].decode("utf-8", "surrogateescape")
