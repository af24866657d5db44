"""Definitions, references, renaming, symbols of the workspace, code lens, on the wire."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from alloypy.lsp.wire.convert import Conversion
from alloypy.lsp.wire.errors import ContentModified, InvalidParams, RequestFailed
from alloypy.lsp.wire.progress import Progress

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.documents.ranges import Range, TextEdit
    from alloypy.lsp.features.code_lens import Counted
    from alloypy.lsp.features.definition import Definition
    from alloypy.lsp.features.references import Highlight
    from alloypy.lsp.features.workspace_symbols import Symbol
    from alloypy.lsp.wire.server import Server
    from alloypy.lsp.workspace.project import Project

_FRESH_SECONDS = 1.0
"""How long the files of the workspace count as unchanged while the lenses of a text are resolved."""
_SEARCHING = "Searching the workspace"


def register(server: Server) -> None:
    """Register what answers these requests."""
    navigation = Navigation(server)
    server.outdated.append(navigation.count_again)
    progress = {"work_done_progress": True}
    feature = server.feature
    feature(types.TEXT_DOCUMENT_DEFINITION)(navigation.definition)
    feature(types.TEXT_DOCUMENT_REFERENCES, types.ReferenceOptions(**progress))(navigation.references)
    feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)(navigation.highlight)
    feature(types.TEXT_DOCUMENT_PREPARE_RENAME)(navigation.prepare_rename)
    feature(types.TEXT_DOCUMENT_RENAME)(navigation.rename)
    feature(types.WORKSPACE_SYMBOL, types.WorkspaceSymbolOptions(**progress))(navigation.symbols)
    feature(types.TEXT_DOCUMENT_CODE_LENS)(navigation.lenses)
    feature(types.CODE_LENS_RESOLVE)(navigation.resolve_lens)


class Navigation:
    """Answers requests about what is declared where."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._counting: tuple[float, dict[str, Document], Project] | None = None

    async def definition(self, params: types.DefinitionParams) -> list[Any]:
        """Where the name at a position is declared."""
        from alloypy.lsp.features.definition import definitions

        project, document, offset = self._at(params)

        def find() -> list[Any]:
            found = definitions(project, document, offset)
            return _Places(self._server, project).definitions(found)

        return await self._server.work(find)

    async def references(self, params: types.ReferenceParams) -> list[types.Location]:
        """Where the name at a position is named."""
        from alloypy.lsp.features.references import references

        project, document, offset = self._at(params)
        with Progress(self._server, _SEARCHING, params.work_done_token) as progress:

            def find() -> list[types.Location]:
                declared = params.context.include_declaration
                found = references(
                    project, document, offset, with_declaration=declared, report=progress.report
                )
                return _Places(self._server, project).locations(found)

            return await self._server.work(find)

    async def highlight(self, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        """Where the name at a position is in its text."""
        from alloypy.lsp.features.references import highlights

        project, document, offset = self._at(params)

        def find() -> list[types.DocumentHighlight]:
            found = highlights(project, document, offset)
            return [_highlight(self._server.convert, document, each) for each in found]

        return await self._server.work(find)

    async def prepare_rename(
        self, params: types.PrepareRenameParams
    ) -> types.PrepareRenamePlaceholder | None:
        """The name at a position, if it can be changed."""
        from alloypy.lsp.features.rename import RenameError, renamable

        project, document, offset = self._at(params)
        try:
            place, name = await self._server.work(renamable, project, document, offset)
        except RenameError as error:
            raise RequestFailed(str(error)) from None
        span = self._server.convert.span(document, place.start, place.stop)
        return types.PrepareRenamePlaceholder(range=span, placeholder=name)

    async def rename(self, params: types.RenameParams) -> types.WorkspaceEdit:
        """The edits that change the name at a position wherever it is."""
        from alloypy.lsp.features.rename import RenameError, rename

        project, document, offset = self._at(params)
        with Progress(self._server, _SEARCHING, params.work_done_token) as progress:

            def find() -> tuple[tuple[TextEdit, ...], types.WorkspaceEdit]:
                edits = rename(project, document, offset, params.new_name, progress.report)
                return edits, _Places(self._server, project).edit(edits)

            try:
                edits, answer = await self._server.work(find)
            except RenameError as error:
                raise RequestFailed(str(error)) from None
        opened = self._server.texts.open
        if any(path in opened and opened[path] is not project.document(path) for (path, *_), _ in edits):
            raise ContentModified("a text was changed meanwhile: rename again")
        return answer

    async def symbols(self, params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
        """What the files of the workspace declare."""
        from alloypy.lsp.features.workspace_symbols import symbols

        project = self._project()
        with Progress(self._server, _SEARCHING, params.work_done_token) as progress:

            def find() -> list[types.WorkspaceSymbol]:
                found = symbols(project, params.query, progress.report)
                return _Places(self._server, project).symbols(found)

            return await self._server.work(find)

    def lenses(self, params: types.CodeLensParams) -> list[types.CodeLens]:
        """The lenses of a text, without their numbers."""
        from alloypy.lsp.features.code_lens import lenses

        uri = params.text_document.uri
        document = self._server.document(uri)
        if not self._server.texts.shows("codeLens", "references"):
            return []
        data = {"uri": uri, "version": document.version}
        convert = self._server.convert
        return [
            types.CodeLens(range=convert.span(document, each.start, each.stop), data=data)
            for each in lenses(self._project(), document)
        ]

    async def resolve_lens(self, lens: types.CodeLens) -> types.CodeLens:
        """A lens with its number of references."""
        from alloypy.lsp.features.code_lens import counted

        data = lens.data
        if not isinstance(data, dict) or not isinstance(data.get("uri"), str):
            raise InvalidParams("the lens is none of this server's")
        document = self._server.document(data["uri"])
        if data.get("version") != document.version:
            raise ContentModified("the text was changed meanwhile")
        offset = self._server.offset(document, lens.range.start)
        project = self._project_for_counting()

        def count() -> tuple[Counted, list[types.Location]]:
            found = counted(project, document, offset)
            return found, _Places(self._server, project).locations(found.references)

        found, locations = await self._server.work(count)
        command = self._server.client.show_references
        arguments = [data["uri"], lens.range.start, locations] if command else None
        lens.command = types.Command(title=found.title, command=command, arguments=arguments)
        return lens

    def count_again(self) -> None:
        """Read the files of the workspace again for the next lens."""
        self._counting = None

    def _project(self) -> Project:
        from alloypy.lsp.workspace.project import Project

        return Project(self._server.texts)

    def _project_for_counting(self) -> Project:
        """The same for some lenses, so that the files of the workspace are not read for each of them."""
        now, opened = time.monotonic(), dict(self._server.texts.open)
        if self._counting is not None:
            since, texts, project = self._counting
            if now < since + _FRESH_SECONDS and texts == opened:
                return project
        self._counting = (now, opened, self._project())
        return self._counting[2]

    def _at(self, params: Any) -> tuple[Project, Document, int]:
        document = self._server.document(params.text_document.uri)
        return self._project(), document, self._server.offset(document, params.position)


class _Places:
    """Converts ranges in the texts of one request, whatever the editor has meanwhile."""

    def __init__(self, server: Server, project: Project) -> None:
        self._server = server
        self._convert = Conversion(server.encoding, project.document)
        self._convert.spelled = dict(server.convert.spelled)

    def locations(self, found: Iterable[Range]) -> list[types.Location]:
        return [self._convert.location(each) for each in found]

    def definitions(self, found: Sequence[Definition]) -> list[Any]:
        if not self._server.client.links:
            return self.locations(each.name for each in found)
        return [
            types.LocationLink(
                target_uri=self._convert.uri_of(each.whole.path),
                target_range=self._convert.range_of(each.whole),
                target_selection_range=self._convert.range_of(each.name),
                origin_selection_range=self._convert.range_of(each.origin) if each.origin else None,
            )
            for each in found
        ]

    def edit(self, edits: Sequence[TextEdit]) -> types.WorkspaceEdit:
        return self._convert.workspace_edit(edits, self._server.client.versioned_edits)

    def symbols(self, found: Iterable[Symbol]) -> list[types.WorkspaceSymbol]:
        return [
            types.WorkspaceSymbol(
                name=each.name,
                kind=_KINDS[each.kind.name],
                location=self._convert.location(each.range),
                container_name=each.inside or None,
            )
            for each in found
        ]


_KINDS = {
    "COMPONENT": types.SymbolKind.Object,
    "DECLARE": types.SymbolKind.Class,
    "IMPORT": types.SymbolKind.Module,
    "ARGUMENT": types.SymbolKind.Property,
    "EXPORT": types.SymbolKind.Field,
    "FOREACH": types.SymbolKind.Array,
    "VARIABLE": types.SymbolKind.Variable,
    "SETTING": types.SymbolKind.Namespace,
}


def _highlight(convert: Conversion, document: Document, found: Highlight) -> types.DocumentHighlight:
    kind = types.DocumentHighlightKind.Write if found.writes else types.DocumentHighlightKind.Read
    span = convert.span(document, found.range.start, found.range.stop)
    return types.DocumentHighlight(range=span, kind=kind)
