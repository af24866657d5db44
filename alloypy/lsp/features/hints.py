"""What an editor shows inside of the text: values of variables, and defaults that an upgrade changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from alloypy.lang.secrecy import HIDDEN
from alloypy.lsp.cursor.place import Kind, place_at
from alloypy.lsp.documents.document import Document
from alloypy.lsp.features import environment

if TYPE_CHECKING:
    from alloypy.lsp.workspace.workspace import Workspace

_CALL = re.compile(rb"\b(?:sys\s*\.\s*)?env\s*\(\s*\"([^\"\\\n]+)\"\s*\)")


class Hint(NamedTuple):
    """A text that is shown after a place. offset: of the place. words: more about it, or ""."""

    offset: int
    text: str
    words: str = ""


def hints(workspace: Workspace, document: Document, start: int, stop: int) -> Iterator[Hint]:
    """What is shown in a range of a text, as far as the client wants it: nothing that is secret."""
    if workspace.shows("inlayHints", "environment"):
        yield from _values(workspace, document, start, stop)
    version = workspace.language(document.path).version
    if version is None or not workspace.shows("inlayHints", "defaults"):
        return
    from alloypy.lsp.features.default_hints import changes_from

    find = changes_from(version)
    for section in document.sections:
        if section.start < stop and start <= section.end:
            for offset, text, words in section.kept(find):
                if start <= section.start + offset <= stop:
                    yield Hint(section.start + offset, text, words)


def _values(workspace: Workspace, document: Document, start: int, stop: int) -> Iterator[Hint]:
    for found in _CALL.finditer(document.data, start, stop):
        place = place_at(workspace, document, found.start(1) + 1)
        name = environment.named_at(place) if place.kind is Kind.STRING else ""
        value = environment.shown_value(workspace, document.path, name) if name else None
        if value is not None and value != HIDDEN:
            yield Hint(found.end(), f"= {value}")
