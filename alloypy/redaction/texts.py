"""The text of string literals with the place of every character, so that parts of it can be hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.lang.evaluation.literals import string_value
from alloypy.lang.secrecy import secret_parts
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Literal

_PIECE = r"(?s)\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)?|."
_ELSEWHERE = -1
_STAND_IN = "x"
"""A character that represents the value of an expression that is not a literal."""


class Located(NamedTuple):
    """A text and, for each of its characters, the bytes it was written with: first and last offset.

    A character that is not in the source has negative offsets.
    """

    text: str
    places: Sequence[tuple[int, int]]


def stand_in() -> Located:
    """A text for an unknown value."""
    return Located(_STAND_IN, [(_ELSEWHERE, _ELSEWHERE)])


def located(source: Source, literal: Literal) -> Located:
    """The content of a string literal."""
    return located_text(
        source.data[literal.start + 1 : literal.end], literal.start + 1, literal.text[0] == "`"
    )


def located_text(data: bytes, start: int, raw: bool) -> Located:
    """The content of a string that begins at `start`; unless `raw`, it may contain escapes, valid or not."""
    content = data.decode("utf-8", "surrogateescape")
    if raw or "\\" not in content:
        pieces: list[tuple[str, str]] = [(char, char) for char in content if not (raw and char == "\r")]
        if not raw or "\r" not in content:
            return Located(content, _places((written for written, _ in pieces), start))
    else:
        pieces = [(written, _unescaped(written)) for written in re.findall(_PIECE, content)]
    if raw:
        return _without_returns(content, start)
    return Located("".join(char for _, char in pieces), _places((written for written, _ in pieces), start))


def _without_returns(content: str, start: int) -> Located:
    places = _places(content, start)
    kept = [(char, place) for char, place in zip(content, places, strict=True) if char != "\r"]
    return Located("".join(char for char, _ in kept), [place for _, place in kept])


def _places(pieces: Iterator[str] | str, start: int) -> list[tuple[int, int]]:
    places = []
    for piece in pieces:
        size = len(piece.encode("utf-8", "surrogateescape"))
        places.append((start, start + size - 1))
        start += size
    return places


def _unescaped(written: str) -> str:
    if len(written) < 2:
        return written
    try:
        value = string_value(f'"{written}"')
    except (KeyError, ValueError, OverflowError):
        return written[1]
    return value if len(value) == 1 else written[1]


def joined(parts: Sequence[Located]) -> Located:
    """The parts as one text."""
    return Located("".join(part.text for part in parts), [place for part in parts for place in part.places])


def spans_of(source: Source, whole: Located, start: int, end: int) -> Iterator[Span]:
    """Where the characters from `start` to `end` are written, with one span for each connected piece."""
    first, last = _ELSEWHERE, _ELSEWHERE
    for begins, ends in whole.places[start:end]:
        if begins == _ELSEWHERE:
            continue
        if first != _ELSEWHERE and begins == last + 1:
            last = ends
            continue
        if first != _ELSEWHERE:
            yield Span(source, first, last)
        first, last = begins, ends
    if first != _ELSEWHERE:
        yield Span(source, first, last)


def secret_spans(source: Source, whole: Located, *, url: bool) -> Iterator[Span]:
    """The places of the parts of a text that are secret whatever its name."""
    for start, end in secret_parts(whole.text, url=url):
        yield from spans_of(source, whole, start, end)
