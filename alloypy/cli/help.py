"""`alloypy help [command]`."""

from __future__ import annotations

import sys

from alloypy.cli import exit_codes
from alloypy.cli.flags import FlagSet, UsageError
from alloypy.cli.main import find_command, run_of, usage_text


def run(argv: list[str]) -> int:
    """Print the help of the program or of one command. Raises UsageError and HelpRequested."""
    topic = FlagSet("help", "[command]", "Show the help of alloypy or of one command.").parse(argv)
    if not topic:
        sys.stdout.write(usage_text())
        return exit_codes.SUCCESS
    command = find_command(topic[0])
    if command is None:
        raise UsageError(f'unknown help topic "{topic[0]}"')
    return run_of(command)(["--help"] if command.module != "absent" else [command.name])
