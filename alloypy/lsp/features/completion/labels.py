"""Labels of blocks: those that expressions already use, although no block has them."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.lsp.cursor.place import Place
from alloypy.lsp.cursor.sight import Sight
from alloypy.lsp.features.completion.offers import Offer, OfferKind
from alloypy.syntax.tree import Block


def label_offers(place: Place, sight: Sight) -> Iterator[Offer]:
    """The labels that references ask for; any other is a new name, which nobody can guess."""
    block = place.statement
    if not isinstance(block, Block) or (place.blocks and not place.role.has_nodes):
        return
    quoted = block.label_start is not None
    for label in dangling(sight, block):
        text = label if quoted else f'"{label}"'
        yield Offer(label, OfferKind.LABEL, text, 0, "used, and not there yet")


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
