"""`alloypy upgrade`: what lies between two versions of Alloy for configurations, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from alloypy.catalog.history import load_history
from alloypy.check.units.units import DISK, CheckOptions, Outcome, Reading, context_of, nothing_in
from alloypy.check.versions.findings import Finding, Rank, order
from alloypy.check.versions.flags import flag_findings
from alloypy.check.versions.upgrade import Upgrade, touched, without_old_errors
from alloypy.check.versions.wanted import wanted
from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.upgrade.fixing import Fixer
from alloypy.cli.commands.upgrade.options import Options
from alloypy.cli.commands.upgrade.pages import Page, page
from alloypy.cli.files.reading import ReadUnit, is_of_file, parsed, read
from alloypy.cli.report import Entry, Report
from alloypy.cli.report.colours import wants_colour
from alloypy.cli.report.output import write_reports
from alloypy.os_errors import system_words
from alloypy.syntax.codes import UNREADABLE
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source

if TYPE_CHECKING:
    from alloypy.cli.progress import ShownSteps
    from alloypy.cli.streams import Steps


class Result(NamedTuple):
    """What is found in one configuration.

    faults: other errors, and warnings about reading. refused: whether the new version refuses the files,
    although --fix would change that.
    """

    path: str
    findings: list[Finding]
    faults: tuple[Diagnostic, ...]
    files: int
    fixed: int = 0
    refused: bool = False


def run(argv: list[str]) -> int:
    """Say what an upgrade changes for what `argv` names. Raises UsageError and HelpRequested."""
    options = Options(argv)
    with streams.follow("reading") as steps:
        results = list(_results(options, steps))
    flags = _flags(options)
    if flags:
        results.append(Result("alloy run", flags, (), 0))
    report = _report(results, options)
    if options.reporting.for_people:
        colour = wants_colour(sys.stdout if not options.fix else sys.stderr, options.reporting.color)
        write = streams.say if options.fix else sys.stdout.write
        write(page(_page(results, options), colour=colour))
    write_reports(report, options.targets)
    return report.exit_code


def _results(options: Options, steps: Steps | ShownSteps) -> Iterator[Result]:
    if options.unit_flags.from_yaml:
        yield from _in_yaml(options)
        return
    for path, error in options.units.unreadable:
        message = f"open {path}: {system_words(error)}"
        yield Result(path, [], (Diagnostic(None, message, UNREADABLE),), 0)
    for path in options.units.empty:
        yield Result(path, [], (nothing_in(path),), 0)
    steps.expect(len(options.units.paths))
    for path in options.units.paths:
        unit = read(path, options.unit_flags.stdin_name)
        if not unit.files:
            yield Result(unit.path, [], unit.faults, len(unit.sources))
        elif options.fix:
            yield _fixed(path, unit, options)
        else:
            yield _result(path, unit, options)
        steps.step()


def _in_yaml(options: Options) -> Iterator[Result]:
    """What is found in YAML files, placed there."""
    from alloypy.check.manifests.manifests import IN_CONTAINER, configurations_in, permitted
    from alloypy.check.versions.in_yaml import placed_finding

    def about(path: str, outcome: Outcome) -> Result:
        return Result(outcome.path, [], outcome.diagnostics, 0)

    def read_file(path: str, source: Source, named: bool) -> Iterator[Result]:
        upgrade = options.upgrade_of(path)
        upgrade = upgrade._replace(gate=permitted(source.data, upgrade.gate))
        for each in configurations_in(source, named=named):
            if isinstance(each, Outcome):
                yield about(path, each)
                continue
            unit = parsed(each.file, each.sources)
            found = _judged(unit, upgrade, options.checking(path, upgrade), IN_CONTAINER)
            findings = [placed_finding(one, each) for one in found.findings]
            yield found._replace(
                path=each.title, findings=findings, faults=tuple(map(each.diagnostic, found.faults))
            )

    return options.unit_flags.in_yaml(options.units.paths, read_file, about)


def _result(path: str, unit: ReadUnit, options: Options) -> Result:
    upgrade = options.upgrade_of(path)
    return _judged(unit, upgrade, options.checking(path, upgrade), DISK)


def _judged(unit: ReadUnit, upgrade: Upgrade, checking: CheckOptions, reading: Reading) -> Result:
    if not unit.files:
        return Result(unit.path, [], unit.faults, len(unit.sources))
    try:
        context = context_of(unit.directory, checking, reading)
        found = touched(unit.files, upgrade, context)
        found = without_old_errors(found, unit.files, upgrade, context)
        found = wanted(found, unit.files, checking)
    except DiagnosticsError as error:
        return Result(unit.path, [], error.diagnostics, len(unit.sources))
    return Result(unit.path, found.findings, found.others, len(unit.sources))


def _fixed(path: str, unit: ReadUnit, options: Options) -> Result:
    upgrade = options.upgrade_of(path)
    checking = options.checking(path, upgrade)
    fixer = Fixer(upgrade, checking, options.reporting.color, writes=not options.diff)
    return Result(unit.path, *fixer.fixed(path, unit))


def _flags(options: Options) -> list[Finding]:
    if options.run_flags is None:
        return []
    found = sorted(flag_findings(options.run_flags, options.upgrade, load_history()), key=order)
    return [each for each in found if each.rank is Rank.REFUSED or each.code not in options.ignored]


def _report(results: list[Result], options: Options) -> Report:
    unread = any(is_of_file(each) for result in results for each in result.faults)
    entries = (
        Entry(
            result.path,
            tuple(_diagnostics(result, options)),
            files=result.files,
            changed=bool(result.fixed),
            failed=result.refused
            or (options.strict and bool(result.faults))
            or any(each.severity is Severity.ERROR for each in _diagnostics(result, options)),
        )
        for result in results
    )
    return Report(entries, when_failed=exit_codes.VERSIONS_UNUSABLE if unread else exit_codes.FAILURE)


def _diagnostics(result: Result, options: Options) -> Iterator[Diagnostic]:
    """The findings as diagnostics, the worst first."""
    refused = [each for each in result.findings if each.rank is Rank.REFUSED]
    yield from (each.diagnostic() for each in refused)
    yield from result.faults
    rest = result.findings[len(refused) :]
    yield from (each.diagnostic(strict=options.strict) for each in rest)


def _page(results: list[Result], options: Options) -> Page:
    findings = sorted((each for result in results for each in result.findings), key=order)
    return Page(
        options.upgrade,
        findings,
        [each for result in results for each in result.faults],
        [result.path for result in results if result.files],
        sum(result.fixed for result in results),
        quiet=options.reporting.quiet,
        fixing=options.fix,
        diff=options.diff,
    )
