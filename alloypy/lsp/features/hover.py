"""What an editor shows about the name under the cursor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from alloypy.lsp.cursor.around import Around, Role, around_of
from alloypy.lsp.cursor.place import Kind, Place, place_at
from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.features import environment
from alloypy.schema.spec import AttributeSpec, BlockSpec
from alloypy.syntax.tree import Attribute, Block

if TYPE_CHECKING:
    from alloypy.catalog.history import EntryHistory
    from alloypy.lsp.workspace.unit import Declared
    from alloypy.lsp.workspace.workspace import Workspace

_AFTER = re.compile(rb"(?:\.[A-Za-z_][A-Za-z0-9_]*)*")


class Hover(NamedTuple):
    """text: in Markdown. range: what it is about."""

    text: str
    range: Range


def hover(workspace: Workspace, document: Document, offset: int) -> Hover | None:
    """What is known about the name at an offset; None if there is nothing to say."""
    place = place_at(workspace, document, offset)
    text = "\n\n".join(part for part in _Teller(workspace, place).tell() if part)
    return Hover(text, Range(document.path, place.start, place.stop)) if text else None


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
        from alloypy.catalog.manual import manual_page

        component = self._language.component(name) if found.role is Role.COMPONENT else None
        block = self._language.block(name)
        entry = component or block
        if entry is None:
            yield from self._custom(name)
            return
        kind = "component" if component is not None else "config block"
        level = "community" if component is not None and component.community else entry.stability
        since = self._since(name)
        yield f"**{name}**: {kind}, {level}" + (f", since Alloy {since}" if since else "")
        spec = entry.arguments
        if spec is not None:
            needed = [_listed(each) for each in spec.required]
            if needed:
                yield "Required: " + ", ".join(needed)
        exports = component.exports if component is not None else None
        if exports is not None and exports.attributes:
            yield "Exports: " + ", ".join(_listed(each) for each in exports.attributes)
        yield _link(manual_page(name, self._language.version, component=component is not None))

    def _custom(self, name: str) -> Iterator[str]:
        from alloypy.lsp.workspace.project import Project

        unit = Project(self._workspace).unit_of(self._path)
        module = unit.module_at(self._path, self._place.offset)
        customs = unit.customs(module) if module is not None else ()
        found = next((each for each in customs if each.declaration.label == name.partition(".")[0]), None)
        if found is not None:
            yield f"**{name}**: custom component, {_where(found)}"

    def _since(self, name: str, path: str = "") -> str:
        """The first version that has a component, block, or what is at a path in it."""
        known = self._history(name)
        if known is None:
            return ""
        from alloypy.catalog.history import load_history
        from alloypy.catalog.wording import first_of

        member = known.path(path) if path else known
        present = member.present if member is not None else 0
        return first_of(load_history().timeline, present) if present else ""

    def _history(self, name: str) -> EntryHistory | None:
        if not self._language.has_history:
            return None
        from alloypy.catalog.history import load_history

        history = load_history()
        return history.component(name) or history.block(name)

    def _member(self) -> Iterator[str]:
        """An attribute or inner block."""
        from alloypy.catalog.manual import manual_page

        place = self._place
        member = place.member
        nodes = [number for number, each in enumerate(place.blocks) if each.role is not Role.INNER]
        if member is None or not nodes:
            return
        node = place.blocks[nodes[-1]]
        name = node.block.full_name
        path = "/".join([each.block.full_name for each in place.blocks[nodes[-1] + 1 :]] + [member.name])
        yield _head(member)
        yield from _details(member)
        yield "; ".join(self._dates(name, path))
        component = node.role is Role.COMPONENT
        yield _link(manual_page(name, self._language.version, component=component))

    def _dates(self, name: str, path: str) -> Iterator[str]:
        """Since when there is a member that is younger than its component, and what becomes of it."""
        known = self._history(name)
        member = known.path(path) if known is not None else None
        if known is None or member is None or not member.present:
            return
        from alloypy.catalog.history import load_history
        from alloypy.catalog.wording import first_of, short

        line = load_history().timeline
        version = self._language.version or line.main
        first = first_of(line, member.present)
        if first != first_of(line, known.present):
            yield f"since Alloy {first}"
        for _, end in line.spans(member.present):
            if end is not None and end.index > version.index:
                yield f"removed in Alloy {short(end)}"
        if member.deprecated is not None and member.deprecated <= version.index:
            yield f"deprecated since Alloy {short(line.versions[member.deprecated])}"

    def _label(self, block: Block) -> Iterator[str]:
        component = self._language.component(block.full_name)
        exports = component.exports if component is not None else None
        name = f"{block.full_name}.{block.label}"
        if exports is None:
            yield f"**{name}**"
            return
        yield f"**{name}** exports:"
        yield "\n".join(f"- {_listed(each, f'{name}.{each.name}')}" for each in exports.attributes)

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
        yield from self._library(names[: len(before) + 1]) or self._reference(names, len(before))

    def _library(self, names: Sequence[str]) -> list[str]:
        from alloypy.catalog.functions import function_reference, signature
        from alloypy.catalog.manual import library_page

        name = ".".join(names)
        if names[0] not in self._language.identifiers and names[0] not in self._language.deprecated:
            return []
        entry = function_reference(name, self._language.version)
        if entry is None:
            return []
        page = _link(library_page(entry["name"], self._language.version))
        if "members" in entry:
            return [f"**{name}**: namespace of the standard library", ", ".join(entry["members"]), page]
        said = signature(entry) if "takes" in entry else f"{name}: {entry['type']}"
        old = f"Old name of `{entry['name']}`." if name in self._language.deprecated else ""
        return [f"```text\n{said}\n```", entry["doc"], old, page]

    def _reference(self, names: Sequence[str], number: int) -> list[str]:
        from alloypy.lsp.workspace.project import Project

        unit = Project(self._workspace).unit_of(self._path)
        module = unit.module_at(self._path, self._place.offset)
        meaning = unit.meaning(names, module) if module is not None else None
        if meaning is None:
            return []
        declaration = meaning.declared.declaration
        said = [f"**{declaration.id}**: {declaration.kind.value}, {_where(meaning.declared)}"]
        component = self._language.component(declaration.name) if declaration.name else None
        if number >= meaning.used and component is not None and component.exports is not None:
            export = component.exports.lookup.get(names[meaning.used])
            if export is not None:
                said.append(f"Export {_listed(export)}")
        return said

    def _string(self) -> Iterator[str]:
        place = self._place
        name = environment.named_at(place)
        if name:
            value = environment.shown_value(self._workspace, self._path, name)
            yield f"**{name}** = {_code(value)}" if value is not None else ""
        elif place.wanted is not None:
            from alloypy.schema.describe import accepted_values

            values = [each for each in accepted_values(place.wanted) if each]
            yield "One of " + ", ".join(map(_code, values)) if values else ""


def _head(member: AttributeSpec | BlockSpec) -> str:
    if isinstance(member, BlockSpec):
        remarks = [
            "block",
            *(["required"] if member.required else []),
            *(["repeated"] if member.repeated else []),
        ]
        return f"**{member.name}**: {', '.join(remarks)}"
    from alloypy.schema.describe import type_text

    remarks = [f"`{type_text(member.type)}`", "required" if member.required else _default(member)]
    return f"**{member.name}**: {', '.join(each for each in remarks if each)}" + (
        ", secret" if member.secret else ""
    )


def _default(attribute: AttributeSpec) -> str:
    import json

    from alloypy.schema.describe import default_of

    default = default_of(attribute)
    return "optional" if default is None else f"default {_code(json.dumps(default, ensure_ascii=False))}"


def _details(member: AttributeSpec | BlockSpec) -> Iterator[str]:
    yield member.doc
    if isinstance(member, BlockSpec):
        needed = [_listed(each) for each in member.body.required]
        yield "Required: " + ", ".join(needed) if needed else ""
        return
    from alloypy.schema.describe import accepted_values

    values = [each for each in accepted_values(member.type) if each]
    yield "One of " + ", ".join(map(_code, values)) if values else ""


def _listed(member: AttributeSpec | BlockSpec, name: str = "") -> str:
    from alloypy.schema.describe import type_text

    kind = "block" if isinstance(member, BlockSpec) else f"`{type_text(member.type)}`"
    return f"`{name or member.name}` ({kind})"


def _where(declared: Declared) -> str:
    document = declared.place.document
    line = document.source.line(declared.range.start)
    return f"declared in {PurePath(document.path).name}, line {line}"


def _link(page: str) -> str:
    return f"[Alloy's documentation]({page})" if page else ""


def _code(text: str) -> str:
    """A text as code in Markdown, which the backquotes in it do not end."""
    marks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{room}{text}{room}{marks}"
