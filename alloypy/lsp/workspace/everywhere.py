"""All files of the workspace: read only when a request asks for them, within a bound.

The thread that does so can be interrupted between files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TypeAlias

from alloypy.lsp.documents.document import Document
from alloypy.lsp.workspace.imports import IMPORT_FILE, imported_paths, imported_text
from alloypy.lsp.workspace.interrupting import pause
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.unit import Declared, Unit

MOST_BYTES = 20_000_000
"""How much is read for one request."""

_MOST_STRINGS = 1_000
"""How many declarations in the text of an `import.string` are looked at."""

IN_STRING = "import.string"

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
    found = _importing(project, report).get(path, {})
    return [project.unit(each) for each, written in found.items() if not written]


def importing_strings(project: Project, path: str) -> list[str]:
    """The files with an `import.string` whose text imports the file at a path. Raises as `documents` does."""
    found = _importing(project, no_report).get(path, {})
    return [path for (path, *_), written in found.items() if written]


def _importing(project: Project, report: Report) -> dict[str, dict[tuple[str, ...], bool]]:
    known = project.importers
    if known is None:
        known = {}
        for document in documents(project, IMPORT_FILE.encode(), report):
            unit: tuple[str, ...] | None = None
            for declared in Unit([document]).declarations:
                paths = imported_paths(project.workspace, declared)
                for each in paths:
                    unit = unit or project.workspace.unit_of(document.path)
                    known.setdefault(each, {}).update({unit: False, paths: False})
                for each in _in_string(project, declared):
                    known.setdefault(each, {}).setdefault((document.path, IN_STRING), True)
        project.importers = known
    return known


def _in_string(project: Project, declared: Declared) -> set[str]:
    """The files that the text of an `import.string` imports."""
    found: set[str] = set()
    waiting = [declared]
    for each in waiting:
        text = imported_text(each)
        if text is not None and len(waiting) < _MOST_STRINGS:
            inner = Unit([Document(each.place.document.path, text.encode("utf-8", "surrogateescape"))])
            waiting += inner.declarations
        if each is not declared:
            found.update(imported_paths(project.workspace, each))
    return found
