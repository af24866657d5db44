"""Code actions and their commands, on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from alloypy.lsp.features.actions.action import FIX_ALL, KINDS, QUICK_FIX, Action, Asked, Lazy, RefusedError
from alloypy.lsp.wire.errors import CHANGED, ContentModified, InvalidParams, RequestFailed

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.documents.ranges import TextEdit
    from alloypy.lsp.wire.server import Server
    from alloypy.lsp.workspace.workspace import Workspace
    from alloypy.syntax.diagnostics import Diagnostic

COMMAND = "alloypy.applyAction"
"""Works an action out and asks the client to make its edits, for clients that do not resolve actions."""

EXPLAIN = "alloypy.explain"
"""Shows what a code means."""


def register(server: Server) -> None:
    """Register what answers these requests."""
    wire = _Actions(server)
    options = types.CodeActionOptions(code_action_kinds=list(KINDS), resolve_provider=True)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def offered(params: types.CodeActionParams) -> list[types.CodeAction]:
        return await wire.offered(params)

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolved(action: types.CodeAction) -> types.CodeAction:
        return await wire.resolved(action)

    @server.command(COMMAND)
    async def applied(arguments: list[Any]) -> None:
        await wire.applied(arguments[0] if arguments else None)

    @server.command(EXPLAIN)
    async def explained(arguments: list[Any]) -> None:
        wire.explain(arguments[0] if arguments else None)


class _Actions:
    """Answers the requests about actions."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def offered(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """The actions at a place."""
        server = self._server
        if not server.client.has("text_document.code_action.code_action_literal_support"):
            return []
        document = server.document(params.text_document.uri)
        place = server.convert.bytes_of(document, params.range)
        context = params.context
        texts = server.texts.frozen()
        asked = Asked(
            texts,
            document,
            place.start,
            place.stop,
            server.findings(document.path),
            tuple(str(getattr(each, "value", each)) for each in context.only or ()),
            context.trigger_kind is not types.CodeActionTriggerKind.Automatic,
        )
        found = await server.work(_collected, asked, "create" in server.client.resource_operations)
        self._check_same(texts, [document.path])
        return [made for each in found if (made := self._made(each, document, context.diagnostics))]

    async def resolved(self, action: types.CodeAction) -> types.CodeAction:
        """The same action with its edits."""
        document, lazy = self._lazy(action.data)
        action.edit = self._edit(await self._worked_out(lazy, document))
        return action

    async def applied(self, data: Any) -> None:
        """Make the edits of an action."""
        document, lazy = self._lazy(data)
        edit = self._edit(await self._worked_out(lazy, document))
        await self._server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit=edit))

    def explain(self, code: Any) -> None:
        """Show what a code means. Raises InvalidParams if there is none."""
        from alloypy.lsp.features.actions.explaining import explained

        text = explained(code) if isinstance(code, str) else ""
        if not text:
            raise InvalidParams("there is no such code")
        message = types.ShowMessageParams(type=types.MessageType.Info, message=text)
        self._server.protocol.notify(types.WINDOW_SHOW_MESSAGE, message)

    async def _worked_out(self, lazy: Lazy, document: Document) -> Sequence[TextEdit]:
        from alloypy.lsp.features.actions.offers import worked_out

        texts = self._server.texts.frozen()
        try:
            edits = await self._server.work(worked_out, texts, document.path, lazy)
        except ValueError as error:
            raise InvalidParams(str(error)) from None
        except RefusedError as error:
            raise RequestFailed(str(error)) from None
        self._check_same(texts, [document.path, *(each.range.path for each in edits)])
        return edits

    def _check_same(self, texts: Workspace, paths: Iterable[str]) -> None:
        """Raise ContentModified if an open text is not the same as before any more."""
        now = self._server.texts.open
        if any(now.get(path) is not texts.open.get(path) for path in paths):
            raise ContentModified(CHANGED)

    def _made(
        self, action: Action, document: Document, known: Sequence[types.Diagnostic]
    ) -> types.CodeAction | None:
        """The action as the protocol has it; None if the client has no words for it."""
        client = self._server.client
        made = types.CodeAction(action.title, kind=action.kind, is_preferred=action.preferred or None)
        linked = [each for found in action.mends for each in self._same(found, document, known)]
        made.diagnostics = linked or None
        if action.refused:
            if not client.has("text_document.code_action.disabled_support"):
                return None
            made.disabled = types.CodeActionDisabled(reason=action.refused)
        elif action.explains:
            made.command = types.Command(title=action.title, command=EXPLAIN, arguments=[action.explains])
        elif action.lazy is None:
            made.edit = self._edit(action.edits, action.creates, action.snippet)
        elif "edit" in client.listed("text_document.code_action.resolve_support.properties"):
            made.data = _data(action.lazy, document)
        else:
            made.command = types.Command(
                title=action.title, command=COMMAND, arguments=[_data(action.lazy, document)]
            )
        return made

    def _same(
        self, found: Diagnostic, document: Document, known: Sequence[types.Diagnostic]
    ) -> Iterable[types.Diagnostic]:
        """A diagnostic of ours among those that the client names."""
        if found.span is None:
            return []
        start = self._server.convert.position(document, found.span.start)
        return [each for each in known if each.code == found.code and each.range.start == start][:1]

    def _edit(
        self,
        edits: Sequence[TextEdit],
        creates: Sequence[str] = (),
        snippet: Sequence[TextEdit] = (),
    ) -> types.WorkspaceEdit:
        convert, client = self._server.convert, self._server.client
        if creates:
            return self._creation(edits, creates)
        if snippet and client.versioned_edits and client.has("workspace.workspace_edit.snippet_edit_support"):
            edit = convert.workspace_edit(snippet, versioned=True)
            for change in edit.document_changes or ():
                if isinstance(change, types.TextDocumentEdit):
                    change.edits = [_with_snippet(each) for each in change.edits]
            return edit
        return convert.workspace_edit(edits, client.versioned_edits)

    def _creation(self, edits: Sequence[TextEdit], creates: Sequence[str]) -> types.WorkspaceEdit:
        """New files with what is inserted at their beginning."""
        origin = types.Position(line=0, character=0)
        changes: list[Any] = []
        for path in creates:
            uri = self._server.convert.uri_of(path)
            changes.append(types.CreateFile(uri, options=types.CreateFileOptions(ignore_if_exists=True)))
            text = "".join(each.text for each in edits if each.range.path == path)
            changes.append(
                types.TextDocumentEdit(
                    text_document=types.OptionalVersionedTextDocumentIdentifier(uri=uri),
                    edits=[types.TextEdit(range=types.Range(start=origin, end=origin), new_text=text)],
                )
            )
        return types.WorkspaceEdit(document_changes=changes)

    def _lazy(self, data: Any) -> tuple[Document, Lazy]:
        """What an action is about, from the data that it was given. Raises InvalidParams, ContentModified."""
        if not isinstance(data, dict):
            raise InvalidParams("this action has nothing to work out")
        uri, name, arguments = data.get("uri"), data.get("name"), data.get("arguments")
        plain = isinstance(arguments, list) and all(type(each) in (int, str) for each in arguments)
        if not isinstance(uri, str) or not isinstance(name, str) or not plain:
            raise InvalidParams("the data of the action has been changed")
        document = self._server.document(uri)
        if document.version != data.get("version"):
            raise ContentModified(CHANGED)
        return document, Lazy(name, tuple(arguments or ()))


def _collected(asked: Asked, can_create: bool) -> list[Action]:
    from alloypy.lsp.features.actions.checking import checked, sources_of
    from alloypy.lsp.features.actions.offers import actions, worked_out

    path = asked.document.path
    if not asked.found and asked.invoked and asked.wants(QUICK_FIX):  # perhaps not judged yet
        asked = asked._replace(found=checked(asked.workspace, path, sources_of(asked.workspace, path)))
    found = []
    for each in actions(asked, can_create=can_create):
        if each.kind == FIX_ALL and asked.only and each.lazy is not None:
            try:
                edits = worked_out(asked.workspace, asked.document.path, each.lazy)
            except RefusedError:
                continue
            if edits:  # editors run this on every save
                found.append(each._replace(edits=edits, lazy=None))
            continue
        found.append(each)
    return found


def _data(lazy: Lazy, document: Document) -> dict[str, Any]:
    arguments = list(lazy.arguments)
    return {"name": lazy.name, "arguments": arguments, "uri": document.path, "version": document.version}


def _with_snippet(edit: Any) -> Any:
    value = types.StringValue(value=edit.new_text)
    return types.SnippetTextEdit(range=edit.range, snippet=value)
