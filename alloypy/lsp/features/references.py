"""References: every place where something is named, in its configuration and in those that import it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.features.occurrences import Occurrence, Role, in_unit, key_of, symbol_at
from alloypy.lsp.workspace.everywhere import Report, TooMuchError, importers, no_report
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.symbols import Kind, Part
from alloypy.lsp.workspace.unit import Declared, Unit


class Highlight(NamedTuple):
    """A place of a symbol in the text of the cursor. writes: whether it is declared or set there."""

    range: Range
    writes: bool


def references(
    project: Project,
    document: Document,
    offset: int,
    *,
    with_declaration: bool,
    report: Report = no_report,
) -> tuple[Range, ...]:
    """The places of what is named at an offset. Where the workspace is too large, those in its own files."""
    project.keep(document)
    symbol = symbol_at(project, document, offset)
    if symbol is None:
        return ()
    found = list(occurrences_of(project, symbol, report, complete=False))
    wanted = (each.range for each in found if with_declaration or each.role is not Role.DECLARATION)
    return tuple(sorted(wanted))


def highlights(project: Project, document: Document, offset: int) -> tuple[Highlight, ...]:
    """The places of what is named at an offset, in this text only."""
    project.keep(document)
    symbol = symbol_at(project, document, offset)
    if symbol is None:
        return ()
    unit = project.unit_of(document.path)
    found = (each for each in _in(project, unit, symbol) if each.range.path == document.path)
    return tuple(sorted({Highlight(each.range, each.role is not Role.READ) for each in found}))


def occurrences_of(
    project: Project, symbol: Declared, report: Report, *, complete: bool
) -> Iterator[Occurrence]:
    """The places of a symbol, each once.

    complete: raise TooMuchError where the workspace is too large for finding all; otherwise the rest is left
    out.
    """
    seen: set[Range] = set()
    try:
        for unit in units_of(project, symbol, report):
            for each in _in(project, unit, symbol):
                if each.range not in seen:
                    seen.add(each.range)
                    yield each
    except TooMuchError:
        if complete:
            raise


def units_of(project: Project, symbol: Declared, report: Report) -> Iterator[Unit]:
    """The units that may name a symbol: its own, then those that import it. Raises TooMuchError."""
    path = symbol.place.document.path
    yield project.unit_of(path)
    if is_importable(symbol):
        yield from importers(project, path, report)


def is_importable(symbol: Declared) -> bool:
    """Whether configurations that import the file can name the symbol: a declare, or its members."""
    kind, scope = symbol.declaration.kind, symbol.declaration.scope
    if kind is Kind.DECLARE:
        return scope.outer is None
    if kind not in {Kind.ARGUMENT, Kind.EXPORT} or scope.owner is None:
        return False
    return scope.owner.kind is Kind.DECLARE and scope.outer is not None and scope.outer.outer is None


def _in(project: Project, unit: Unit, symbol: Declared) -> Iterator[Occurrence]:
    name, key = symbol.declaration.label, key_of(symbol)

    def wanted(part: Part) -> bool:
        return part.name == name

    return (each for each in in_unit(project, unit, wanted) if key_of(each.symbol) == key)
