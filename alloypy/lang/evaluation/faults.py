"""The exceptions of evaluation, and how a faulty value becomes a diagnostic with a place.

    EvaluationError    a fault without a place
    BadValueError      a faulty value; never leaves the evaluator
    DiagnosticsError   (alloypy.syntax.diagnostics) every fault with a diagnostic

Source: docs/spec/SYNTAX.md, section 5, `Error text`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from alloypy.lang.conversion import ConversionError
from alloypy.lang.evaluation.traced import Traced
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Expression

CODE = "ALY0300"
"""The code of all evaluation diagnostics."""


class EvaluationError(Exception):
    """An expression cannot be evaluated, and Alloy reports no place; the text says why."""


class Link(NamedTuple):
    """One value on the path to the one at fault, from the outside in.

    message: what is wrong with it; None for a value that only contains the one at fault.
    step: how the next value is reached from this one, such as `[2]` or `.key`.
    """

    value: Traced
    message: str | None = None
    step: str = ""


class BadValueError(Exception):
    """A value is not what it should be."""

    def __init__(self, links: Sequence[Link]) -> None:
        super().__init__(links)
        self.links = tuple(links)


def fault(value: Traced, message: str) -> BadValueError:
    """A fault of one value."""
    return BadValueError([Link(value, message)])


def conversion_links(root: Traced, error: ConversionError) -> list[Link]:
    """The values from `root`, whose conversion failed, to the one at fault."""
    links = []
    value = root
    for step in error.path:
        links.append(Link(value, step=f"[{step}]" if isinstance(step, int) else f".{step}"))
        value = value.child(step)
    if error.unnamed is not None:
        value = value.child(error.unnamed)
    links.append(Link(value, error.message))
    return links


def diagnose(
    links: Sequence[Link], expressions: Mapping[Hashable, Expression], source: Source
) -> DiagnosticsError:
    """The diagnostic of a fault.

    expressions: which expression produced which value, by `Traced.key`.
    The innermost value with an expression provides the place and the text; later steps are appended to
    the text. If the expression does not show the value literally, the value is added as `value`.
    """
    expression: Expression | None = None
    steps, message, literal = "", "", False
    for link in links:
        steps += link.step
        if link.message is not None:
            message = link.message
        found = None if link.value.is_null else expressions.get(link.value.key)
        if found is not None:
            if literal:
                steps = ""
            expression = found
        literal = found is not None
    cause = links[-1].value
    text = "" if expression is None else _expression_text(expression, source)
    shown = "" if literal or cause.is_null else _value_text(cause)
    span = None if expression is None else Span(source, expression.start, expression.end)
    return DiagnosticsError([Diagnostic(span, f"{text}{steps} {message}", code=CODE, value=shown)])


def _value_text(value: Traced) -> str:
    from alloypy.lang.value_text import value_text  # noqa: PLC0415 -- for faults only

    return value_text(value.value)


def _expression_text(expression: Expression, source: Source) -> str:
    from alloypy.syntax.printer.printer import format_expression  # noqa: PLC0415 -- for faults only

    return format_expression(expression, source)
