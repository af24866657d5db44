"""`alloypy validate`: checks configurations without running them.

Called like Alloy's `validate`, it finds all that Alloy finds, then what only `alloy run` would find.
Source: docs/spec/RUNTIME.md, sections 1.2, 2.7.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice

from alloypy.check.scope import Language
from alloypy.check.units.units import CheckOptions, Outcome, nothing_in
from alloypy.cli import streams
from alloypy.cli.commands.validate.options import Options
from alloypy.cli.files.checking import check_unit
from alloypy.cli.files.units import find_units
from alloypy.cli.report import Entry, Report, counted
from alloypy.cli.report.colours import terminal_width, wants_colour
from alloypy.cli.report.excerpts import excerpt
from alloypy.cli.report.output import write_reports
from alloypy.os_errors import system_words
from alloypy.syntax.codes import UNREADABLE
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.render import SHOWN, escaped, not_shown
from alloypy.syntax.text_files import is_binary


def run(argv: list[str]) -> int:
    """Check the units that `argv` names. Returns the exit code; raises UsageError and HelpRequested."""
    options = Options(argv)
    checking = CheckOptions(_language(options.program), options.gate, options.environ, options.full_environ)
    outcomes = list(_outcomes(options, checking))
    if options.reporting.for_people:
        _show(outcomes, options)
        if options.notes and sys.stderr.isatty():
            _note([each for each in outcomes if each.path != options.stdin_name], checking)
    report = _report(outcomes, options)
    write_reports(report, options.targets)
    if report.files_failed:
        if options.reporting.for_people:
            streams.lone_line_feed()
        streams.say("Error: validation failed\n")
    if options.several and not options.reporting.quiet and (report.looked_at or not outcomes):
        streams.say(f"{_summary(report)}\n")
    return report.exit_code


def _note(outcomes: list[Outcome], checking: CheckOptions) -> None:
    """Say on a terminal what alloypy itself would refuse."""
    from alloypy.cli.commands.validate.own_verdict import notes

    for line in notes(outcomes, checking):
        streams.say(f"{line}\n")


def _outcomes(options: Options, checking: CheckOptions) -> Iterator[Outcome]:
    if options.from_yaml:
        yield from (_without(options.ignored, outcome) for outcome in _in_yaml(options, checking))
        return
    units = find_units(options.paths, options.exclude, recursive=options.recursive, auto=options.auto)
    for path, error in units.unreadable:
        yield Outcome(path, (Diagnostic(None, f"open {path}: {system_words(error)}", UNREADABLE),), 0)
    for path in units.empty:
        yield Outcome(path, (nothing_in(path),), 0)
    for path in units.paths:
        yield _without(options.ignored, check_unit(path, checking, options.stdin_name))


def _in_yaml(options: Options, checking: CheckOptions) -> Iterator[Outcome]:
    """The outcomes of the configurations in YAML files."""
    from alloypy.cli.files.manifests import Manifests

    name = options.stdin_name
    manifests = Manifests(checking, options.exclude, recursive=options.recursive, stdin_name=name)
    return manifests.outcomes(options.paths)


def _without(ignored: frozenset[str], outcome: Outcome) -> Outcome:
    """The outcome without ignored warnings; an error stays, whatever its code."""
    if not ignored:
        return outcome
    kept = (d for d in outcome.diagnostics if d.severity is Severity.ERROR or d.code not in ignored)
    return outcome._replace(diagnostics=tuple(kept))


def _language(program: str) -> Language:
    if program == "alloypy":
        from alloypy.own_language import own_language

        return own_language()
    from alloypy.catalog.catalog import load_catalog

    return load_catalog()


def _show(outcomes: list[Outcome], options: Options) -> None:
    """Show diagnostics with excerpts, separated by empty lines as in Alloy; of many, only the first."""
    color = wants_colour(sys.stderr, options.reporting.color)
    width = terminal_width(sys.stderr)
    errors_only = options.reporting.quiet and not options.strict
    texts = []
    for outcome in outcomes:
        rest = (d for d in outcome.diagnostics if not errors_only or d.severity is Severity.ERROR)
        texts += [_text(outcome.path, diagnostic, color, width) for diagnostic in islice(rest, SHOWN)]
        texts += not_shown(rest)
    if texts:
        streams.say("\n".join(texts))


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


def _report(outcomes: list[Outcome], options: Options) -> Report:
    return Report(
        (
            Entry(
                outcome.path,
                tuple(_placed(outcome)),
                files=outcome.files,
                failed=outcome.failed or (options.strict and bool(outcome.diagnostics)),
            )
            for outcome in outcomes
        ),
        strict=options.strict,
    )


def _placed(outcome: Outcome) -> list[Diagnostic]:
    """The diagnostics by place; errors before warnings at the same place."""
    return sorted(
        outcome.diagnostics,
        key=lambda d: (
            d.span.source.name if d.span else "",
            d.span.start if d.span else -1,
            d.severity is not Severity.ERROR,
        ),
    )


def _summary(report: Report) -> str:
    """One line: how many configurations were checked and failed, and how many warnings there were."""
    if not report.units:
        return "no configurations to check"
    warnings = report.count(Severity.WARNING)
    counts = [counted(report.looked_at, "configuration") + " checked", f"{report.failed} failed"]
    return ", ".join([*counts, *([counted(warnings, "warning")] if warnings else [])])
