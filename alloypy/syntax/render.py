"""Diagnostics as text for people, exactly as Alloy prints them (spec section 4).

A diagnostic is its one-line form and an excerpt of the source: the lines it spans, one more
on each side, and carets under its columns. Columns count bytes, carets are put per character.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Position, Source, Span

_CONTEXT = 1
_TAB = 4
_WIDE = frozenset("\t\v")

_WORDS = {Severity.ERROR: "Error: ", Severity.WARNING: "Warning: "}
_COLORS = {Severity.ERROR: "\x1b[31;1m", Severity.WARNING: "\x1b[33;1m"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def render(diagnostics: Iterable[Diagnostic], color: bool = False, hints: bool = False) -> str:
    """The text of all diagnostics, with an empty line between two.

    color: with the escape sequences of a terminal. hints: with the hint, which Alloy does not
    have, as a line below each diagnostic that has one.
    """
    return "\n".join([_one(diagnostic, color, hints) for diagnostic in diagnostics])


def _one(diagnostic: Diagnostic, color: bool, hints: bool) -> str:
    word = _WORDS[diagnostic.severity]
    if color:
        text = f"{_COLORS[diagnostic.severity]}{word}{_PLAIN}{_BOLD}{diagnostic}\n{_PLAIN}"
    else:
        text = f"{word}{diagnostic}\n"
    if diagnostic.span is not None:
        text += "\n" + "".join([f"{line}\n" for line in _excerpt(diagnostic.span)])
    if hints and diagnostic.hint:
        text += f"  = hint: {diagnostic.hint}\n"
    return text


def _excerpt(span: Span) -> Iterator[str]:
    """The lines of the excerpt, without line feeds."""
    source, start = span.source, span.start_position
    end = span.end_position or start
    first = max(start.line - _CONTEXT, 1)
    last = min(end.line + _CONTEXT, len(source.line_starts))
    width = len(str(last))
    multiline = end.line > start.line
    for number in range(first, last + 1):
        content = list(_characters(source, number))
        side = ""
        if multiline:
            side = "| " if start.line < number <= end.line else "  "
        yield f"{number:>{width}} | {side}{_visible(content)}"
        if number == start.line or (multiline and number == end.line):
            corner = " | "
            if multiline:
                corner = " |  _" if number == start.line else " | |_"
            yield " " * width + corner + _marks(content, number, start, end)


def _characters(source: Source, number: int) -> Iterator[tuple[int, str]]:
    """The characters of a line with their byte columns; a byte that is not UTF-8 is U+FFFD."""
    starts = source.line_starts
    end = starts[number] - 1 if number < len(starts) else len(source.data)
    column = 1
    for char in source.data[starts[number - 1] : end].decode(errors="surrogateescape"):
        if char.isascii():
            yield column, char
            column += 1
        elif "\udc80" <= char <= "\udcff":
            yield column, "\ufffd"
            column += 1
        else:
            yield column, char
            column += len(char.encode())


def _visible(content: list[tuple[int, str]]) -> str:
    return "".join([" " * _TAB if char in _WIDE else char for _, char in content if char != "\r"])


def _marks(content: list[tuple[int, str]], number: int, start: Position, end: Position) -> str:
    """The line below line `number`: carets in range, blanks (or an underscore line) before."""
    fill = "_" if end.line > start.line else " "
    marks: list[str] = []
    for column, char in content:
        if number == end.line and column > end.column:
            break
        if char in _WIDE:
            marks.append(fill * _TAB)
        else:
            marks.append(fill if number == start.line and column < start.column else "^")
    return "".join(marks)
