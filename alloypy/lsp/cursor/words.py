"""The text around the cursor, for what a tree does not tell."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from alloypy.syntax.tree import Comment

_WORD_BEFORE = re.compile(rb"[A-Za-z0-9_\x80-\xff]*\Z")
_NAME_BEFORE = re.compile(rb"[A-Za-z0-9_.\x80-\xff]*\Z")
_WORD_AFTER = re.compile(rb"[A-Za-z0-9_\x80-\xff]*")
_NAME_AFTER = re.compile(rb"[A-Za-z0-9_.\x80-\xff]*")
_COMMENTS = re.compile(rb"(?://[^\n]*+|/\*.*?\*/|\s)*+", re.DOTALL)
_LONGEST_NAME = 256
"""A name of more bytes is not looked at as a whole."""


class CommentRange(NamedTuple):
    """The place of a comment; stop is exclusive."""

    start: int
    stop: int


def comment_at(groups: Sequence[Sequence[Comment]], at: int, data: bytes) -> CommentRange | None:
    """The comment that an offset is inside of, or at the end of a comment that only its line ends."""
    number = bisect_right(groups, at, key=lambda group: group[0].start) - 1
    for comment in groups[number] if number >= 0 else ():
        stop = comment.end + 1
        open_ended = data.startswith(b"//", comment.start) or not data.endswith(
            b"*/", comment.start + 4, stop
        )
        if comment.start < at and (at < stop or (open_ended and at == stop)):
            return CommentRange(comment.start, stop)
    return None


def word_around(data: bytes, at: int, *, dotted: bool = False) -> tuple[int, int]:
    """The range of the name that touches an offset. dotted: with the dots in it."""
    before = (_NAME_BEFORE if dotted else _WORD_BEFORE).search(data, max(0, at - _LONGEST_NAME), at)
    after = (_NAME_AFTER if dotted else _WORD_AFTER).match(data, at, at + _LONGEST_NAME)
    return before.start() if before else at, after.end() if after else at


def line_before(data: bytes, at: int) -> bytes:
    """The text of an offset's line up to it."""
    return data[data.rfind(b"\n", 0, at) + 1 : at]


def blank(data: bytes, start: int, stop: int) -> bool:
    """Whether there is nothing but blanks and comments between two offsets."""
    if start >= stop:
        return True
    match = _COMMENTS.match(data, start, stop)
    return match is not None and match.end() == stop


def last_mark(data: bytes, start: int, stop: int) -> str:
    """The last character between two offsets that is neither blank nor in a comment, or empty."""
    at, last = start, ""
    while at < stop:
        match = _COMMENTS.match(data, at, stop)
        at = match.end() if match else at
        if at < stop:
            last = chr(data[at])
            at += 1
    return last
