"""Hides secrets according to the catalog of all of Alloy's components."""

from __future__ import annotations

from alloypy.catalog.on_demand import ON_DEMAND
from alloypy.redaction.masking import Mask

MASK = Mask(ON_DEMAND)
"""For configurations that may contain any of Alloy's blocks."""
