"""Modules as loading creates them, and what the names in their expressions mean there.

A declare becomes one module for each instance, and a template one for each item, each with its own values.
Source: docs/spec/RUNTIME.md, sections 2.2, 5.6, 5.7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from alloypy.check.expressions.shapes import ANYTHING, Shape
from alloypy.check.ports import Listener
from alloypy.check.scope import CheckedNode, CheckedScope
from alloypy.graph.definitions import Definitions, Template
from alloypy.graph.nodes import NOWHERE, Kind
from alloypy.graph.references import Chain
from alloypy.lang.values import Kind as ValueKind
from alloypy.syntax.tree import Block

VALUED = frozenset({Kind.COMPONENT, Kind.CUSTOM, Kind.ARGUMENT, Kind.FOREACH})
"""The kinds of nodes that have a value in expressions."""


class Seen(NamedTuple):
    """The meaning of the beginning of a chain: what is known about its value, and its number of names."""

    shape: Shape
    used: int


class Names:
    """Names that a module sees besides its own blocks.

    own: the values of its names. around: the module that contains its template; its names are visible, too.
    """

    def __init__(self, own: Mapping[str, Shape], around: Frame | None = None) -> None:
        self._own = own
        self._around = around

    def resolve(self, chain: Chain) -> Seen | None:
        """The meaning of a chain; None if it has none."""
        first = chain[0].name
        if first in self._own:
            return Seen(self._own[first], 1)
        return self._around.resolve(chain) if self._around is not None else None

    def unknown(self, around: Frame | None) -> Names:
        """The same names for any item of a foreach; `around` replaces the module around."""
        return Names(dict.fromkeys(self._own, ANYTHING) if around is not None else self._own, around)

    def all(self) -> frozenset[str]:
        """The first parts of everything that can be named."""
        own = frozenset(self._own)
        return own if self._around is None else own | self._around.first_names()

    def value(self, name: str) -> Shape | None:
        """What is known about a name that is not a block's; None if it is not visible."""
        found = self._own.get(name)
        if found is None and self._around is not None:
            return self._around.names.value(name)
        return found

    def path(self) -> Shape:
        """The value of `module_path`."""
        return self.value("module_path") or ANYTHING


class Frame:
    """One module: its blocks, what they see, and what is known about their values.

    given: its arguments; None if it is not known what uses it. definitions: the custom components it can
    use. exports: finds the value of a node. listeners: where its components and those of its inner modules
    listen. height: its levels of modules, including its own. published: first parts of the ids of
    evaluated nodes. exported: the values of its exports. unused: whether nothing creates the module.
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
        self.unused = False
        self._exports = exports

    def as_written(self, around: Frame | None) -> Frame:
        """The same module for any arguments and items, without the values that its uses give it.

        around: the module around a template, as written.
        """

        def exports(frame: Frame, node: CheckedNode) -> Shape:
            return ANYTHING if node.kind is Kind.CUSTOM else self._exports(frame, node)

        names = self.names.unknown(around if self.scope.template else None)
        frame = Frame(self.scope, names, None, self.definitions, exports)
        frame.published |= {node.id.partition(".")[0] for node in self.scope.nodes if node.kind in VALUED}
        return frame

    def resolve(self, chain: Chain) -> Seen | None:
        """The value of the shortest prefix of a chain that has one; None if the chain has no meaning."""
        names = [part.name for part in chain]
        found: Seen | None = None
        for length in range(1, len(names) + 1):
            node = self.scope.find(".".join(names[:length]))
            if node is None:
                continue
            node.used = True
            if found is not None:
                return found._replace(shape=ANYTHING)  # of two values in one place, the later one is visible
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
        """The part of a node's id that has a value and so leaves no place for its exports; else ""."""
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
        """Whether a name of the standard library already means something else here."""
        return name in self.first_names()

    def first_names(self) -> frozenset[str]:
        """The first parts of everything that can be named so far."""
        return self.names.all().union(self.published, ("argument",) if self.given else ())

    def take_in(self, module: Frame) -> None:
        """Note that it contains a module."""
        self.height = max(self.height, module.height + 1)
        self.add_listeners(module.listeners)

    def add_listeners(self, listeners: list[Listener]) -> None:
        """Add listeners, but each at most twice, which is enough to find a conflict."""
        for each in listeners:
            if self.listeners.count(each) < 2:
                self.listeners.append(each)


class _Anything(dict[str, Template]):
    """The declares of a module that has not been read: it may have any."""

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
