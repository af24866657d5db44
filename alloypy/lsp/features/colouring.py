"""What each token of a text is, for editors that colour by meaning; also in a text that cannot be parsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from alloypy.graph.nodes import CONFIG_KINDS, SERVICE_NAMES
from alloypy.lsp.features.kinds import Marks
from alloypy.lsp.features.scanning import end_of, tokens_of
from alloypy.syntax.tokens import BINARY_OPERATORS
from alloypy.syntax.tree import (
    Access,
    Array,
    Attribute,
    Binary,
    Block,
    Call,
    Expression,
    File,
    Identifier,
    Index,
    Literal,
    Object,
    Paren,
    Statement,
    Unary,
)

if TYPE_CHECKING:
    from alloypy.catalog.history import EntryHistory
    from alloypy.check.scope import Language

_PLAIN = {
    "STRING": "string",
    "NUMBER": "number",
    "FLOAT": "number",
    "BOOL": "keyword",
    "NULL": "keyword",
    "ASSIGN": "operator",
    "NOT": "operator",
    "IDENT": "variable",
    **dict.fromkeys(BINARY_OPERATORS, "operator"),
}
_CONFIG = frozenset({*CONFIG_KINDS, *SERVICE_NAMES, "declare", "template"})
_SCOPES = frozenset({"declare", "foreach", "template"})
_DECLARES = {"declare": "class", "argument": "parameter", "export": "property"}


class Colour(NamedTuple):
    """One token, or a comment, in bytes; it may have several lines. kind: one of `kinds.KINDS`."""

    start: int
    stop: int
    kind: str
    marks: Marks = Marks.NONE


def colours(file: File, language: Language) -> list[Colour]:
    """The tokens of a section in order, without punctuation; offsets count from its beginning."""
    data = file.source.data
    tokens = tokens_of(file)
    meant = _Meanings(language).of(file.body)
    found = []
    for token in tokens.tokens:
        kind = _PLAIN.get(token.type)
        if kind is not None and token.start < token.end:
            kind, marks = meant.get(token.start, (kind, Marks.NONE))
            found.append(Colour(token.start, token.end, kind, marks))
    for group in tokens.comments:
        found += (Colour(each.start, end_of(data, each), "comment") for each in group)
    found.sort()
    return list(_apart(found))


def _apart(found: Iterable[Colour]) -> Iterator[Colour]:
    """The tokens without overlap, which an unfinished string or comment could have."""
    end = 0
    for each in found:
        if each.start >= end and each.stop > each.start:
            yield each
            end = each.stop


_Meaning = tuple[str, Marks]


class _Around(NamedTuple):
    """What a statement is in. top: components and config blocks are here. history: of the component around.

    path: of the blocks in the component, with `/` between them. variables: names that stand for items.
    """

    top: bool
    history: EntryHistory | None
    path: str
    variables: frozenset[str]


class _Meanings:
    """Finds out what names and labels mean, by the offsets at which they begin."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._found: dict[int, _Meaning] = {}
        self._waiting: list[tuple[Statement, _Around]] = []
        self._index = -1
        if language.has_history:
            from alloypy.catalog.history import load_history

            self._histories = load_history()
            self._index = (language.version or self._histories.timeline.main).index

    def of(self, body: Sequence[Statement]) -> Mapping[int, _Meaning]:
        """The meanings in a body of the top level."""
        self._add(body, _Around(True, None, "", frozenset()))
        while self._waiting:
            statement, around = self._waiting.pop()
            if isinstance(statement, Block):
                self._block(statement, around)
            else:
                marks = self._age(around, statement.name.name)
                self._found[statement.name.start] = "property", marks
                self._expression(statement.value, around.variables)
        return self._found

    def _add(self, body: Sequence[Statement], around: _Around) -> None:
        self._waiting += ((statement, around) for statement in body)

    def _age(self, around: _Around, name: str) -> Marks:
        """Whether an argument or block is deprecated."""
        if around.history is None:
            return Marks.NONE
        known = around.history.path(around.path + name)
        deprecated = known is not None and known.deprecated is not None and known.deprecated <= self._index
        return Marks.DEPRECATED if deprecated else Marks.NONE

    def _block(self, block: Block, around: _Around) -> None:
        name = block.full_name
        variables = around.variables
        if around.top and (name in _CONFIG or name in self._language.block_names):
            self._name(block, "keyword", Marks.NONE)
            kind = "namespace" if name.startswith("import.") else _DECLARES.get(name, "variable")
            history = self._history(name, component=False)
        elif around.top:
            known = name in self._language.component_names
            self._parts(block, known=known)
            kind, history = "variable", self._history(name, component=True) if known else None
        elif name == "template":
            self._name(block, "keyword", Marks.NONE)
            kind, history = "variable", None
        else:
            self._name(block, "type", self._age(around, name))
            kind, history = "variable", around.history
        if block.label_start is not None:
            self._found[block.label_start] = kind, Marks.DECLARATION
        if name == "foreach":
            variables |= _item_names(block.body)
        path = "" if around.top or name == "template" else f"{around.path}{name}/"
        inside = (around.top and name == "declare") or name == "template"
        self._add(block.body, _Around(inside, history, path, variables))

    def _history(self, name: str, *, component: bool) -> EntryHistory | None:
        if self._index < 0:
            return None
        return self._histories.component(name) if component else self._histories.block(name)

    def _parts(self, block: Block, *, known: bool) -> None:
        """Mark the name of a component; that of a custom one may begin with the label of an import."""
        at = block.start
        for part, meaning in zip(block.name, _of_component(len(block.name), known=known), strict=True):
            self._found[at] = meaning
            at += len(part.encode("utf-8", "surrogateescape")) + 1

    def _name(self, block: Block, kind: str, marks: Marks) -> None:
        """Mark all parts of a block's name, which follow each other without spaces in almost every text."""
        at = block.start
        for part in block.name:
            self._found[at] = kind, marks
            at += len(part.encode("utf-8", "surrogateescape")) + 1

    # Expressions

    def _expression(self, value: Expression, variables: frozenset[str]) -> None:
        waiting: list[tuple[Expression, bool]] = [(value, False)]
        while waiting:
            node, called = waiting.pop()
            match node:
                case Identifier() | Access():
                    chain, rest = _chain(node)
                    if rest is None:
                        self._chain(chain, called, variables)
                    else:
                        for name in chain:
                            self._found[name.start] = "property", Marks.NONE
                        waiting.append((rest, False))
                case Array():
                    waiting += ((each, False) for each in node.elements)
                case Object():
                    for field in node.fields:
                        self._found[field.start] = "property", Marks.NONE
                        waiting.append((field.value, False))
                case Index():
                    waiting += ((node.value, False), (node.index, False))
                case Call():
                    waiting.append((node.value, True))
                    waiting += ((each, False) for each in node.args)
                case Binary():
                    waiting += ((node.left, False), (node.right, False))
                case Unary():
                    waiting.append((node.value, False))
                case Paren():
                    waiting.append((node.inner, False))
                case Literal():
                    pass

    def _chain(self, chain: list[Identifier], called: bool, variables: frozenset[str]) -> None:
        for name, meaning in zip(chain, self._links(chain, called, variables), strict=False):
            self._found[name.start] = meaning

    def _links(self, chain: list[Identifier], called: bool, variables: frozenset[str]) -> Iterator[_Meaning]:
        names = [each.name for each in chain]
        first = names[0]
        if first in variables:
            yield "variable", Marks.NONE
        elif first == "argument":
            yield "keyword", Marks.NONE
            yield "parameter", Marks.NONE
        elif self._is_library(names, called):
            yield from self._library(names)
        elif len(names) > 1:
            length = self._length(names)
            known = ".".join(names[:length]) in self._language.component_names
            yield from _of_component(length, known=known)
            yield "variable", Marks.NONE
        else:
            yield "variable", Marks.READONLY if first == "module_path" else Marks.NONE
        yield from [("property", Marks.NONE)] * len(names)

    def _is_library(self, names: list[str], called: bool) -> bool:
        first = names[0]
        known = first in self._language.identifiers or first in self._language.deprecated
        return known and (called or len(names) <= 2)

    def _library(self, names: list[str]) -> Iterator[_Meaning]:
        first = names[0]
        old = Marks.DEPRECATED if first in self._language.deprecated else Marks.NONE
        members = self._language.identifiers.get(first)
        if first == "constants" or isinstance(members, list):
            yield "namespace", Marks.LIBRARY
            yield (
                ("variable", Marks.LIBRARY | Marks.READONLY)
                if first == "constants"
                else (
                    "function",
                    Marks.LIBRARY,
                )
            )
        else:
            yield "function", Marks.LIBRARY | old

    def _length(self, names: list[str]) -> int:
        """How many names of a reference are the component's; all but two if no component is known by them."""
        for length in range(len(names) - 1, 0, -1):
            if ".".join(names[:length]) in self._language.component_names:
                return length
        return max(1, len(names) - 2)


def _of_component(parts: int, *, known: bool) -> list[_Meaning]:
    if known:
        return [("class", Marks.LIBRARY)] * parts
    return [("namespace", Marks.NONE)] * (parts - 1) + [("class", Marks.NONE)]


def _chain(node: Identifier | Access) -> tuple[list[Identifier], Expression | None]:
    """The names of an access, and what they are names of if that is not a name itself."""
    names: list[Identifier] = []
    at: Expression = node
    while isinstance(at, Access):
        names.append(at.name)
        at = at.value
    if isinstance(at, Identifier):
        return [at, *reversed(names)], None
    return names[::-1], at


def _item_names(body: Sequence[Statement]) -> frozenset[str]:
    """The name that a foreach gives to its items."""
    return frozenset(
        each.value.text[1:-1]
        for each in body
        if isinstance(each, Attribute)
        and each.name.name == "var"
        and isinstance(each.value, Literal)
        and each.value.kind == "STRING"
    )
