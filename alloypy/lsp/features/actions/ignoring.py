"""Ignores a finding at its place, with a comment `// alloypy: ignore[CODE]`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alloypy.check.lint.rules.suppressions import NO_SUPPRESSION, UNUSED_SUPPRESSION
from alloypy.check.lint.suppression import comments_about
from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.actions.action import QUICK_FIX, Action, Asked, text_edits
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Edit, Severity, edited, moved
from alloypy.syntax.holes.parsing import parse_with_holes
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block, File, Statement

_ALWAYS = frozenset({NO_SUPPRESSION, UNUSED_SUPPRESSION})
"""Findings about such comments, which no comment suppresses."""


def ignoring_here(asked: Asked) -> Iterator[Action]:
    """For each warning at the selection, the action that ignores it there."""
    done = set()
    for found in asked.here:
        if not is_ignorable(found) or found.span is None or (found.code, found.span.start) in done:
            continue
        done.add((found.code, found.span.start))
        start, file = _around(asked.document, found.span.start)
        edit = _comment(file, found.code, found.span.start - start)
        if edit is not None:
            here = Edit(edit.start + start, edit.end + start, edit.text)
            edits = text_edits(asked.document.path, [here])
            yield Action(f"Ignore {found.code} here", QUICK_FIX, edits, (found,))


def is_ignorable(found: Diagnostic) -> bool:
    """Whether a comment or a setting can suppress the finding."""
    return found.severity is Severity.WARNING and found.code not in _ALWAYS


def _around(document: Document, offset: int) -> tuple[int, File]:
    """The tree of the section at an offset and of the one before, which may end with a comment about it."""
    section = document.section_at(offset)
    start = document.section_at(max(section.start - 1, 0)).start
    text = document.data[start : section.end]
    return start, parse_with_holes(Source(document.path, text))


def _comment(file: File, code: str, offset: int) -> Edit | None:
    """The first change that suppresses the finding: in an existing comment, at the line's end, or above."""
    line = _line_around(file.source.data, offset)
    statements = _statements_at(file.body, offset)
    first = next((each for each in statements if each.start >= line[0]), None)
    guesses = []
    if statements and statements[-1].start == offset:
        guesses.append(_merged_above(file, offset, code))
    if first is None or first is statements[-1]:
        guesses.append(_at_end(file, line, code))
    if statements:
        guesses.append(_above(file, (first or statements[-1]).start, code))
    return next((each for each in guesses if each is not None and _works(file, each, code, offset)), None)


def _works(file: File, edit: Edit, code: str, offset: int) -> bool:
    """Whether the text with the change can be parsed, and has a comment about the finding."""
    try:
        after = parse_file(Source(file.source.name, edited(file.source.data, [edit])))
    except DiagnosticsError:
        return False
    return any(code in each.codes for each in comments_about(after, moved(offset, [edit])))


def _at_end(file: File, line: tuple[int, int], code: str) -> Edit | None:
    """The change of a line's end."""
    data, (begin, end) = file.source.data, line
    stop = begin + len(data[begin:end].rstrip())
    return _merged(file, begin, stop, code) or Edit(stop, stop, f" // alloypy: ignore[{code}]")


def _above(file: File, start: int, code: str) -> Edit | None:
    """The change above a statement, which suppresses what begins anywhere in it."""
    data = file.source.data
    begin = data.rfind(b"\n", 0, start) + 1
    indent = data[begin:start]
    if indent.strip():
        return None
    newline = "\r\n" if data[:begin].endswith(b"\r\n") else "\n"
    new = Edit(begin, begin, f"{indent.decode()}// alloypy: ignore[{code}]{newline}")
    return _merged_above(file, start, code) or new


def _merged_above(file: File, start: int, code: str) -> Edit | None:
    """The change of a comment on the line above a statement."""
    data = file.source.data
    begin = data.rfind(b"\n", 0, start) + 1
    before = data.rfind(b"\n", 0, max(begin - 1, 0)) + 1
    return _merged(file, before, begin, code) if data[before:begin].lstrip().startswith(b"//") else None


def _merged(file: File, begin: int, end: int, code: str) -> Edit | None:
    """The change that adds a code to a comment that begins between two offsets and suppresses others."""
    data = file.source.data
    for group in file.comments:
        for comment in group:
            if not begin <= comment.start < end:
                continue
            for about in comments_about(file, _subject(file, comment.start, end)):
                span = about.span
                close = data.find(b"]", span.start, (span.end or span.start) + 1)
                if comment.start <= span.start <= comment.end and not about.whole_file and close >= 0:
                    return Edit(close, close, f", {code}" if about.codes else code)
    return None


def _subject(file: File, comment: int, end: int) -> int:
    """An offset that a comment is about: on its line, or in the statement below."""
    data = file.source.data
    begin = data.rfind(b"\n", 0, comment) + 1
    if data[begin:comment].strip():
        return begin
    return end + len(data[end:]) - len(data[end:].lstrip())


def _line_around(data: bytes, offset: int) -> tuple[int, int]:
    begin, end = data.rfind(b"\n", 0, offset) + 1, data.find(b"\n", offset)
    return begin, len(data) if end < 0 else end


def _statements_at(body: Sequence[Statement], offset: int) -> list[Statement]:
    """The statements that contain an offset, the outermost first."""
    found: list[Statement] = []
    statements: Sequence[Statement] = body
    while True:
        here = next((each for each in statements if each.start <= offset <= each.end), None)
        if here is None:
            return found
        found.append(here)
        if not isinstance(here, Block):
            return found
        statements = here.body
