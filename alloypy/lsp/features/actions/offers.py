"""All actions at a place, in the order in which they are offered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alloypy.lsp.features.actions.action import (
    EXPLAIN,
    EXTRACT,
    FIX_ALL,
    QUICK_FIX,
    REWRITE,
    Action,
    Asked,
    Lazy,
)

if TYPE_CHECKING:
    from alloypy.lsp.documents.ranges import TextEdit
    from alloypy.lsp.workspace.workspace import Workspace


def actions(asked: Asked, *, can_create: bool) -> Iterator[Action]:
    """The actions of the wanted kinds. can_create: whether the client can create files."""
    if asked.wants(QUICK_FIX):
        yield from _quick_fixes(asked, can_create)
    if asked.wants(REWRITE):
        from alloypy.lsp.features.actions.strings import other_quotes

        yield from other_quotes(asked)
    if asked.wants(EXTRACT):
        from alloypy.lsp.features.actions.extract import extraction

        yield from extraction(asked)
    if asked.wants(FIX_ALL):
        from alloypy.lsp.features.actions.everywhere import fix_all

        yield from fix_all(asked)
    if asked.here and asked.wants(EXPLAIN):
        from alloypy.lsp.features.actions.explaining import explanations

        yield from explanations(asked)


def _quick_fixes(asked: Asked, can_create: bool) -> Iterator[Action]:
    from alloypy.lsp.features.actions.missing import missing_arguments

    if asked.here:
        from alloypy.lsp.features.actions.everywhere import fixes_of_rules
        from alloypy.lsp.features.actions.fixes import quick_fixes
        from alloypy.lsp.features.actions.ignoring import ignoring_here
        from alloypy.lsp.features.actions.settings import ignoring_everywhere

        yield from quick_fixes(asked)
        yield from missing_arguments(asked)
        yield from fixes_of_rules(asked)
        yield from ignoring_here(asked)
        yield from ignoring_everywhere(asked, can_create=can_create)
    else:
        yield from missing_arguments(asked)


def worked_out(workspace: Workspace, path: str, lazy: Lazy) -> tuple[TextEdit, ...]:
    """The edits of an action on the file at `path` that were left for later. Raises RefusedError.

    Raises ValueError for an action that does not exist or has other arguments.
    """
    from alloypy.lsp.features.actions import everywhere, extract

    match lazy:
        case Lazy(name=everywhere.NAME, arguments=(str(code),)):
            return everywhere.all_fixed(workspace, path, code)
        case Lazy(name=extract.NAME, arguments=(int(start), int(stop))):
            return extract.extracted(workspace, path, start, stop)
    raise ValueError("there is no such action")
