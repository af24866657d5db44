"""Pictures of checked configurations: the blocks of each module, and what flows between them.

A declare, an imported one and the template of a foreach are each drawn once, in a frame, however many
modules are made from them. Nothing of what blocks contain is in a picture, so no secret is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from alloypy.check.configuration import Checked
from alloypy.check.flowing import Flow, flows
from alloypy.check.modules.frames import Frame
from alloypy.check.scope import CheckedNode, CheckedScope
from alloypy.drawing.picture import Arrow, Box, Group, Picture
from alloypy.drawing.picture import Kind as BoxKind
from alloypy.graph.nodes import Kind, split_custom_name
from alloypy.syntax.source import Span

_BOXES = {
    Kind.COMPONENT: BoxKind.COMPONENT,
    Kind.CUSTOM: BoxKind.MODULE,
    Kind.FOREACH: BoxKind.MODULE,
    Kind.ARGUMENT: BoxKind.PORT,
    Kind.EXPORT: BoxKind.PORT,
}
"""What is always drawn; other blocks, such as `logging`, are drawn where something flows to or from them."""


class _Module(NamedTuple):
    """A module to draw. id: of its group, "" for the root."""

    id: str
    title: str
    frame: Frame


def picture_of(checked: Checked, title: str) -> Picture:
    """The picture of a configuration without errors."""
    return _Painter(checked).paint(title)


class _Painter:
    def __init__(self, checked: Checked) -> None:
        self._by_scope = {id(frame.scope): frame for frame in checked.frames}
        self._by_body = {
            id(frame.scope.written.body): frame for frame in checked.frames if frame.scope.written is not None
        }
        self._modules: dict[int, _Module] = {}
        self._ids: set[str] = set()
        self._boxes: list[Box] = []
        self._arrows: list[Arrow] = []
        self._root = checked.scope

    def paint(self, title: str) -> Picture:
        """Draw all modules, the root first."""
        self._add(_Module("", "", self._by_scope[id(self._root)]))
        modules = list(self._modules.values())
        for module in modules:
            self._draw(module)
        groups = [Group(module.id, module.title) for module in modules if module.id]
        return Picture(title, self._boxes, list(dict.fromkeys(self._arrows)), groups)

    def _add(self, module: _Module) -> None:
        """Note a module, then those that it contains and those that it imports."""
        waiting = [module]
        while waiting:
            module = waiting.pop()
            if id(module.frame.scope) not in self._modules:
                self._modules[id(module.frame.scope)] = module
                waiting += reversed([*self._written_in(module), *self._imported_in(module)])

    def _written_in(self, module: _Module) -> Iterator[_Module]:
        for node in module.frame.scope.nodes:
            frame = self._by_scope.get(id(node.inner)) if node.inner is not None else None
            if frame is None:
                continue
            title = f'{node.name} "{node.label}"'
            title += f" in {module.title}" if module.title else ""
            title += " (unused)" if node.kind is Kind.DECLARE and frame.unused else ""
            yield _Module(self._id(f"{_inside(module)}{node.id}"), title, frame)

    def _imported_in(self, module: _Module) -> Iterator[_Module]:
        """The imported declares that a module uses; those written in the files are noted where they are."""
        for node in module.frame.scope.nodes:
            namespace, name = split_custom_name(node.name)
            frame = self._made_from(node, module.frame) if node.kind is Kind.CUSTOM and namespace else None
            if frame is not None and id(frame.scope) not in self._modules:
                group = self._id(f"{_inside(module)}{node.name}")
                yield _Module(group, f'declare "{name}" of import "{namespace}"', frame)

    def _id(self, wanted: str) -> str:
        """An id for a group that no other has."""
        found, number = wanted, 2
        while found in self._ids:
            found, number = f"{wanted}-{number}", number + 1
        self._ids.add(found)
        return found

    def _made_from(self, node: CheckedNode, frame: Frame) -> Frame | None:
        """The module from which a custom component is made; None if it cannot be read here."""
        found = frame.definitions.find(*split_custom_name(node.name))
        return self._by_body.get(id(found[0].body)) if found is not None else None

    def _draw(self, module: _Module) -> None:
        scope = module.frame.scope
        arrows: list[Arrow] = []
        outside: dict[str, CheckedNode] = {}
        nodes = sorted(scope.nodes, key=lambda node: (node.source.name, node.block.start))
        for node in nodes:
            if node.kind is Kind.DECLARE:
                continue
            for flow in self._flows(node, module.frame):
                if scope.find(flow.other.id) is not flow.other:
                    outside[flow.other.id] = flow.other
                arrows.append(_arrow(module, node, flow))
        joined = {end for arrow in arrows for end in (arrow.source, arrow.target)}
        for node in nodes:
            if node.kind in _BOXES or _id_in(module, node) in joined:
                self._boxes.append(self._box(node, module, _BOXES.get(node.kind, BoxKind.SETTING)))
        self._boxes += (self._box(node, module, BoxKind.OUTSIDE) for node in outside.values())
        self._arrows += arrows

    def _flows(self, node: CheckedNode, frame: Frame) -> Iterator[Flow]:
        """What flows along the references of a node, and along those out of the template of a foreach."""
        yield from flows(node, frame)
        inner = self._by_scope.get(id(node.inner)) if node.kind is Kind.FOREACH else None
        if inner is None:
            return
        for each in inner.scope.nodes:
            if each.kind is not Kind.DECLARE:
                found = self._flows(each, inner)
                yield from (flow for flow in found if inner.scope.find(flow.other.id) is not flow.other)

    def _box(self, node: CheckedNode, module: _Module, kind: BoxKind) -> Box:
        inner: CheckedScope | None = node.inner if node.kind is Kind.FOREACH else None
        if node.kind is Kind.CUSTOM:
            made_from = self._made_from(node, module.frame)
            inner = made_from.scope if made_from is not None else None
        shown = self._modules.get(id(inner)) if inner is not None and kind is BoxKind.MODULE else None
        at = Span(node.source, node.block.start, node.block.lcurly)
        place = f"{node.source.name}:{node.source.line(at.start)}"
        return Box(
            _id_in(module, node),
            node.name,
            node.label,
            kind,
            module.id,
            shown.id if shown is not None else "",
            place,
        )


def _arrow(module: _Module, node: CheckedNode, flow: Flow) -> Arrow:
    ends = [_id_in(module, node), _id_in(module, flow.other)]
    source, target = ends if flow.out else reversed(ends)
    return Arrow(source, target, flow.carries, flow.is_data)


def _inside(module: _Module) -> str:
    return f"{module.id}/" if module.id else ""


def _id_in(module: _Module, node: CheckedNode) -> str:
    return f"{_inside(module)}{node.id}"
