"""Differences of two texts in the unified format, with colours if wanted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_CONTEXT = 3
_BOLD, _RED, _GREEN, _CYAN, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[0m"
_COLOURS = (("---", _BOLD), ("+++", _BOLD), ("@@", _CYAN), ("-", _RED), ("+", _GREEN))


def unified(before: bytes, after: bytes, name: str, *, colour: bool) -> bytes:
    """The difference between two contents of the file `name`. Only line feeds end lines."""
    old, new = _lines(before), _lines(after)
    own_bytes = os.fsencode(name).decode("utf-8", "surrogateescape")  # whatever the locale's encoding
    lines = map(_ended, _unified_lines(old, new, own_bytes))
    text = "".join(map(_coloured, lines) if colour else lines)
    return text.encode("utf-8", "surrogateescape")


def _lines(data: bytes) -> list[str]:
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _unified_lines(old: Sequence[str], new: Sequence[str], name: str) -> Iterator[str]:
    yield f"--- {name}\n"
    yield f"+++ {name}\n"
    matcher: SequenceMatcher[str] = SequenceMatcher(None, "", "")
    matcher.opcodes = _opcodes(old, new)  # type: ignore[attr-defined]
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                yield from (f" {line}" for line in old[old_start:old_end])
                continue
            yield from (f"-{line}" for line in old[old_start:old_end])
            yield from (f"+{line}" for line in new[new_start:new_end])


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """How `old` becomes `new`, as opcodes of difflib."""
    codes: list[tuple[str, int, int, int, int]] = []
    old_at = new_at = 0
    for old_start, new_start, length in [*_matches(old, new), (len(old), len(new), 0)]:
        if old_at < old_start or new_at < new_start:
            codes.append(("replace", old_at, old_start, new_at, new_start))
        old_at, new_at = old_start + length, new_start + length
        if length:
            codes.append(("equal", old_start, old_at, new_start, new_at))
    return codes


def _matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Runs of equal lines: index in `old`, index in `new`, length.

    Lines that occur exactly once in each text split both into pieces, and matches are searched only
    within these, as a search takes time with the square of the size. Formatting never reorders lines.
    """
    matches: list[tuple[int, int, int]] = []
    old_at = new_at = 0
    for old_end, new_end in [*_landmarks(old, new), (len(old), len(new))]:
        piece = SequenceMatcher(None, old[old_at:old_end], new[new_at:new_end], autojunk=False)
        found = [(old_at + i, new_at + j, n) for i, j, n in piece.get_matching_blocks() if n]
        for old_start, new_start, length in [*found, (old_end, new_end, int(old_end < len(old)))]:
            if matches and sum(matches[-1][::2]) == old_start and sum(matches[-1][1:]) == new_start:
                length += matches[-1][2]  # noqa: PLW2901
                old_start, new_start, _ = matches.pop()  # noqa: PLW2901
            matches.append((old_start, new_start, length))
        old_at, new_at = old_end + 1, new_end + 1
    return matches


def _landmarks(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The indices, in both texts, of lines that occur exactly once in each, in the order of both."""
    counts = Counter(old), Counter(new)
    places = {line: index for index, line in enumerate(new)}
    found: list[tuple[int, int]] = []
    last = -1
    for index, line in enumerate(old):
        if counts[0][line] == counts[1][line] == 1 and places[line] > last:
            last = places[line]
            found.append((index, last))
    return found


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _coloured(line: str) -> str:
    colour = next((colour for begin, colour in _COLOURS if line.startswith(begin)), "")
    return f"{colour}{line[:-1]}{_RESET}\n" if colour else line
