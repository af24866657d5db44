"""Hover, links, inlay hints, semantic tokens, folding, selection, the symbols of a text, on the wire."""

from __future__ import annotations

from array import array
from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.features.folding import Folding
    from alloypy.lsp.wire.server import Server

_MOST_KEPT = 16
"""For how many texts the semantic tokens sent last are kept, so that only what changed need be sent."""


def register(server: Server) -> None:
    """Register what answers these requests."""
    from alloypy.lsp.features.kinds import KINDS, MARKS

    server.feature(types.TEXT_DOCUMENT_HOVER)(partial(_hover, server))
    added = _Added(server)
    server.feature(types.TEXT_DOCUMENT_DOCUMENT_LINK)(added.links)
    server.feature(types.TEXT_DOCUMENT_INLAY_HINT)(added.hints)
    structure, colours = _Structure(server), _Colours(server)
    server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)(structure.symbols)
    server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)(structure.foldings)
    server.feature(types.TEXT_DOCUMENT_SELECTION_RANGE)(structure.selections)
    legend = types.SemanticTokensLegend(token_types=list(KINDS), token_modifiers=list(MARKS))
    server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, legend)(colours.full)
    server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL_DELTA, legend)(colours.delta)
    server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, legend)(colours.part)
    server.changed.append(colours.forget)


def _hover(server: Server, params: types.HoverParams) -> types.Hover | None:
    """Answered at once, before what waits for the worker."""
    from alloypy.lsp.features.hover import hover, plain

    document = server.document(params.text_document.uri)
    found = hover(server.texts, document, server.offset(document, params.position))
    if found is None:
        return None
    markdown = server.client.hover_markdown
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    content = types.MarkupContent(kind, found.text if markdown else plain(found.text))
    return types.Hover(content, server.convert.range_of(found.range))


class _Added:
    """What is added to a text where it is shown."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def links(self, params: types.DocumentLinkParams) -> list[types.DocumentLink]:
        document = self._server.document(params.text_document.uri)
        return await self._server.work(self._links, document)

    def _links(self, document: Document) -> list[types.DocumentLink]:
        from alloypy.lsp.features.links import links

        convert = self._server.convert
        return [
            types.DocumentLink(convert.span(document, place.start, place.stop), convert.uri_of(target), words)
            for place, target, words in links(self._server.texts, document)
        ]

    async def hints(self, params: types.InlayHintParams) -> list[types.InlayHint]:
        document = self._server.document(params.text_document.uri)
        return await self._server.work(self._hints, document, params.range)

    def _hints(self, document: Document, place: types.Range) -> list[types.InlayHint]:
        from alloypy.lsp.features.hints import hints

        convert = self._server.convert
        _, start, stop = convert.bytes_of(document, place)
        return [
            types.InlayHint(
                convert.position(document, each.offset),
                each.text,
                tooltip=each.words or None,
                padding_left=True,
            )
            for each in hints(self._server.texts, document, start, stop)
        ]


class _Structure:
    """The parts of a text."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def symbols(
        self, params: types.DocumentSymbolParams
    ) -> list[types.DocumentSymbol] | list[types.SymbolInformation]:
        document = self._server.document(params.text_document.uri)
        return await self._server.work(self._symbols, document, params.text_document.uri)

    def _symbols(
        self, document: Document, uri: str
    ) -> list[types.DocumentSymbol] | list[types.SymbolInformation]:
        from alloypy.lsp.features.outline import outline
        from alloypy.lsp.wire.symbol_kinds import flat, nested

        entries = outline(document)
        if self._server.client.has("text_document.document_symbol.hierarchical_document_symbol_support"):
            return [nested(entry, document, self._server.convert) for entry in entries]
        return list(flat(entries, "", uri, document, self._server.convert))

    async def foldings(self, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        document = self._server.document(params.text_document.uri)
        return await self._server.work(self._foldings, document)

    def _foldings(self, document: Document) -> list[types.FoldingRange]:
        from alloypy.lsp.features.folding import foldings

        return [each for part in foldings(document) if (each := self._folding(document, part)) is not None]

    def _folding(self, document: Document, part: Folding) -> types.FoldingRange | None:
        start = self._server.convert.position(document, part.start)
        stop = self._server.convert.position(document, part.stop)
        if stop.line <= start.line:
            return None
        kind = types.FoldingRangeKind(part.fold.value) if part.fold.value != "code" else None
        return types.FoldingRange(start.line, stop.line, start.character, stop.character, kind)

    async def selections(self, params: types.SelectionRangeParams) -> list[types.SelectionRange]:
        document = self._server.document(params.text_document.uri)
        return [self._selection(document, position) for position in params.positions]

    def _selection(self, document: Document, position: types.Position) -> types.SelectionRange:
        from alloypy.lsp.features.selecting import selections

        *inner, whole = selections(document, self._server.offset(document, position))
        found = types.SelectionRange(self._server.convert.span(document, whole.start, whole.stop))
        for _, start, stop in reversed(inner):
            found = types.SelectionRange(self._server.convert.span(document, start, stop), found)
        return found


class _Colours:
    """Semantic tokens. What was sent last for a text is kept until the text is closed."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._sent: dict[str, tuple[str, array[int]]] = {}
        self._last = 0

    async def full(self, params: types.SemanticTokensParams) -> types.SemanticTokens:
        document = self._server.document(params.text_document.uri)
        numbers = await self._server.work(self._numbers, document)
        return types.SemanticTokens(numbers.tolist(), self._keep(document.path, numbers))

    async def delta(
        self, params: types.SemanticTokensDeltaParams
    ) -> types.SemanticTokens | types.SemanticTokensDelta:
        from alloypy.lsp.wire.colouring import changed

        document = self._server.document(params.text_document.uri)
        numbers = await self._server.work(self._numbers, document)
        known, before = self._sent.get(document.path, ("", None))
        name = self._keep(document.path, numbers)
        if before is None or known != params.previous_result_id:
            return types.SemanticTokens(numbers.tolist(), name)
        part = changed(before, numbers)
        edits = [] if part is None else [types.SemanticTokensEdit(part[0], part[1], part[2].tolist())]
        return types.SemanticTokensDelta(edits, name)

    async def part(self, params: types.SemanticTokensRangeParams) -> types.SemanticTokens:
        document = self._server.document(params.text_document.uri)
        start, end = params.range.start.line, params.range.end.line
        numbers = await self._server.work(self._numbers, document, range(start, end + 1))
        return types.SemanticTokens(numbers.tolist())

    def forget(self, path: str) -> None:
        """Forget what was sent for a text that was closed."""
        if path not in self._server.texts.open:
            self._sent.pop(path, None)

    def _numbers(self, document: Document, lines: range | None = None) -> array[int]:
        from alloypy.lsp.wire.colouring import numbers_of

        language = self._server.texts.language(document.path)
        return numbers_of(document, language, self._server.encoding, lines)

    def _keep(self, path: str, numbers: array[int]) -> str:
        self._last += 1
        name = str(self._last)
        self._sent.pop(path, None)
        self._sent[path] = name, numbers
        if len(self._sent) > _MOST_KEPT:
            del self._sent[next(iter(self._sent))]
        return name
