"""`alloypy validate`: checks configurations without running them.

Called like Alloy's `validate`, it finds all that Alloy finds, then what only `alloy run` would find.
Source: docs/spec/RUNTIME.md, sections 1.2, 2.7.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from alloypy.check.units.units import Outcome, nothing_in
from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.validate.judging import Judging
from alloypy.cli.commands.validate.options import Options
from alloypy.cli.files.checking import check_unit
from alloypy.cli.files.units import find_units
from alloypy.cli.report import Entry, Report, counted
from alloypy.cli.report.output import write_reports
from alloypy.os_errors import system_words
from alloypy.syntax.codes import UNREADABLE
from alloypy.syntax.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from alloypy.cli.commands.validate.mending import Mending
    from alloypy.cli.progress import ShownSteps
    from alloypy.cli.streams import Steps
    from alloypy.syntax.source import Source


def run(argv: list[str]) -> int:
    """Check the units that `argv` names. Returns the exit code; raises UsageError and HelpRequested."""
    options = Options(argv)
    judging, mending = Judging(options), _mending(options)
    with streams.follow("checking") as steps:
        outcomes = list(_outcomes(options, judging, mending, steps))
    if options.reporting.for_people:
        if any(outcome.diagnostics for outcome in outcomes):
            from alloypy.cli.commands.validate.showing import show

            show(outcomes, options)
        if options.notes and sys.stderr.isatty():
            _note(outcomes, options, judging)
    report = _report(outcomes, options, mending)
    write_reports(report, options.targets)
    if report.files_failed:
        if options.reporting.for_people and mending is None:
            streams.lone_line_feed()
        streams.say("Error: validation failed\n")
    if mending is not None and not options.reporting.quiet:
        streams.say(f"{mending.summary(len(report.findings))}\n")
    for note in () if options.reporting.quiet else judging.notes:
        streams.say(f"{note}\n")
    if options.several and not options.reporting.quiet and (report.looked_at or not outcomes):
        streams.say(f"{_summary(report, judging.title())}\n")
    return report.exit_code


def _note(outcomes: list[Outcome], options: Options, judging: Judging) -> None:
    """Say on a terminal what alloypy itself would refuse."""
    from alloypy.cli.commands.validate.own_verdict import notes

    for outcome in outcomes:
        if outcome.path != options.stdin_name and judging.for_any(outcome.path):
            for line in notes([outcome], judging.checking(outcome.path)):
                streams.say(f"{line}\n")


def _mending(options: Options) -> Mending | None:
    if not options.fix:
        return None
    from alloypy.cli.commands.validate.mending import Mending

    return Mending(options)


def _outcomes(
    options: Options, judging: Judging, mending: Mending | None, steps: Steps | ShownSteps
) -> Iterator[Outcome]:
    if options.from_yaml:
        yield from _in_yaml(options, judging)
        return
    units = find_units(options.paths, options.grouping(judging.unit_of, judging.excludes))
    for path, error in units.unreadable:
        yield Outcome(path, (Diagnostic(None, f"open {path}: {system_words(error)}", UNREADABLE),), 0)
    for path in units.empty:
        yield Outcome(path, (nothing_in(path),), 0).without(judging.checking(path).ignored)
    steps.expect(len(units.paths))
    for path in units.paths:
        checking = judging.checking(path)
        if mending is not None:
            outcome = mending.outcome(path, checking)
        else:
            outcome = check_unit(path, checking, options.stdin_name)
        steps.step()
        yield outcome.without(checking.ignored)


def _in_yaml(options: Options, judging: Judging) -> Iterator[Outcome]:
    """The outcomes of the configurations in YAML files."""
    from alloypy.check.manifests.manifests import check_manifest
    from alloypy.cli.files.manifests import Manifests

    def about(path: str, outcome: Outcome) -> Outcome:
        return outcome.without(judging.checking(path).ignored)

    def read(path: str, source: Source, named: bool) -> Iterator[Outcome]:
        outcomes = check_manifest(source, judging.checking(path), named=named)
        return (about(path, outcome) for outcome in outcomes)

    grouping = options.grouping(judging.unit_of, judging.excludes)
    return Manifests(read, about, grouping, options.stdin_name).all(options.paths)


def _report(outcomes: list[Outcome], options: Options, mending: Mending | None) -> Report:
    changed = mending.changed if mending is not None else ()
    return Report(
        (
            Entry(
                outcome.path,
                tuple(_placed(outcome)),
                files=outcome.files,
                changed=outcome.path in changed,
                failed=outcome.failed or (options.strict and bool(outcome.diagnostics)),
            )
            for outcome in outcomes
        ),
        strict=options.strict,
        when_changed=exit_codes.FAILURE if options.diff else exit_codes.SUCCESS,
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


def _summary(report: Report, title: str) -> str:
    """One line: how many configurations were checked and failed, and how many warnings there were.

    title: for what they were checked, if not for main.
    """
    if not report.units:
        return "no configurations to check"
    warnings = report.count(Severity.WARNING)
    counts = [f"{counted(report.looked_at, 'configuration')} checked{title}", f"{report.failed} failed"]
    return ", ".join([*counts, *([counted(warnings, "warning")] if warnings else [])])
