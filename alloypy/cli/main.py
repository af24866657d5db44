"""The program: finds the command, runs it, and turns every failure into a message and an exit code.

A command is a module of this package with `def run(argv: list[str]) -> int`; it is imported only when
it is used. It may raise UsageError and HelpRequested. Source: docs/spec/RUNTIME.md, section 1.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import NamedTuple

from alloypy import __version__
from alloypy.cli import exit_codes, streams
from alloypy.cli.flags import FlagSet, HelpRequested
from alloypy.cli.streams import OutputError
from alloypy.cli.usage_error import UsageError
from alloypy.os_errors import system_words

_HELD = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if sys.platform != "win32" else ()))
_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""Errors of standard output, the only file that commands write to without a name."""


class Command(NamedTuple):
    """One command: its module in `alloypy.cli.commands`, its line in the help, the exit code of wrong use."""

    name: str
    module: str
    summary: str
    alias: str = ""
    hidden: bool = False
    wrong_use: int = exit_codes.FAILURE


COMMANDS = (
    Command("run", "run.command", "Run a configuration: receive, relabel and forward profiles"),
    Command(
        "fmt", "fmt.command", "Format a configuration file", alias="format", wrong_use=exit_codes.FMT_UNUSABLE
    ),
    Command("validate", "validate.command", "Check a configuration without running it"),
    Command(
        "requires",
        "requires.command",
        "Say which versions of Alloy load a configuration",
        wrong_use=exit_codes.VERSIONS_UNUSABLE,
    ),
    Command(
        "upgrade",
        "upgrade.command",
        "Say what an upgrade of Alloy changes for a configuration",
        wrong_use=exit_codes.VERSIONS_UNUSABLE,
    ),
    Command("graph", "graph.command", "Draw what flows between the components of a configuration"),
    Command("eval", "eval.command", "Evaluate an expression"),
    Command("explain", "explain.command", "Explain what a diagnostic code means and what to do about it"),
    Command("docs", "docs.command", "Show the reference of a component or function"),
    Command("schema", "schema", "Print the arguments of a component as a machine-readable schema"),
    Command(
        "dev-sink", "dev_sink.command", "Stand in for a Pyroscope server and show the profiles it receives"
    ),
    Command("view", "view.command", "Show profiles as flame graphs in the browser"),
    Command("queue", "queue.command", "Look into a queue of profiles on disk, and change it"),
    Command("lsp", "lsp.command", "Serve an editor: faults, completion and documentation while typing"),
    Command("completion", "completion.command", "Print a completion script for bash, zsh or fish"),
    Command("debug", "debug", "Show what the language front end makes of a file", hidden=True),
    Command("convert", "absent", "Not part of alloypy", hidden=True),
    Command("tools", "absent", "Not part of alloypy", hidden=True),
    Command("gql", "absent", "Not part of alloypy", alias="graphql", hidden=True),
    Command("help", "help", "Show the help of alloypy or of one command"),
)


def find_command(name: str) -> Command | None:
    """The command with this name or alias."""
    return next((command for command in COMMANDS if name in (command.name, command.alias) and name), None)


def run_of(command: Command) -> Callable[[list[str]], int]:
    """The function that runs `command`; imports its module."""
    gc.disable()  # what an import creates stays alive: collections would find nothing
    try:
        function: Callable[[list[str]], int] = import_module(f"alloypy.cli.commands.{command.module}").run
    finally:
        gc.enable()
    return function


def version_text() -> str:
    """What `--version` prints, in Alloy's form."""
    from alloypy.build_kind import BUILD_KIND

    platform = f"{sys.platform}/{os.uname().machine}" if hasattr(os, "uname") else sys.platform
    python = ".".join(map(str, sys.version_info[:3]))
    rows = (
        ("implementation", "Python"),
        ("build", BUILD_KIND),
        ("python version", python),
        ("platform", platform),
    )
    lines = [f"alloypy, version v{__version__}"]
    lines += [f"  {name + ':':<18}{value}" for name, value in rows]
    return "\n".join(lines) + "\n"


def usage_text() -> str:
    """The help of the program itself."""
    shown = [command for command in COMMANDS if not command.hidden]
    width = max(len(command.name) for command in shown)
    lines = [
        "alloypy reads Grafana Alloy configuration and runs it.",
        "",
        "Usage:",
        "  alloypy [command]",
        "",
        "Available Commands:",
        *(f"  {command.name.ljust(width)}   {command.summary}" for command in shown),
        "",
        "Flags:",
        "  -h, --help      help for alloypy",
        "  -v, --version   version for alloypy",
        "",
        'Use "alloypy [command] --help" for more information about a command.',
    ]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program name) and return the exit code; never raises."""
    try:
        code = _dispatch(list(argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has closed it
        streams.silence(sys.stdout)
        return exit_codes.SUCCESS
    except (OSError, OutputError) as error:
        return _accident(error, argv)
    except Exception as error:
        return _internal_error(error)
    return code


def entry_point() -> None:
    """The `alloypy` console script."""
    _hold_signals()
    streams.prepare()
    code = main(sys.argv[1:])
    gc.freeze()  # Python's last collections would visit objects that end with the process anyway
    _leave_threads(code)
    sys.exit(code)


def _leave_threads(code: int) -> None:
    """Exit immediately if threads are left: they may hang, and Python's own exit may abort on others."""
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() == 1:
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _hold_signals() -> None:
    """Block the signals that `run` handles until it does; other commands unblock them immediately."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def _release_signals() -> None:
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)


def _dispatch(argv: list[str]) -> int:
    if argv and not argv[0].startswith("-"):
        return _run_command(argv[0], argv[1:])
    return _run_root(argv)


def _run_command(name: str, argv: list[str]) -> int:
    command = find_command(name)
    if command is None:
        return _unknown_command(name, argv)
    if command.name != "run":
        _release_signals()
    try:
        return run_of(command)(argv if command.module != "absent" else [command.name])
    except HelpRequested as request:
        sys.stdout.write(request.flags.help_text())
        return exit_codes.SUCCESS
    except UsageError as error:
        from alloypy.cli.suggestions import error_lines

        sys.stderr.write(error_lines(error, [name, *argv]))
        return command.wrong_use


def _unknown_command(name: str, argv: list[str]) -> int:
    from alloypy.cli.suggestions import line, other_command, usual_arguments

    streams.fault(f'unknown command "{name}" for "alloypy"')
    meant = other_command(name, [command.name for command in COMMANDS if not command.hidden])
    if meant is not None:
        print(f"  = hint: did you mean `alloypy {meant}`?", file=sys.stderr)
    print("Run 'alloypy --help' for usage.", file=sys.stderr)
    if meant is not None:
        words = [meant] if meant.startswith("-") else [meant, *(argv or usual_arguments(meant))]
        print(f"  = type: {line(words)}", file=sys.stderr)
    return exit_codes.FAILURE


def _run_root(argv: list[str]) -> int:
    """Run the program without a command: `--version`, `--help`, or an error."""
    flags = FlagSet("", "[command]", "")
    version = flags.bool("version", short="v", doc="version for alloypy")
    try:
        rest = flags.parse(argv)
    except HelpRequested:
        sys.stdout.write(usage_text())
        return exit_codes.SUCCESS
    except UsageError as error:
        from alloypy.cli.suggestions import error_lines

        first, _, more = error_lines(error, argv).partition("\n")
        sys.stderr.write(f"{first}\n{usage_text()}{more}")
        return exit_codes.FAILURE
    if version.value:
        sys.stdout.write(version_text())
        return exit_codes.SUCCESS
    if rest:
        return _run_command(rest[0], rest[1:])
    sys.stderr.write(usage_text())
    return exit_codes.SUCCESS


def _accident(error: OSError | OutputError, argv: Sequence[str]) -> int:
    """Report an error of the system in one line; returns the command's exit code for wrong use."""
    _show_traceback(error)
    if isinstance(error, OSError) and error.filename is None and error.errno in _OF_WRITING:
        error = streams.output_fault(error)
    streams.fault(_what_happened(error) if isinstance(error, OSError) else str(error))
    command = find_command(argv[0]) if argv else None
    return command.wrong_use if command is not None else exit_codes.FAILURE


def _what_happened(error: OSError) -> str:
    if isinstance(error.filename, str | bytes):
        return f"open {os.fsdecode(error.filename)}: {system_words(error)}"
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        return "the working directory does not exist any more"
    return system_words(error)


def _internal_error(error: Exception) -> int:
    """Report a bug of alloypy in one line, with the traceback if ALLOYPY_DEBUG=1 asks for it."""
    _show_traceback(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    streams.fault(
        f"internal error of alloypy {__version__}: {what}. Please report it with the configuration "
        "that caused it; ALLOYPY_DEBUG=1 shows the traceback."
    )
    return exit_codes.FAILURE


def _show_traceback(error: Exception) -> None:
    if os.environ.get("ALLOYPY_DEBUG") == "1":
        import traceback

        streams.say("".join(traceback.format_exception(error)))
