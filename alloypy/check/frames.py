"""Modules as loading makes them, and what the names in their expressions mean there.

One declare gives a module for each instance, and one template for each item, with values of their own.
Source: docs/spec/RUNTIME.md, sections 2.2, 5.6, 5.7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from alloypy.check.ports import Listener
from alloypy.check.scope import CheckedNode, CheckedScope
from alloypy.check.shapes import ANYTHING, Shape
from alloypy.graph.definitions import Definitions, Template
from alloypy.graph.nodes import NOWHERE, Kind
from alloypy.graph.references import Chain
from alloypy.lang.values import Kind as ValueKind
from alloypy.syntax.tree import Block

VALUED = frozenset({Kind.COMPONENT, Kind.CUSTOM, Kind.ARGUMENT, Kind.FOREACH})
"""Nodes that have a value in expressions."""


class Seen(NamedTuple):
    """What the beginning of a chain means: what is known of its value, and how many names it takes."""

    shape: Shape
    used: int


class Names:
    """Names that a module sees beyond its own blocks.

    own: their values. around: the module whose template it is made from; its names are seen, too.
    """

    def __init__(self, own: Mapping[str, Shape], around: Frame | None = None) -> None:
        self._own = own
        self._around = around

    def resolve(self, chain: Chain) -> Seen | None:
        """What a chain means, if it means anything."""
        first = chain[0].name
        if first in self._own:
            return Seen(self._own[first], 1)
        return self._around.resolve(chain) if self._around is not None else None

    def all(self) -> frozenset[str]:
        """The first parts of everything that can be named."""
        own = frozenset(self._own)
        return own if self._around is None else own | self._around.first_names()

    def value(self, name: str) -> Shape | None:
        """What is known of a name that is none of a block; None where it is not seen."""
        found = self._own.get(name)
        if found is None and self._around is not None:
            return self._around.names.value(name)
        return found

    def path(self) -> Shape:
        """What `module_path` is."""
        return self.value("module_path") or ANYTHING


class Frame:
    """One module: its blocks, what they see, and what is known of their values.

    given: the arguments it is given; None when it is not known who makes it. definitions: the custom
    components it can use. exports: finds what a node's value is. listeners: where its components and
    those of the modules in it listen. height: how many levels of modules it is, its own included.
    published: first parts of the ids of nodes that have been evaluated. exported: values of its exports.
    """

    def __init__(
        self,
        scope: CheckedScope,
        names: Names,
        given: Mapping[str, Shape] | None,
        definitions: Definitions,
        exports: Callable[[Frame, CheckedNode], Shape],
    ) -> None:
        self.scope = scope
        self.names = names
        self.given = given
        self.definitions = definitions
        self.shapes: dict[int, Shape] = {}
        self.listeners: list[Listener] = []
        self.height = 1
        self.published: set[str] = set()
        self.exported: dict[str, Shape] = {}
        self._exports = exports

    def resolve(self, chain: Chain) -> Seen | None:
        """The value of the shortest part of a chain that has one; None when the chain means nothing."""
        names = [part.name for part in chain]
        found: Seen | None = None
        for length in range(1, len(names) + 1):
            node = self.scope.find(".".join(names[:length]))
            if node is None:
                continue
            node.used = True
            if found is not None:
                return found._replace(shape=ANYTHING)  # of two values at one place, the later one shows
            if node.kind not in VALUED:
                return None
            found = Seen(self._exports(self, node), length)
        if found is not None:
            return found
        if names[0] == "argument" and self.given:
            if len(names) > 1 and names[1] not in self.given:
                return None
            parts = {label: Shape(ValueKind.OBJECT, parts={"value": v}) for label, v in self.given.items()}
            return Seen(Shape(ValueKind.OBJECT, parts=parts), 1)
        return self.names.resolve(chain)

    def in_the_way(self, node: CheckedNode) -> str:
        """The part of a node's id that has a value, so that its exports find no place; else ""."""
        first, *outer = node.id.split(".")[:-1] or [""]
        shape = self.names.value(first)
        if shape is None or not shape.kind:
            return ""
        if not shape.is_exact:
            return "" if shape.kind == ValueKind.OBJECT else first
        value = shape.value
        for name in outer:
            if not isinstance(value, Mapping) or name not in value:
                break
            first, value = name, value[name]
        return "" if isinstance(value, Mapping) else first

    def hides(self, name: str) -> bool:
        """Whether a name of the standard library means something else here by now."""
        return name in self.first_names()

    def first_names(self) -> frozenset[str]:
        """The first parts of everything that can be named by now."""
        return self.names.all().union(self.published, ("argument",) if self.given else ())

    def take_in(self, module: Frame) -> None:
        """Note that it has a module inside."""
        self.height = max(self.height, module.height + 1)
        self.tell_listeners(module.listeners)

    def tell_listeners(self, listeners: list[Listener]) -> None:
        """Add where others listen; what listens often at one place is told twice, which is enough."""
        for each in listeners:
            if self.listeners.count(each) < 2:
                self.listeners.append(each)


class _Anything(dict[str, Template]):
    """The declares of a module that nobody has read: it may have any."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Template:
        return UNREAD_TEMPLATE


UNREAD_TEMPLATE = Template((Block(0, 0, ("declare",), 0, "", None, 0, []),), NOWHERE)
"""The template of a custom component from a module that cannot be read here."""


def unread() -> Definitions:
    """Definitions of a module that cannot be read here."""
    definitions = Definitions(None, {})
    definitions.declares = _Anything()
    return definitions
