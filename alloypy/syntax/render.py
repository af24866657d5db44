"""Diagnostics as text for people, exactly as Alloy prints them.

A diagnostic is printed as one line and an excerpt of the source: the lines it spans, one more
on each side, and carets under its columns. Columns count bytes; there is one caret per character.

Source: docs/spec/SYNTAX.md, section 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Position, Source, Span

SHOWN = 100
"""How many diagnostics of one unit are shown; the rest are only counted."""

_CONTEXT = 1
_TAB = 4
_WIDE = frozenset("\t\v")
_LONGEST_LINE = 1000
_BESIDE = 200
_CUT = "..."
_LONGEST_MESSAGE = 4000
_MOST_LINES = 60
_LAST_LINES = 10

_LEAST_WIDTH = 20
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069"
_CONTROL = re.compile(f"[{_CONTROLS}]")
_CONTROL_OR_BLANK = re.compile(f"[\t\n{_CONTROLS}]")

_WORDS = {Severity.ERROR: "Error: ", Severity.WARNING: "Warning: "}
_COLORS = {Severity.ERROR: "\x1b[31;1m", Severity.WARNING: "\x1b[33;1m"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def render(
    diagnostics: Iterable[Diagnostic], color: bool = False, hints: bool = False, width: int | None = None
) -> str:
    """The text of the first hundred diagnostics, separated by empty lines, and the number of the others.

    color: use a terminal's escape sequences. hints: beyond Alloy's text, show the hint on a line below each
    diagnostic that has one, and escape control characters. width: the terminal's, in columns.
    """
    rest = iter(diagnostics)
    texts = [_one(diagnostic, color, hints, width) for diagnostic in islice(rest, SHOWN)]
    return "\n".join(texts + not_shown(rest))


def escaped(text: str, kept: str = "\t\n") -> str:
    """`text` with the characters escaped that a terminal acts on: control characters and text direction.

    kept: characters to leave as they are; "" for a text that must stay on one line.
    """
    return (_CONTROL if kept else _CONTROL_OR_BLANK).sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return _escape_char(match[0])


def _escape_char(char: str) -> str:
    known = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(char)
    if known is not None:
        return known
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def not_shown(rest: Iterable[Diagnostic]) -> list[str]:
    """The line that counts the diagnostics not shown; nothing if there are none."""
    errors = warnings = 0
    for diagnostic in rest:
        if diagnostic.severity is Severity.ERROR:
            errors += 1
        else:
            warnings += 1
    counts = ((errors, "error"), (warnings, "warning"))
    words = [f"{count} more {word}{'s' if count > 1 else ''}" for count, word in counts if count]
    return [f"{_CUT} and {' and '.join(words)}\n"] if words else []


def _one(diagnostic: Diagnostic, color: bool, hints: bool, width: int | None) -> str:
    word, message = _WORDS[diagnostic.severity], str(diagnostic)
    if hints:
        message = escaped(message)
    if len(message) > _LONGEST_MESSAGE:
        message = message[:_LONGEST_MESSAGE] + _CUT
    if color:
        text = f"{_COLORS[diagnostic.severity]}{word}{_PLAIN}{_BOLD}{message}\n{_PLAIN}"
    else:
        text = f"{word}{message}\n"
    if diagnostic.span is not None:
        text += "\n" + "".join([f"{line}\n" for line in _excerpt(diagnostic.span, hints, width)])
    if hints and diagnostic.hint:
        text += f"  = hint: {escaped(diagnostic.hint)}\n"
    return text


def _excerpt(span: Span, escape: bool, columns: int | None) -> Iterator[str]:
    """The lines of the excerpt, without line feeds; a long one has its middle left out."""
    source, start = span.source, span.start_position
    end = span.end_position or start
    first = max(start.line - _CONTEXT, 1)
    last = min(end.line + _CONTEXT, len(source.line_starts))
    width = len(str(last))
    multiline = end.line > start.line
    room = None if columns is None else max(columns - width - (5 if multiline else 3), _LEAST_WIDTH)
    for number in _numbers(first, last):
        focus = {end.line: end.column, start.line: start.column}.get(number, 1)
        content = [_Char(*each, escape) for each in _characters(source, number, focus)]
        content = _fitted(content, focus, room)
        side = ""
        if multiline:
            side = "| " if start.line < number <= end.line else "  "
        yield f"{number:>{width}} | {side}{_visible(content)}"
        if number == first + _MOST_LINES - _LAST_LINES - 1 and last - first >= _MOST_LINES:
            yield " " * width + f" | {side}{_CUT}"
        if number == start.line or (multiline and number == end.line):
            corner = " | "
            if multiline:
                corner = " |  _" if number == start.line else " | |_"
            yield " " * width + corner + _marks(content, number, start, end)


class _Char:
    """A character of an excerpt: its byte column, and what is shown for it."""

    __slots__ = ("char", "column", "shown")

    def __init__(self, column: int, char: str, escape: bool = False) -> None:
        self.column = column
        self.char = char
        self.shown = _shown(char, escape)


def _numbers(first: int, last: int) -> Iterable[int]:
    """The numbers of the lines to show: all, or the first and last few of many."""
    if last - first < _MOST_LINES:
        return range(first, last + 1)
    return (*range(first, first + _MOST_LINES - _LAST_LINES), *range(last - _LAST_LINES + 1, last + 1))


def _characters(source: Source, number: int, focus: int) -> Iterator[tuple[int, str]]:
    """The characters of a line with their byte columns; a byte that is not UTF-8 becomes U+FFFD.

    Of a long line only those around the byte column `focus`, between dots that have the adjacent columns.
    """
    starts = source.line_starts
    start = starts[number - 1]
    end = starts[number] - 1 if number < len(starts) else len(source.data)
    left, right = start, end
    if end - start > _LONGEST_LINE:
        left = max(start, _boundary(source.data, start + focus - 1 - _BESIDE))
        right = min(end, _boundary(source.data, start + focus - 1 + _BESIDE))
    if left > start:
        yield from ((left - start, char) for char in _CUT)
    yield from _decoded(source.data[left:right], left - start + 1)
    if right < end:
        yield from ((right - start + 1, char) for char in _CUT)


def _boundary(data: bytes, at: int) -> int:
    """The first offset from `at` on that does not cut a character."""
    for place in range(at, min(at + 4, len(data))):
        if data[place] & 0xC0 != 0x80:
            return place
    return at


def _decoded(data: bytes, column: int) -> Iterator[tuple[int, str]]:
    for char in data.decode(errors="surrogateescape"):
        if char.isascii():
            yield column, char
            column += 1
        elif "\udc80" <= char <= "\udcff":
            yield column, "\ufffd"
            column += 1
        else:
            yield column, char
            column += len(char.encode())


def _shown(char: str, escape: bool) -> str:
    """How a character is shown in an excerpt."""
    if char in _WIDE:
        return " " * _TAB
    if char == "\r":
        return ""
    return _escape_char(char) if escape and _CONTROL.match(char) else char


def _fitted(content: list[_Char], focus: int, room: int | None) -> list[_Char]:
    """The characters that fit into `room` columns, around the byte column `focus`."""
    if room is None or sum(len(char.shown) for char in content) <= room:
        return content
    at = next((at for at, char in enumerate(content) if char.column >= focus), len(content) - 1)
    left = right = at
    free = room - 2 * len(_CUT) - len(content[at].shown)
    before = free // 3  # columns left of the focus; the rest is for what follows
    while left > 0 and len(content[left - 1].shown) <= before:
        left -= 1
        before -= len(content[left].shown)
        free -= len(content[left].shown)
    while right + 1 < len(content) and len(content[right + 1].shown) <= free:
        right += 1
        free -= len(content[right].shown)
    while left > 0 and len(content[left - 1].shown) <= free:
        left -= 1
        free -= len(content[left].shown)
    head = [_Char(content[left].column - 1, char) for char in _CUT] if left else []
    tail = [_Char(content[right].column + 1, char) for char in _CUT] if right + 1 < len(content) else []
    return [*head, *content[left : right + 1], *tail]


def _visible(content: list[_Char]) -> str:
    return "".join([char.shown for char in content])


def _marks(content: list[_Char], number: int, start: Position, end: Position) -> str:
    """The line below line `number`: carets in the range, blanks (or underscores) before it."""
    fill = "_" if end.line > start.line else " "
    marks: list[str] = []
    for char in content:
        if number == end.line and char.column > end.column:
            break
        if char.char in _WIDE:
            marks.append(fill * _TAB)
        else:
            mark = fill if number == start.line and char.column < start.column else "^"
            marks.append(mark * max(len(char.shown), char.char == "\r"))
    return "".join(marks)
