"""Keeps the pages in memory, compressed: a process can show them when its installation has been replaced."""

from __future__ import annotations

from alloypy.packed_package import PACKED


def keep() -> None:
    """Keep the pages, and what only they use."""
    PACKED.keep("alloypy.services.web", "static")
    PACKED.keep("alloypy.drawing")
