"""The catalog for code that rarely needs it: read when the first block is looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alloypy.catalog.catalog import BlockEntry, ComponentEntry


class _OnDemand:
    def component(self, name: str) -> ComponentEntry | None:
        from alloypy.catalog.catalog import load_catalog

        return load_catalog().component(name)

    def block(self, name: str) -> BlockEntry | None:
        from alloypy.catalog.catalog import load_catalog

        return load_catalog().block(name)


ON_DEMAND = _OnDemand()
"""Everything in Alloy, as a vocabulary (`alloypy.schema.vocabulary`)."""
