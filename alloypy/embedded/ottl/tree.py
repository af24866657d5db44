"""The parts of an OTTL text, with their places in it: `start`, and `end` just after the last character."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias


class Literal(NamedTuple):
    """A constant. type: string, int, float, bytes, bool, nil."""

    type: str
    value: str | int | float | bytes | bool | None
    start: int
    end: int


class Enum(NamedTuple):
    """A named constant, such as `STATUS_CODE_ERROR`."""

    name: str
    start: int
    end: int


class ListValue(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    start: int
    end: int


class MapValue(NamedTuple):
    """A map; of two entries with the same key the later one counts."""

    entries: tuple[tuple[Literal, Node], ...]
    start: int
    end: int


class Segment(NamedTuple):
    """A part of a path between dots, with what is written in brackets after it."""

    name: str
    keys: tuple[Node, ...]
    start: int
    end: int


class Path(NamedTuple):
    """A path into the data, such as `resource.attributes["service.name"]`."""

    segments: tuple[Segment, ...]
    start: int
    end: int

    @property
    def text(self) -> str:
        """The names of the path, without keys."""
        return ".".join(segment.name for segment in self.segments)


class Argument(NamedTuple):
    """An argument of a call.

    name: of its parameter, if given. value: a string if it is the mere name of a function.
    """

    name: str
    value: Node | str
    start: int
    end: int


class Call(NamedTuple):
    """A call of an editor or a converter. name_end: where its name ends."""

    name: str
    arguments: tuple[Argument, ...]
    keys: tuple[Node, ...]
    start: int
    end: int
    name_end: int


class Calculation(NamedTuple):
    """Sums and products of two or more parts, or one part with a sign. sign: `-` or `+` in that case."""

    parts: tuple[Node, ...]
    sign: str
    start: int
    end: int


class Group(NamedTuple):
    """What is in parentheses."""

    inner: Node
    start: int
    end: int


class Comparison(NamedTuple):
    """Two values compared."""

    left: Node
    right: Node
    start: int
    end: int


class Logical(NamedTuple):
    """Conditions joined by `and` or `or`, or a single one after `not`."""

    parts: tuple[Node, ...]
    operator: str
    start: int
    end: int


class Statement(NamedTuple):
    """An editor's call, and the condition under which it happens."""

    editor: Call
    where: Node | None


Node: TypeAlias = (
    Literal | Enum | ListValue | MapValue | Path | Call | Calculation | Group | Comparison | Logical
)


def inside(node: Node) -> Iterator[Node]:
    """The node and all nodes in it, in the order of the text."""
    yield node
    for part in _parts(node):
        yield from inside(part)


def _parts(node: Node) -> Iterator[Node]:
    match node:
        case ListValue():
            yield from node.items
        case MapValue():
            yield from (value for _, value in node.entries)
        case Path():
            for segment in node.segments:
                yield from segment.keys
        case Call():
            yield from (each.value for each in node.arguments if not isinstance(each.value, str))
            yield from node.keys
        case Calculation() | Logical():
            yield from node.parts
        case Group():
            yield node.inner
        case Comparison():
            yield node.left
            yield node.right
        case _:
            return
