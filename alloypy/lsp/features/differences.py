"""The changes that turn one text into another, as few and as small as an editor wants them.

Cursors, folds and marks of an editor stay where they are if only the whitespace that differs is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from alloypy.syntax.diagnostics import Edit, edited

_SPACE = re.compile(rb"[ \t\r\n]*")
_WORD = re.compile(rb"[^ \t\r\n]*")
_LINE = re.compile(rb"[^\n]*\n?")

_LINES_AHEAD = 60
"""In how many lines a place is looked for from which on both texts are alike again."""


class _Change(NamedTuple):
    """Bytes from `start` to before `stop` of the old text become `data`."""

    start: int
    stop: int
    data: bytes


def edits_between(old: bytes, new: bytes) -> list[Edit]:
    """The changes that turn `old` into `new`, in order, without overlap. Takes time linear in the texts."""
    changes = [_trimmed(old, change) for change in _joined(_differences(old, new))]
    edits = [
        Edit(start, stop, data.decode("utf-8", "surrogateescape"))
        for start, stop, data in changes
        if start < stop or data
    ]
    return edits if edited(old, edits) == new else [Edit(0, len(old), new.decode("utf-8", "surrogateescape"))]


def _differences(old: bytes, new: bytes) -> Iterator[_Change]:
    """The differences, from one run of whitespace to the next."""
    at, there = 0, 0
    while True:
        stop, end = _end(_SPACE, old, at), _end(_SPACE, new, there)
        if old[at:stop] != new[there:end]:
            yield _Change(at, stop, new[there:end])
        at, there = stop, end
        if at == len(old) or there == len(new):
            yield _Change(at, len(old), new[there:])
            return
        same = _alike(old[at : _end(_WORD, old, at)], new[there : _end(_WORD, new, there)])
        if same:
            at, there = at + same, there + same
            continue
        stop, end = _again(old, new, at, there)
        yield _Change(at, stop, new[there:end])
        at, there = stop, end


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match is not None else at


def _alike(one: bytes, other: bytes) -> int:
    """The number of bytes at the beginning in which two texts agree."""
    if one == other:
        return len(one)
    shorter = min(len(one), len(other))
    for at in range(shorter):
        if one[at] != other[at]:
            return at
    return shorter


def _again(old: bytes, new: bytes, at: int, there: int) -> tuple[int, int]:
    """From where on the texts agree, after two different words: after a comma, or at the same line."""
    if new.startswith(b",", there):
        return at, there + 1
    if old.startswith(b",", at):
        return at + 1, there
    lines: dict[bytes, tuple[int, int]] = {}
    for number, (text, start) in enumerate(_lines(new, there)):
        lines.setdefault(text, (number, start))
    found = [
        (number + lines[text][0], start, lines[text][1])
        for number, (text, start) in enumerate(_lines(old, at))
        if text in lines
    ]
    return min(found)[1:] if found else (len(old), len(new))


def _lines(text: bytes, at: int) -> Iterator[tuple[bytes, int]]:
    """The next lines after that of `at`, without their whitespace, and where they begin."""
    for _ in range(_LINES_AHEAD):
        at = _end(_LINE, text, at)
        if at == len(text):
            return
        words = b"".join(text[at : _end(_LINE, text, at)].split())
        if words:
            yield words, at


def _joined(changes: Iterator[_Change]) -> Iterator[_Change]:
    """The changes, those that touch each other as one."""
    last: _Change | None = None
    for change in changes:
        if last is not None and last.stop == change.start:
            last = _Change(last.start, change.stop, last.data + change.data)
            continue
        if last is not None:
            yield last
        last = change
    if last is not None:
        yield last


def _trimmed(old: bytes, change: _Change) -> _Change:
    """The change without what stays the same at its ends; CR LF is never taken apart."""
    start, stop, data = change
    same = _alike(old[start:stop], data)
    if data[:same].endswith(b"\r"):
        same -= 1
    start, data = start + same, data[same:]
    same = _alike(old[start:stop][::-1], data[::-1])
    while same and (
        old[stop - same - 1 : stop - same + 1] == b"\r\n" or data[-same - 1 : len(data) - same + 1] == b"\r\n"
    ):
        same -= 1
    while same and old[stop - same] & 0xC0 == 0x80:  # inside of a character
        same -= 1
    return _Change(start, stop - same, data[: len(data) - same])
