"""`alloypy fmt`: formats configuration files (spec section 1.3).

Called as Alloy's `fmt` it answers as Alloy does. Beyond that it takes many files and directories,
shows differences, and reports for machines.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from alloypy.cli import exit_codes
from alloypy.cli.flags import FlagSet, UsageError
from alloypy.cli.formatting import STDIN, Mode, Outcome, Task, format_one
from alloypy.files import system_words
from alloypy.syntax.codes import UNFORMATTED, UNREADABLE
from alloypy.syntax.diagnostics import Diagnostic

_FORMATS = ("text", "json", "github", "sarif", "junit")
_SUMMARY = """Format configuration files in the standard layout.

One file, or standard input for `-` or no path, is printed to standard output. Several files, and
directories with the *.alloy files below them, need -w, --check or --diff. Exit code: 0 when all is
well, 1 when a file would change under --check or --diff, 2 when a file cannot be parsed, read or
written, or the command is used wrongly."""


class _Options(NamedTuple):
    """What the command line asks for. mode: of the work; quiet_diff: no words beside the difference."""

    mode: Mode
    check: bool
    paths: list[str]
    stdin_name: str
    exclude: list[str]
    force_exclude: bool
    output_format: str
    output_file: str


def run(argv: list[str]) -> int:
    """Format the files that `argv` names. Returns the exit code; raises UsageError and HelpRequested."""
    options = _parse(argv)
    several, paths, faults = _find(options)
    tasks = [_task(path, options) for path in paths]
    outcomes = list(faults)
    show = _show_text if options.output_format == "text" and not options.output_file else _show_output
    for outcome in faults:
        show(outcome, options)
    for outcome in _work(tasks):
        show(outcome, options)
        outcomes.append(outcome)
    if show is _show_output:
        _write_report(outcomes, options)
    if any(diagnostic.span for outcome in outcomes for diagnostic in outcome.diagnostics):
        print("Error: encountered errors during formatting", file=sys.stderr)
    if several:
        print(_summary(outcomes, options.mode), file=sys.stderr)
    return _exit_code(outcomes, options.mode)


def _parse(argv: list[str]) -> _Options:
    flags = FlagSet("fmt", "[PATH...]", _SUMMARY)
    write = flags.bool("write", short="w", doc="write the result to the files instead of standard output")
    test = flags.bool("test", short="t", doc="change nothing; exit with 1 if a file would change")
    check = flags.bool("check", doc="the same as --test")
    diff = flags.bool(
        "diff", short="d", doc="change nothing; show what would change; exit with 1 if it would"
    )
    exclude = flags.strings(
        "exclude", kind="pattern", doc="leave out what matches, as in .gitignore; repeatable"
    )
    force = flags.bool("force-exclude", doc="leave out excluded files even where they are named directly")
    name = flags.string("stdin-filename", kind="name", doc="how messages call standard input")
    other_name = flags.string("stdin-filepath", kind="name", doc="the same as --stdin-filename")
    form = flags.choice(
        "output-format", "text", _FORMATS, noun="output format", doc="how faults are reported"
    )
    file = flags.string("output-file", kind="file", doc="where faults are reported")
    paths = flags.parse(argv) or [STDIN]
    checking = test.value or check.value
    if write.value and (checking or diff.value):
        other = "-t/--test" if checking else "--diff"
        raise UsageError(f"cannot use -w/--write and {other} at the same time")
    if write.value and STDIN in paths:
        raise UsageError("cannot use -w with standard input")
    mode = Mode.PRINT
    if write.value:
        mode = Mode.WRITE
    elif diff.value:
        mode = Mode.DIFF
    elif checking:
        mode = Mode.CHECK
    if mode is Mode.PRINT and len(paths) > 1:
        raise UsageError(f"accepts between 0 and 1 arg(s), received {len(paths)}")
    if mode in {Mode.PRINT, Mode.DIFF} and form.value != "text" and not file.value:
        raise UsageError(f"--output-format {form.value} needs --output-file beside text on standard output")
    stdin_name = name.value or other_name.value or "<stdin>"
    return _Options(mode, checking, paths, stdin_name, exclude.value, force.value, form.value, file.value)


def _find(options: _Options) -> tuple[bool, list[str], list[Outcome]]:
    """Whether more than one file was asked for, the files, and which directories cannot be read."""
    paths = options.paths
    directories = options.mode is not Mode.PRINT and any(
        path != STDIN and Path(path).is_dir() for path in paths
    )
    several = directories or len(paths) > 1
    if not several and (not options.force_exclude or Path(paths[0]).is_dir()):
        return False, paths, []
    from alloypy.cli.discovery import Discovery

    discovery = Discovery(options.exclude, force_exclude=options.force_exclude)
    files = [STDIN] if STDIN in paths else []
    files += discovery.files([path for path in paths if path != STDIN])
    faults = [
        Outcome(path, (Diagnostic(None, f"open {path}: {system_words(error)}", UNREADABLE),), failed=True)
        for path, error in discovery.unreadable
    ]
    return several, files, faults


def _task(path: str, options: _Options) -> Task:
    colour = False
    if options.mode is Mode.DIFF:
        from alloypy.cli.diff import wants_colour

        colour = wants_colour(sys.stdout)
    return Task(path, options.stdin_name if path == STDIN else path, options.mode, colour)


def _work(tasks: list[Task]) -> Iterator[Outcome]:
    """The outcomes of all tasks, in their order."""
    if len(tasks) > 1:
        from alloypy.cli.workers import format_all

        return format_all(tasks)
    return map(format_one, tasks)


def _show_output(outcome: Outcome, _: _Options) -> None:
    if outcome.output:
        sys.stdout.flush()
        sys.stdout.buffer.write(outcome.output)


def _show_text(outcome: Outcome, options: _Options) -> None:
    _show_output(outcome, options)
    for diagnostic in outcome.diagnostics:
        if diagnostic.code != UNFORMATTED or options.check:
            print(diagnostic if diagnostic.span else f"Error: {diagnostic.message}", file=sys.stderr)


def _write_report(outcomes: Iterable[Outcome], options: _Options) -> None:
    """Report for machines, or into a file. Raises UsageError when that cannot be written."""
    from alloypy.cli.report import Finding, Report, render

    outcomes = list(outcomes)
    report = Report(
        [Finding(outcome.name, diagnostic) for outcome in outcomes for diagnostic in outcome.diagnostics],
        files=len(outcomes),
        changed=sum(outcome.changed for outcome in outcomes),
        failed=sum(outcome.failed for outcome in outcomes),
    )
    data = render(report, options.output_format).encode("utf-8", "surrogateescape")
    if not options.output_file:
        sys.stdout.buffer.write(data)
        return
    try:
        Path(options.output_file).write_bytes(data)
    except OSError as error:
        raise UsageError(f"open {options.output_file}: {system_words(error)}") from None


def _summary(outcomes: list[Outcome], mode: Mode) -> str:
    """One line: how many files changed, stayed and failed."""
    if not outcomes:
        return "no files to format"
    changed = sum(outcome.changed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    verb = "changed" if mode is Mode.WRITE else "would change"
    text = f"{changed} file{'' if changed == 1 else 's'} {verb}, {len(outcomes) - changed - failed} unchanged"
    return f"{text}, {failed} failed" if failed else text


def _exit_code(outcomes: list[Outcome], mode: Mode) -> int:
    if any(outcome.failed for outcome in outcomes):
        return exit_codes.FMT_UNUSABLE
    if mode in {Mode.CHECK, Mode.DIFF} and any(outcome.changed for outcome in outcomes):
        return exit_codes.FMT_WOULD_CHANGE
    return exit_codes.SUCCESS
