"""The blocks and attributes of a text as a tree, for the outline and the path above the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from alloypy.graph.nodes import CONFIG_KINDS, SERVICE_NAMES
from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.extents import stop_of
from alloypy.syntax.tree import Array, Attribute, Block, Expression, File, Literal, Object, Statement

_MOST_ENTRIES = 10_000
"""An outline with more entries is of use to nobody: in such texts it has blocks only."""


_SCOPES = frozenset({"declare", "foreach", "template"})
"""Blocks with components inside."""


class Sort(Enum):
    """What an entry is."""

    COMPONENT = "component"
    CONFIG = "config block"
    MODULE = "module"
    BLOCK = "block"
    STRING = "text"
    NUMBER = "number"
    BOOLEAN = "bool"
    NULL = "null"
    ARRAY = "array"
    OBJECT = "object"
    VALUE = "value"


class Entry(NamedTuple):
    """One entry. Offsets in bytes; `stop` is exclusive.

    name_start, name_stop: what is selected when it is chosen, inside of start to stop.
    """

    name: str
    sort: Sort
    start: int
    stop: int
    name_start: int
    name_stop: int
    inner: tuple[Entry, ...]


def outline(document: Document) -> list[Entry]:
    """The entries of the top level, with what is in them; also of a text that cannot be parsed."""
    large = sum(section.source.data.count(b"=") for section in document.sections) > _MOST_ENTRIES
    return [
        _moved(entry, section.start)
        for section in document.sections
        for entry in section.kept(_blocks if large else _everything)
    ]


def _everything(file: File) -> list[Entry]:
    data = file.source.data
    return list(_Outline(data, attributes=True).entries(file.body, len(data), top=True))


def _blocks(file: File) -> list[Entry]:
    data = file.source.data
    return list(_Outline(data, attributes=False).entries(file.body, len(data), top=True))


def _moved(entry: Entry, by: int) -> Entry:
    if not by:
        return entry
    name, sort, start, stop, name_start, name_stop, inner = entry
    moved = tuple(_moved(each, by) for each in inner)
    return Entry(name, sort, start + by, stop + by, name_start + by, name_stop + by, moved)


class _Outline:
    def __init__(self, data: bytes, *, attributes: bool) -> None:
        self._data = data
        self._attributes = attributes

    def entries(self, body: Sequence[Statement], limit: int, *, top: bool) -> Iterator[Entry]:
        """The entries of a body. limit: where the block around it ends."""
        for statement in body:
            if isinstance(statement, Block):
                if any(statement.name):
                    yield self._block(statement, limit, top=top)
            elif self._attributes and statement.name.name:
                yield self._attribute(statement, limit)

    def _block(self, block: Block, limit: int, *, top: bool) -> Entry:
        name = block.full_name
        name_end = block.name_end + 1
        stop = max(min(stop_of(self._data, block), limit), name_end)
        inner = self.entries(block.body, stop, top=name in _SCOPES)
        shown = f'{name} "{block.label}"' if block.label else name
        return Entry(shown, _sort(name, top=top), block.start, stop, block.start, name_end, tuple(inner))

    def _attribute(self, attribute: Attribute, limit: int) -> Entry:
        name, value = attribute.name, attribute.value
        stop = max(min(stop_of(self._data, attribute), limit), name.end + 1)
        return Entry(name.name, _sort_of(value), name.start, stop, name.start, name.end + 1, ())


def _sort(name: str, *, top: bool) -> Sort:
    if not top:
        return Sort.BLOCK
    if name in _SCOPES or name.startswith("import."):
        return Sort.MODULE
    if name in CONFIG_KINDS or name in SERVICE_NAMES:
        return Sort.CONFIG
    return Sort.COMPONENT


_LITERALS = {"STRING": Sort.STRING, "NUMBER": Sort.NUMBER, "FLOAT": Sort.NUMBER, "BOOL": Sort.BOOLEAN}


def _sort_of(value: Expression) -> Sort:
    match value:
        case Literal():
            return _LITERALS.get(value.kind, Sort.NULL)
        case Array():
            return Sort.ARRAY
        case Object():
            return Sort.OBJECT
    return Sort.VALUE
