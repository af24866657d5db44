"""Hiding secrets by what the catalog says of every component of Alloy."""

from __future__ import annotations

from alloypy.catalog.on_demand import ON_DEMAND
from alloypy.redaction.masking import Mask

MASK = Mask(ON_DEMAND)
"""For configurations that may hold any block of Alloy."""
