"""The command line page of the documentation, generated from the help of the commands.

    python3 dev.py docs

writes it again; a test compares the committed page with it.
"""

from __future__ import annotations

from pathlib import Path

from alloypy.cli.flags import HelpRequested
from alloypy.cli.main import COMMANDS, run_of

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
_MARK = "<!-- made by: python3 dev.py docs -->\n"


def page() -> str:
    """The page as it should be: the text above the mark, and the help of each command."""
    introduction = PAGE.read_text(encoding="utf-8").partition(_MARK)[0]
    parts = [introduction + _MARK]
    for command in COMMANDS:
        if command.hidden or command.name == "help":
            continue
        alias = f" (or `alloypy {command.alias}`)" if command.alias else ""
        try:
            run_of(command)(["--help"])
        except HelpRequested as request:
            parts.append(f"## `alloypy {command.name}`{alias}\n\n```text\n{request.flags.help_text()}```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
