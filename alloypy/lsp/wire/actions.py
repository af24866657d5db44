"""Code actions and their commands, on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alloypy.lsp.wire.server import Server


def register(server: Server) -> None:
    """Register what answers these requests."""
