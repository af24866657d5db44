"""Formatting, on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from alloypy.lsp.features.formatting import Formatting
    from alloypy.lsp.features.indentation import Style
    from alloypy.lsp.wire.server import Server

_ON_TYPE = types.DocumentOnTypeFormattingOptions(first_trigger_character="}", more_trigger_character=["\n"])


def register(server: Server) -> None:
    """Register what answers these requests."""
    editing = _Editing(server)
    server.feature(types.TEXT_DOCUMENT_FORMATTING)(editing.whole)
    server.feature(types.TEXT_DOCUMENT_RANGE_FORMATTING)(editing.part)
    server.feature(types.TEXT_DOCUMENT_ON_TYPE_FORMATTING, _ON_TYPE)(editing.typed)


class _Editing:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def whole(self, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        from alloypy.lsp.features.formatting import format_document

        document = self._server.document(params.text_document.uri)
        return self._answer(await self._server.work(format_document, document))

    async def part(self, params: types.DocumentRangeFormattingParams) -> list[types.TextEdit] | None:
        from alloypy.lsp.features.formatting import format_range

        document = self._server.document(params.text_document.uri)
        _, start, stop = self._server.convert.bytes_of(document, params.range)
        return self._answer(await self._server.work(format_range, document, start, stop))

    def _answer(self, found: Formatting) -> list[types.TextEdit] | None:
        """The edits; where there are none because of a fault, tell the user why."""
        if found.refusal:
            said = types.ShowMessageParams(type=types.MessageType.Warning, message=found.refusal)
            self._server.protocol.notify(types.WINDOW_SHOW_MESSAGE, said)
            return None
        return self._server.convert.edits(found.edits)

    def typed(self, params: types.DocumentOnTypeFormattingParams) -> list[types.TextEdit] | None:
        from alloypy.lsp.features.indentation import indent_block, indent_line

        document = self._server.document(params.text_document.uri)
        offset = self._server.offset(document, params.position)
        indent = {"}": indent_block, "\n": indent_line}.get(params.ch)
        if indent is None:
            return None
        return self._server.convert.edits(indent(document, offset, _style(params.options)))


def _style(options: types.FormattingOptions) -> Style:
    from alloypy.lsp.features.indentation import Style

    return Style(min(options.tab_size, 16) if options.insert_spaces else 0)
