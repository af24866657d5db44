"""What an editor shows about the name under the cursor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from alloypy.lsp.cursor.around import Around, Role, around_of
from alloypy.lsp.cursor.embedded import embedded_at
from alloypy.lsp.cursor.place import Kind, Place, place_at
from alloypy.lsp.cursor.sight import Sight
from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.features import customs, environment
from alloypy.lsp.features.choices import choices_at
from alloypy.lsp.features.describing import Describing, choices, code, listed
from alloypy.lsp.workspace.symbols import Kind as DeclarationKind
from alloypy.schema.spec import AttributeSpec
from alloypy.syntax.tree import Attribute, Block

if TYPE_CHECKING:
    from alloypy.lsp.workspace.project import Home
    from alloypy.lsp.workspace.workspace import Workspace

_AFTER = re.compile(rb"(?:\.[A-Za-z_][A-Za-z0-9_]*)*")


class Hover(NamedTuple):
    """text: in Markdown. range: what it is about."""

    text: str
    range: Range


def hover(workspace: Workspace, document: Document, offset: int) -> Hover | None:
    """What is known about the name at an offset; None if there is nothing to say."""
    place = place_at(workspace, document, offset)
    start = 0
    if (inner := embedded_at(place)) is not None:
        start, place = place.start, inner
    text = "\n\n".join(part for part in _Teller(workspace, place).tell() if part)
    return Hover(text, Range(document.path, start + place.start, start + place.stop)) if text else None


def plain(text: str) -> str:
    """A text without the marks of Markdown, for clients that have none."""
    text = re.sub(r"^```.*\n?", "", text, flags=re.MULTILINE)
    text = re.sub(r"\*\*(.+?)\*\*", r"\1", text)
    return re.sub(r"\[([^\]]+)\]\((http[^)]+)\)", r"\1: \2", text).replace("`", "")


class _Teller:
    """Tells about one place, in paragraphs."""

    def __init__(self, workspace: Workspace, place: Place) -> None:
        self._workspace = workspace
        self._place = place
        self._path = place.document.path
        self._language = workspace.language(self._path)
        self._describing = Describing(self._language)

    @cached_property
    def _sight(self) -> Sight:
        return Sight(self._workspace, self._place.document, self._place.offset)

    def tell(self) -> Iterator[str]:
        """The paragraphs; none for a place that has nothing to tell."""
        place = self._place
        if place.kind is Kind.STATEMENT and isinstance(place.statement, Block):
            yield from self._block(place.statement)
        elif place.kind is Kind.STATEMENT and isinstance(place.statement, Attribute):
            yield from self._member()
        elif place.kind is Kind.LABEL and isinstance(place.statement, Block):
            yield from self._label(place.statement)
        elif place.kind in {Kind.VALUE, Kind.MEMBER}:
            yield from self._name()
        elif place.kind is Kind.STRING:
            yield from self._string()

    # Statements

    def _block(self, block: Block) -> Iterator[str]:
        place = self._place
        found = around_of(
            self._workspace,
            place.document,
            place.section.start,
            block,
            place.blocks[-1] if place.blocks else None,
        )
        if found.role is Role.INNER:
            yield from self._member()
        else:
            yield from self._node(found, block.full_name)

    def _node(self, found: Around, name: str) -> Iterator[str]:
        """A component or config block."""
        said = list(self._describing.node(name, component=found.role is Role.COMPONENT))
        yield from said or self._custom(name)

    def _custom(self, name: str) -> Iterator[str]:
        home = self._sight.home(name)
        if home is not None:
            yield from customs.component(name, home, self._sight)

    def _member(self) -> Iterator[str]:
        """An attribute or inner block."""
        place = self._place
        nodes = [number for number, each in enumerate(place.blocks) if each.role is not Role.INNER]
        if place.member is None or not nodes:
            return
        node = place.blocks[nodes[-1]]
        if node.role is Role.CUSTOM:
            home = self._sight.home(node.block.full_name)
            declared = home.arguments(place.member.name) if home is not None else None
            yield from customs.argument(declared) if declared is not None else ()
            return
        inner = tuple(each.block.full_name for each in place.blocks[nodes[-1] + 1 :])
        yield from self._describing.member(node.block.full_name, inner, place.member, place.spec)

    def _label(self, block: Block) -> Iterator[str]:
        component = self._language.component(block.full_name)
        exports = component.exports if component is not None else None
        name = f"{block.full_name}.{block.label}"
        if exports is None:
            home = self._sight.home(block.full_name)
            listing = customs.exports(f"{name}.", home, self._sight) if home is not None else ""
            yield f"**{name}**" + (" exports:" if listing else "")
            yield listing
            return
        yield f"**{name}** exports:"
        yield "\n".join(f"- {listed(each, f'{name}.{each.name}')}" for each in exports.attributes)

    # Expressions

    def _name(self) -> Iterator[str]:
        """A name in an expression: of the library, of a component, an argument or a variable."""
        place = self._place
        data = place.document.data
        word = data[place.start : place.stop].decode("utf-8", "replace")
        if not word or (place.kind is Kind.MEMBER and not place.path):
            return
        before = list(place.path) if place.kind is Kind.MEMBER else []
        match = _AFTER.match(data, place.stop)
        after = match.group().decode().split(".")[1:] if match is not None else []
        names = [*before, word, *after]
        library = list(self._describing.library(".".join(names[: len(before) + 1])))
        yield from library or self._reference(names, len(before))

    def _reference(self, names: Sequence[str], number: int) -> list[str]:
        sight = self._sight
        meaning = sight.unit.meaning(names, sight.module)
        if meaning is None:
            return []
        declaration = meaning.declared.declaration
        said = [f"**{declaration.id}**: {declaration.kind.value}, {customs.where(meaning.declared)}"]
        if declaration.kind is DeclarationKind.ARGUMENT:
            return [*said, customs.said_about(meaning.declared)]
        home = sight.project.home(sight.unit, meaning.declared.module, declaration)
        if home is not None:
            return [*said, *self._of_custom(home, names[meaning.used] if number >= meaning.used else "")]
        component = self._language.component(declaration.name) if declaration.name else None
        if number >= meaning.used and component is not None and component.exports is not None:
            export = component.exports.lookup.get(names[meaning.used])
            if isinstance(export, AttributeSpec):
                said += self._describing.export(declaration.name, export)
        return said

    def _of_custom(self, home: Home, export: str) -> Iterator[str]:
        """An export of a custom component, or all of them."""
        if not export:
            yield customs.exports("", home, self._sight)
        elif (declared := home.exports(export)) is not None:
            yield from customs.export(declared, self._sight)

    def _string(self) -> Iterator[str]:
        place = self._place
        name = environment.named_at(place)
        if name:
            value = environment.shown_value(self._workspace, self._path, name)
            yield f"**{name}** = {code(value)}" if value is not None else ""
        else:
            yield choices(choices_at(place))
