"""Texts with a cursor in them, and a workspace of such texts in a directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alloypy.lsp.documents.document import Document
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.workspace import Workspace

CURSOR = "‸"


class Texts:
    """Files in a directory, which is the workspace. A `‸` in one of them is the cursor, and not in the file.

    opened: whether all are open in the editor, too. units: which files form a configuration; each file alone
    if it is None.
    """

    def __init__(
        self, folder: Path, texts: Mapping[str, str], units: tuple[tuple[str, ...], ...] | None = None
    ) -> None:
        self.folder = folder
        self.workspace = _Workspace({})
        self.workspace.folders = (str(folder),)
        self.offset = 0
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace(CURSOR, ""))
            if CURSOR in text:
                self.offset = len(text[: text.index(CURSOR)].encode())
                self.path = str(path)
                self.workspace.open[self.path] = Document(self.path, path.read_bytes())
        for unit in units or ():
            paths = tuple(str(folder / name) for name in unit)
            self.workspace.units |= dict.fromkeys(paths, paths)

    @property
    def document(self) -> Document:
        """The text with the cursor."""
        return self.workspace.open[self.path]

    @property
    def project(self) -> Project:
        """The workspace for one request."""
        return Project(self.workspace)

    def name(self, path: str) -> str:
        """The path as it is in the directory."""
        return Path(path).relative_to(self.folder).as_posix()


class _Workspace(Workspace):
    def __init__(self, units: dict[str, tuple[str, ...]]) -> None:
        super().__init__()
        self.units = units

    def unit_of(self, path: str) -> tuple[str, ...]:
        return self.units.get(path) or (path,)
