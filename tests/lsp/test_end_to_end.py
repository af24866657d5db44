"""A session with what three editors say that they can: the profiles of pytest-lsp."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from tests.support.editing import FINISHED, UNFINISHED, project
from tests.support.running import of_checkout

PROFILES = ["visual-studio-code", "neovim", "emacs"]
_PATIENCE = 60.0
T = TypeVar("T")
pytestmark = pytest.mark.anyio


class Session:
    """An open file: its text as the client has it, and the server's answers."""

    def __init__(self, client: LanguageClient, path: Path) -> None:
        self.client = client
        self.path = path
        self.uri = path.as_uri()
        self.lines = UNFINISHED.split("\n")
        self.version = 1

    @property
    def identifier(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri)

    def place(self, line: int, after: str) -> types.Position:
        """The place after a text in a line, which counts from 1."""
        return types.Position(line - 1, self.lines[line - 1].index(after) + len(after))

    def open(self) -> None:
        item = types.TextDocumentItem(self.uri, "alloy", self.version, UNFINISHED)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def apply(self, edits: list[types.TextEdit]) -> None:
        """Make edits in the text, as an editor does, and tell the server."""
        for edit in sorted(
            edits, key=lambda each: (each.range.start.line, each.range.start.character), reverse=True
        ):
            self._replace(edit.range, edit.new_text)
            self.version += 1
            self.client.text_document_did_change(
                types.DidChangeTextDocumentParams(
                    types.VersionedTextDocumentIdentifier(self.version, self.uri),
                    [types.TextDocumentContentChangePartial(edit.range, edit.new_text)],
                )
            )

    def _replace(self, where: types.Range, text: str) -> None:
        start, end = where.start, where.end
        before = "\n".join([*self.lines[: start.line], self.lines[start.line][: start.character]])
        after = "\n".join([self.lines[end.line][end.character :], *self.lines[end.line + 1 :]])
        self.lines = f"{before}{text}{after}".split("\n")

    async def faults(self, wanted: Callable[[list[types.Diagnostic]], bool]) -> list[types.Diagnostic]:
        """What is found, once it is as wanted: pulled where the client can, else as pushed."""
        pulls = self.client.capabilities is not None and (
            self.client.capabilities.text_document is not None
            and self.client.capabilities.text_document.diagnostic is not None
        )
        async with asyncio.timeout(_PATIENCE):
            while not wanted(found := await self._pulled() if pulls else self._pushed()):
                await asyncio.sleep(0.02)
        return found

    async def _pulled(self) -> list[types.Diagnostic]:
        parameters = types.DocumentDiagnosticParams(self.identifier)
        report = await self.client.text_document_diagnostic_async(parameters)
        assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
        return list(report.items)

    def _pushed(self) -> list[types.Diagnostic]:
        return list(self.client.diagnostics.get(self.uri, ()))


@pytest.fixture(params=PROFILES)
async def session(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Session]:
    path = project(tmp_path)
    config = ClientServerConfig([sys.executable, "-m", "alloypy", "lsp"], server_env=of_checkout())
    client = await config.start()
    assert isinstance(client, LanguageClient)
    folder = types.WorkspaceFolder(path.parent.as_uri(), "project")
    await client.initialize_session(
        types.InitializeParams(
            client_capabilities(request.param), root_uri=folder.uri, workspace_folders=[folder]
        )
    )
    yield Session(client, path)
    await client.shutdown_session()
    await client.stop()


def edits_of(edit: types.WorkspaceEdit | None, uri: str) -> list[types.TextEdit]:
    """The edits of one text, in either form."""
    assert edit is not None
    found: list[Any] = list((edit.changes or {}).get(uri, ()))
    for change in edit.document_changes or ():
        assert isinstance(change, types.TextDocumentEdit)
        if change.text_document.uri == uri:
            found += change.edits
    return found


async def test_a_configuration_is_finished_and_mended(session: Session) -> None:
    client = session.client
    session.open()
    fault, *_ = await session.faults(lambda found: any("expected" in each.message for each in found))
    assert fault.severity == types.DiagnosticSeverity.Error

    place = session.place(6, "backend.")
    offers = await client.text_document_completion_async(types.CompletionParams(session.identifier, place))
    items = offers.items if isinstance(offers, types.CompletionList) else offers or ()
    assert [item.label for item in items] == ["receiver"]
    session.apply([types.TextEdit(types.Range(place, place), "receiver")])
    found = await session.faults(lambda found: any("listen_addres" in each.message for each in found))

    misspelled = next(each for each in found if "listen_addres" in each.message)
    context = types.CodeActionContext([misspelled], only=[types.CodeActionKind.QuickFix])
    parameters = types.CodeActionParams(session.identifier, misspelled.range, context)
    actions = await client.text_document_code_action_async(parameters)
    action = next(
        each
        for each in actions or ()
        if isinstance(each, types.CodeAction) and "listen_address" in each.title
    )
    if action.edit is None:
        action = await client.code_action_resolve_async(action)
    session.apply(edits_of(action.edit, session.uri))
    await session.faults(
        lambda found: not [each for each in found if each.severity == types.DiagnosticSeverity.Error]
    )

    rename = types.RenameParams(session.identifier, session.place(9, 'write "back'), "store")
    session.apply(edits_of(await client.text_document_rename_async(rename), session.uri))

    hover = await client.text_document_hover_async(
        types.HoverParams(session.identifier, session.place(3, "listen_"))
    )
    assert hover is not None
    assert "listen_address" in str(hover.contents)

    options = types.FormattingOptions(tab_size=4, insert_spaces=False)
    formatting = types.DocumentFormattingParams(session.identifier, options)
    session.apply(list(await client.text_document_formatting_async(formatting) or ()))
    assert "\n".join(session.lines) == FINISHED
