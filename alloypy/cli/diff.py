"""Differences of two texts in the unified form, in colours on a terminal."""

from __future__ import annotations

import os
from difflib import unified_diff
from typing import IO

_BOLD, _RED, _GREEN, _CYAN, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[0m"
_COLOURS = (("---", _BOLD), ("+++", _BOLD), ("@@", _CYAN), ("-", _RED), ("+", _GREEN))


def wants_colour(stream: IO[str]) -> bool:
    """Whether to write colours to `stream`: FORCE_COLOR, then NO_COLOR, then whether it is a terminal."""
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def unified(before: bytes, after: bytes, name: str, *, colour: bool) -> bytes:
    """How to get from one content of the file `name` to another. Lines end at line feeds only."""
    lines = unified_diff(_lines(before), _lines(after), name, name)
    marked = (_ended(line) for line in lines)
    text = "".join(map(_coloured, marked) if colour else marked)
    return text.encode("utf-8", "surrogateescape")


def _lines(data: bytes) -> list[str]:
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _coloured(line: str) -> str:
    colour = next((colour for begin, colour in _COLOURS if line.startswith(begin)), "")
    return f"{colour}{line[:-1]}{_RESET}\n" if colour else line
