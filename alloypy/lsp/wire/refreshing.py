"""Asks the client to fetch again what it shows, once something else than the text itself has changed it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from alloypy.lsp.wire.errors import WireError

if TYPE_CHECKING:
    from alloypy.lsp.wire.server import Server

_PAUSE_SECONDS = 0.6
"""How soon after a change in one text the lenses of the others are counted again."""

_LENSES = ("workspace.code_lens.refresh_support", types.WORKSPACE_CODE_LENS_REFRESH)
_OTHERS = (
    ("workspace.inlay_hint.refresh_support", types.WORKSPACE_INLAY_HINT_REFRESH),
    ("workspace.semantic_tokens.refresh_support", types.WORKSPACE_SEMANTIC_TOKENS_REFRESH),
)


def register(server: Server) -> None:
    """Register what is told of changes."""
    wire = _Refreshing(server)
    server.changed.append(wire.text_changed)
    server.outdated.append(wire.outdated)


class _Refreshing:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiting: asyncio.Task[Any] | None = None

    def text_changed(self, path: str) -> None:
        """A text has changed, so the lenses of other texts may count differently."""
        others = len(self._server.texts.open) - (path in self._server.texts.open)
        busy = self._waiting is not None and not self._waiting.done()
        if others and not busy and self._server.client.has(_LENSES[0]):
            self._waiting = self._server.protocol.spawn(self._count_again())

    async def _count_again(self) -> None:
        await asyncio.sleep(_PAUSE_SECONDS)
        self._waiting = None
        await self._ask(_LENSES[1])

    def outdated(self) -> None:
        """Settings or files on the disk have changed."""
        for capability, method in (_LENSES, *_OTHERS):
            if self._server.client.has(capability):
                self._server.protocol.spawn(self._ask(method))

    async def _ask(self, method: str) -> None:
        with contextlib.suppress(WireError):
            await self._server.protocol.ask(method, None)
