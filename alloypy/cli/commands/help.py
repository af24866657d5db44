"""`alloypy help [command]`."""

from __future__ import annotations

import sys

from alloypy.cli import exit_codes
from alloypy.cli.flags import FlagSet
from alloypy.cli.main import COMMANDS, find_command, run_of, usage_text
from alloypy.cli.usage_error import UsageError


def run(argv: list[str]) -> int:
    """Print the help of the program or of one command. Raises UsageError and HelpRequested."""
    topic = FlagSet("help", "[command]", "Show the help of alloypy or of one command.").parse(argv)
    if not topic:
        sys.stdout.write(usage_text())
        return exit_codes.SUCCESS
    command = find_command(topic[0])
    if command is None:
        from alloypy.cli.suggestions import other_command

        meant = other_command(topic[0], [each.name for each in COMMANDS if not each.hidden])
        known = meant is not None and not meant.startswith("-")
        raise UsageError(
            f'unknown help topic "{topic[0]}"',
            hint=f"did you mean `{meant}`?" if known else "",
            instead=(topic[0], meant) if known and meant is not None else (),
            usage="alloypy help [command]",
        )
    return run_of(command)(["--help"] if command.module != "absent" else [command.name])
