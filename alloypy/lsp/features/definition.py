"""Definition: where the name at the cursor is declared, or the file that an import reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.features.occurrences import exactly_at, modules_at, symbol_at
from alloypy.lsp.workspace.imports import filename_of, imported_paths
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.unit import Declared


class Definition(NamedTuple):
    """Where something is declared.

    origin: the name at the cursor; None where the client should find it. whole: the block that declares it.
    name: its label.
    """

    origin: Range | None
    whole: Range
    name: Range


def definitions(project: Project, document: Document, offset: int) -> tuple[Definition, ...]:
    """The declaration of what is named at an offset; several only for an import of a directory."""
    project.keep(document)
    files = tuple(_files(project, document, offset))
    if files:
        return files
    found = exactly_at(project, document, offset)
    if found is not None:
        return (_definition(found.symbol, found.range),)
    symbol = symbol_at(project, document, offset)
    return (_definition(symbol, None),) if symbol is not None else ()


def _definition(symbol: Declared, origin: Range | None) -> Definition:
    return Definition(origin, symbol.range, symbol.label_range or symbol.name_range)


def _files(project: Project, document: Document, offset: int) -> Iterator[Definition]:
    """The files that the import reads whose path is at the offset."""
    section = document.section_at(offset)
    at = offset - section.start
    for module in modules_at(document, section, at):
        holder = module.scope.holder_at(at)
        attribute = filename_of(holder) if holder is not None else None
        if holder is None or attribute is None or not attribute.value.start <= at <= attribute.value.end + 1:
            continue
        origin = module.place.range(attribute.value.start, attribute.value.end + 1)
        for path in imported_paths(project.workspace, Declared(module.place, holder)):
            yield Definition(origin, Range(path, 0, 0), Range(path, 0, 0))
