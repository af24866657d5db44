"""Imported modules whose content is available: what they define, and their faults.

A module that cannot be read here may exist where the configuration runs, so nothing is reported.
Each content is read once, however many imports name it.
Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from alloypy.check.blocks import BlockReader
from alloypy.check.contents import ContentCheck
from alloypy.check.expressions.shapes import exactly
from alloypy.check.findings import Findings
from alloypy.check.modules.frames import Frame, Names, unread
from alloypy.check.scope import CheckedNode, CheckedScope, warning
from alloypy.graph import codes
from alloypy.graph.definitions import Definitions, imported_definitions
from alloypy.graph.imported import MAX_IMPORTS, Content, Tally, UnfitError
from alloypy.graph.nodes import Kind
from alloypy.graph.sections import Placed, Sections
from alloypy.lang.types import OptionalSecretType, StringType
from alloypy.rules.view import Undecided
from alloypy.schema.check import check_body
from alloypy.syntax.config_files import ConfigReadError, parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source, Span

_MOST = 5_000
"""How many contents are checked; any further import counts as not available."""


class Location(NamedTuple):
    """Where a file or directory is. identity: equal for the same file. directory: its `module_path`."""

    identity: str
    directory: str


class Files(NamedTuple):
    """Access to modules in files.

    read: returns the sources at a path; None if there is nothing to read.
    module_path: the directory of the configuration. locate: returns the location of a path.
    """

    read: Callable[[str], Sequence[Source] | None]
    module_path: str
    locate: Callable[[str], Location]


class _Place(NamedTuple):
    """What an import names, after it has been read."""

    node: CheckedNode
    identity: str
    module_path: str
    sources: Sequence[Source]


class _Module:
    """Content that has been read. imports: its import blocks, with what they name if that is available.

    reach: identities of all content that it needs, including its own.
    """

    def __init__(self, place: _Place, scope: CheckedScope, content: Content) -> None:
        self.place = place
        self.scope = scope
        self.content = content
        self.imports: list[tuple[CheckedNode, _Place | None]] = []
        self.reach: frozenset[str] | None = None


class _Known(NamedTuple):
    """The definitions of a content, and the number of imports that they needed."""

    definitions: Definitions
    imports: int


class ImportReader:
    """Reads what imports name, and returns the definitions in it.

    frames: the top level of each content as a module, by the id() of its definitions.
    """

    def __init__(self, blocks: BlockReader, files: Files, contents: ContentCheck, findings: Findings) -> None:
        self.frames: dict[int, Frame] = {}
        self._blocks = blocks
        self._files = files
        self._contents = contents
        self._findings = findings
        self._read_paths: dict[str, Sequence[Source] | None] = {}
        self._modules: dict[tuple[str, str, str], _Module] = {}
        self._known: dict[tuple[int, frozenset[str], int], _Known] = {}

    def definitions(self, node: CheckedNode, frame: Frame) -> Definitions:
        """The definitions that an import block of a module provides."""
        place = self._place(node, frame)
        return unread() if place is None else self._definitions(place, frozenset(), Tally())

    def _place(self, node: CheckedNode, frame: Frame) -> _Place | None:
        """What an import block names; None if that is not available."""
        path = frame.names.path()
        module_path = path.value if path.is_exact and isinstance(path.value, str) else ""
        try:
            if node.name == "import.string":
                return self._text(node, frame, module_path)
            if node.name == "import.file":
                return self._file(node, frame)
        except Undecided:
            return None
        return None

    def _text(self, node: CheckedNode, frame: Frame, module_path: str) -> _Place | None:
        given = self._contents.given(node, frame, "content")
        if given is None:
            return None
        text = given.check.decided(given.value, OptionalSecretType()).reveal()
        data = text.encode("utf-8", "surrogateescape")
        return _Place(node, f"string {text}", module_path, [Source(node.label, data)])

    def _file(self, node: CheckedNode, frame: Frame) -> _Place | None:
        given = self._contents.given(node, frame, "filename")
        if given is None:
            return None
        path = given.check.decided(given.value, StringType())
        if path not in self._read_paths:
            self._read_paths[path] = self._files.read(path) if path else None
        sources = self._read_paths[path]
        if sources is None:
            return None
        location = self._files.locate(path)
        return _Place(node, f"file {location.identity}", location.directory, sources)

    def _definitions(self, place: _Place, around: frozenset[str], tally: Tally) -> Definitions:
        """The definitions of content; those that do not depend on its place are built once."""
        module = self._module(place)
        key = (id(module), around & self._reach(module), len(around))
        known = self._known.get(key)
        if known is not None and tally.take(known.imports):
            return known.definitions
        if len(self._known) >= _MOST:
            return unread()
        before = tally.imports
        made = self._imported(module, around | {place.identity}, tally)
        if known is None and tally.imports < MAX_IMPORTS:
            self._known[key] = _Known(made, tally.imports - before)
        return made

    def _imported(self, module: _Module, around: frozenset[str], tally: Tally) -> Definitions:
        labels = dict.fromkeys(module.content.imports)
        definitions = imported_definitions(module.place.module_path, module.content.templates, labels)
        self._frame(module, definitions)
        for node, place in module.imports:
            if place is None:
                definitions.imports[node.label] = unread()
                continue
            refused = tally.refused(place.identity, around)
            if refused:  # as in loading, what follows is not read
                self._warn(module.place, Diagnostic(_header(node), refused, codes.MODULE_CONTENT))
                break
            definitions.imports[node.label] = self._definitions(place, around, tally)
        return definitions

    def _frame(self, module: _Module, definitions: Definitions) -> Frame:
        names = Names({"module_path": exactly(module.place.module_path)})
        frame = Frame(module.scope, names, {}, definitions, lambda _, node: exactly({}))
        self.frames[id(definitions)] = frame
        return frame

    def _module(self, place: _Place) -> _Module:
        # A text has no name but that of its import, and messages about it contain that name.
        key = (place.identity, place.module_path, place.sources[0].name if place.sources else "")
        module = self._modules.get(key)
        if module is None:
            module = self._modules[key] = self._read(place)
        return module

    def _read(self, place: _Place) -> _Module:
        """Read the files of a content in order, up to the first invalid one."""
        node = place.node
        content = Content(node.id, node.name, lambda each: self._redefined(place, each))
        fit = False
        try:
            for source in place.sources:
                (file,) = parse_config([source])
                for statement in file.body:
                    content.add(statement, source)
            fit = True
        except DiagnosticsError as error:
            for diagnostic in error.diagnostics:
                self._warn(place, diagnostic)
        except ConfigReadError as error:
            self._findings.add([warning(_header(node), f"{node.id}: {error}", codes.MODULE_CONTENT)])
        except UnfitError as error:
            self._warn(place, Diagnostic(error.span, str(error), codes.MODULE_CONTENT))
        sections = Sections()
        sections.declares += content.declares.values()
        sections.configs += content.imports.values()
        scope = self._blocks.fill(CheckedScope(None, root=False, template=False), sections)
        module = _Module(place, scope, content)
        if fit:
            module.imports += self._inner(module)
        return module

    def _inner(self, module: _Module) -> Iterator[tuple[CheckedNode, _Place | None]]:
        """The imports of a content, up to the first faulty block."""
        frame = self._frame(module, Definitions(None, {}))
        for node in module.scope.nodes:
            if node.kind is not Kind.IMPORT or node.label not in module.content.imports:
                continue
            faults = (
                []
                if node.arguments is None
                else check_body(node.block, node.body, node.source, node.arguments)
            )
            faults = [*faults, *self._contents.node(node, frame)]
            errors = [fault for fault in faults if fault.severity is Severity.ERROR]
            for fault in faults:
                self._warn(module.place, fault)
            if errors:
                return
            yield node, self._place(node, frame)

    def _reach(self, module: _Module) -> frozenset[str]:
        if module.reach is None:
            reach = {module.place.identity}
            waiting = [module]
            for each in waiting:
                for _, place in each.imports:
                    if place is not None and place.identity not in reach:
                        reach.add(place.identity)
                        waiting.append(self._module(place))
            module.reach = frozenset(reach)
        return module.reach

    def _redefined(self, place: _Place, placed: Placed) -> None:
        span = Span(placed.source, placed.block.start, placed.block.lcurly)
        message = f"declare.{placed.block.label} is already declared; this one is ignored"
        self._warn(place, Diagnostic(span, message, codes.MODULE_CONTENT))

    def _warn(self, place: _Place, diagnostic: Diagnostic) -> None:
        """Report a fault of content; at the import if the content is in a string, which has no file."""
        warned = diagnostic._replace(severity=Severity.WARNING)
        node = place.node
        if node.name == "import.string":
            warned = warned._replace(span=_header(node), message=str(diagnostic), code=codes.MODULE_CONTENT)
        self._findings.add([warned])


def _header(node: CheckedNode) -> Span:
    return Span(node.source, node.block.start, node.block.lcurly)
