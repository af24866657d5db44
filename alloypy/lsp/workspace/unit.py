"""What names mean in the files of one configuration, or of one module: sums over their sections, on demand.

Source: docs/spec/RUNTIME.md, sections 2.2, 5.6, 5.7.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from alloypy.graph.nodes import IMPORT_NAMES
from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.documents.sections import Section
from alloypy.lsp.workspace.symbols import Declaration, Kind, Part, Reference, Scope, scopes_of

_IMPORTS = sorted(IMPORT_NAMES)
_NEVER = frozenset({Kind.COMPONENT, Kind.ARGUMENT, Kind.EXPORT, Kind.DECLARE, Kind.IMPORT, Kind.FOREACH})
"""What nothing can name while its label is missing."""

UNNAMED = frozenset({Kind.DECLARE, Kind.EXPORT, Kind.FOREACH, Kind.IMPORT, Kind.SETTING})
"""What expressions cannot name."""


class Placed(NamedTuple):
    """A section in its text, for converting offsets."""

    document: Document
    section: Section

    def range(self, start: int, stop: int) -> Range:
        """The range in the text for offsets in the section."""
        return Range(self.document.path, self.section.start + start, self.section.start + stop)

    def range_of(self, part: Part) -> Range:
        """The range of a name."""
        return self.range(part.start, part.stop)


class Declared(NamedTuple):
    """A declaration, with the text that contains it."""

    place: Placed
    declaration: Declaration

    @property
    def range(self) -> Range:
        """The whole block."""
        return self.place.range(self.declaration.start, self.declaration.stop)

    @property
    def name_range(self) -> Range:
        """The name of the block; of a variable, the word `var`."""
        return self.place.range(self.declaration.start, self.declaration.name_stop)

    @property
    def label_range(self) -> Range | None:
        """The label without its quotes; None if there is none."""
        written = self.declaration.written
        return self.place.range_of(written) if written is not None else None

    @property
    def module(self) -> Module:
        """The module that it is in."""
        return Module(self.place, self.declaration.scope)

    @property
    def inside(self) -> tuple[Module, ...]:
        """The modules that the block contains: the body of a declare, the templates of a foreach."""
        inner = self.declaration.scope.inner
        return tuple(Module(self.place, each) for each in inner if each.owner is self.declaration)


class Referred(NamedTuple):
    """A reference, with the text that contains it."""

    place: Placed
    reference: Reference

    @property
    def module(self) -> Module:
        """The module that it is in."""
        return Module(self.place, self.reference.scope)


class Module(NamedTuple):
    """A module, with the section that contains it; the root has a part in every section."""

    place: Placed
    scope: Scope

    @property
    def around(self) -> Module | None:
        """The module around it."""
        outer = self.scope.outer
        return Module(self.place, outer) if outer is not None else None


class Meaning(NamedTuple):
    """What the beginning of a chain means. used: how many of its names that takes."""

    declared: Declared
    used: int


class Unit:
    """The declarations and references of some texts that form one configuration, or one imported module."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.documents = tuple(documents)
        self._inner: dict[int, dict[str, Declared]] = {}

    @cached_property
    def roots(self) -> tuple[Module, ...]:
        """The parts of the root, in the order of the texts."""
        places = (Placed(each, section) for each in self.documents for section in each.sections)
        return tuple(Module(place, scopes_of(place.section)) for place in places)

    @property
    def modules(self) -> Iterator[Module]:
        """All modules: the parts of the root, and what is inside them."""
        return (Module(place, each) for place, root in self.roots for each in root.walk())

    @property
    def declarations(self) -> Iterator[Declared]:
        """All declarations in all modules, without variables."""
        for place, scope in self.modules:
            for each in scope.declarations:
                yield Declared(place, each)

    @property
    def references(self) -> Iterator[Referred]:
        """All references in all modules."""
        for place, scope in self.modules:
            for each in scope.references:
                yield Referred(place, each)

    def module_at(self, path: str, offset: int) -> Module | None:
        """The innermost module at a place; None for a text that is not of this unit."""
        for document in self.documents:
            if document.path == path:
                section = document.section_at(offset)
                return Module(Placed(document, section), scopes_of(section).at(offset - section.start))
        return None

    def own(self, module: Module) -> dict[str, Declared]:
        """The blocks of a module itself by their ids; the first counts where there are several."""
        if module.scope.outer is None:
            return self._root
        key = id(module.scope)
        if key not in self._inner:
            self._inner[key] = _by_id(module.place, module.scope.declarations)
        return self._inner[key]

    @cached_property
    def _root(self) -> dict[str, Declared]:
        found: dict[str, Declared] = {}
        for place, scope in self.roots:
            for name, declared in _by_id(place, scope.declarations).items():
                found.setdefault(name, declared)
        return found

    def visible(self, module: Module) -> Iterator[Declared]:
        """What expressions in a module can name: components, arguments and variables; the nearest first."""
        seen: set[str] = set()
        here: Module | None = module
        while here is not None:
            for declared in [*self.own(here).values(), *_variable(here)]:
                each = declared.declaration
                if each.kind not in UNNAMED and each.label and each.id not in seen:
                    seen.add(each.id)
                    yield declared
            here = here.around if here.scope.is_template else None

    def customs(self, module: Module) -> Iterator[Declared]:
        """The declares and imports whose components a module can use; the innermost first."""
        here: Module | None = module
        while here is not None:
            kinds = (Kind.DECLARE, Kind.IMPORT)
            yield from (each for each in self.own(here).values() if each.declaration.kind in kinds)
            here = here.around

    def declare(self, module: Module, name: str) -> Declared | None:
        """The declare of custom components that are called `name` in a module; the innermost counts."""
        here: Module | None = module
        while here is not None:
            found = self.own(here).get(f"declare.{name}")
            if found is not None:
                return found
            here = here.around
        return None

    def imports(self, module: Module, label: str) -> Iterator[Declared]:
        """The imports of a label that a module can use, the innermost first."""
        here: Module | None = module
        while here is not None:
            own = self.own(here)
            for name in _IMPORTS:
                if (found := own.get(f"{name}.{label}")) is not None:
                    yield found
            here = here.around

    def meaning(self, names: Sequence[str], module: Module) -> Meaning | None:
        """What a chain means in a module: the block that its shortest beginning names, or a variable."""
        for length in range(1, len(names) + 1):
            wanted = ".".join(names[:length])
            here: Module | None = module
            while here is not None:
                declared = self.own(here).get(wanted)
                if declared is not None:
                    return Meaning(declared, length)
                here = here.around if here.scope.is_template else None
        return self._variable(names[0], module) if names else None

    def _variable(self, name: str, module: Module) -> Meaning | None:
        here: Module | None = module
        while here is not None and here.scope.is_template:
            for declared in _variable(here):
                if declared.declaration.label == name:
                    return Meaning(declared, 1)
            here = here.around
        return None


def _by_id(place: Placed, declarations: Iterable[Declaration]) -> dict[str, Declared]:
    found: dict[str, Declared] = {}
    for each in declarations:
        if each.label or each.kind not in _NEVER:
            found.setdefault(each.id, Declared(place, each))
    return found


def _variable(module: Module) -> tuple[Declared, ...]:
    variable = module.scope.variable
    return (Declared(module.place, variable),) if variable is not None else ()
