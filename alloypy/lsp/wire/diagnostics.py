"""Diagnostics, pushed or pulled.

Texts are judged in the worker, once no key has been pressed for a moment. What was found in a text that has
changed meanwhile is dropped: another judgement follows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from alloypy.lsp.features.diagnostics import DEPRECATED, UNNECESSARY, Judgement, judge, units_of
from alloypy.lsp.wire.errors import CHANGED, ContentModified
from alloypy.lsp.wire.worker import Urgency
from alloypy.syntax.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.wire.server import Server
    from alloypy.lsp.workspace.workspace import Workspace
    from alloypy.syntax.source import Span

_QUIET_SECONDS = 0.15


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
    """What is found in the configurations of all open texts.

    Judgements are kept by the name of their configuration until a text that they looked at changes.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._kept: dict[str, Judgement] = {}
        self._published: dict[str, str] = {}
        self._told: set[str] = set()
        self._task: asyncio.Task[Any] | None = None
        self._change = 0

    def start(self) -> None:
        """Load what a check needs while nothing is asked for."""
        with contextlib.suppress(asyncio.CancelledError):
            self._server.protocol.spawn(
                self._server.worker.run(Urgency.PREPARATION, _prepare, self._frozen())
            )

    def text_changed(self, path: str) -> None:
        """A text was opened, changed or closed, or changed on the disk."""
        self._change += 1
        for name, each in list(self._kept.items()):
            if path in each.read:
                del self._kept[name]
        self._schedule()

    def forget(self) -> None:
        """Settings or files have changed: judge everything again."""
        self._change += 1
        self._kept.clear()
        if self._server.client.pulls:
            if self._server.client.has("workspace.diagnostics.refresh_support"):
                self._server.protocol.spawn(self._refresh())
        else:
            self._schedule()

    def findings(self, path: str) -> Sequence[Diagnostic]:
        """What is found in an open text as it is now; empty if that is not known yet."""
        document = self._server.texts.open.get(path)
        for each in self._kept.values():
            if document is not None and path in each.found:
                return [
                    found
                    for found in each.found[path]
                    if found.span is None or len(found.span.source.data) == len(document.data)
                ]
        return ()

    def _frozen(self) -> Workspace:
        return self._server.texts.frozen()

    # Pushing

    def _schedule(self) -> None:
        if self._server.client.pulls:
            return
        if self._task is not None:
            self._task.cancel()
        self._task = self._server.protocol.spawn(self._push())

    async def _push(self) -> None:
        await asyncio.sleep(_QUIET_SECONDS)
        texts = self._frozen()
        units = await self._server.worker.run(Urgency.DIAGNOSTICS, units_of, texts, list(texts.open))
        self._kept = {name: each for name, each in self._kept.items() if units.get(name) == each.files}
        for name, files in units.items():
            if name not in self._kept:
                self._kept[name] = await self._server.worker.run(
                    Urgency.DIAGNOSTICS, judge, texts, name, files
                )
                self._publish()
        self._publish()
        self._say_problems(texts)

    def _publish(self) -> None:
        """Tell the client what is new; what was told before and is not found any more is taken back."""
        found = _by_path(self._kept.values())
        for path in [*found, *(each for each in self._published if each not in found)]:
            document = self._server.texts.document(path)
            items = [self._made(each, document) for each in found.get(path, ())]
            mark = _mark(items)
            version = document.version if document is not None else None
            state = f"{version} {mark}"
            if self._published.get(path, f"None {_NOTHING}") == state:
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

    def _say_problems(self, texts: Workspace) -> None:
        for each in self._server.judged:
            each(texts)
        for problem in texts.problems:
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
        """What is found in one text, and in the files of its configuration."""
        document = self._server.document(params.text_document.uri)
        texts = self._frozen()
        change = self._change
        units = await self._server.work(units_of, texts, [document.path])
        ((name, files),) = units.items()
        found = (await self._judged(texts, name, files, change)).found
        if self._server.texts.open.get(document.path) is not document:
            raise ContentModified(CHANGED)
        self._say_problems(texts)
        items = [self._made(each, document) for each in found.get(document.path, ())]
        mark = _mark(items)
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
        texts = self._frozen()
        change = self._change
        units = await self._server.work(units_of, texts, list(texts.open))
        judged = [await self._judged(texts, name, files, change) for name, files in units.items()]
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

    async def _judged(self, texts: Workspace, name: str, files: tuple[str, ...], change: int) -> Judgement:
        kept = self._kept.get(name)
        if kept is not None and kept.files == files:
            return kept
        judgement = await self._server.work(judge, texts, name, files)
        if self._change == change:
            self._kept[name] = judgement
        return judgement

    def _report(self, path: str, found: Iterable[Diagnostic]) -> types.FullDocumentDiagnosticReport:
        document = self._server.texts.document(path)
        items = [self._made(each, document) for each in found]
        return types.FullDocumentDiagnosticReport(items=items, result_id=_mark(items))

    async def _refresh(self) -> None:
        await self._server.protocol.ask(types.WORKSPACE_DIAGNOSTIC_REFRESH, None)

    # Making

    def _made(self, found: Diagnostic, document: Document | None) -> types.Diagnostic:
        """A diagnostic as the protocol has it. document: the text that it is in."""
        tags = [types.DiagnosticTag.Deprecated] if found.code in DEPRECATED else []
        tags += [types.DiagnosticTag.Unnecessary] if found.code in UNNECESSARY else []
        edits = [
            {"offset": each.start, "length": each.end - each.start, "text": each.text} for each in found.fix
        ]
        error = found.severity is Severity.ERROR
        return types.Diagnostic(
            range=self._range(found.span, document),
            message=f"{found.message}\nhint: {found.hint}" if found.hint else found.message,
            severity=types.DiagnosticSeverity.Error if error else types.DiagnosticSeverity.Warning,
            code=found.code,
            source="alloypy",
            tags=tags or None,
            related_information=[made for each in found.further if (made := self._further(each))] or None,
            data={"fix": edits} if edits else None,
        )

    def _range(self, span: Span | None, document: Document | None) -> types.Range:
        if span is None or document is None:
            start = types.Position(line=0, character=0)
            return types.Range(start=start, end=start)
        stop = span.start if span.end is None else span.end + 1
        return self._server.convert.span(document, span.start, stop)

    def _further(self, span: Span) -> types.DiagnosticRelatedInformation | None:
        document = self._server.texts.document(span.source.name)
        if document is None:
            return None
        location = types.Location(
            uri=self._server.convert.uri_of(span.source.name), range=self._range(span, document)
        )
        return types.DiagnosticRelatedInformation(location=location, message="the same here")


def _prepare(texts: Workspace) -> None:
    """Import and load what the first request and the first check need."""
    import alloypy.check.units.units  # noqa: F401 -- so that it is there
    from alloypy.catalog.catalog import load_catalog

    load_catalog()


def _by_path(judged: Iterable[Judgement]) -> dict[str, list[Diagnostic]]:
    """Everything found, once for each file; several configurations may import the same one."""
    found: dict[str, list[Diagnostic]] = {}
    for judgement in judged:
        for path, each in judgement.found.items():
            listed = found.setdefault(path, [])
            listed += [one for one in each if not any(_same(one, other) for other in listed)]
    return found


def _same(one: Diagnostic, other: Diagnostic) -> bool:
    spans = [(each.span.start, each.span.end) if each.span is not None else None for each in (one, other)]
    return spans[0] == spans[1] and one.code == other.code and one.message == other.message


def _mark(items: Iterable[types.Diagnostic]) -> str:
    """The same text for the same diagnostics."""
    return blake2b(repr(list(items)).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


_NOTHING = _mark(())
