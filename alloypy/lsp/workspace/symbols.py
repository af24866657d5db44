"""What one section of a text declares and what it refers to, also while the text is broken.

Offsets count from the beginning of the section, like those of its tree, so that an index stays valid when the
section moves. Which texts form a configuration, and so what a name means, is known in `unit.py`.
Source: docs/spec/RUNTIME.md, sections 2.1, 2.2, 5.6, 5.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from alloypy.graph.nodes import CONFIG_KINDS, SERVICE_NAMES, block_id
from alloypy.graph.nodes import Kind as NodeKind
from alloypy.graph.references import Chain, chains
from alloypy.lang.evaluation.literals import LiteralError, literal_value
from alloypy.lsp.documents.sections import Section
from alloypy.syntax.holes.parsing import is_unfinished
from alloypy.syntax.letters import is_identifier
from alloypy.syntax.tree import Attribute, Block, File, Literal, Statement


class Kind(Enum):
    """What a declaration declares."""

    COMPONENT = "component"
    DECLARE = "declare"
    IMPORT = "import"
    ARGUMENT = "argument"
    EXPORT = "export"
    FOREACH = "foreach"
    VARIABLE = "variable"
    SETTING = "config block"


_KINDS = {
    NodeKind.ARGUMENT: Kind.ARGUMENT,
    NodeKind.EXPORT: Kind.EXPORT,
    NodeKind.FOREACH: Kind.FOREACH,
    NodeKind.IMPORT: Kind.IMPORT,
    NodeKind.LOGGING: Kind.SETTING,
    NodeKind.TRACING: Kind.SETTING,
}


class Part(NamedTuple):
    """A name as it is written in one place. stop: the offset just after it."""

    name: str
    start: int
    stop: int


class Declaration:
    """A block of a module, or the variable of a foreach.

    id: how expressions name it, `pyroscope.write.w`; of a variable, its name. name: of the block,
    `pyroscope.write`; "" of a variable. label: without the quotes; of a variable, its name; "" where it is
    missing. written: the label where it is written, without the quotes; None without one. start, stop: the
    whole block, or the attribute `var`. name_stop: the offset just after the name. scope: the module that it
    is in; of a variable, the module that its foreach is in.
    """

    __slots__ = ("block", "id", "kind", "label", "name", "name_stop", "scope", "start", "stop", "written")

    def __init__(self, kind: Kind, block: Block, scope: Scope, variable: Attribute | None = None) -> None:
        self.kind = kind
        self.block = block
        self.scope = scope
        self.written: Part | None = None
        if variable is not None:
            self.start, self.name_stop = variable.start, variable.name.end + 1
            self.stop = variable.value.end + 1
            self.name, self.label = "", variable_name(variable)
            self.id = self.label
            self.written = Part(self.label, variable.value.start + 1, variable.value.end)
            return
        self.start, self.name_stop, self.stop = block.start, block.name_end + 1, block.end + 1
        self.name, self.label, self.id = block.full_name, block.label, block_id(block)
        if block.label and block.label_start is not None:
            start = block.label_start + 1
            self.written = Part(block.label, start, start + len(block.label.encode()))

    @property
    def first(self) -> Part:
        """The first part of the block's name, which says where a custom component comes from."""
        first = self.block.name[0]
        return Part(first, self.start, self.start + len(first.encode()))

    @property
    def last(self) -> Part:
        """The last part of the block's name."""
        last = self.block.name[-1]
        return Part(last, self.name_stop - len(last.encode()), self.name_stop)

    @property
    def attributes(self) -> Iterator[Attribute]:
        """The attributes of its block, without those of inner blocks."""
        return (each for each in self.block.body if isinstance(each, Attribute))

    def __repr__(self) -> str:
        return f"Declaration({self.kind.value}, {self.id})"


class Reference(NamedTuple):
    """A chain of names in an expression. holder: the block of the module that contains it, if any."""

    parts: tuple[Part, ...]
    scope: Scope
    holder: Declaration | None


class Scope:
    """A module, as far as it is written in one section.

    owner: the declare or foreach; None for the root. outer: the module around it. start, stop: where it is
    written: for the root, the whole section; for others, between the braces. variable: of the foreach, if
    the module is its template.
    """

    __slots__ = ("declarations", "inner", "outer", "owner", "references", "start", "stop", "variable")

    def __init__(self, start: int, stop: int, outer: Scope | None, owner: Declaration | None) -> None:
        self.start = start
        self.stop = stop
        self.outer = outer
        self.owner = owner
        self.variable: Declaration | None = None
        self.declarations: list[Declaration] = []
        self.references: list[Reference] = []
        self.inner: list[Scope] = []

    @property
    def is_template(self) -> bool:
        """Whether this is the template of a foreach, which sees what is around it."""
        return self.owner is not None and self.owner.kind is Kind.FOREACH

    def walk(self) -> Iterator[Scope]:
        """This module and all inside it, in source order."""
        waiting = [self]
        while waiting:
            scope = waiting.pop()
            yield scope
            waiting += reversed(scope.inner)

    def at(self, offset: int) -> Scope:
        """The innermost module at an offset."""
        found = self
        inside: Scope | None = self
        while inside is not None:
            found = inside
            inside = next((each for each in found.inner if each.start <= offset <= each.stop), None)
        return found

    def holder_at(self, offset: int) -> Declaration | None:
        """The block of this very module at an offset."""
        for each in self.declarations:
            if each.start <= offset <= each.stop:
                return each
        return None


def scopes_of(section: Section) -> Scope:
    """The root of a section, with all that it contains; kept with the section."""
    return section.kept(_scopes)


def variable_name(attribute: Attribute) -> str:
    """The name that the attribute `var` of a foreach gives to the items; "" if that is not written there."""
    value = attribute.value
    if not isinstance(value, Literal) or value.kind != "STRING" or len(value.text) < 2:
        return ""
    try:
        name = str(literal_value(value))
    except LiteralError:
        return ""
    return name if is_identifier(name) and name == value.text[1:-1] else ""


def _scopes(file: File) -> Scope:
    root = Scope(0, len(file.source.data), None, None)
    waiting: list[tuple[Scope, Sequence[Statement]]] = [(root, file.body)]
    for scope, body in waiting:
        for statement in body:
            waiting += _read(statement, scope)
    return root


def _read(statement: Statement, scope: Scope) -> list[tuple[Scope, Sequence[Statement]]]:
    """Note a statement of a module; returns the modules inside it, with their statements."""
    if isinstance(statement, Attribute):
        _refer(chains([statement]), scope, None)
        return []
    kind = _kind(statement)
    declaration = Declaration(kind, statement, scope)
    scope.declarations.append(declaration)
    if kind is Kind.DECLARE:
        return [(_inside(statement, scope, declaration), statement.body)]
    if kind is not Kind.FOREACH:
        _refer(chains(statement.body), scope, declaration)
        return []
    templates = [each for each in statement.body if isinstance(each, Block) and each.name == ("template",)]
    _refer(chains([each for each in statement.body if each not in templates]), scope, declaration)
    inner = [_inside(template, scope, declaration) for template in templates]
    variable = _variable(statement, scope)
    for each in inner:
        each.variable = variable
    return list(zip(inner, [template.body for template in templates], strict=True))


def _inside(block: Block, scope: Scope, owner: Declaration) -> Scope:
    stop = block.lcurly if is_unfinished(block) else block.end
    inner = Scope(block.lcurly + 1, stop, scope, owner)
    scope.inner.append(inner)
    return inner


def _variable(block: Block, scope: Scope) -> Declaration | None:
    for each in block.body:
        if isinstance(each, Attribute) and each.name.name == "var" and variable_name(each):
            return Declaration(Kind.VARIABLE, block, scope, each)
    return None


def _kind(block: Block) -> Kind:
    name = block.full_name
    if name == "declare":
        return Kind.DECLARE
    if name in CONFIG_KINDS:
        return _KINDS[CONFIG_KINDS[name]]
    return Kind.SETTING if name in SERVICE_NAMES and not block.label else Kind.COMPONENT


def _refer(found: Sequence[Chain], scope: Scope, holder: Declaration | None) -> None:
    for chain in found:
        if chain[0].name:
            parts = tuple(Part(each.name, each.start, max(each.start, each.end + 1)) for each in chain)
            scope.references.append(Reference(parts, scope, holder))
