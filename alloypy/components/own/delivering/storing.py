"""The receiver of alloypy.queue: for its sender, a profile is delivered once it is stored."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from alloypy.components.own.delivering.arguments import Arguments
from alloypy.components.own.delivering.metrics import QueueMetrics
from alloypy.components.own.delivering.publishing import Publisher
from alloypy.profiles.frozen import Moments
from alloypy.profiles.labels import InvalidLabels
from alloypy.profiles.model import (
    DebugInfoClient,
    DeliveryError,
    Failures,
    IngestProfile,
    ProfilesReceiver,
    Push,
    Series,
    invalid_labels,
)
from alloypy.runtime.contract.component import Options

if TYPE_CHECKING:
    from alloypy.components.own.delivering.messages import Message
    from alloypy.components.own.delivering.store import Store
    from alloypy.queueing.errors import Closed, Full, WriteFailed

_OPENING_SECONDS = 5.0
"""How long a profile waits for a queue that is being opened."""

_PAUSE_SECONDS = 5.0
"""The pause that a client is asked for when a queue takes nothing."""

_MOMENTS = Moments()


class Receiver(ProfilesReceiver):
    """The exported receiver. log: what it stores in, None until it is open."""

    __slots__ = ("_publisher", "children", "id", "log", "metrics", "opened", "problem")
    concrete = "queue.Component"

    def __init__(self, options: Options, arguments: Arguments, metrics: QueueMetrics) -> None:
        self.component = options.global_id
        self.id = options.id
        self.children = arguments.forward_to
        self.metrics = metrics
        self._publisher = Publisher(options.events, options.global_id)
        self.log: Store | None = None
        self.opened = asyncio.Event()
        self.problem = ""

    async def append(self, push: Push) -> None:
        """Store every series of a Push as a record of its own. Raises DeliveryError."""
        from alloypy.components.own.delivering.messages import push_message

        log = await self._open(push.series)
        failures = Failures()
        puts: list[tuple[Series, Message]] = []
        for series in push.series:
            moment = _MOMENTS.take(max(1, len(series.samples)))
            try:
                puts.append((series, push_message(series, push.headers, moment)))
            except InvalidLabels as reason:
                failures.add(self._refused((series,), invalid_labels(reason, series.position)))
        if len(puts) == 1:
            stored = [await self._store_one(log, *puts[0], failures)]
        else:
            stored = await asyncio.gather(*(self._store_one(log, *each, failures) for each in puts))
        if self._publisher.events.wanted:
            self._publisher.stored(
                [series for (series, _), is_stored in zip(puts, stored, strict=True) if is_stored]
            )
        if failures.count:
            raise failures.error()

    async def append_ingest(self, profile: IngestProfile) -> None:
        """Store an /ingest profile. Raises DeliveryError."""
        from alloypy.components.own.delivering.messages import ingest_message

        log = await self._open((profile,))
        try:
            message = ingest_message(profile, _MOMENTS.take())
        except InvalidLabels as reason:
            raise self._refused((profile,), invalid_labels(reason)) from None
        await self._store(log, message, profile)
        if self._publisher.events.wanted:
            self._publisher.stored((profile,))

    def debug_info_clients(self) -> Sequence[DebugInfoClient]:
        """The clients of all destinations: debug info is passed on as it arrives."""
        return [client for child in self.children for client in child.debug_info_clients()]

    def stores(self) -> Sequence[str]:
        """This queue."""
        return (self.component,)

    async def _open(self, profiles: Sequence[Series | IngestProfile]) -> Store:
        """The log. Raises DeliveryError if it is not open, and publishes that of the profiles."""
        if self.log is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_OPENING_SECONDS):
                    await self.opened.wait()
        if self.log is None:
            self.metrics.rejected["closed"] += 1
            raise self._refused(profiles, _not_taken(self.problem or f"{self.id} is not open"))
        return self.log

    def _refused(self, profiles: Sequence[Series | IngestProfile], error: DeliveryError) -> DeliveryError:
        """The error, which is published of the profiles."""
        if self._publisher.events.wanted:
            self._publisher.not_stored(profiles, error)
        return error

    async def _store_one(self, log: Store, series: Series, message: Message, failures: Failures) -> bool:
        """Store a record; returns whether it is stored."""
        try:
            await self._store(log, message, series)
        except DeliveryError as error:
            error.series = series.position
            failures.add(error.kept())
            return False
        return True

    async def _store(self, log: Store, message: Message, profile: Series | IngestProfile) -> None:
        """Store a record. Raises DeliveryError."""
        from alloypy.queueing.errors import Closed, Full, WriteFailed

        try:
            await log.put(message.meta, message.body, message.stored)
        except (Full, WriteFailed, Closed) as reason:
            raise self._refused((profile,), self._counted(reason)) from None
        self.metrics.stored += 1
        self.metrics.stored_bytes += len(message.meta) + sum(map(len, message.body))

    def _counted(self, reason: Full | WriteFailed | Closed) -> DeliveryError:
        """Why the log does not take a record, counted."""
        from alloypy.queueing.errors import Full, WriteFailed

        if isinstance(reason, Full):
            self.metrics.rejected[reason.reason] += 1
            if reason.reason == "too_large":
                return DeliveryError(f"{self.id}: {reason}", code="invalid_argument")
            return _not_taken(f"{self.id}: {reason}")
        if isinstance(reason, WriteFailed):
            self.metrics.rejected["write_error"] += 1
            return _not_taken(f"{self.id}: {reason}")
        self.metrics.rejected["closed"] += 1
        return _not_taken(f"{self.id} has exited")


def _not_taken(words: str) -> DeliveryError:
    """The error for a client that may send the profile again."""
    return DeliveryError(words, code="unavailable", retry=True, pause=_PAUSE_SECONDS)
