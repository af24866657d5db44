"""Conditions whose result is known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.check.expressions.shapes import Shape
from alloypy.check.lint.likeness import likeness
from alloypy.check.lint.rule import Rule, finding, replacing
from alloypy.check.lint.view import View
from alloypy.lang.values import Kind
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.tree import Access, Binary, Call, Expression, Identifier, Index, Literal, Paren

_EQUAL = {"==": "false", "!=": "true"}
_KINDS = frozenset({Kind.STRING, Kind.NUMBER, Kind.BOOL, Kind.ARRAY, Kind.OBJECT})
_ENDS = {"||": "true", "&&": "false"}
"""The literals that decide a condition whatever the other side is."""


def _kinds(view: View) -> Iterator[Diagnostic]:
    """Comparisons of values that are never of one kind."""
    for written in view.expressions(Binary):
        node = written.expression
        if node.op not in _EQUAL:
            continue
        left, right = view.shape(node.left), view.shape(node.right)
        if left.kind == right.kind or not {left.kind, right.kind} <= _KINDS:
            continue
        kinds = f"a {left.kind} with a {right.kind}"
        hint, fix = _in_quotes(node, left, right)
        yield finding(written.span, f"this compares {kinds}, which is always {_EQUAL[node.op]}", hint, fix)


def _in_quotes(node: Binary, left: Shape, right: Shape) -> tuple[str, tuple[Edit, ...]]:
    """How to compare a text with a number or boolean that is written as a literal."""
    for literal, other in ((node.left, right), (node.right, left)):
        if isinstance(literal, Literal) and other.kind == Kind.STRING and literal.kind in {"NUMBER", "BOOL"}:
            text = f'"{literal.text}"'
            return f"compare it with the text {text}", (replacing(literal, text),)
    return "", ()


def _constant(view: View) -> Iterator[Diagnostic]:
    """Conditions of literals, of a value with itself, and with an operand that decides them."""
    for written in view.expressions(Binary):
        node = written.expression
        if node.op in _EQUAL and _is_literal(node.left) and _is_literal(node.right):
            yield finding(written.span, "both sides of this comparison are constants")
        elif node.op in _EQUAL and _is_plain(node.left) and likeness(node.left) == likeness(node.right):
            yield finding(written.span, "this compares a value with itself")
        elif node.op in _ENDS and _ENDS[node.op] in {_literal(node.left), _literal(node.right)}:
            yield finding(written.span, f"this condition is always {_ENDS[node.op]}")


def _is_literal(node: Expression) -> bool:
    return isinstance(node, Literal) or (isinstance(node, Paren) and _is_literal(node.inner))


def _literal(node: Expression) -> str:
    """The text of a literal; "" for anything else."""
    return node.text if isinstance(node, Literal) else ""


def _is_plain(node: Expression) -> bool:
    """Whether an expression only names a value or reads it from the environment."""
    match node:
        case Identifier():
            return True
        case Access() | Paren():
            return _is_plain(node.value if isinstance(node, Access) else node.inner)
        case Index():
            return _is_plain(node.value) and isinstance(node.index, Literal)
        case Call():
            return _is_plain(node.value) and all(isinstance(arg, Literal) for arg in node.args)
    return False


RULES = (
    Rule(
        "ALY0946",
        "comparison of different kinds",
        "== and != convert nothing: a text is never equal to a number or a boolean. sys.env always returns a "
        'text, so compare it with "true" or "1".',
        wrong='livedebugging { enabled = sys.env("DEBUG") == true }',
        right='livedebugging { enabled = sys.env("DEBUG") == "true" }',
        default=True,
        check=_kinds,
    ),
    Rule(
        "ALY0947",
        "condition that is always the same",
        "The result is known beforehand: both sides are literals or the same value, or a literal decides it.",
        wrong='livedebugging { enabled = sys.env("DEBUG") == "true" || true }',
        right='livedebugging { enabled = sys.env("DEBUG") == "true" }',
        check=_constant,
    ),
)
