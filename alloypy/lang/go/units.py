"""Byte sizes as Alloy's components write them, such as `64MiB` or `1.5GB`; both are powers of 1024.

Source: docs/spec/SYNTAX.md, section 5 (text types).
"""

from __future__ import annotations

import re

_SCALES = {letter: 1024**power for power, letter in enumerate("KMGTPE", 1)}
_OLD_UNITS = {"B": 1, **{f"{letter}B": scale for letter, scale in _SCALES.items()}}
_UNITS = {"B": 1, **{f"{letter}iB": scale for letter, scale in _SCALES.items()}}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)", re.ASCII)
_MOST_DIGITS = 19
_LARGEST_LEADING = ((1 << 63) - 10) // 10


def parse_size(text: str) -> int:
    """The number of bytes. Raises ValueError, also for a number without a unit (except 0)."""
    try:
        return _parse(text, _UNITS)
    except ValueError:
        return _parse(text, _OLD_UNITS)


class TooLarge(ValueError):
    """A size that no 64 bits hold."""


def parse_possible_size(text: str) -> int:
    """Like `parse_size`, but a size that is too large is said to be, where Alloy calls its unit unknown."""
    try:
        return _parse(text, _UNITS)
    except TooLarge:
        raise TooLarge(f"{text} is too large: a size is below 8EiB") from None
    except ValueError:
        return _parse(text, _OLD_UNITS)


def _parse(text: str, units: dict[str, int]) -> int:
    invalid = ValueError(f"units: invalid {text}")
    rest = text[1:] if text[:1] in {"-", "+"} else text
    if rest == "0":
        return 0
    if not rest:
        raise invalid
    total, position = 0.0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        whole, fraction, unit = part.groups() if part else ("", "", "")
        if not (whole or fraction) or any(_is_too_large(digits) for digits in (whole, fraction)):
            raise invalid
        if unit not in units:
            raise ValueError(f"units: unknown unit {unit} in {text}")
        total += float(f"{whole or 0}.{fraction or 0}") * units[unit]
        position = part.end() if part else len(rest)
    if total > float((1 << 63) - 1):
        raise TooLarge("units: overflow parsing unit")
    return int(-total if text.startswith("-") else total)


def _is_too_large(digits: str | None) -> bool:
    significant = (digits or "").lstrip("0")
    return len(significant) > _MOST_DIGITS or int(significant or "0") >= _LARGEST_LEADING * 10
