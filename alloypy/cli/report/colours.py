"""Whether to write colours: decided by the flag `--color`, the environment and the stream."""

from __future__ import annotations

import os
from typing import IO

CHOICES = ("auto", "always", "never")
"""The values of `--color`."""


def wants_colour(stream: IO[str], choice: str = "auto") -> bool:
    """Whether to write colours: as the flag, FORCE_COLOR, NO_COLOR, or the kind of `stream` says."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def terminal_width(stream: IO[str]) -> int | None:
    """The number of columns if `stream` is a terminal; None if it is not, or if that is unknown."""
    if not stream.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None
