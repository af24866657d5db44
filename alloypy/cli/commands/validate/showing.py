"""Shows what `validate` has found to people; imported only if there is something to show."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import islice

from alloypy.check.units.units import Outcome
from alloypy.cli import streams
from alloypy.cli.commands.validate.options import Options
from alloypy.cli.report.colours import terminal_width, wants_colour
from alloypy.cli.report.excerpts import excerpt
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.render import SHOWN, escaped, not_shown
from alloypy.syntax.text_files import is_binary


def show(outcomes: list[Outcome], options: Options) -> None:
    """Show diagnostics with excerpts, separated by empty lines as in Alloy; of many, only the first."""
    if options.statistics:
        from alloypy.cli.commands.validate.statistics import statistics

        return streams.say(statistics(outcomes))
    errors_only = options.reporting.quiet and not options.strict
    return say(outcomes, options.reporting.color, errors_only=errors_only)


def say(outcomes: Iterable[Outcome], color: str = "auto", *, errors_only: bool = False) -> None:
    """Write diagnostics to standard error. color: one of `colours.CHOICES`."""
    wanted = wants_colour(sys.stderr, color)
    width = terminal_width(sys.stderr)
    texts = []
    for outcome in outcomes:
        rest = (d for d in outcome.diagnostics if not errors_only or d.severity is Severity.ERROR)
        texts += [_text(outcome.path, diagnostic, wanted, width) for diagnostic in islice(rest, SHOWN)]
        texts += not_shown(rest)
    return streams.say("\n".join(texts)) if texts else None


def _text(path: str, diagnostic: Diagnostic, color: bool, width: int | None) -> str:
    span, message = diagnostic.span, diagnostic.message
    if span is None or is_binary(diagnostic):
        word = "Error" if diagnostic.severity is Severity.ERROR else "Warning"
        if span is not None:
            message = str(diagnostic)
        elif path not in message and "standard input" not in message:
            message = f"{path}: {message}"
        return f"{word}: {escaped(message)}\n"
    return excerpt(diagnostic, color, width)
