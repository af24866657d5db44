"""Waiting inside of a task group.

Not compiled: `async with` waits while it handles what was raised inside, which compiled modules must not do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def within(group: asyncio.TaskGroup, work: Awaitable[None]) -> None:
    """Wait for work and the tasks of a group; if one fails or this is cancelled, the others are cancelled."""
    async with group:
        await work
