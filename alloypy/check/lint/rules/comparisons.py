"""Comparisons that say nothing."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding, text_of
from alloypy.check.lint.view import View
from alloypy.lang.values import Kind
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.tree import Binary, Expression, Literal

_SAME = {"==": "true", "!=": "false"}
"""The literal whose comparison with a boolean has that boolean as its result."""


def _with_boolean(view: View) -> Iterator[Diagnostic]:
    for written in view.expressions(Binary):
        node = written.expression
        if _is_same(node.op, node.right) and view.shape(node.left).kind == Kind.BOOL:
            kept, fix = node.left, Edit(node.left.end + 1, node.end + 1, "")
        elif _is_same(node.op, node.left) and view.shape(node.right).kind == Kind.BOOL:
            kept, fix = node.right, Edit(node.start, node.right.start, "")
        else:
            continue
        text = text_of(kept, written.source)
        yield finding(
            written.span, f"`{node.op} {_SAME[node.op]}` changes nothing", f"write `{text}`", (fix,)
        )


def _is_same(op: str, side: Expression) -> bool:
    return isinstance(side, Literal) and side.kind == "BOOL" and side.text == _SAME.get(op)


RULES = (
    Rule(
        "ALY0975",
        "comparison with true or false",
        "A boolean compared with true is the boolean itself, and so is one compared with `!= false`.",
        wrong='livedebugging { enabled = sys.env("DEBUG") == "1" == true }',
        right='livedebugging { enabled = sys.env("DEBUG") == "1" }',
        check=_with_boolean,
    ),
)
