"""Keeps the layout of statements in which something is replaced, if it was that of `alloypy fmt`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range, TextEdit
from alloypy.lsp.features.differences import edits_between
from alloypy.syntax.diagnostics import DiagnosticsError, Edit, edited
from alloypy.syntax.source import Source


def laid_out(document: Document, edits: Sequence[TextEdit]) -> Iterator[TextEdit]:
    """The same edits of one text, with those of whitespace that they make necessary in their statements."""
    left = sorted(edits)
    for section in document.sections:
        for statement in section.file.body:
            start, stop = section.start + statement.start, section.start + statement.end + 1
            inside = [each for each in left if start <= each.range.start and each.range.stop <= stop]
            if inside:
                left = [each for each in left if each not in inside]
                yield from _of_statement(document, start, stop, inside)
    yield from left


def _of_statement(document: Document, start: int, stop: int, edits: list[TextEdit]) -> Iterator[TextEdit]:
    old = document.data[start:stop]
    new = edited(old, [Edit(each.range.start - start, each.range.stop - start, each.text) for each in edits])
    try:
        kept = _formatted(document, old) == old
        wanted = _formatted(document, new) if kept else new
    except DiagnosticsError:
        wanted = new
    if wanted == new:
        yield from edits
        return
    for each in edits_between(old, wanted):
        yield TextEdit(Range(document.path, start + each.start, start + each.end), each.text)


def _formatted(document: Document, data: bytes) -> bytes:
    """A statement as `alloypy fmt` writes it. Raises DiagnosticsError."""
    from alloypy.syntax.printer.printer import format_source

    return format_source(Source(document.path, data)).rstrip(b"\n")
