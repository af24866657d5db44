"""The tree of a configuration file.

Nodes are treated as frozen once the parser has made them. They are plain slotted
classes, not dataclasses: a file has thousands of them, and the time to create both
classes and nodes counts in `fmt`. `start` and `end` are byte offsets into
the node's `Source`, `end` inclusive, exactly where Alloy puts them.

Sources: the grammar of Alloy's configuration language (docs/spec/SYNTAX.md, section 2).
"""

from __future__ import annotations

from typing import TypeAlias

from alloypy.syntax.source import Source, Span


class Node:
    """Anything with a place in the text."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end

    def span(self, source: Source) -> Span:
        """This node's range in `source`, the text it was parsed from."""
        return Span(source, self.start, self.end)


class Identifier(Node):
    """A name."""

    __slots__ = ("name",)

    def __init__(self, start: int, end: int, name: str) -> None:
        self.start = start
        self.end = end
        self.name = name


class Literal(Node):
    """A literal: `kind` is STRING, NUMBER, FLOAT, BOOL or NULL, `text` is the raw source text."""

    __slots__ = ("kind", "text")

    def __init__(self, start: int, end: int, kind: str, text: str) -> None:
        self.start = start
        self.end = end
        self.kind = kind
        self.text = text


class Array(Node):
    """`[a, b]`."""

    __slots__ = ("elements",)

    def __init__(self, start: int, end: int, elements: list[Expression]) -> None:
        self.start = start
        self.end = end
        self.elements = elements


class Field(Node):
    """`name = value` inside an object; a quoted name is stored without quotes, escapes not decoded.

    `start` and `end` are those of the *name*; `end` counts the stripped name, as in Alloy.
    """

    __slots__ = ("name", "quoted", "value")

    def __init__(self, start: int, end: int, name: str, quoted: bool, value: Expression) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.quoted = quoted
        self.value = value


class Object(Node):
    """`{ a = 1, "b" = 2 }`."""

    __slots__ = ("fields",)

    def __init__(self, start: int, end: int, fields: list[Field]) -> None:
        self.start = start
        self.end = end
        self.fields = fields


class Access(Node):
    """`value.name`."""

    __slots__ = ("name", "value")

    def __init__(self, start: int, end: int, value: Expression, name: Identifier) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.name = name


class Index(Node):
    """`value[index]`; `lbrack` is the offset of `[`, `end` that of `]`."""

    __slots__ = ("index", "lbrack", "value")

    def __init__(self, start: int, end: int, value: Expression, lbrack: int, index: Expression) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.lbrack = lbrack
        self.index = index


class Call(Node):
    """`value(args)`; `lparen` is the offset of `(`, `end` that of `)`."""

    __slots__ = ("args", "lparen", "value")

    def __init__(self, start: int, end: int, value: Expression, lparen: int, args: list[Expression]) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.lparen = lparen
        self.args = args


class Unary(Node):
    """`!value` or `-value`; `start` is the operator's offset."""

    __slots__ = ("op", "value")

    def __init__(self, start: int, end: int, op: str, value: Expression) -> None:
        self.start = start
        self.end = end
        self.op = op
        self.value = value


class Binary(Node):
    """`left op right`; `op_start` is the operator's offset."""

    __slots__ = ("left", "op", "op_start", "right")

    def __init__(
        self, start: int, end: int, left: Expression, op: str, op_start: int, right: Expression
    ) -> None:
        self.start = start
        self.end = end
        self.left = left
        self.op = op
        self.op_start = op_start
        self.right = right


class Paren(Node):
    """`(inner)`."""

    __slots__ = ("inner",)

    def __init__(self, start: int, end: int, inner: Expression) -> None:
        self.start = start
        self.end = end
        self.inner = inner


Expression: TypeAlias = Identifier | Literal | Array | Object | Access | Index | Call | Unary | Binary | Paren


class Attribute(Node):
    """`name = value` as a statement."""

    __slots__ = ("name", "value")

    def __init__(self, start: int, end: int, name: Identifier, value: Expression) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.value = value


class Block(Node):
    """`a.b.c "label" { body }`.

    name: the dot-separated parts. name_end: offset of the last byte of the last part.
    label: without quotes, "" when there is none. label_start: offset of the opening quote, or None.
    lcurly: offset of `{`; `end` is that of `}`.
    """

    __slots__ = ("body", "label", "label_start", "lcurly", "name", "name_end")

    def __init__(
        self,
        start: int,
        end: int,
        name: tuple[str, ...],
        name_end: int,
        label: str,
        label_start: int | None,
        lcurly: int,
        body: list[Statement],
    ) -> None:
        self.start = start
        self.end = end
        self.name = name
        self.name_end = name_end
        self.label = label
        self.label_start = label_start
        self.lcurly = lcurly
        self.body = body

    @property
    def full_name(self) -> str:
        """The parts joined by dots, such as `pyroscope.write`."""
        return ".".join(self.name)


Statement: TypeAlias = Attribute | Block


class Comment(Node):
    """One `//` or `/* */` comment; `text` keeps the markers."""

    __slots__ = ("text",)

    def __init__(self, start: int, end: int, text: str) -> None:
        self.start = start
        self.end = end
        self.text = text


class File:
    """A parsed file: its statements, and its comments in groups, kept aside from the tree.

    A group is a run of comments with no token in between, each starting at most one line
    below the end of the previous one.
    """

    __slots__ = ("body", "comments", "source")

    def __init__(self, source: Source, body: list[Statement], comments: list[list[Comment]]) -> None:
        self.source = source
        self.body = body
        self.comments = comments
