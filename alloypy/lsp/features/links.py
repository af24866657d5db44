"""Links of a text: from the names of components to their documentation, from imports to the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.workspace.symbols import scopes_of
from alloypy.lsp.workspace.unit import Declared, Placed

if TYPE_CHECKING:
    from alloypy.lsp.workspace.workspace import Workspace


class Link(NamedTuple):
    """A part of a text, and where it leads. target: a URL, or the path of a file. words: what that is."""

    range: Range
    target: str
    words: str


def links(workspace: Workspace, document: Document) -> Iterator[Link]:
    """The links of a text, section by section; no file is read."""
    from alloypy.catalog.manual import manual_page
    from alloypy.lsp.workspace.imports import filename_of, imported_paths

    language = workspace.language(document.path)
    for section in document.sections:
        place = Placed(document, section)
        for scope in scopes_of(section).walk():
            for each in scope.declarations:
                declared = Declared(place, each)
                component = each.name in language.component_names
                if component or each.name in language.block_names:
                    page = manual_page(each.name, language.version, component=component)
                    if page:
                        yield Link(declared.name_range, page, f"documentation of {each.name}")
                attribute = filename_of(each)
                paths = imported_paths(workspace, declared) if attribute is not None else ()
                if attribute is not None and len(paths) == 1:
                    value = attribute.value
                    yield Link(place.range(value.start, value.end + 1), paths[0], "the imported file")
