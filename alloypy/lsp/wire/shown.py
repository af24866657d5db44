"""Diagnostics as the protocol has them, made once for each state of the texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from lsprotocol import types

from alloypy.graph import codes
from alloypy.lsp.features.diagnostics import DEPRECATED, UNNECESSARY
from alloypy.syntax.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.wire.server import Server
    from alloypy.syntax.source import Span


class Shown(NamedTuple):
    """The diagnostics of one text. mark: the same for the same diagnostics."""

    items: list[types.Diagnostic]
    mark: str


class _Made(NamedTuple):
    """What was made, and what it was made of."""

    found: tuple[Diagnostic, ...]
    documents: tuple[Document | None, ...]
    shown: Shown


class Showing:
    """Makes diagnostics; keeps those of each path until their texts, or what is found there, are others."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: dict[str, _Made] = {}

    def keep(self, paths: Iterable[str]) -> None:
        """Forget the diagnostics of all other paths."""
        self._made = {path: self._made[path] for path in paths if path in self._made}

    def of(self, path: str, found: Sequence[Diagnostic]) -> Shown:
        """What is found in the text at a path."""
        names = dict.fromkeys(span.source.name for each in found for span in each.further)
        documents = tuple(map(self._server.texts.document, (path, *names)))
        known = self._made.get(path)
        if known is not None and _identical(known.found, found) and _identical(known.documents, documents):
            return known.shown
        items = [self._diagnostic(each, documents[0]) for each in found]
        shown = Shown(items, _mark(items))
        self._made[path] = _Made(tuple(found), documents, shown)
        return shown

    def _diagnostic(self, found: Diagnostic, document: Document | None) -> types.Diagnostic:
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
            related_information=[
                made for each in found.further if (made := self._further(each, _about(found)))
            ]
            or None,
            data={"fix": edits} if edits else None,
        )

    def _range(self, span: Span | None, document: Document | None) -> types.Range:
        if span is None or document is None:
            start = types.Position(line=0, character=0)
            return types.Range(start=start, end=start)
        stop = span.start if span.end is None else span.end + 1
        return self._server.convert.span(document, span.start, stop)

    def _further(self, span: Span, message: str) -> types.DiagnosticRelatedInformation | None:
        document = self._server.texts.document(span.source.name)
        if document is None:
            return None
        location = types.Location(
            uri=self._server.convert.uri_of(span.source.name), range=self._range(span, document)
        )
        return types.DiagnosticRelatedInformation(location=location, message=message)


def _about(found: Diagnostic) -> str:
    """What the further places of a finding are."""
    return "declared here first" if found.code == codes.REPEATED else "the same here"


def _identical(some: Sequence[object], others: Sequence[object]) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


def _mark(items: Iterable[types.Diagnostic]) -> str:
    return blake2b(repr(list(items)).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


NOTHING = _mark(())
"""The mark of a text without diagnostics."""
