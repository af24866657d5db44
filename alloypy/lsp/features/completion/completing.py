"""Completion: what can be written at a place."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.lang import types as wanted
from alloypy.lsp.cursor.embedded import embedded_at
from alloypy.lsp.cursor.place import Kind, Place
from alloypy.lsp.cursor.sight import Sight
from alloypy.lsp.features.completion.labels import label_offers
from alloypy.lsp.features.completion.offers import Offer, OfferKind, Offers
from alloypy.lsp.features.completion.statements import statement_offers
from alloypy.lsp.features.completion.strings import string_offers
from alloypy.lsp.features.completion.target_labels import is_target, target_fields
from alloypy.lsp.features.completion.values import member_offers, value_offers
from alloypy.syntax.tree import Object


def complete(place: Place) -> Offers:
    """What can replace the name at a place. Never raises."""
    if place.kind in {Kind.COMMENT, Kind.ELSEWHERE}:
        return Offers(place.start, place.stop)
    inner = embedded_at(place)
    if inner is not None:
        found = complete(inner)
        return found._replace(start=place.start + found.start, stop=place.start + found.stop)
    sight = Sight(place.workspace, place.document, place.offset)
    if place.kind is Kind.STRING:
        return string_offers(place, sight)
    return Offers(place.start, place.stop, _unique(_offers(place, sight)))


def _offers(place: Place, sight: Sight) -> Iterator[Offer]:
    match place.kind:
        case Kind.STATEMENT:
            return statement_offers(place, sight)
        case Kind.LABEL:
            return label_offers(place, sight)
        case Kind.VALUE:
            return value_offers(place, sight)
        case Kind.MEMBER:
            return member_offers(place, sight)
        case Kind.FIELD:
            return _fields(place)
    return iter(())


def _fields(place: Place) -> Iterator[Offer]:
    """The names of an object whose names are fixed."""
    type_ = place.wanted
    if is_target(type_):
        yield from target_fields(place)
    if not isinstance(type_, wanted.ObjectType):
        return
    node = place.expression
    written = {each.name for each in node.fields} if isinstance(node, Object) else set()
    for field in type_.fields:
        if field.name not in written or field.name == place.written:
            yield Offer(field.name, OfferKind.ATTRIBUTE, field.name, 0 if field.required else 2)


def _unique(offers: Iterator[Offer]) -> tuple[Offer, ...]:
    """The offers, of those with the same label only the first."""
    found: dict[str, Offer] = {}
    for each in offers:
        found.setdefault(each.label, each)
    return tuple(found.values())
