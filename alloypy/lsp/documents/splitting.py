"""Where a text can be split: into pieces that are read separately, and groups of pieces that belong together.

A piece begins with a line that may begin a statement of the top level, judging by its indentation and by the
brackets since the beginning of the piece before. It is read from its beginning on, with no knowledge of what
comes before: so only the pieces around an edit are read again. Whether the pieces of a statement that is not
indented belong together only their brackets tell, so these are matched over the whole text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

_NEXT = re.compile(
    rb"""
    (?: [^"`/()\[\]{}\n]++ | \n (?! [ \t\r]*+ [A-Za-z_\x80-\xff] ) | / (?! [/*] ) )*+
    (?: ( [(\[{] )                                              # 1 an opening bracket
      | ( [)\]}] )                                              # 2 a closing one
      | \n ( [ \t\r]*+ )                                        # 3 before a line that begins with a name
      | " (?: [^"\\\n]++ | \\ [^\n] )*+ "?
      | ` [^`]*+ `?
      | ( //[^\n]*+ | /\* (?: [^*]++ | \* (?! / ) )*+ (?: \*/ )? )  # 4 a comment
      | \Z )
    """,
    re.VERBOSE,
)
_LABELLED = re.compile(rb'[ \t]*[A-Za-z_][A-Za-z0-9_.]*[ \t]+"[^"\n]*"[ \t]*\{')
_CLOSER_OF = {b"(": b")", b"[": b"]", b"{": b"}"}
_OPENER_OF = {closer: opener for opener, closer in _CLOSER_OF.items()}
_BLANK = b" \t\r\n"
_CONTINUED = frozenset(b"=+-*/%^<>!&|,([{")
"""After these a line feed does not end a statement (`alloypy.syntax.tokens.ENDING`)."""
_MOST_BYTES = 1 << 15
"""How large a group of pieces whose brackets do not match may become."""


class Piece:
    """A part of a text with one or more lines, or with less than a statement.

    size: in bytes. unmatched: the brackets without a partner in it, the closing ones first. labelled: whether
    it begins as only a whole block does. open_ended: whether its last bracket is an opening one, with nothing
    after it.
    """

    __slots__ = ("labelled", "open_ended", "size", "unmatched")

    def __init__(self, size: int, unmatched: bytes, labelled: bool, open_ended: bool) -> None:
        self.size = size
        self.unmatched = unmatched
        self.labelled = labelled
        self.open_ended = open_ended


def pieces_of(data: bytes, before: bytes, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces of a text. before, pieces: an earlier text and its pieces, which are used again."""
    same = _common_prefix(data, before)
    if same == len(data) == len(before) and pieces:
        return list(pieces)
    starts = [0, *accumulate(piece.size for piece in pieces)]
    first = max(0, bisect_right(starts, same) - 3)  # the end of a piece is judged by the line after it
    shift = len(before) - len(data)
    after = len(data) - _common_suffix(data, before, same)
    numbers = {start: number for number, start in enumerate(starts[:-1])}
    made = list(pieces[:first])
    at = starts[first]
    while at < len(data) or not made:
        known = numbers.get(at + shift) if at >= after else None
        if known is not None and known >= first:
            made += pieces[known:]
            break
        piece = _read(data, at)
        known = numbers.get(at)
        if known is not None and at + piece.size <= same and pieces[known].size == piece.size:
            piece = pieces[known]
        made.append(piece)
        at += piece.size
    return made


def groups_of(pieces: Sequence[Piece]) -> Iterator[tuple[int, int]]:
    """Which pieces belong together: the numbers of the first and after the last of each group."""
    reach = _reach(pieces)
    number, count = 0, len(pieces)
    while number < count:
        after = number + 1
        if number in reach:
            last = reach[number]
            after = _after_broken(pieces, number) if last is None else _after_matched(reach, number, last)
        yield number, after
        number = after


def _read(data: bytes, start: int) -> Piece:
    """The piece that begins at `start`."""
    opened: list[bytes] = []
    closed: list[bytes] = []
    counts = dict.fromkeys(_CLOSER_OF, 0)
    comments: list[tuple[int, int]] = []
    indentation = _indentation(data, start)
    last_opened = -1
    for match in _NEXT.finditer(data, start):
        kind = match.lastindex
        if kind == 1:
            opened.append(match[1])
            counts[match[1]] += 1
            last_opened = match.end()
        elif kind == 2:
            _close(match[2], opened, counts, closed)
        elif kind == 4:
            comments.append(match.span(4))
        elif kind == 3:
            column = match.end() - match.start(3)
            beginning = match.start(3)
            outside = not opened or (indentation is not None and column <= indentation)
            if outside and _ends(data, start, beginning, comments):
                return _piece(data, start, beginning, closed + opened, last_opened, comments)
        if match.end() >= len(data):
            break
    return _piece(data, start, len(data), closed + opened, last_opened, comments)


def _piece(
    data: bytes,
    start: int,
    stop: int,
    unmatched: list[bytes],
    last_opened: int,
    comments: list[tuple[int, int]],
) -> Piece:
    labelled = _LABELLED.match(data, start, stop) is not None
    open_ended = bool(unmatched) and _last(data, start, stop, comments) == last_opened
    return Piece(stop - start, b"".join(unmatched), labelled, open_ended)


def _indentation(data: bytes, start: int) -> int | None:
    """The indentation of the line at `start`; None if no name begins it."""
    at = start
    while data[at : at + 1] in (b" ", b"\t", b"\r"):
        at += 1
    byte = data[at : at + 1]
    return at - start if byte.isalpha() or byte == b"_" or byte >= b"\x80" else None


def _close(closer: bytes, opened: list[bytes], counts: dict[bytes, int], closed: list[bytes]) -> None:
    """Take the newest opening bracket of its kind away, and those in it; keep one without in `closed`."""
    opener = _OPENER_OF[closer]
    if not counts[opener]:
        closed.append(closer)
        return
    bracket = b""
    while bracket != opener:
        bracket = opened.pop()
        counts[bracket] -= 1


def _last(data: bytes, start: int, stop: int, comments: list[tuple[int, int]]) -> int:
    """The offset after the last byte before `stop` that is neither blank nor in a comment."""
    number = len(comments)
    while True:
        while stop > start and data[stop - 1] in _BLANK:
            stop -= 1
        if not number or comments[number - 1][1] < stop:
            return stop
        number -= 1
        stop = comments[number][0]


def _ends(data: bytes, start: int, at: int, comments: list[tuple[int, int]]) -> bool:
    """Whether a line feed before `at` ends a statement."""
    stop = _last(data, start, at, comments)
    if stop <= start:
        return True
    byte = data[stop - 1]
    if byte != ord("."):
        return byte not in _CONTINUED
    digits = stop - 1
    while digits > start and data[digits - 1 : digits].isdigit():
        digits -= 1
    before = data[max(start, digits - 1) : digits]
    return digits < stop - 1 and not (before.isalpha() or before == b"_" or before >= b"\x80")


def _reach(pieces: Sequence[Piece]) -> dict[int, int | None]:
    """By the number of a piece with brackets that others close: the last of these, None if there is none."""
    reach: dict[int, int | None] = {}
    opened: list[tuple[bytes, int]] = []
    counts = dict.fromkeys(_CLOSER_OF, 0)
    for number, piece in enumerate(pieces):
        for at in range(len(piece.unmatched)) if piece.unmatched else ():
            bracket = piece.unmatched[at : at + 1]
            if bracket in counts:
                opened.append((bracket, number))
                counts[bracket] += 1
                reach.setdefault(number, number)
            elif counts[_OPENER_OF[bracket]]:
                _match(_OPENER_OF[bracket], number, opened, counts, reach)
    for _, number in opened:
        reach[number] = None
    return reach


def _match(
    bracket: bytes,
    number: int,
    opened: list[tuple[bytes, int]],
    counts: dict[bytes, int],
    reach: dict[int, int | None],
) -> None:
    """Close the newest bracket of a kind in piece `number`; those in it are never closed."""
    while True:
        kind, opener = opened.pop()
        counts[kind] -= 1
        known = reach[opener]
        if kind == bracket:
            reach[opener] = None if known is None else max(known, number)
            return
        reach[opener] = None


def _after_matched(reach: dict[int, int | None], number: int, last: int) -> int:
    """The number after the last piece that belongs to a piece, if their brackets match."""
    while number < last:
        number += 1
        last = max(last, reach.get(number) or 0)
    return last + 1


def _after_broken(pieces: Sequence[Piece], number: int) -> int:
    """The number after the last piece that belongs to one that is never closed."""
    size = 0
    last = number
    while last + 1 < len(pieces) and (last > number or pieces[last].open_ended):
        size += pieces[last].size
        if pieces[last + 1].labelled or size > _MOST_BYTES:
            break
        last += 1
    return last + 1


def _common_prefix(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(one: bytes, other: bytes, prefix: int) -> int:
    low, high = 0, min(len(one), len(other)) - prefix
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low
