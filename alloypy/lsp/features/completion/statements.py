"""Names of components, config blocks, inner blocks and attributes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePath
from typing import NamedTuple

from alloypy.check.scope import level_of, stability_of
from alloypy.graph.admission import Gate
from alloypy.lang.types import Type
from alloypy.lsp.cursor.around import Role
from alloypy.lsp.cursor.place import Place
from alloypy.lsp.cursor.sight import Sight, Source, arguments_of
from alloypy.lsp.features.completion.fitting import fits
from alloypy.lsp.features.completion.offers import Offer, OfferKind, Topic
from alloypy.lsp.features.completion.settings import deprecated_paths, gate_of
from alloypy.lsp.features.completion.snippets import attribute_snippet, block_snippet
from alloypy.schema.describe import type_text
from alloypy.schema.spec import AttributeSpec, Member, Spec
from alloypy.schema.stability import Stability
from alloypy.syntax.holes.parsing import is_hole, is_unfinished
from alloypy.syntax.tree import Attribute, Block, Expression, Statement

_FITS, _FITS_NOT, _BESIDE = 0, 1, 2


class _Rest(NamedTuple):
    """What of the statement is already there.

    value: of an attribute. body: whether there is one. labelled: whether there is a label.
    """

    value: Expression | None = None
    assigned: bool = False
    body: bool = False
    labelled: bool = False

    @property
    def nothing(self) -> bool:
        return not (self.assigned or self.body or self.labelled)


def statement_offers(place: Place, sight: Sight) -> Iterator[Offer]:
    """What can be written as the name of a statement."""
    found = _Statements(place, sight)
    offers = found.nodes() if place.role.has_nodes else found.members()
    return (each for each in offers if _continues(each.label, place))


def after_name(place: Place, sight: Sight, label: str) -> str:
    """The label and the body after the name of a block, as a snippet; empty for a block without a label."""
    block = place.statement
    return _Statements(place, sight).after_name(block.full_name, label) if isinstance(block, Block) else ""


def _continues(name: str, place: Place) -> bool:
    """Whether a name ends with what is already written after the cursor."""
    return not place.rest or (name.endswith(place.rest) and name != place.rest[1:])


class _Statements:
    def __init__(self, place: Place, sight: Sight) -> None:
        self._place = place
        self._sight = sight
        self._language = place.workspace.language(place.document.path)
        self._gate: Gate = gate_of(place)
        self._rest = _rest_of(place)
        self._fitting: dict[str, str] = {}

    def _only(self, type_: Type) -> str:
        """The one reference whose value is of a type."""
        key = type_text(type_)
        if key not in self._fitting:
            fitting = [
                each.text
                for each in self._sight.names
                if each.source is Source.COMPONENT and each.shape.kind and each.fits(type_)
            ]
            self._fitting[key] = fitting[0] if len(fitting) == 1 else ""
        return self._fitting[key]

    # Components and config blocks

    def nodes(self) -> Iterator[Offer]:
        """Components and blocks at the top level, or in a module."""
        if self._rest.assigned:
            return
        yield from self._config_blocks()
        for name in self._language.component_names:
            entry = self._language.component(name)
            if entry is None or not self._permits(stability_of(entry), community=entry.community):
                continue
            level = "community" if entry.community else entry.stability
            detail = "component" if level == "generally-available" else f"component ({level})"
            yield self._node(name, entry.arguments, detail, OfferKind.COMPONENT, labelled=True)
        for name in self._sight.customs:
            spec = self._sight.custom_arguments(name)
            yield self._node(name, spec, "custom component", OfferKind.COMPONENT, labelled=True)
        yield from self._neighbouring()

    def _neighbouring(self) -> Iterator[Offer]:
        """The custom components of other files of the directory, which the first use joins to this one."""
        beside = self._sight.neighbours
        for name, home in beside.customs.items() if beside is not None else ():
            if name not in self._sight.customs:
                detail = f"custom component, in {PurePath(home.provider.place.document.path).name}"
                spec = arguments_of(home)
                offer = self._node(name, spec, detail, OfferKind.COMPONENT, labelled=True)
                yield offer._replace(rank=_BESIDE)

    def after_name(self, name: str, label: str) -> str:
        """The label and the body of a component or block, as a snippet; empty for one without a label."""
        if name == "foreach":
            return _FOREACH.removeprefix("foreach ").replace("default", label)
        spec: Spec | None
        component, block = self._language.component(name), self._language.block(name)
        if component is not None:
            spec = component.arguments
        elif name in self._sight.customs:
            spec = self._sight.custom_arguments(name)
        elif block is not None and block.label == "required":
            spec = block.arguments
        else:
            return ""
        return block_snippet("", spec, self._only, labelled=True, label=label).lstrip()

    def _config_blocks(self) -> Iterator[Offer]:
        module = any(each.role is Role.DECLARE for each in self._place.blocks)
        present = {each.declaration.id for each in self._sight.unit.own(self._sight.module).values()}
        for name in self._language.block_names:
            entry = self._language.block(name)
            if entry is None or (entry.arguments is None and entry.kind == "service"):
                continue
            allowed = {"root": not self._place.blocks, "module": module}.get(entry.allowed, True)
            once = entry.label != "required" and self._already_there(name, present)
            if self._rest.labelled and entry.label == "forbidden":
                continue  # with a label it would be a component
            if allowed and not once and self._permits(level_of(entry.stability)):
                labelled = entry.label == "required"
                yield self._node(name, entry.arguments, "config block", OfferKind.BLOCK, labelled=labelled)

    def _already_there(self, name: str, present: set[str]) -> bool:
        own = self._place.statement
        return name in present and not (isinstance(own, Block) and own.full_name == name)

    def _permits(self, stability: Stability, *, community: bool = False) -> bool:
        return self._gate.community if community else stability >= self._gate.stability

    def _node(self, name: str, spec: Spec | None, detail: str, kind: OfferKind, *, labelled: bool) -> Offer:
        rank = _FITS if self._takes_body(spec) else _FITS_NOT
        offer = Offer(name, kind, name, rank, detail, topic=Topic(name))
        if not self._rest.nothing:
            return offer
        if name == "foreach":
            return offer._replace(snippet=_FOREACH)
        return offer._replace(snippet=block_snippet(name, spec, self._only, labelled=labelled))

    def _takes_body(self, spec: Spec | None) -> bool:
        """Whether the statements in the body that is already there may be in that of this block."""
        block = self._place.statement
        if spec is None or not isinstance(block, Block):
            return True
        return all(_name_of(each) in spec.lookup or _name_of(each) in spec.groups for each in block.body)

    # Attributes and inner blocks

    def members(self) -> Iterator[Offer]:
        """Attributes and blocks in the body of a block."""
        spec = self._place.spec
        if spec is None or spec.free is not None:
            return
        if self._place.role is Role.FOREACH and not self._rest.assigned and "template" not in self._written:
            text = "template {\n\t$0\n}" if self._rest.nothing else ""
            yield Offer("template", OfferKind.BLOCK, "template", 1, "block, required", text)
        deprecated = deprecated_paths(self._place)
        for member in spec.members:
            if self._may_stand(member):
                old = member.name in deprecated
                yield self._member(member, missing=member in spec.required, deprecated=old)

    @cached_property
    def _written(self) -> frozenset[str]:
        """The names in the body, without that of this very statement."""
        here = self._place.statement
        body = self._place.blocks[-1].block.body
        return frozenset(_name_of(each) for each in body if each is not here)

    def _may_stand(self, member: Member) -> bool:
        if isinstance(member, AttributeSpec):
            if member.name in self._written or self._rest.body:
                return False
            return not self._rest.assigned or fits(self._rest.value, member.type, self._place, self._sight)
        if self._rest.assigned or self._rest.labelled > member.body.takes_label:
            return False
        if self._rest.body and not self._rest.labelled and member.body.takes_label:
            return False
        return member.repeated or bool(member.group) or member.name not in self._written

    def _member(self, member: Member, *, missing: bool, deprecated: bool) -> Offer:
        need = "required" if missing else "optional"
        topic = _topic(self._place, member.name)
        if isinstance(member, AttributeSpec):
            detail = f"{type_text(member.type)}, {need}"
            rank = 0 if missing else 2
            offer = Offer(member.name, OfferKind.ATTRIBUTE, member.name, rank, detail, topic=topic)
            if self._rest.nothing:
                offer = offer._replace(
                    text=f"{member.name} = ", snippet=attribute_snippet(member, self._only)
                )
        else:
            missing_rank = 1 if missing else 3
            rank = missing_rank if self._takes_body(member.body) else 4
            offer = Offer(member.name, OfferKind.BLOCK, member.name, rank, f"block, {need}", topic=topic)
            if self._rest.nothing:
                offer = offer._replace(snippet=block_snippet(member.name, member.body, self._only))
        return offer._replace(deprecated=True, rank=9) if deprecated else offer


_FOREACH = """foreach "${1:default}" {
\tcollection = [$2]
\tvar        = "${3:each}"

\ttemplate {
\t\t$0
\t}
}"""


def _rest_of(place: Place) -> _Rest:
    statement = place.statement
    if isinstance(statement, Attribute):
        value = statement.value
        after = place.section.source.data.find(b"=", statement.name.end + 1, max(value.start, 0) + 1)
        return _Rest(None if is_hole(value) else value, assigned=after >= 0 or not is_hole(value))
    if isinstance(statement, Block):
        return _Rest(body=not is_unfinished(statement), labelled=statement.label_start is not None)
    return _Rest()


def _topic(place: Place, name: str) -> Topic:
    outer = [each for each in place.blocks if not each.role.has_nodes and each.role is not Role.FOREACH]
    if not outer:
        return Topic()
    return Topic(outer[0].block.full_name, (*(each.block.full_name for each in outer[1:]), name))


def _name_of(statement: Statement) -> str:
    return statement.full_name if isinstance(statement, Block) else statement.name.name
