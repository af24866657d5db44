"""The texts that an attribute accepts, if they are few."""

from __future__ import annotations

from alloypy.lang.types import Type
from alloypy.lsp.cursor.place import Place
from alloypy.schema.describe import accepted_values
from alloypy.schema.spec import AttributeSpec


def choices_at(place: Place) -> tuple[str, ...]:
    """The texts that the place accepts: those of its type, or of a rule of its attribute."""
    if place.wanted is None:
        return ()
    found = accepted_values(place.wanted)
    if not found and isinstance(place.member, AttributeSpec) and _is_whole(place, place.member.type):
        found = _of_rules(place, place.member.name)
    return tuple(each for each in found if each)


def _is_whole(place: Place, type_: Type) -> bool:
    """Whether the place is the whole value of its attribute."""
    from alloypy.lsp.cursor.values import plain

    return place.wanted == plain(type_) and place.call is None


def _of_rules(place: Place, name: str) -> tuple[str, ...]:
    from alloypy.rules import rules_for
    from alloypy.rules.forms import OneOf

    path = "/".join(each.block.full_name for each in place.blocks if not each.role.has_nodes)
    spec = place.spec
    for rule in rules_for(path, spec.rules if spec is not None else ""):
        if isinstance(rule, OneOf) and rule.name == name:
            return rule.allowed
    return ()
