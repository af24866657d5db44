"""Go's filepath.Glob: `*`, `?`, `[a-z]` and `[^a]` within one directory; a backslash escapes.

Source: the behaviour recorded in tests/golden/components/discovery.file.jsonl.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator

_META = re.compile(r"[*?\[\\]")


class BadPatternError(ValueError):
    """A pattern that means nothing, such as `[a`."""

    def __init__(self) -> None:
        super().__init__("syntax error in pattern")


def has_meta(pattern: str) -> bool:
    """Whether a pattern is more than a path."""
    return _META.search(pattern) is not None


def is_valid(pattern: str) -> bool:
    """Whether a pattern means something."""
    try:
        matcher(pattern)
    except BadPatternError:
        return False
    return True


def glob(pattern: str) -> list[str]:
    """The existing paths that match, sorted within each directory. Raises BadPatternError.

    A directory that cannot be read matches nothing. Call it in a thread.
    """
    matcher(pattern)
    return _glob(pattern)


def _glob(pattern: str) -> list[str]:
    if not has_meta(pattern):
        return [pattern] if os.path.lexists(pattern) else []
    slash = pattern.rfind("/") + 1
    directory, name = pattern[:slash], pattern[slash:]
    directory = directory if directory == "/" else directory[:-1] or "."
    if not has_meta(directory):
        return list(_inside(directory, name))
    return [path for each in _glob(directory) for path in _inside(each, name)]


def _inside(directory: str, pattern: str) -> Iterator[str]:
    matches = matcher(pattern)
    try:
        names = sorted(os.listdir(directory), key=os.fsencode)  # noqa: PTH208 -- a name, not a path, is matched
    except (OSError, ValueError):
        return
    for name in names:
        if matches.fullmatch(name):
            yield posixpath.normpath(f"{directory}/{name}").replace("//", "/", 1)


def matcher(pattern: str) -> re.Pattern[str]:
    """What a pattern matches; a star never matches a slash. Raises BadPatternError."""
    parts: list[list[str]] = [[]]
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "*":
            parts.append([])
            at += 1
        elif character == "?":
            parts[-1].append("[^/]")
            at += 1
        elif character == "[":
            end, made = _class(pattern, at + 1)
            parts[-1].append(made)
            at = end
        else:
            letter, at = _letter(pattern, at)
            parts[-1].append(re.escape(letter))
    first, *others = ("".join(part) for part in parts)
    if not others:
        return re.compile(first, re.DOTALL)
    # Each part is taken where it first fits, as in Go: no other place helps, and backtracking takes long.
    middle = "".join(f"(?>[^/]*?{part})" for part in others[:-1] if part)
    return re.compile(f"{first}{middle}[^/]*{others[-1]}", re.DOTALL)


def _letter(pattern: str, at: int) -> tuple[str, int]:
    """A character that stands for itself, and the place after it."""
    if pattern[at] == "\\":
        at += 1
    if at >= len(pattern):
        raise BadPatternError
    return pattern[at], at + 1


def _class(pattern: str, at: int) -> tuple[int, str]:
    """The place after a class whose bracket is before `at`, and the class as a regular expression."""
    negated = pattern[at : at + 1] == "^"
    at += negated
    ranges: list[tuple[str, str]] = []
    while not (ranges and pattern[at : at + 1] == "]"):
        low, at = _class_letter(pattern, at)
        high = low
        if pattern[at : at + 1] == "-":
            high, at = _class_letter(pattern, at + 1)
        ranges.append((low, high))
    inner = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges if low <= high)
    if not inner:
        return at + 1, "[^/]" if negated else r"[^\s\S]"
    return at + 1, f"(?!/)[{'^' if negated else ''}{inner}]"


def _class_letter(pattern: str, at: int) -> tuple[str, int]:
    if at >= len(pattern) or pattern[at] in "-]":
        raise BadPatternError
    letter, at = _letter(pattern, at)
    if at >= len(pattern):
        raise BadPatternError
    return letter, at
