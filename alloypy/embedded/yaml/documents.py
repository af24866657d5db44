"""The nodes of YAML documents with their places, from PyYAML's events.

Only documents that contain a certain word are parsed: in a long manifest few of them matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from alloypy.syntax.source import Source

_LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)
_START = re.compile(rb"^---(?=\s|\Z)", re.MULTILINE)
_BOM = b"\xef\xbb\xbf"
_MAX_DEPTH = 999


class NotYAMLError(ValueError):
    """A document cannot be parsed. at: where the fault is, in characters of its text."""

    def __init__(self, message: str, at: int) -> None:
        self.at = at
        super().__init__(message)


class Document:
    """The text of one document. base: its offset in the source, in bytes."""

    __slots__ = ("_ascii", "base", "text")

    def __init__(self, text: str, base: int) -> None:
        self.text = text
        self.base = base
        self._ascii = text.isascii()

    def offset(self, index: int) -> int:
        """The offset in the source of the character at `index`, in bytes."""
        return self.base + (index if self._ascii else len(self.text[:index].encode()))


class Node:
    """A node. kind: scalar, sequence or mapping. start, end: its range in the document, in characters.

    value: the text of a scalar; style: its quotes or its block sign, "" for a plain one.
    tagged: whether it has a tag. content: the items, or keys and values in turn.
    """

    __slots__ = ("content", "end", "kind", "start", "style", "tagged", "value")

    def __init__(self, kind: str, start: int, end: int, value: str = "", style: str = "") -> None:
        self.tagged = False
        self.kind = kind
        self.start = start
        self.end = end
        self.value = value
        self.style = style
        self.content: list[Node] = []

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Keys and values of a mapping; none of another node."""
        if self.kind == "mapping":
            yield from zip(self.content[::2], self.content[1::2], strict=True)

    def get(self, name: str) -> Node | None:
        """The value of a key of a mapping."""
        return next((value for key, value in self.pairs() if key.value == name), None)

    def text(self, name: str) -> str:
        """The text of a key's value; "" if that is not a scalar."""
        found = self.get(name)
        return found.value if found is not None and found.kind == "scalar" else ""


def documents(source: Source, word: bytes) -> Iterator[tuple[Document, Node | NotYAMLError]]:
    """Each document that contains `word`, with its root or why it has none. source: UTF-8."""
    data = source.data
    first = len(_BOM) if data.startswith(_BOM) else 0
    starts = [first, *(match.start() for match in _START.finditer(data, first) if match.start() > first)]
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        if data.find(word, start, end) >= 0:
            document = Document(data[start:end].decode(), start)
            try:
                root = parse(document.text)
            except NotYAMLError as error:
                yield document, error
            else:
                if root is not None:
                    yield document, root


def parse(text: str) -> Node | None:
    """The root of the first document of a text; None if it is empty. Raises NotYAMLError."""
    loader = _LOADER(text)
    try:
        return _composed(loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = mark.index if mark is not None else 0
        words = ", ".join(filter(None, (error.context, error.problem)))
        raise NotYAMLError(words, at) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        words = str(getattr(error, "reason", "") or error)
        raise NotYAMLError(words, position) from None
    finally:
        loader.dispose()


def _composed(events: Any) -> Node | None:
    """The root of the first document of a stream; None for an empty one."""
    anchors: dict[str, Node] = {}
    opened: list[Node] = []
    root: Node | None = None
    while not isinstance(event := events.get_event(), yaml.StreamEndEvent | yaml.DocumentEndEvent):
        if isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            continue
        if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            opened.pop()
            continue
        node = _node(event, anchors)
        if opened:
            opened[-1].content.append(node)
        root = root or node
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append(node)
            if len(opened) > _MAX_DEPTH:
                raise NotYAMLError("nested too deeply", node.start)
    return root


def _node(event: Any, anchors: dict[str, Node]) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        known = anchors.get(event.anchor or "")
        if known is None:
            raise NotYAMLError(f"unknown anchor {event.anchor}", start)
        return known
    if isinstance(event, yaml.ScalarEvent):
        node = Node("scalar", start, end, event.value, event.style or "")
    else:
        node = Node("mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence", start, end)
    node.tagged = event.tag is not None
    if event.anchor is not None:
        anchors[event.anchor] = node
    return node
