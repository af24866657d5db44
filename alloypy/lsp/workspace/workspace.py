"""All texts that the server knows: those open in the editor, and the files of their configurations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alloypy.files import read_regular
from alloypy.lsp.documents.document import Document

if TYPE_CHECKING:
    from alloypy.catalog.catalog import Catalog


class Workspace:
    """The texts, as they are at one moment.

    open: the documents that are open in the editor, by path. folders: the paths of the workspace's folders.
    """

    def __init__(self) -> None:
        self.open: dict[str, Document] = {}
        self.folders: tuple[str, ...] = ()

    def document(self, path: str) -> Document | None:
        """The text at a path: what is open there, or what is on the disk; None if there is none."""
        if path in self.open:
            return self.open[path]
        try:
            return Document(path, read_regular(path))
        except (OSError, ValueError):
            return None

    def unit_of(self, path: str) -> tuple[str, ...]:
        """The paths of the files that form one configuration with the file at `path`, itself included."""
        return (str(Path(path)),)

    def language(self, path: str) -> Catalog:
        """What exists for the configuration of a file: components, blocks, functions."""
        from alloypy.catalog.catalog import load_catalog

        return load_catalog()
