"""The receiver of alloypy.queue: for its sender, a profile is delivered once it is stored."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from alloypy.components.own.delivering.arguments import Arguments
from alloypy.components.own.delivering.metrics import QueueMetrics
from alloypy.components.own.delivering.publishing import Publisher
from alloypy.profiles.model import IngestProfile, Push, Series
from alloypy.profiles.receiver import DebugInfoClient, ProfilesReceiver
from alloypy.runtime.contract.component import Options

if TYPE_CHECKING:
    from alloypy.components.own.delivering.keeping import Keeper
    from alloypy.components.own.delivering.store import Store

_OPENING_SECONDS = 5.0
"""How long a profile waits for a queue that is being opened."""


class Receiver(ProfilesReceiver):
    """The exported receiver. keeper: stores the profiles, None until it is open. kafka: where, if there."""

    __slots__ = ("_opened", "_publisher", "children", "id", "kafka", "keeper", "metrics", "problem")
    concrete = "queue.Component"

    def __init__(self, options: Options, arguments: Arguments, metrics: QueueMetrics) -> None:
        self.component = options.global_id
        self.id = options.id
        self.children = arguments.forward_to
        self.kafka = arguments.kafka
        self.metrics = metrics
        self._publisher = Publisher(options.events, options.global_id)
        self.keeper: Keeper | None = None
        self._opened = asyncio.Event()
        self.problem = ""

    def append(self, push: Push) -> Coroutine[Any, Any, None]:
        """Store every series of a Push as a record of its own. Awaiting raises DeliveryError."""
        return self._append_later(push) if self.keeper is None else self.keeper.append(push)

    def append_ingest(self, profile: IngestProfile) -> Coroutine[Any, Any, None]:
        """Store an /ingest profile. Awaiting raises DeliveryError."""
        return self._ingest_later(profile) if self.keeper is None else self.keeper.append_ingest(profile)

    async def _append_later(self, push: Push) -> None:
        await (await self._open(push.series)).append(push)

    async def _ingest_later(self, profile: IngestProfile) -> None:
        await (await self._open((profile,))).append_ingest(profile)

    def debug_info_clients(self) -> Sequence[DebugInfoClient]:
        """The clients of all destinations: debug info is passed on as it arrives."""
        return [client for child in self.children for client in child.debug_info_clients()]

    def stores(self) -> Sequence[str]:
        """This queue."""
        return (self.component,)

    def open(self, log: Store) -> None:
        """Store in `log` from now on."""
        from alloypy.components.own.delivering.keeping import Keeper

        self.keeper = Keeper(log, self.id, self.metrics, self._publisher)
        self._opened.set()

    def close(self) -> None:
        """Store nothing until it is open again."""
        self._opened.clear()
        self.keeper = None

    async def _open(self, profiles: Sequence[Series | IngestProfile]) -> Keeper:
        """What stores, once it is open. Raises DeliveryError, which is published of the profiles."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OPENING_SECONDS):
                await self._opened.wait()
        if self.keeper is not None:
            return self.keeper
        from alloypy.components.own.delivering.keeping import not_taken

        self.metrics.rejected["closed"] += 1
        error = not_taken(self.problem or f"{self.id} is not open")
        if self._publisher.events.wanted:
            self._publisher.not_stored(profiles, error)
        raise error
