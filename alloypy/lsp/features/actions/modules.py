"""What the modules of a configuration require of those who use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alloypy.check.scope import literal_flag
from alloypy.lsp.cursor.place import place_at
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.symbols import Kind
from alloypy.lsp.workspace.unit import Module

if TYPE_CHECKING:
    from alloypy.lang.types import Type
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.workspace.workspace import Workspace


def required_arguments(workspace: Workspace, document: Document, start: int) -> dict[str, Type | None] | None:
    """The arguments that the custom component at an offset must be given, with the types of their first uses.

    None for anything else; empty for one whose declare is not known.
    """
    project = Project(workspace)
    project.keep(document)
    unit = project.unit_of(document.path)
    module = unit.module_at(document.path, start)
    holder = module.scope.holder_at(start - module.place.section.start) if module is not None else None
    if module is None or holder is None:
        return None
    home = project.home(unit, module, holder)
    if home is None:
        shadowed = any(each.declaration.label == holder.first.name for each in unit.customs(module))
        return {} if shadowed else None
    inside = home.declare.inside if home.declare is not None else ()
    return {
        each.label: _first_use(workspace, part, each.label)
        for part in inside
        for each in part.scope.declarations
        if each.kind is Kind.ARGUMENT and each.label and not literal_flag(each.block, "optional")
    }


def _first_use(workspace: Workspace, module: Module, label: str) -> Type | None:
    """The type that is wanted where a module first uses an argument as a whole."""
    place = module.place
    for scope in module.scope.walk():
        for each in scope.references:
            if [part.name for part in each.parts] == ["argument", label, "value"]:
                offset = place.section.start + each.parts[-1].stop
                return place_at(workspace, place.document, offset).wanted
    return None
