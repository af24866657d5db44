"""Patterns in the language of `.gitignore`, for paths that a command should skip.

Source: the gitignore manual page. The last matching pattern decides whether a path is ignored. Anything
inside an ignored directory is ignored, too; that is up to the code that walks the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class _Pattern(NamedTuple):
    regex: re.Pattern[str]
    negated: bool
    only_directories: bool


class IgnoreRules:
    """The patterns of one list. Paths are relative to the list's directory, with `/` between names."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns = [pattern for line in lines if (pattern := _read(line)) is not None]

    def __bool__(self) -> bool:
        """Whether there is any pattern."""
        return bool(self._patterns)

    def verdict(self, path: str, *, directory: bool) -> bool | None:
        """True if `path` is ignored, False if a `!` pattern includes it, None if no pattern matches."""
        for regex, negated, only_directories in reversed(self._patterns):
            if (directory or not only_directories) and regex.fullmatch(path):
                return not negated
        return None


def _read(line: str) -> _Pattern | None:
    """The pattern of one line; None for comments, empty lines and patterns that can match nothing."""
    text = line.rstrip("\r\n")
    bare = text.rstrip(" ")
    text = bare + text[len(bare) :][: len(text) > len(bare) and bare.endswith("\\")]
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text.removeprefix("!")
    only_directories = text.endswith("/")
    text = text.removesuffix("/")
    if not text:
        return None
    anchored = "/" in text
    try:
        regex = re.compile(("" if anchored else "(?:.*/)?") + _translate(text.removeprefix("/")), re.DOTALL)
    except re.error:
        return None  # a range such as [z-a]
    return _Pattern(regex, negated, only_directories)


def _translate(pattern: str) -> str:
    """The regular expression of a pattern. `*` and `?` stop at `/`, `**` between slashes does not."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
            parts.append("(?:.*/)?")
            at += 3
        elif pattern[at:] == "**" and (at == 0 or pattern[at - 1] == "/"):
            parts.append(".+")
            at += 2
        elif char == "*":
            parts.append("[^/]*")
            at += 1
        elif char == "?":
            parts.append("[^/]")
            at += 1
        elif char == "[" and (closing := _class_end(pattern, at)) > 0:
            parts.append(_class(pattern[at + 1 : closing]))
            at = closing + 1
        else:
            if char == "\\" and at + 1 < len(pattern):
                at += 1
                char = pattern[at]
            parts.append(re.escape(char))
            at += 1
    return "".join(parts)


def _class_end(pattern: str, at: int) -> int:
    """The index of the `]` that closes the class opened at `at`, or -1. A first `]` is a member."""
    begin = at + 1
    if pattern.startswith(("!", "^"), begin):
        begin += 1
    return pattern.find("]", begin + 1)


def _class(members: str) -> str:
    negated = members.startswith(("!", "^"))
    members = re.sub(r"[\\\[\]^&|~]", r"\\\g<0>", members[1:] if negated else members)
    return f"(?!/)[{'^' if negated else ''}{members}]"
