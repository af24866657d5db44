"""All files of the workspace: read only when a request asks for them, within a bound.

The thread that does so can be interrupted between files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TypeAlias

from alloypy.lsp.documents.document import Document
from alloypy.lsp.workspace.imports import IMPORT_FILE, imported_paths
from alloypy.lsp.workspace.interrupting import pause
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.unit import Unit

MOST_BYTES = 20_000_000
"""How much is read for one request."""

Report: TypeAlias = Callable[[int, int], None]
"""Is told how many files have been read, and how many there are."""


class TooMuchError(Exception):
    """The files of the workspace are larger than what is read for one request."""


def no_report(done: int, total: int) -> None:
    """Tells nobody."""


def files(project: Project) -> list[str]:
    """The configuration files of the workspace, and those that are open; sorted, each once."""
    from alloypy.check.units.discovery import SUFFIX, Discovery

    found = set(project.workspace.open)
    for folder in project.workspace.folders:
        pause()
        found |= {os.path.normpath(each) for each in Discovery().files([folder])}
    return sorted(each for each in found if each.endswith(SUFFIX))


def documents(project: Project, mark: bytes, report: Report) -> Iterator[Document]:
    """The texts of the workspace that contain `mark`, the open ones as they are in the editor.

    They are not kept, because trees may be large. Raises TooMuchError after MOST_BYTES, and Interrupted.
    """
    found = files(project)
    left = MOST_BYTES
    for number, path in enumerate(found):
        pause()
        report(number, len(found))
        document = project.workspace.document(path)
        if document is None:
            continue
        left -= len(document.data)
        if left < 0:
            raise TooMuchError
        if mark in document.data:
            yield document


def importers(project: Project, path: str, report: Report = no_report) -> list[Unit]:
    """What imports the file at a path, and the modules of several files that it is a part of.

    Raises as `documents` does.
    """
    known = project.importers
    if known is None:
        known = {}
        for document in documents(project, IMPORT_FILE.encode(), report):
            unit: tuple[str, ...] | None = None
            for declared in Unit([document]).declarations:
                paths = imported_paths(project.workspace, declared)
                for each in paths:
                    unit = unit or project.workspace.unit_of(document.path)
                    known.setdefault(each, {}).update({unit: None, paths: None})
        project.importers = known
    return [project.unit(each) for each in known.get(path, ())]
