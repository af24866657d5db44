"""`alloypy fmt`: formats configuration files.

Called like Alloy's `fmt`, it answers like Alloy. In addition it takes many files and directories,
shows differences, and writes machine-readable reports.

Source: docs/spec/RUNTIME.md, section 1.3.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.fmt.options import Options, read_options
from alloypy.cli.files.formatting import STDIN, Formatted, Mode, Task, format_one
from alloypy.cli.report import Entry, Report, counted
from alloypy.cli.report.colours import terminal_width, wants_colour
from alloypy.cli.report.output import write_reports
from alloypy.files import is_directory
from alloypy.os_errors import system_words
from alloypy.syntax.codes import NO_FILES, UNFORMATTED, UNREADABLE
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.render import escaped
from alloypy.syntax.text_files import is_binary


class _Found(NamedTuple):
    """What the command has to do.

    several: whether more than one file was named. files: those to format. faults: directories that
    cannot be read. empty: directories without files.
    """

    several: bool
    files: list[str]
    faults: list[Formatted]
    empty: list[str]


def run(argv: list[str]) -> int:
    """Format the files that `argv` names. Returns the exit code; raises UsageError and HelpRequested."""
    options = read_options(argv)
    outcomes = []
    explaining = bool(options.targets) or sys.stderr.isatty()
    with streams.follow("formatting") as steps:
        found = _find(options)
        steps.expect(len(found.files))
        for made in chain(found.faults, _work([_task(path, options) for path in found.files])):
            outcome = _explained(made) if explaining and made.failed else made
            _show(outcome, options)
            outcomes.append(outcome)
            steps.step()
    report = _report(outcomes, found.empty, options)
    write_reports(report, options.targets)
    if any(diagnostic.span for outcome in outcomes for diagnostic in outcome.diagnostics):
        streams.say("Error: encountered errors during formatting\n")
    if options.strict or not options.reporting.quiet:
        for path in found.empty:
            streams.say(f"Warning: {escaped(_nothing_in(path).message, '')}\n")
    if found.several and not options.reporting.quiet and (outcomes or not found.empty):
        streams.say(f"{_summary(report, options.mode)}\n")
    return report.exit_code


def _find(options: Options) -> _Found:
    paths = options.paths
    directories = options.mode is not Mode.PRINT and any(
        path != STDIN and is_directory(path) for path in paths
    )
    several = directories or options.listed or len(paths) > 1
    if not several and (not options.force_exclude or is_directory(paths[0])):
        return _Found(False, paths, [], [])
    from alloypy.check.units.discovery import Discovery

    discovery = Discovery(options.exclude, force_exclude=options.force_exclude)
    files = [STDIN] if STDIN in paths else []
    files += discovery.files([path for path in paths if path != STDIN])
    faults = [
        Formatted(path, (Diagnostic(None, f"open {path}: {system_words(error)}", UNREADABLE),), failed=True)
        for path, error in discovery.unreadable
    ]
    return _Found(several, files, faults, discovery.empty)


def _nothing_in(directory: str) -> Diagnostic:
    return Diagnostic(None, f"nothing to format: no *.alloy files in {directory}", NO_FILES, Severity.WARNING)


def _task(path: str, options: Options) -> Task:
    colour = options.mode is Mode.DIFF and wants_colour(sys.stdout, options.reporting.color)
    return Task(path, options.stdin_name if path == STDIN else path, options.mode, colour)


def _work(tasks: list[Task]) -> Iterator[Formatted]:
    """The outcomes of all tasks, in their order."""
    if len(tasks) > 1:
        from alloypy.cli.files.workers import format_all

        return format_all(tasks)
    return map(format_one, tasks)


def _explained(outcome: Formatted) -> Formatted:
    """The outcome with hints, and without secrets in lines that may be shown."""
    from alloypy.check.masking import MASK
    from alloypy.syntax.repairs.hints import hinted

    return outcome._replace(diagnostics=tuple(map(MASK.masked, hinted(outcome.diagnostics))))


def _show(outcome: Formatted, options: Options) -> None:
    """Show one outcome to people as soon as it is known; on a terminal with excerpts of the file."""
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
            if outcome.failed and diagnostic.span and diagnostic.hint.startswith("this looks like YAML"):
                streams.say(f"  = hint: {diagnostic.hint}\n")
    if options.mode is Mode.WRITE and outcome.changed and not options.reporting.quiet:
        streams.say(f"formatted {escaped(outcome.name, '')}\n")


def _report(outcomes: list[Formatted], empty: list[str], options: Options) -> Report:
    entries = [Entry(o.name, o.diagnostics, changed=o.changed, failed=o.failed) for o in outcomes]
    only_looks = options.mode in {Mode.CHECK, Mode.DIFF}
    return Report(
        [*entries, *(Entry(path, (_nothing_in(path),), files=0) for path in empty)],
        strict=options.strict,
        when_failed=exit_codes.FMT_UNUSABLE,
        when_changed=exit_codes.FMT_WOULD_CHANGE if only_looks else exit_codes.SUCCESS,
    )


def _summary(report: Report, mode: Mode) -> str:
    """One line: how many files changed, stayed and failed."""
    if not report.files:
        return "no files to format"
    verb = "changed" if mode is Mode.WRITE else "would change"
    unchanged = report.files - report.changed - report.failed
    text = f"{counted(report.changed, 'file')} {verb}, {unchanged} unchanged"
    return f"{text}, {report.failed} failed" if report.failed else text
