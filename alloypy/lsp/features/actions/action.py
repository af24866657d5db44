"""What every code action answers with, and what it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from alloypy.lsp.documents.ranges import Range, TextEdit
from alloypy.syntax.diagnostics import Diagnostic, Edit, edited

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.workspace.workspace import Workspace

_MOST_HERE = 20
"""For how many diagnostics of a selection actions are offered; a list of hundreds helps nobody."""

QUICK_FIX = "quickfix"
EXTRACT = "refactor.extract"
REWRITE = "refactor.rewrite"
FIX_ALL = "source.fixAll.alloypy"

EXPLAIN = "explain.alloypy"
"""A kind of its own: editors make a single quick fix without a question."""

KINDS = (QUICK_FIX, EXTRACT, REWRITE, FIX_ALL, EXPLAIN)
"""The kinds of all actions, as the protocol names them."""


class Asked(NamedTuple):
    """A place at which actions are wanted.

    start, stop: the selection, in bytes; equal for a cursor. found: what the newest check says about the
    document, if that check was of its present text; about other files of its unit, too.
    only: kinds to which the answer is restricted; empty for all. invoked: whether the user asked, rather than
    the editor on its own.
    """

    workspace: Workspace
    document: Document
    start: int
    stop: int
    found: Sequence[Diagnostic] = ()
    only: tuple[str, ...] = ()
    invoked: bool = False

    def wants(self, kind: str) -> bool:
        """Whether actions of a kind are wanted."""
        return not self.only or any(kind == each or kind.startswith(f"{each}.") for each in self.only)

    @property
    def here(self) -> list[Diagnostic]:
        """The diagnostics of the document at the selection; the first of many."""
        return list(islice(filter(self._touches, self.of_document), _MOST_HERE))

    @property
    def of_document(self) -> list[Diagnostic]:
        """The diagnostics of the document, without those about it as a whole."""
        path = self.document.path
        return [each for each in self.found if each.span is not None and each.span.source.name == path]

    def _touches(self, found: Diagnostic) -> bool:
        if found.span is None:
            return False
        end = found.span.start if found.span.end is None else found.span.end
        return found.span.start <= self.stop and self.start <= end + 1


class Lazy(NamedTuple):
    """What is needed to work out the edits of an action once it is chosen: its name and its arguments."""

    name: str
    arguments: tuple[str | int, ...] = ()


class Action(NamedTuple):
    """One action.

    mends: the diagnostics that it is about. preferred: whether it is the obvious one. lazy: how its edits are
    worked out, if that takes long. refused: why it cannot be done; shown to a user who asked for it.
    creates: files that its edits need and that do not exist. snippet: the same edits with `$1` and `$0` for
    editors that have snippets. explains: the code that it explains, instead of changing anything.
    """

    title: str
    kind: str
    edits: tuple[TextEdit, ...] = ()
    mends: tuple[Diagnostic, ...] = ()
    preferred: bool = False
    lazy: Lazy | None = None
    refused: str = ""
    creates: tuple[str, ...] = ()
    snippet: tuple[TextEdit, ...] = ()
    explains: str = ""


NO_FILE = "there is no such file any more"


class RefusedError(Exception):
    """An action cannot be done; the text says why, for people."""


def text_edits(path: str, edits: Iterable[Edit]) -> tuple[TextEdit, ...]:
    """Changes of one text as edits of a document."""
    return tuple(TextEdit(Range(path, edit.start, edit.end), edit.text) for edit in sorted(edits))


def applied(data: bytes, edits: Sequence[TextEdit]) -> bytes:
    """A text with edits made."""
    return edited(data, [Edit(each.range.start, each.range.stop, each.text) for each in edits])
