"""Rename: components' labels, arguments, exports, declares, imports, and variables of foreach, everywhere.

A new name must not change what any other name means: that is found out by reading the changed texts again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from alloypy.graph.nodes import CONFIG_KINDS, SERVICE_NAMES
from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range, TextEdit
from alloypy.lsp.features.occurrences import (
    Occurrence,
    Role,
    exactly_at,
    in_unit,
    key_of,
    modules_at,
    symbol_at,
)
from alloypy.lsp.features.references import is_importable, units_of
from alloypy.lsp.workspace.everywhere import MOST_BYTES, Report, TooMuchError, importing_strings, no_report
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.symbols import Kind
from alloypy.lsp.workspace.unit import Declared, Unit
from alloypy.syntax.letters import is_identifier, quote
from alloypy.syntax.tokens import KEYWORDS

_NOTHING = (
    "only labels, and names that refer to them, can be renamed: of components, declares, imports, arguments, "
    "exports, and the variables of foreach"
)
_NAMES_BLOCKS = frozenset({Kind.DECLARE, Kind.IMPORT})
_BEGINS_CHAINS = _NAMES_BLOCKS | {Kind.VARIABLE}


class RenameError(Exception):
    """The name cannot be changed, or not to this one; the text is for the user."""


class Renamable(NamedTuple):
    """A name that can be changed. range: where the cursor is."""

    range: Range
    name: str


def renamable(project: Project, document: Document, offset: int) -> Renamable:
    """The name at an offset. Raises RenameError with the reason why it cannot be changed."""
    found = _found(project, document, offset)
    return Renamable(found.range, found.symbol.declaration.label)


def rename(
    project: Project, document: Document, offset: int, name: str, report: Report = no_report
) -> tuple[TextEdit, ...]:
    """The edits that give what is named at an offset another name, in all texts. Raises RenameError."""
    symbol = _found(project, document, offset).symbol
    _check_name(name)
    if name == symbol.declaration.label:
        return ()
    try:
        units = list(units_of(project, symbol, report))
        strings = importing_strings(project, symbol.place.document.path) if is_importable(symbol) else []
    except TooMuchError:
        size = f"{MOST_BYTES // 1_000_000} MB"
        raise RenameError(
            f"other files may use this {symbol.declaration.kind.value}, and the files of the workspace are "
            f"larger than {size} together: open a smaller folder to rename it"
        ) from None
    for unit in units:
        if any(each.path == symbol.place.document.path for each in unit.documents):
            _check_free(project, unit, symbol, name)
    if strings:
        raise RenameError(
            f"a module in a string of {Path(strings[0]).name} imports this file, and nothing is renamed in "
            "strings: move that module to a file first"
        )
    _check_certain(project, units, symbol)
    found = [each for each in _everywhere(project, units) if key_of(each.symbol) == key_of(symbol)]
    edits = tuple(TextEdit(each, name) for each in dict.fromkeys(each.range for each in found))
    _check_given(project, found, name)
    _check_meanings(project, units, edits)
    return edits


def _found(project: Project, document: Document, offset: int) -> Occurrence:
    project.keep(document)
    found = exactly_at(project, document, offset)
    if found is not None:
        return found
    symbol = symbol_at(project, document, offset)
    if symbol is not None and symbol.declaration.kind is Kind.COMPONENT and symbol.declaration.label:
        name, label = symbol.declaration.name, symbol.declaration.label
        raise RenameError(f"the names in {name} are Alloy's; only the label {quote(label)} can be renamed")
    raise RenameError(_NOTHING)


def _check_name(name: str) -> None:
    if name in KEYWORDS:
        raise RenameError(f"{quote(name)} is a keyword: choose another name")
    if not name or not is_identifier(name):
        raise RenameError(
            f"{quote(name)} is not a name: use letters, digits and underscores, and do not begin with a digit"
        )


def _check_free(project: Project, unit: Unit, symbol: Declared, name: str) -> None:
    """Raises RenameError if the name is taken where the symbol is declared, or means something in Alloy."""
    declaration = symbol.declaration
    path = symbol.place.document.path
    own = unit.own(symbol.module)
    taken = own.get(f"{declaration.name}.{name}") if declaration.kind is not Kind.VARIABLE else None
    if declaration.kind in _BEGINS_CHAINS:
        _check_beginning(project, path, name)
        taken = taken or _custom(unit, name)
    if taken is not None:
        raise RenameError(f"{_shown(taken)} is already declared {_where(taken)}: choose another name")


def _check_beginning(project: Project, path: str, name: str) -> None:
    """What chains begin with must not be what Alloy's own names begin with."""
    language = project.workspace.language(path)
    known = {each.partition(".")[0] for each in (*language.component_names, *language.block_names)}
    known |= {*CONFIG_KINDS, *SERVICE_NAMES, "declare", "import", "module_path", *language.deprecated}
    if name in known or name in language.identifiers:
        raise RenameError(f"names of Alloy's own begin with {quote(name)}: choose another name")


def _custom(unit: Unit, name: str) -> Declared | None:
    """A declare, an import or a variable of that name anywhere in the unit; they hide each other."""
    for module in unit.modules:
        for each in (*module.scope.declarations, module.scope.variable):
            if each is not None and each.kind in _BEGINS_CHAINS and each.label == name:
                return Declared(module.place, each)
    return None


def _check_certain(project: Project, units: Sequence[Unit], symbol: Declared) -> None:
    """Raises RenameError where only running the configuration would show whether it names the symbol."""
    owner = symbol.declaration.scope.owner
    keys = {key_of(symbol)} | ({key_of(Declared(symbol.place, owner))} if owner is not None else set())
    for unit in units:
        for declared in unit.declarations:
            home = project.home(unit, declared.module, declared.declaration)
            if home is None or not home.rivals:
                continue
            candidates = (home.provider, home.declare, *home.rivals)
            if any(key_of(each) in keys for each in candidates if each is not None):
                raise RenameError(
                    f"{_shown(declared)} {_where(declared)} may come from {_shown(home.provider)} or from "
                    f"{_shown(home.rivals[0])}, whose content is not known before it runs: "
                    "give these imports different labels first"
                )


def _check_given(project: Project, found: Sequence[Occurrence], name: str) -> None:
    """Raises RenameError where a custom component already has an argument of the new name."""
    for each in found:
        if each.role is not Role.WRITE:
            continue
        document = project.document(each.range.path)
        if document is None:
            continue
        section = document.section_at(each.range.start)
        at = each.range.start - section.start
        for module in modules_at(document, section, at):
            holder = module.scope.holder_at(at)
            if holder is not None and any(given.name.name == name for given in holder.attributes):
                taken = Declared(module.place, holder)
                raise RenameError(f"{_shown(taken)} has an argument {quote(name)} {_where(taken)}")


def _check_meanings(project: Project, units: Sequence[Unit], edits: Sequence[TextEdit]) -> None:
    """Raises RenameError if the edits change what another name means."""
    moves = _Moves(edits)
    changed = project.with_texts(moves.applied(project, path) for path in moves.paths)
    paths = [tuple(each.path for each in unit.documents) for unit in units]
    after = {
        each.range: key_of(each.symbol)
        for each in _everywhere(changed, [changed.unit(each) for each in paths])
    }
    for each in _everywhere(project, units):
        if after.get(moves.moved(each.range)) != moves.moved(key_of(each.symbol)):
            place = _line(project, each.range)
            raise RenameError(
                f"with this name, a name {place} would not mean {_shown(each.symbol)} any more: "
                "choose another name"
            )


def _everywhere(project: Project, units: Iterable[Unit]) -> Iterator[Occurrence]:
    for unit in units:
        yield from in_unit(project, unit, lambda part: True)


class _Moves:
    """Where things are after edits."""

    def __init__(self, edits: Iterable[TextEdit]) -> None:
        self._edits: dict[str, list[TextEdit]] = {}
        for edit in sorted(edits):
            self._edits.setdefault(edit.range.path, []).append(edit)

    @property
    def paths(self) -> Iterable[str]:
        """The paths of the texts that change."""
        return self._edits

    def moved(self, place: Range) -> Range:
        """The range after the edits; if it is edited itself, that of the new text."""
        start, stop = place.start, place.stop
        for edit in self._edits.get(place.path, ()):
            if edit.range.start > place.stop:
                break
            longer = len(edit.text.encode()) - (edit.range.stop - edit.range.start)
            if edit.range.stop <= place.start and edit.range != place:
                start += longer
            stop += longer
        return Range(place.path, start, stop)

    def applied(self, project: Project, path: str) -> Document:
        """The text after the edits."""
        document = project.document(path)
        if document is None:  # it was read a moment ago
            raise RenameError(f"{path} cannot be read any more")
        data = document.data
        for edit in reversed(self._edits[path]):
            data = data[: edit.range.start] + edit.text.encode() + data[edit.range.stop :]
        return Document(path, data, document.version, document)


def _shown(symbol: Declared) -> str:
    declaration = symbol.declaration
    if declaration.kind is Kind.VARIABLE:
        return f"the variable {quote(declaration.label)}"
    return f"{declaration.name} {quote(declaration.label)}"


def _where(symbol: Declared) -> str:
    place = symbol.label_range or symbol.range
    position = symbol.place.document.source.position(place.start)
    return f"in {Path(place.path).name}, line {position.line}"


def _line(project: Project, place: Range) -> str:
    document = project.document(place.path)
    line = document.source.line(place.start) if document is not None else 0
    return f"in {Path(place.path).name}, line {line}"
