"""Nodes of the component graph: one for every top-level block, and for everything that exists without one.

Source: docs/spec/RUNTIME.md, section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Block, Statement


class Kind(Enum):
    """What a node represents."""

    SERVICE = "service"
    DECLARE = "declare"
    LOGGING = "logging"
    TRACING = "tracing"
    ARGUMENT = "argument"
    EXPORT = "export"
    IMPORT = "import"
    FOREACH = "foreach"
    COMPONENT = "component"
    CUSTOM = "custom component"


COMPONENT_KINDS = frozenset({Kind.COMPONENT, Kind.CUSTOM, Kind.FOREACH})
"""The kinds that the API lists as components; Alloy words their evaluation errors alike."""

CONFIG_KINDS = {
    "logging": Kind.LOGGING,
    "tracing": Kind.TRACING,
    "argument": Kind.ARGUMENT,
    "export": Kind.EXPORT,
    "foreach": Kind.FOREACH,
    "import.file": Kind.IMPORT,
    "import.string": Kind.IMPORT,
    "import.http": Kind.IMPORT,
    "import.git": Kind.IMPORT,
}

IMPORT_NAMES = frozenset(name for name, kind in CONFIG_KINDS.items() if kind is Kind.IMPORT)

SERVICE_NAMES = ("cluster", "http", "labelstore", "livedebugging", "otel", "remotecfg", "ui")
"""Blocks that configure the process if they have no label."""


NOWHERE = Source("", b"")
"""The source of nodes that are not written anywhere."""


def block_id(block: Block) -> str:
    """Name parts and label joined by dots; an empty label counts as none."""
    return f"{block.full_name}.{block.label}" if block.label else block.full_name


class Node:
    """One node. Never changes once its graph has been built.

    id: `pyroscope.write.w`; unique in its graph. name: `pyroscope.write`. label: "" if there is none.
    block: its block; None for a node without one. source: the text that contains it.
    """

    __slots__ = ("block", "id", "kind", "label", "name", "source")

    def __init__(self, kind: Kind, name: str, block: Block | None = None, source: Source = NOWHERE) -> None:
        self.kind = kind
        self.name = name
        self.label = block.label if block is not None else ""
        self.id = block_id(block) if block is not None else name
        self.block = block
        self.source = source

    @property
    def body(self) -> Sequence[Statement]:
        """The statements of its block; empty without one."""
        return self.block.body if self.block is not None else ()

    @property
    def span(self) -> Span | None:
        """The whole block; None without one."""
        return whole(self.block, self.source) if self.block is not None else None

    def __repr__(self) -> str:
        return f"Node({self.kind.value}, {self.id})"


def whole(block: Block, source: Source) -> Span:
    """From the block's name to its closing brace."""
    return Span(source, block.start, block.end)


def header(block: Block, source: Source, width: int) -> Span:
    """`width` bytes from the block's name on, as Alloy counts them."""
    return Span(source, block.start, block.start + width - 1)


def split_custom_name(name: str) -> tuple[str, str]:
    """Import label and declared name of a custom component: `("ns", "sink")`, `("", "sink")`."""
    namespace, dot, rest = name.partition(".")
    return (namespace, rest) if dot else ("", namespace)
