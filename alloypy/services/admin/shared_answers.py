"""Answers that take time and memory to make and to write: one at a time, however many clients ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from alloypy.services.admin.messages import Answer


class SharedAnswers:
    """Makes one answer at a time. Everyone waiting for the same one shares the next that is started.

    It is handed to them one after another, because writing it takes time, too.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._handing_out = asyncio.Lock()
        self._coming: dict[str, asyncio.Task[Answer]] = {}

    async def get(self, path: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer for a path, started only after this call. Raises what `make` raises."""
        coming = self._coming.get(path)
        if coming is None:
            coming = self._coming[path] = asyncio.create_task(self._make(path, make), name="answer")
        # A client that leaves must not cancel the answer for the others.
        answer = await asyncio.shield(coming)
        async with self._handing_out:
            await asyncio.sleep(0)
        return answer

    async def _make(self, path: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        async with self._turn:
            del self._coming[path]
            return await make()
