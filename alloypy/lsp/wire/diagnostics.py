"""Diagnostics, pushed or pulled.

Texts are judged in the worker, once no key has been pressed for a moment. What was found in a text that has
changed meanwhile is dropped: another judgement follows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from alloypy.lsp.features.diagnostics import Judgement
from alloypy.lsp.wire.errors import CHANGED, ContentModified
from alloypy.lsp.wire.judgements import Judgements
from alloypy.lsp.wire.shown import NOTHING, Showing
from alloypy.lsp.wire.worker import Urgency
from alloypy.lsp.workspace.interrupting import pause
from alloypy.syntax.diagnostics import Diagnostic

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.wire.server import Server
    from alloypy.lsp.workspace.workspace import Workspace

_QUIET_SECONDS = 0.15
_NEEDED = ("check.units.units", "lsp.features.completion.completing", "lsp.features.hover")
"""Modules that the first requests and the first check import."""


def register(server: Server) -> None:
    """Register what answers these requests."""
    wire = Judged(server)
    server.findings = wire.findings
    server.outdated.append(wire.forget)
    server.changed.append(wire.text_changed)
    server.started.append(wire.start)
    options = types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=True)
    server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, options)(wire.pulled)
    server.feature(types.WORKSPACE_DIAGNOSTIC)(wire.all_pulled)


class Judged:
    """What is found in the configurations of all open texts."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._judgements = Judgements(server)
        self._showing = Showing(server)
        self._published: dict[str, str] = {}
        self._told: set[str] = set()
        self._task: asyncio.Task[Any] | None = None
        self._indexed: set[str] = set()

    def start(self) -> None:
        """Load what a check needs while nothing is asked for."""
        self._server.protocol.spawn(self._server.worker.run(Urgency.PREPARATION, _prepare))

    def text_changed(self, path: str) -> None:
        """A text was opened, changed or closed, or changed on the disk."""
        self._judgements.text_changed(path)
        document = self._server.texts.open.get(path)
        if document is not None and path not in self._indexed:
            self._server.protocol.spawn(self._server.worker.run(Urgency.PREPARATION, _index, document))
        self._indexed = set(self._server.texts.open)
        self._schedule()

    def forget(self) -> None:
        """Settings or files have changed: judge again what depends on them."""
        if self._server.client.pulls:
            if self._server.client.has("workspace.diagnostics.refresh_support"):
                self._server.protocol.spawn(self._refresh())
        else:
            self._schedule()

    def findings(self, path: str) -> Sequence[Diagnostic]:
        """What is found in an open text as it is now; empty if that is not known yet."""
        document = self._server.texts.open.get(path)
        for each in self._judgements:
            if document is not None and path in each.found:
                return [
                    found
                    for found in each.found[path]
                    if found.span is None or len(found.span.source.data) == len(document.data)
                ]
        return ()

    # Pushing

    def _schedule(self) -> None:
        if self._server.client.pulls:
            return
        if self._task is not None:
            self._task.cancel()
        self._task = self._server.protocol.spawn(self._push())

    async def _push(self) -> None:
        await asyncio.sleep(_QUIET_SECONDS)
        while not await self._judge_all():
            pass
        self._publish()

    async def _judge_all(self) -> bool:
        """Judge all open texts and publish each configuration; False if a text changed meanwhile."""
        moment = self._judgements.now()
        units = await self._judgements.units(moment, moment.texts.open)
        self._judgements.keep(units)
        for name, files in units.items():
            if await self._judgements.judged(moment, name, files) is None:
                return False
            self._publish()
        self._say_problems(moment.texts)
        return True

    def _publish(self) -> None:
        """Tell the client what is new; what was told before and is not found any more is taken back."""
        found = _by_path(self._judgements)
        for path in [*found, *(each for each in self._published if each not in found)]:
            document = self._server.texts.document(path)
            items, mark = self._showing.of(path, found.get(path, ()))
            version = document.version if document is not None else None
            state = f"{version} {mark}"
            if self._published.get(path, f"None {NOTHING}") == state:
                continue
            self._published[path] = state
            self._server.protocol.notify(
                types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS,
                types.PublishDiagnosticsParams(
                    uri=self._server.convert.uri_of(path), diagnostics=items, version=version
                ),
            )
        for path in [each for each in self._published if each not in found]:
            del self._published[path]
        self._showing.keep(found)

    def _say_problems(self, texts: Workspace) -> None:
        for each in self._server.judged:
            each(texts)
        for problem in (*texts.problems, *(each.problem for each in self._judgements if each.problem)):
            if problem not in self._told:
                self._told.add(problem)
                self._server.protocol.notify(
                    types.WINDOW_SHOW_MESSAGE,
                    types.ShowMessageParams(type=types.MessageType.Error, message=problem),
                )

    # Pulling

    async def pulled(
        self, params: types.DocumentDiagnosticParams
    ) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
        """What is found in one text, and in the files of its configuration.

        With it comes what other configurations find in these files, as far as they have been checked: those
        that import them.
        """
        document = self._server.text(params.text_document.uri)
        judgement = None
        while judgement is None:
            moment = self._judgements.now()
            ((name, files),) = (await self._judgements.units(moment, [document.path])).items()
            judgement = await self._judgements.judged(moment, name, files)
            if self._server.texts.open.get(document.path) is not document:
                raise ContentModified(CHANGED)
        self._say_problems(moment.texts)
        everywhere = _by_path((*self._judgements, judgement))
        self._showing.keep(everywhere)
        found = {path: everywhere[path] for path in judgement.found}
        items, mark = self._showing.of(document.path, found.get(document.path, ()))
        related = None
        if self._server.client.has("text_document.diagnostic.related_document_support"):
            related = {
                self._server.convert.uri_of(path): self._report(path, each)
                for path, each in found.items()
                if path != document.path
            }
        if params.previous_result_id == mark:
            return types.RelatedUnchangedDocumentDiagnosticReport(result_id=mark, related_documents=related)
        return types.RelatedFullDocumentDiagnosticReport(
            items=items, result_id=mark, related_documents=related
        )

    async def all_pulled(self, params: types.WorkspaceDiagnosticParams) -> types.WorkspaceDiagnosticReport:
        """What is found in the configurations of all open texts."""
        judged = None
        while judged is None:
            judged = await self._all()
        known = {each.uri: each.value for each in params.previous_result_ids}
        found = _by_path(judged)
        items: list[Any] = []
        for path, each in found.items():
            report = self._report(path, each)
            document = self._server.texts.open.get(path)
            uri, version = self._server.convert.uri_of(path), document.version if document else None
            if known.get(uri) == report.result_id:
                items.append(
                    types.WorkspaceUnchangedDocumentDiagnosticReport(
                        uri=uri, version=version, result_id=report.result_id or ""
                    )
                )
            else:
                items.append(
                    types.WorkspaceFullDocumentDiagnosticReport(
                        uri=uri, version=version, items=report.items, result_id=report.result_id
                    )
                )
        return types.WorkspaceDiagnosticReport(items=items)

    async def _all(self) -> list[Judgement] | None:
        """What is found in the configurations of all open texts; None if a text changed meanwhile."""
        moment = self._judgements.now()
        judged: list[Judgement] = []
        for name, files in (await self._judgements.units(moment, moment.texts.open)).items():
            found = await self._judgements.judged(moment, name, files)
            if found is None:
                return None
            judged.append(found)
        return judged

    def _report(self, path: str, found: Sequence[Diagnostic]) -> types.FullDocumentDiagnosticReport:
        items, mark = self._showing.of(path, found)
        return types.FullDocumentDiagnosticReport(items=items, result_id=mark)

    async def _refresh(self) -> None:
        await self._server.protocol.ask(types.WORKSPACE_DIAGNOSTIC_REFRESH, None)


def _prepare() -> None:
    """Import and load what the first requests and the first check need."""
    from importlib import import_module

    for name in _NEEDED:
        import_module(f"alloypy.{name}")
    from alloypy.catalog.catalog import load_catalog
    from alloypy.lsp.cursor.library import library_names

    deque(library_names(load_catalog()), 0)


def _index(document: Document) -> None:
    """Read what a text declares, so that the first answers about it do not have to. Raises Interrupted."""
    from alloypy.lsp.workspace.symbols import scopes_of

    for section in document.sections:
        pause()
        scopes_of(section)


def _by_path(judged: Iterable[Judgement]) -> dict[str, list[Diagnostic]]:
    """Everything found, once for each file; several configurations may import the same one."""
    found: dict[str, dict[object, Diagnostic]] = {}
    for judgement in judged:
        for path, listed in judgement.found.items():
            known = found.setdefault(path, {})
            for each in listed:
                place = (each.span.start, each.span.end) if each.span is not None else None
                known.setdefault((place, each.code, each.message), each)
    return {path: list(known.values()) for path, known in found.items()}
