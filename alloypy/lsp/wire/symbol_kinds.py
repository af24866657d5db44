"""The entries of an outline as the protocol's symbols: in each other, or in a list for older clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.outline import Entry, Sort
from alloypy.lsp.wire.convert import Conversion

_KINDS = {
    Sort.COMPONENT: types.SymbolKind.Class,
    Sort.CONFIG: types.SymbolKind.Interface,
    Sort.MODULE: types.SymbolKind.Module,
    Sort.BLOCK: types.SymbolKind.Struct,
    Sort.STRING: types.SymbolKind.String,
    Sort.NUMBER: types.SymbolKind.Number,
    Sort.BOOLEAN: types.SymbolKind.Boolean,
    Sort.NULL: types.SymbolKind.Null,
    Sort.ARRAY: types.SymbolKind.Array,
    Sort.OBJECT: types.SymbolKind.Object,
    Sort.VALUE: types.SymbolKind.Property,
}


def nested(entry: Entry, document: Document, convert: Conversion) -> types.DocumentSymbol:
    """An entry with what is in it."""
    return types.DocumentSymbol(
        name=entry.name,
        kind=_KINDS[entry.sort],
        range=convert.span(document, entry.start, entry.stop),
        selection_range=convert.span(document, entry.name_start, entry.name_stop),
        children=[nested(each, document, convert) for each in entry.inner] or None,
    )


def flat(
    entries: Iterable[Entry], holder: str, uri: str, document: Document, convert: Conversion
) -> Iterator[types.SymbolInformation]:
    """Entries and what is in them, one after the other. holder: the name of what they are in."""
    for entry in entries:
        place = types.Location(uri, convert.span(document, entry.start, entry.stop))
        yield types.SymbolInformation(place, entry.name, _KINDS[entry.sort], container_name=holder or None)
        yield from flat(entry.inner, entry.name, uri, document, convert)
