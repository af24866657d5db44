"""Configurations and the modules that they import, for the time of one request: each text is read once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from alloypy.lsp.documents.document import Document
from alloypy.lsp.workspace.imports import imported_paths, imported_text
from alloypy.lsp.workspace.symbols import Declaration, Kind
from alloypy.lsp.workspace.unit import Declared, Module, Unit
from alloypy.lsp.workspace.workspace import Workspace


class Home(NamedTuple):
    """Where a custom component comes from.

    provider: the declare or import that its name begins with. declare: its declare; None if that is not
    known, because the import cannot be read or does not have it. rivals: other imports of the same name that
    it may come from instead, because what they contain is not known.
    """

    provider: Declared
    declare: Declared | None
    rivals: tuple[Declared, ...] = ()

    def exports(self, name: str) -> Declared | None:
        """The export of that name."""
        return self._part("export", name)

    def arguments(self, name: str) -> Declared | None:
        """The argument of that name."""
        return self._part("argument", name)

    def _part(self, kind: str, name: str) -> Declared | None:
        for module in self.declare.inside if self.declare is not None else ():
            for each in module.scope.declarations:
                if each.id == f"{kind}.{name}":
                    return Declared(module.place, each)
        return None


class Project:
    """Units by the paths of their files.

    workspace: where the texts come from. importers: once they are known, the units that import each file, and
    whether they do so in the text of an `import.string`.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.importers: dict[str, dict[tuple[str, ...], bool]] | None = None
        self._documents: dict[str, Document | None] = {}
        self._units: dict[tuple[str, ...], Unit] = {}
        self._imported: dict[int, Unit | None] = {}
        self._strings: dict[int, Unit | None] = {}

    def document(self, path: str) -> Document | None:
        """The text at a path, the same one each time."""
        if path not in self._documents:
            self._documents[path] = self.workspace.document(path)
        return self._documents[path]

    def keep(self, document: Document) -> None:
        """Use this text for its path."""
        self._documents.setdefault(document.path, document)

    def with_texts(self, documents: Iterable[Document]) -> Project:
        """Another project with these texts in place of those at their paths."""
        other = Project(self.workspace)
        other._documents = {**self._documents, **{each.path: each for each in documents}}
        return other

    def unit_of(self, path: str) -> Unit:
        """The configuration, or the module, that the file at a path belongs to."""
        return self.unit(self.workspace.unit_of(path))

    def unit(self, paths: tuple[str, ...]) -> Unit:
        """The unit of these files, without those that cannot be read."""
        if paths not in self._units:
            found = (self.document(path) for path in paths)
            self._units[paths] = Unit(each for each in found if each is not None)
        return self._units[paths]

    def imported(self, declared: Declared) -> Unit | None:
        """The content of an import; None if it cannot be read here."""
        key = id(declared.declaration)
        if key not in self._imported:
            paths = imported_paths(self.workspace, declared)
            self._imported[key] = self.unit(paths) if paths else None
        return self._imported[key]

    def home(self, unit: Unit, module: Module, component: Declaration) -> Home | None:
        """Where a component of a module comes from; None if it is none of this configuration's own."""
        name = component.block.name
        if component.kind is not Kind.COMPONENT or len(name) > 2:
            return None
        if len(name) == 1:
            declare = unit.declare(module, name[0])
            return Home(declare, declare) if declare is not None else None
        known: list[Declared] = []
        unknown: list[Declared] = []
        for each in unit.imports(module, name[0]):
            content, written = self.imported(each), self._in_string(each)
            if (declare := _declare(content, name[1])) is not None:
                return Home(each, declare, tuple(unknown))
            if _declare(written, name[1]) is not None:
                return Home(each, None, tuple(unknown))
            (unknown if content is None and written is None else known).append(each)
        first = next(iter((*unknown, *known)), None)
        return Home(first, None, tuple(unknown[1:])) if first is not None else None

    def _in_string(self, declared: Declared) -> Unit | None:
        """The content of an `import.string`; None if that is not known before it runs."""
        key = id(declared.declaration)
        if key not in self._strings:
            text = imported_text(declared)
            data = text.encode("utf-8", "surrogatepass") if text is not None else b""
            path = declared.place.document.path
            self._strings[key] = Unit([Document(path, data)]) if text is not None else None
        return self._strings[key]


def _declare(content: Unit | None, name: str) -> Declared | None:
    return content.declare(content.roots[0], name) if content is not None and content.roots else None
