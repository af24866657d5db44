"""Code lens: above each component, declare and argument, how many references there are to it."""

from __future__ import annotations

from typing import NamedTuple

from alloypy.lsp.cursor.sight import exports_of
from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.features.references import references
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.symbols import Kind
from alloypy.lsp.workspace.unit import Declared, Unit

_COUNTED = frozenset({Kind.ARGUMENT, Kind.COMPONENT, Kind.DECLARE})


class Counted(NamedTuple):
    """The references to something. title: their number, in words."""

    title: str
    references: tuple[Range, ...]


def lenses(project: Project, document: Document) -> tuple[Range, ...]:
    """The labels of what has a lens, in the order of the text; cheap: nothing is counted yet.

    Components that export nothing have none, because nothing can refer to them.
    """
    project.keep(document)
    unit = project.unit_of(document.path)
    found = (
        declared.label_range
        for declared in Unit([document]).declarations
        if declared.declaration.kind in _COUNTED and _may_be_named(project, unit, declared)
    )
    return tuple(sorted(each for each in found if each is not None))


def _may_be_named(project: Project, unit: Unit, declared: Declared) -> bool:
    """Whether expressions can name it, as far as that is known."""
    each = declared.declaration
    if each.kind is not Kind.COMPONENT:
        return True
    component = project.workspace.language(declared.place.document.path).component(each.name)
    if component is not None:
        return component.exports is not None
    home = project.home(unit, declared.module, each)
    return home is None or home.declare is None or bool(exports_of(home))


def counted(project: Project, document: Document, offset: int) -> Counted:
    """The references to what has its label at an offset."""
    found = references(project, document, offset, with_declaration=False)
    return Counted(f"{len(found)} reference{'' if len(found) == 1 else 's'}", found)
