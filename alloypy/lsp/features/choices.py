"""The texts that an attribute accepts, if they are few: those of its type, or of a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from alloypy.lang.types import Type
from alloypy.lsp.cursor.place import Place
from alloypy.lsp.cursor.values import element_of, plain
from alloypy.schema.describe import accepted_values
from alloypy.schema.spec import AttributeSpec, BlockSpec

if TYPE_CHECKING:
    from alloypy.schema.spec import Spec


def choices_at(place: Place) -> tuple[str, ...]:
    """The texts that a place accepts."""
    if place.wanted is None:
        return ()
    found = accepted_values(place.wanted)
    if not found and isinstance(place.member, AttributeSpec) and _is_whole(place, place.member.type):
        outer = [each for each in place.blocks if not each.role.has_nodes]
        path = [each.block.full_name for each in outer]
        found = _of_rules(path, outer[0].spec if outer else None, place.member.name)
    return tuple(each for each in found if each)


def choices_of(path: Sequence[str], spec: Spec | None, member: AttributeSpec) -> tuple[str, ...]:
    """The texts that an attribute accepts.

    path: the component and its inner blocks. spec: what the body of the component may contain.
    """
    found = accepted_values(member.type) or _of_rules(path, spec, member.name)
    return tuple(each for each in found if each)


def _is_whole(place: Place, type_: Type) -> bool:
    """Whether the place is the whole value of its attribute, or a whole element of that."""
    whole = plain(type_)
    return place.call is None and place.wanted in (whole, element_of(whole))


def _of_rules(path: Sequence[str], spec: Spec | None, name: str) -> tuple[str, ...]:
    """The texts that a rule accepts, of the body itself or of one around it."""
    from alloypy.rules import rules_for
    from alloypy.rules.forms import accepted_by

    for size in range(1, len(path) + 1):
        if spec is None:
            break
        if name not in spec.changed:
            inner = "/".join((*path[size:], name))
            for rule in rules_for("/".join(path[:size]), spec.rules):
                if found := accepted_by(rule).get(inner):
                    return found
        member = spec.groups.get(path[size]) or spec.lookup.get(path[size]) if size < len(path) else None
        spec = member.body if isinstance(member, BlockSpec) else None
    return ()
