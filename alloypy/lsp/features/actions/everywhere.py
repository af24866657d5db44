"""Makes the changes of all findings in a file, or of all with one code, as `alloypy validate --fix` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from alloypy.check.units.fixing import fixed, is_fixable
from alloypy.check.units.units import encoding_faults
from alloypy.lsp.documents.ranges import TextEdit
from alloypy.lsp.features.actions.action import (
    FIX_ALL,
    NO_FILE,
    QUICK_FIX,
    Action,
    Asked,
    Lazy,
    RefusedError,
    text_edits,
)
from alloypy.lsp.features.actions.checking import checked, sources_of
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source

if TYPE_CHECKING:
    from alloypy.lsp.workspace.workspace import Workspace

NAME = "fix"
_MOST_SECONDS = 10.0


def fixes_of_rules(asked: Asked) -> Iterator[Action]:
    """For each finding at the selection that occurs more than once: the action that fixes all of its code."""
    counts = Counter(each.code for each in _fixable(asked.of_document))
    for code in dict.fromkeys(each.code for each in _fixable(asked.here)):
        if counts[code] > 1:
            mends = tuple(each for each in asked.here if each.code == code)
            title = f"Fix all {counts[code]} findings of {code} in this file"
            lazy = Lazy(NAME, (code,))
            yield Action(title, QUICK_FIX, mends=mends, lazy=lazy)


def fix_all(asked: Asked) -> Iterator[Action]:
    """The action that fixes the whole file. Asked for by its kind it is there without any check before."""
    if asked.only or any(_fixable(asked.of_document)):
        lazy = Lazy(NAME, ("",))
        yield Action("Fix all that `alloypy validate --fix` fixes", FIX_ALL, lazy=lazy)


def _fixable(found: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    return (each for each in found if each.fix and is_fixable(each))


def all_fixed(workspace: Workspace, path: str, code: str) -> tuple[TextEdit, ...]:
    """The edits of a file that mend its findings of a code, or of all. Raises RefusedError."""
    from alloypy.lsp.features.differences import edits_between

    document = workspace.document(path)
    if document is None:
        raise RefusedError(NO_FILE)
    sources = sources_of(workspace, path)
    if not sources or encoding_faults(sources):
        return ()

    def fixable(found: Diagnostic) -> bool:
        own = found.span is not None and found.span.source.name == document.path
        return own and is_fixable(found) and code in {"", found.code}

    made = fixed(sources, _within_time(workspace, path), fixable)
    after = next(each for each in made.sources if each.name == document.path)
    return text_edits(path, edits_between(document.data, after.data))


def _within_time(workspace: Workspace, path: str) -> Callable[[Sequence[Source]], Sequence[Diagnostic]]:
    """The check of changed texts; raises RefusedError once it has taken too long."""
    until = monotonic() + _MOST_SECONDS

    def check(sources: Sequence[Source]) -> Sequence[Diagnostic]:
        if monotonic() > until:
            raise RefusedError(
                f"there is too much to fix for {_MOST_SECONDS:.0f} s; use `alloypy validate --fix`"
            )
        return checked(workspace, path, sources)

    return check
