"""Texts as an editor has them, and code actions on them, without a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from alloypy.catalog.catalog import load_catalog
from alloypy.check.units.units import CheckOptions, check_sources, encoding_faults
from alloypy.graph.admission import Gate
from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import TextEdit
from alloypy.lsp.features.actions.action import Action, Asked, applied
from alloypy.lsp.features.actions.offers import actions, worked_out
from alloypy.lsp.workspace.workspace import Workspace
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source

PATH = "/unit/config.alloy"


class Texts(Workspace):
    """Open texts that together are one configuration, in a directory that does not exist."""

    def __init__(self, texts: Mapping[str, bytes], options: CheckOptions | None = None) -> None:
        super().__init__()
        self.chosen = options or CheckOptions(load_catalog(), Gate(Stability.EXPERIMENTAL, True), {})
        self.path = next(iter(texts))
        for path, data in texts.items():
            self.open[path] = Document(path, data, 1)

    def unit_of(self, path: str) -> tuple[str, ...]:
        return tuple(self.open)

    def unit_name(self, path: str) -> str:
        return path if len(self.open) == 1 else str(Path(path).parent)

    def checking(self, path: str) -> CheckOptions:
        return self.chosen

    def findings(self) -> Sequence[Diagnostic]:
        """What is wrong with the texts."""
        sources = [each.source for each in self.open.values()]
        faults = encoding_faults(sources)
        return faults or check_sources(sources, str(Path(self.path).parent), self.chosen)

    def after(self, edits: Sequence[TextEdit]) -> Texts:
        """The texts with edits made."""
        texts = {
            path: applied(document.data, [each for each in edits if each.range.path == path])
            for path, document in self.open.items()
        }
        return Texts(texts, self.chosen)

    def edits(self, action: Action) -> Sequence[TextEdit]:
        """The edits of an action on the first text. Raises RefusedError."""
        return action.edits if action.lazy is None else worked_out(self, self.path, action.lazy)

    def asked(self, start: int, stop: int | None = None, *only: str, invoked: bool = True) -> Asked:
        """A place in the first text."""
        end = start if stop is None else stop
        return Asked(self, self.open[self.path], start, end, self.findings(), only, invoked)

    def offered(self, start: int, stop: int | None = None, *only: str, invoked: bool = True) -> list[Action]:
        """The actions at a place in the first text."""
        return list(actions(self.asked(start, stop, *only, invoked=invoked), can_create=True))

    @property
    def text(self) -> str:
        """The first text."""
        return self.open[self.path].data.decode("utf-8", "surrogateescape")


def one(text: str | bytes) -> Texts:
    """A configuration of one text."""
    return Texts({PATH: text.encode() if isinstance(text, str) else text})


def errors(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The errors among diagnostics."""
    return [each for each in found if each.severity is Severity.ERROR]


def syntax_faults(data: bytes) -> int:
    """How many faults a text has by the grammar."""
    try:
        parse_file(Source("", data))
    except DiagnosticsError as error:
        return len(error.diagnostics)
    return 0
