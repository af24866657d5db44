"""Senders that keep a rate, with requests of real SDKs, and note when each was acknowledged."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager

from tests.soak import recorded, wire
from tests.soak.clients import World
from tests.soak.queues.base import meanwhile

_AGAIN_SECONDS = 0.1
_PATIENCE = 30.0


class Senders:
    """So many profiles a second in all. acknowledged: when each was, by `time.monotonic`.

    world: of whom the numbers come. rate: profiles a second; may be changed.
    """

    def __init__(self, world: World, rate: float, clients: int = 16) -> None:
        self.world = world
        self.rate = rate
        self.acknowledged: dict[int, float] = {}
        self._clients = clients

    def running(self) -> AbstractAsyncContextManager[None]:
        """They send while the block lasts."""
        return meanwhile(self._keep_sending(each) for each in range(self._clients))

    async def _keep_sending(self, client: int) -> None:
        await asyncio.sleep(client / self.rate)
        due = time.monotonic()
        while True:
            try:
                async with self.world.connection() as (reader, writer):
                    while True:
                        await self._send(reader, writer)
                        due = max(due + self._clients / self.rate, time.monotonic() - 1)
                        await asyncio.sleep(due - time.monotonic())
            except (OSError, EOFError, ValueError):
                self.world.answers["good: broken off"] += 1
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, _ = self.world.profile(1)
        writer.write(self.world.chance.choice(recorded.ALL)(number))
        async with asyncio.timeout(_PATIENCE):
            answer = await wire.read_message(reader)
        if answer is None:
            raise EOFError
        self.world.answers[f"good: {answer.status}"] += 1
        if answer.status == 200:
            self.world.acknowledged.add(number)
            self.acknowledged[number] = time.monotonic()
