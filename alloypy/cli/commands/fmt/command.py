"""`alloypy fmt`: formats configuration files.

Called as Alloy's `fmt` it answers as Alloy does. Beyond that it takes many files and directories,
shows differences, and reports for machines.

Source: docs/spec/RUNTIME.md, section 1.3.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.fmt.options import Options, read_options
from alloypy.cli.files.formatting import STDIN, Mode, Outcome, Task, format_one
from alloypy.cli.report.colours import terminal_width, wants_colour
from alloypy.cli.report.output import write_reports
from alloypy.files import is_directory
from alloypy.os_errors import system_words
from alloypy.syntax.codes import NO_FILES, UNFORMATTED, UNREADABLE
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.render import escaped
from alloypy.syntax.text_files import is_binary


class _Found(NamedTuple):
    """What there is to do.

    several: whether more than one file was asked for. files: to be formatted. faults: directories that
    cannot be read. empty: directories without files.
    """

    several: bool
    files: list[str]
    faults: list[Outcome]
    empty: list[str]


def run(argv: list[str]) -> int:
    """Format the files that `argv` names. Returns the exit code; raises UsageError and HelpRequested."""
    options = read_options(argv)
    found = _find(options)
    outcomes = []
    explaining = bool(options.targets) or sys.stderr.isatty()
    for made in (*found.faults, *_work([_task(path, options) for path in found.files])):
        outcome = _explained(made) if explaining and made.failed else made
        _show(outcome, options)
        outcomes.append(outcome)
    warnings = [(path, _nothing_in(path)) for path in found.empty]
    if options.targets:
        _report(outcomes, warnings, options)
    if any(diagnostic.span for outcome in outcomes for diagnostic in outcome.diagnostics):
        streams.say("Error: encountered errors during formatting\n")
    if options.strict or not options.reporting.quiet:
        for _, warning in warnings:
            streams.say(f"Warning: {escaped(warning.message, '')}\n")
    if found.several and not options.reporting.quiet and (outcomes or not warnings):
        streams.say(f"{_summary(outcomes, options.mode)}\n")
    return _exit_code(outcomes, options, nothing=bool(warnings))


def _find(options: Options) -> _Found:
    paths = options.paths
    directories = options.mode is not Mode.PRINT and any(
        path != STDIN and is_directory(path) for path in paths
    )
    several = directories or options.listed or len(paths) > 1
    if not several and (not options.force_exclude or is_directory(paths[0])):
        return _Found(False, paths, [], [])
    from alloypy.cli.files.discovery import Discovery

    discovery = Discovery(options.exclude, force_exclude=options.force_exclude)
    files = [STDIN] if STDIN in paths else []
    files += discovery.files([path for path in paths if path != STDIN])
    faults = [
        Outcome(path, (Diagnostic(None, f"open {path}: {system_words(error)}", UNREADABLE),), failed=True)
        for path, error in discovery.unreadable
    ]
    return _Found(several, files, faults, discovery.empty)


def _nothing_in(directory: str) -> Diagnostic:
    return Diagnostic(None, f"nothing to format: no *.alloy files in {directory}", NO_FILES, Severity.WARNING)


def _task(path: str, options: Options) -> Task:
    colour = options.mode is Mode.DIFF and wants_colour(sys.stdout, options.reporting.color)
    return Task(path, options.stdin_name if path == STDIN else path, options.mode, colour)


def _work(tasks: list[Task]) -> Iterator[Outcome]:
    """The outcomes of all tasks, in their order."""
    if len(tasks) > 1:
        from alloypy.cli.files.workers import format_all

        return format_all(tasks)
    return map(format_one, tasks)


def _explained(outcome: Outcome) -> Outcome:
    """The outcome with hints, and without secrets in the lines that may be shown."""
    from alloypy.check.masking import MASK
    from alloypy.syntax.repairs.hints import hinted

    return outcome._replace(diagnostics=tuple(map(MASK.masked, hinted(outcome.diagnostics))))


def _show(outcome: Outcome, options: Options) -> None:
    """One outcome for people, as soon as it is known; on a terminal with the lines it is about."""
    streams.put(outcome.output)
    if options.reporting.for_people:
        placed = outcome.failed and sys.stderr.isatty() and not any(map(is_binary, outcome.diagnostics))
        if placed and all(diagnostic.span for diagnostic in outcome.diagnostics):
            from alloypy.cli.report.excerpts import excerpts

            color = wants_colour(sys.stderr, options.reporting.color)
            for text in excerpts(outcome.diagnostics, color, terminal_width(sys.stderr)):
                streams.say(f"{text}\n")
            return
        for diagnostic in outcome.diagnostics:
            if diagnostic.code != UNFORMATTED or options.check:
                text = str(diagnostic) if diagnostic.span else f"Error: {diagnostic.message}"
                streams.say(f"{escaped(text, '')}\n")
    if options.mode is Mode.WRITE and outcome.changed and not options.reporting.quiet:
        streams.say(f"formatted {escaped(outcome.name, '')}\n")


def _report(outcomes: list[Outcome], warnings: list[tuple[str, Diagnostic]], options: Options) -> None:
    """Report for machines, or into files. Raises UsageError when one cannot be written."""
    from alloypy.cli.report import Finding, Report

    found = [(outcome.name, diagnostic) for outcome in outcomes for diagnostic in outcome.diagnostics]
    report = Report(
        [Finding(*each) for each in (*found, *warnings)],
        files=len(outcomes),
        changed=sum(outcome.changed for outcome in outcomes),
        failed=sum(outcome.failed for outcome in outcomes),
        units=[outcome.name for outcome in outcomes],
        strict=options.strict,
    )
    write_reports(report, options.targets)


def _summary(outcomes: list[Outcome], mode: Mode) -> str:
    """One line: how many files changed, stayed and failed."""
    if not outcomes:
        return "no files to format"
    changed = sum(outcome.changed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    verb = "changed" if mode is Mode.WRITE else "would change"
    text = f"{changed} file{'' if changed == 1 else 's'} {verb}, {len(outcomes) - changed - failed} unchanged"
    return f"{text}, {failed} failed" if failed else text


def _exit_code(outcomes: list[Outcome], options: Options, *, nothing: bool) -> int:
    if any(outcome.failed for outcome in outcomes):
        return exit_codes.FMT_UNUSABLE
    if options.mode in {Mode.CHECK, Mode.DIFF} and any(outcome.changed for outcome in outcomes):
        return exit_codes.FMT_WOULD_CHANGE
    return exit_codes.FAILURE if nothing and options.strict else exit_codes.SUCCESS
