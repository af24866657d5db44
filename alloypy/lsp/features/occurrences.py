"""Where names stand for declarations: what definition, references, highlight and rename share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.documents.sections import Section
from alloypy.lsp.workspace.interrupting import pause
from alloypy.lsp.workspace.project import Home, Project
from alloypy.lsp.workspace.symbols import Declaration, Kind, Part, Reference, scopes_of
from alloypy.lsp.workspace.unit import Declared, Meaning, Module, Placed, Unit


class Role(Enum):
    """What a name does where it stands. WRITE: gives a value to an argument."""

    DECLARATION = "declaration"
    WRITE = "write"
    READ = "read"


class Occurrence(NamedTuple):
    """One place of a symbol. range: the name there."""

    symbol: Declared
    range: Range
    role: Role


Wanted: TypeAlias = Callable[[Part], bool]
"""Whether a name may be of interest, judging by itself; asked before finding out what it means."""


def key_of(symbol: Declared) -> Range:
    """What is the same for all occurrences of a symbol, and for no other's."""
    return symbol.label_range or symbol.range


def occurrences(project: Project, unit: Unit, module: Module, wanted: Wanted) -> Iterator[Occurrence]:
    """The names in a module that stand for something that is declared, without those in inner modules."""
    walk = _Walk(project, unit, module, wanted)
    for each in module.scope.declarations:
        yield from walk.declaration(each)
    for reference in module.scope.references:
        yield from walk.reference(reference)


def in_unit(project: Project, unit: Unit, wanted: Wanted) -> Iterator[Occurrence]:
    """The occurrences in all modules of a unit. Raises Interrupted."""
    for module in unit.modules:
        pause()
        yield from occurrences(project, unit, module, wanted)


def exactly_at(project: Project, document: Document, offset: int) -> Occurrence | None:
    """The occurrence of a name at an offset, or just before it."""
    unit, section = project.unit_of(document.path), document.section_at(offset)
    at = offset - section.start

    def wanted(part: Part) -> bool:
        return part.start <= at <= part.stop

    for module in modules_at(document, section, at):
        for found in occurrences(project, unit, module, wanted):
            if found.range.path == document.path:
                return found
    return None


def symbol_at(project: Project, document: Document, offset: int) -> Declared | None:
    """What is meant at an offset, by the name there or by the chain or block name that it is part of."""
    found = exactly_at(project, document, offset)
    if found is not None:
        return found.symbol
    unit, section = project.unit_of(document.path), document.section_at(offset)
    at = offset - section.start
    for module in modules_at(document, section, at):
        for reference in module.scope.references:
            if reference.parts[0].start <= at <= reference.parts[-1].stop:
                meaning = _meaning(unit, module, reference)
                return meaning.declared if meaning is not None else None
        for each in module.scope.declarations:
            if each.start <= at <= each.name_stop:
                return Declared(module.place, each)
    return None


def modules_at(document: Document, section: Section, at: int) -> Iterator[Module]:
    """The modules of a section that are around an offset in it."""
    place = Placed(document, section)
    for scope in scopes_of(section).walk():
        if scope.start <= at <= scope.stop:
            yield Module(place, scope)


class _Walk:
    """Finds what the names of one module stand for."""

    def __init__(self, project: Project, unit: Unit, module: Module, wanted: Wanted) -> None:
        self._project = project
        self._unit = unit
        self._module = module
        self._wanted = wanted

    def declaration(self, declaration: Declaration) -> Iterator[Occurrence]:
        """The label of a block; the name of a custom component, and the arguments that it is given."""
        written = declaration.written
        declared = Declared(self._module.place, declaration)
        if written is not None and declaration.kind is not Kind.SETTING and self._wanted(written):
            yield self._occurrence(declared, written, Role.DECLARATION)
        if declaration.kind is Kind.COMPONENT:
            yield from self._component(declaration)
        elif declaration.kind is Kind.FOREACH and (inside := declared.inside):
            variable = inside[0].scope.variable
            if variable is not None and variable.written is not None and self._wanted(variable.written):
                symbol = Declared(self._module.place, variable)
                yield self._occurrence(symbol, variable.written, Role.DECLARATION)

    def _component(self, declaration: Declaration) -> Iterator[Occurrence]:
        if len(declaration.block.name) > 2:
            return
        first, last = declaration.first, declaration.last
        given = [Part(each.name.name, each.name.start, each.name.end + 1) for each in declaration.attributes]
        if not any(map(self._wanted, (first, last, *given))):
            return
        home = self._project.home(self._unit, self._module, declaration)
        if home is None:
            return
        yield from self._named(home, (first, last) if len(declaration.block.name) > 1 else (first,))
        for part in given:
            if self._wanted(part) and (argument := home.arguments(part.name)) is not None:
                yield self._occurrence(argument, part, Role.WRITE)

    def _named(self, home: Home, parts: Sequence[Part]) -> Iterator[Occurrence]:
        """The parts of a custom component's name."""
        if self._wanted(parts[0]):
            yield self._occurrence(home.provider, parts[0], Role.READ)
        if len(parts) > 1 and home.declare is not None and self._wanted(parts[1]):
            yield self._occurrence(home.declare, parts[1], Role.READ)

    def reference(self, reference: Reference) -> Iterator[Occurrence]:
        """The names of a chain."""
        if not any(map(self._wanted, reference.parts)):
            return
        meaning = _meaning(self._unit, self._module, reference)
        if meaning is None:
            return
        declared, used = meaning
        parts = reference.parts
        if declared.declaration.written is not None and declared.declaration.kind is not Kind.SETTING:
            label = parts[used - 1]
            if self._wanted(label):
                yield self._occurrence(declared, label, Role.READ)
        if declared.declaration.kind is not Kind.COMPONENT:
            return
        home = self._project.home(self._unit, declared.module, declared.declaration)
        if home is None:
            return
        yield from self._named(home, parts[: used - 1])
        export = home.exports(parts[used].name) if len(parts) > used else None
        if export is not None and self._wanted(parts[used]):
            yield self._occurrence(export, parts[used], Role.READ)

    def _occurrence(self, symbol: Declared, part: Part, role: Role) -> Occurrence:
        return Occurrence(symbol, self._module.place.range_of(part), role)


def _meaning(unit: Unit, module: Module, reference: Reference) -> Meaning | None:
    names = [part.name for part in reference.parts]
    return unit.meaning(names[: names.index("")] if "" in names else names, module)
