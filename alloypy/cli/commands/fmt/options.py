"""The command line of `alloypy fmt`."""

from __future__ import annotations

import sys
from typing import NamedTuple

from alloypy.cli import streams
from alloypy.cli.common_flags import stdin_filename
from alloypy.cli.files.formatting import STDIN, Mode
from alloypy.cli.files.named_paths import ListFlags
from alloypy.cli.flags import Flag, FlagSet
from alloypy.cli.report.output import ReportFlags
from alloypy.cli.usage_error import UsageError
from alloypy.files import is_directory

_SUMMARY = """Format configuration files in the standard layout.

One file, or standard input for `-` or no path, is printed to standard output. Several files, and
directories with the *.alloy files below them, need -w, --check or --diff. Exit code: 0 on success, 1
when a file would change under --check or --diff, 2 when a file cannot be parsed, read or written, or
the command line is wrong. A directory without *.alloy files gives a warning, and exit code 1 with
--strict."""


class Options(NamedTuple):
    """The command line.

    mode: what happens to the result. check: report files that are not formatted. listed: whether
    --files-from was given. targets: format and file of the reports to write.
    """

    mode: Mode
    check: bool
    paths: list[str]
    listed: bool
    stdin_name: str
    exclude: list[str]
    force_exclude: bool
    strict: bool
    reporting: ReportFlags
    targets: list[tuple[str, str]]


class _Modes:
    """The flags that say what happens to the formatted text."""

    def __init__(self, flags: FlagSet) -> None:
        self.write = flags.bool(
            "write", short="w", doc="write the result to the files instead of standard output"
        )
        self._test = flags.bool("test", short="t", doc="change nothing; exit with 1 if a file would change")
        self._check = flags.bool("check", doc="the same as --test")
        self.diff = flags.bool(
            "diff", short="d", doc="change nothing; show what would change; exit with 1 if it would"
        )

    @property
    def checking(self) -> bool:
        return self._test.value or self._check.value

    def mode(self) -> Mode:
        """The chosen mode. Raises UsageError for modes that exclude each other."""
        if self.write.value and (self.checking or self.diff.value):
            other = "-t/--test" if self.checking else "--diff"
            raise UsageError(f"cannot use -w/--write and {other} at the same time")
        if self.write.value:
            return Mode.WRITE
        if self.diff.value:
            return Mode.DIFF
        return Mode.CHECK if self.checking else Mode.PRINT


def read_options(argv: list[str]) -> Options:
    """Parse the command line. Raises UsageError and HelpRequested."""
    flags = FlagSet("fmt", "[PATH...]", _SUMMARY)
    modes = _Modes(flags)
    exclude = flags.strings(
        "exclude", kind="pattern", doc="leave out matching paths, as in .gitignore; repeatable"
    )
    force = flags.bool("force-exclude", doc="leave out excluded files even if they are named directly")
    listing = ListFlags(flags)
    name = stdin_filename(flags)
    other_name = flags.string("stdin-filepath", kind="name", doc="the same as --stdin-filename")
    strict = flags.bool("strict", doc="fail if a directory has no *.alloy files")
    reporting = ReportFlags(flags)
    paths = flags.parse(argv)
    mode = modes.mode()
    if not paths and not listing.given:
        paths = [_standard_input(flags, mode)]
    if mode is Mode.WRITE and STDIN in paths:
        raise UsageError("cannot use -w with standard input")
    if mode is Mode.PRINT:
        _demand_one_file(paths, listing.given, flags.usage)
    prints = mode in {Mode.PRINT, Mode.DIFF}
    if prints and reporting.to_stdout:
        raise UsageError(
            f"--output-format {reporting.output_format} needs --output-file with a file: "
            "standard output is in use"
        )
    targets = reporting.targets(text_to_stdout=prints)
    return Options(
        mode,
        modes.checking,
        paths + listing.read(),
        listing.given,
        _first_given(name, other_name) or "<stdin>",
        exclude.value,
        force.value,
        strict.value,
        reporting,
        targets,
    )


def _demand_one_file(paths: list[str], listed: bool, usage: str) -> None:
    """Raise UsageError for more than one file, as the result goes to standard output."""
    hint = "-w formats the files in place, --check and --diff only look"
    if listed:
        raise UsageError("--files-from needs -w, --check or --diff", hint=hint, usage=usage)
    instead = (paths[0], "-w", paths[0])
    if len(paths) > 1:
        raise UsageError(f"accepts between 0 and 1 arg(s), received {len(paths)}", hint=hint, instead=instead)
    if paths[0] != STDIN and is_directory(paths[0]):
        raise UsageError("cannot format a directory", hint=hint, instead=instead)


def _first_given(*flags: Flag[str]) -> str:
    return next((flag.value for flag in flags if flag.value), "")


def _standard_input(flags: FlagSet, mode: Mode) -> str:
    """Standard input, if no path is given. Raises UsageError if a person most likely forgot the path."""
    if "stdin" not in streams.closed and sys.stdin.isatty():
        if mode is not Mode.PRINT:
            raise UsageError("no path is given; use - for standard input", usage=flags.usage)
        streams.say("Reading standard input until Ctrl-D; see `alloypy fmt --help` for paths\n")
    return STDIN
