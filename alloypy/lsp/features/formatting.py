"""Formatting a text, or the statements of a part of it, as `alloypy fmt` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range, TextEdit
from alloypy.lsp.documents.sections import Section
from alloypy.lsp.features.differences import edits_between
from alloypy.syntax.diagnostics import DiagnosticsError, Edit
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block

_NO_CONTENT = b" \t\r\n,"


class Formatting(NamedTuple):
    """The changes that format a text. refusal: why it cannot be formatted, for people; "" if it can."""

    edits: tuple[TextEdit, ...] = ()
    refusal: str = ""


def format_document(document: Document) -> Formatting:
    """The changes that make of the text what `alloypy fmt` makes of it."""
    try:
        return Formatting(tuple(_edits(document, document.source, 0)))
    except DiagnosticsError as error:
        return Formatting(refusal=_refusal(document, error, 0))


def format_range(document: Document, start: int, stop: int) -> Formatting:
    """The changes that format the statements, of the top level or nested, that a range touches.

    Statements far from a fault can be formatted, even if the whole text cannot be parsed.
    """
    whole = format_document(document)
    edits: list[TextEdit] = []
    for section in document.sections:
        if section.end < start or section.start > stop or not section.source.data.strip():
            continue
        base = section.start
        lines = _touched(section, start - base, stop - base)
        try:
            found = list(_edits(document, section.source, base)) if whole.refusal and lines else whole.edits
        except DiagnosticsError as error:
            return Formatting(refusal=_refusal(document, error, base))
        parts = ([*_within(found, base + first, base + last)] for first, last in lines)
        edits += next((part for part in parts if _keeps_all(document.data, part)), [])
    return Formatting(tuple(edits))


def _keeps_all(data: bytes, edits: Iterable[TextEdit]) -> bool:
    """Whether changes add and take away only whitespace and commas: the layout may move comments."""
    before, after = bytearray(), bytearray()
    for (_, start, stop), text in edits:
        before += data[start:stop]
        after += text.encode("utf-8", "surrogateescape")
    return sorted(before.translate(None, _NO_CONTENT)) == sorted(after.translate(None, _NO_CONTENT))


def _within(edits: Iterable[TextEdit], start: int, stop: int) -> Iterator[TextEdit]:
    """The changes between two places; of one that begins before, what it does to the first line."""
    for edit in edits:
        path, begin, end = edit.range
        if start <= begin < stop and end <= stop:
            yield edit
        elif begin < start <= end <= stop:
            yield TextEdit(Range(path, start, end), edit.text.rpartition("\n")[2])


def _edits(document: Document, source: Source, base: int) -> Iterable[TextEdit]:
    """The changes of one part of the text, which begins at `base`. Raises DiagnosticsError."""
    from alloypy.syntax.printer.printer import format_source
    from alloypy.syntax.text_files import refuse_binary

    refuse_binary(source)
    return [_moved(document, edit, base) for edit in edits_between(source.data, format_source(source))]


def _moved(document: Document, edit: Edit, base: int) -> TextEdit:
    return TextEdit(Range(document.path, base + edit.start, base + edit.end), edit.text)


def _refusal(document: Document, error: DiagnosticsError, base: int) -> str:
    first = error.diagnostics[0]
    if first.span is None:
        return f"not formatted: {first.message}"
    line = document.source.line(base + first.span.start)
    return f"not formatted, because of a fault in line {line}: {first.message}"


def _touched(section: Section, start: int, stop: int) -> list[tuple[int, int]]:
    """The lines of all statements that a range touches: the innermost, then the outermost."""
    data, body = section.source.data, section.file.body
    found: list[tuple[int, int]] = []
    while touched := [each for each in body if each.start <= stop and start <= each.end + 1]:
        only = touched[0]
        begin = data.rfind(b"\n", 0, only.start) + 1
        begin = begin if not data[begin : only.start].strip() else only.start
        found.append((begin, touched[-1].end + 1))
        inside = isinstance(only, Block) and only.lcurly < start and stop <= only.end
        if len(touched) > 1 or not isinstance(only, Block) or not inside:
            return found[::-1][:1] + found[:1]
        body = only.body
    return []
