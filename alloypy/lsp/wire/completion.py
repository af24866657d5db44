"""Completion and signature help, on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve
from lsprotocol import types

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.features.completion.offers import Offer, Offers, Topic
    from alloypy.lsp.features.signatures import Signature
    from alloypy.lsp.wire.server import Server

_KINDS = {
    "COMPONENT": types.CompletionItemKind.Class,
    "BLOCK": types.CompletionItemKind.Struct,
    "ATTRIBUTE": types.CompletionItemKind.Property,
    "REFERENCE": types.CompletionItemKind.Reference,
    "VARIABLE": types.CompletionItemKind.Variable,
    "FUNCTION": types.CompletionItemKind.Function,
    "NAMESPACE": types.CompletionItemKind.Module,
    "CONSTANT": types.CompletionItemKind.Constant,
    "CHOICE": types.CompletionItemKind.EnumMember,
    "VALUE": types.CompletionItemKind.Value,
    "LABEL": types.CompletionItemKind.Value,
    "FILE": types.CompletionItemKind.File,
    "FOLDER": types.CompletionItemKind.Folder,
}
_ITEM = "text_document.completion.completion_item"


def register(server: Server) -> None:
    """Register what answers these requests."""
    wire = _Completion(server)
    server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=[".", '"', "/", "[", "="], resolve_provider=True),
    )(wire.completion)
    server.feature(types.COMPLETION_ITEM_RESOLVE)(wire.resolve)
    server.feature(
        types.TEXT_DOCUMENT_SIGNATURE_HELP,
        types.SignatureHelpOptions(trigger_characters=["(", ","], retrigger_characters=[")"]),
    )(wire.signature)


class _Completion:
    """Answers requests about what can be written at a place."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def completion(self, params: types.CompletionParams) -> types.CompletionList:
        """What can be written at a position; never in the worker, where it would wait for a check."""
        from alloypy.lsp.cursor.place import place_at
        from alloypy.lsp.features.completion.completing import complete

        server = self._server
        document = server.document(params.text_document.uri)
        offset = server.offset(document, params.position)
        return self._list(complete(place_at(server.texts, document, offset)), document, offset)

    async def resolve(self, item: types.CompletionItem) -> types.CompletionItem:
        """An offer with its documentation."""
        data = item.data
        topic = _topic_of(data)
        if topic is None or not isinstance(data, Mapping):
            return item
        from alloypy.lsp.features.completion.documentation import documentation

        text = await self._server.work(
            documentation, self._server.texts.frozen(), str(data.get("text", "")), topic
        )
        if text:
            markdown = self._server.client.completion_markdown
            kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
            value = text if markdown else text.replace("`", "").replace("**", "")
            return evolve(item, documentation=types.MarkupContent(kind, value))
        return item

    def signature(self, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        """How the function is called whose arguments are at a position."""
        from alloypy.lsp.cursor.place import place_at
        from alloypy.lsp.features.signatures import signature

        server = self._server
        document = server.document(params.text_document.uri)
        offset = server.offset(document, params.position)
        found = signature(place_at(server.texts, document, offset))
        return None if found is None else _help(found)

    def _list(self, offers: Offers, document: Document, offset: int) -> types.CompletionList:
        span = self._server.convert.span
        start, stop = min(offers.start, offset), max(offers.stop, offset)
        replaced, inserted = span(document, start, stop), span(document, start, offset)
        items = [self._item(each, document.path, replaced, inserted) for each in offers.items]
        return types.CompletionList(is_incomplete=offers.incomplete, items=items)

    def _item(
        self, offer: Offer, path: str, replaced: types.Range, inserted: types.Range
    ) -> types.CompletionItem:
        client = self._server.client
        snippet = client.snippets and bool(offer.snippet)
        text = offer.snippet if snippet else offer.text
        edit: types.TextEdit | types.InsertReplaceEdit
        if client.has(f"{_ITEM}.insert_replace_support") and inserted != replaced:
            edit = types.InsertReplaceEdit(text, inserted, replaced)
        else:
            edit = types.TextEdit(replaced, text)
        return types.CompletionItem(
            label=offer.label,
            kind=_KINDS[offer.kind.name],
            detail=offer.detail or None,
            sort_text=f"{offer.rank:02d}{offer.label}",
            filter_text=offer.label,
            insert_text_format=types.InsertTextFormat.Snippet if snippet else None,
            text_edit=edit,
            data={"text": path, **offer.topic._asdict()} if offer.topic is not None else None,
            **self._marks(offer, text),
        )

    def _marks(self, offer: Offer, text: str) -> dict[str, Any]:
        """What only some clients know."""
        client, marks = self._server.client, dict[str, Any]()
        if offer.preselected and client.has(f"{_ITEM}.preselect_support"):
            marks["preselect"] = True
        if offer.commits and client.has(f"{_ITEM}.commit_characters_support"):
            marks["commit_characters"] = list(offer.commits)
        if "\n" in text and client.has(f"{_ITEM}.insert_text_mode_support"):
            marks["insert_text_mode"] = types.InsertTextMode.AdjustIndentation
        if offer.deprecated and client.has(f"{_ITEM}.tag_support"):
            marks["tags"] = [types.CompletionItemTag.Deprecated]
        elif offer.deprecated:
            marks["deprecated"] = True
        return marks


def _topic_of(data: Any) -> Topic | None:
    """What an offer is about, from what the client sends back."""
    from alloypy.lsp.features.completion.offers import Topic

    if not isinstance(data, Mapping):
        return None
    component, path, function = data.get("component"), data.get("path"), data.get("function")
    if not isinstance(component, str) or not isinstance(function, str) or not isinstance(path, list | tuple):
        return None
    return Topic(component, tuple(str(each) for each in path), function)


def _help(found: Signature) -> types.SignatureHelp:
    parameters = [types.ParameterInformation(each) for each in found.parameters]
    shown = types.SignatureInformation(
        found.text, types.MarkupContent(types.MarkupKind.PlainText, found.words), parameters
    )
    return types.SignatureHelp([shown], active_signature=0, active_parameter=found.active)
