"""Labels of blocks: those that expressions already use, although no block has them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count

from alloypy.lsp.cursor.place import Place
from alloypy.lsp.cursor.sight import Sight
from alloypy.lsp.features.completion.offers import Offer, OfferKind
from alloypy.lsp.features.completion.statements import after_name
from alloypy.syntax.holes.parsing import is_unfinished
from alloypy.syntax.tree import Block


def label_offers(place: Place, sight: Sight) -> Iterator[Offer]:
    """The labels that references ask for, and where nothing is written yet, a free one with the body."""
    block = place.statement
    if not isinstance(block, Block) or (place.blocks and not place.role.has_nodes):
        return
    quoted = block.label_start is not None
    for label in dangling(sight, block):
        text = label if quoted else f'"{label}"'
        whole = after_name(place, sight, label) if is_unfinished(block) and not quoted else ""
        yield Offer(label, OfferKind.LABEL, text, 0, "used, and not there yet", whole)
    if is_unfinished(block) and not quoted:
        label = _free(sight, block)
        whole = after_name(place, sight, label)
        if whole:
            yield Offer(f'"{label}"', OfferKind.LABEL, f'"{label}"', 1, "label and body", whole)


def _free(sight: Sight, block: Block) -> str:
    """A label that no block of that name has."""
    known = sight.unit.own(sight.module)
    names = chain(["default"], (f"default_{number}" for number in count(2)))
    return next(each for each in names if f"{block.full_name}.{each}" not in known)


def dangling(sight: Sight, block: Block) -> list[str]:
    """Labels that expressions of the configuration use with the name of a block, but that no block has."""
    size = len(block.name)
    known = set(sight.unit.own(sight.module))
    found: dict[str, None] = {}
    for each in sight.unit.references:
        names = [part.name for part in each.reference.parts]
        if tuple(names[:size]) != block.name or len(names) <= size + 1:
            continue
        if ".".join(names[: size + 1]) not in known and names[size]:
            found[names[size]] = None
    return list(found)
