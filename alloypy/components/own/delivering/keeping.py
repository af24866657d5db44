"""Stores profiles, and says why one cannot be stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from alloypy.components.own.delivering.messages import Message, ingest_message, push_message
from alloypy.components.own.delivering.metrics import QueueMetrics
from alloypy.components.own.delivering.publishing import Publisher
from alloypy.components.own.delivering.store import Store
from alloypy.profiles.frozen import Moments
from alloypy.profiles.labels import InvalidLabels
from alloypy.profiles.model import DeliveryError, Failures, IngestProfile, Push, Series, invalid_labels
from alloypy.queueing.errors import Closed, Full, WriteFailed

_PAUSE_SECONDS = 5.0
"""The pause that a client is asked for when a queue takes nothing."""

_MOMENTS = Moments()


class Keeper:
    """Stores in one log. name: of the queue, for errors."""

    def __init__(self, log: Store, name: str, metrics: QueueMetrics, publisher: Publisher) -> None:
        self._log = log
        self._name = name
        self._metrics = metrics
        self._publisher = publisher

    async def append(self, push: Push) -> None:
        """Store every series of a Push as a record of its own. Raises DeliveryError."""
        if len(push.series) == 1:
            stored = push.series
            await self._store(self._message(stored[0], push.headers), stored[0], stored[0].position)
        else:
            stored = await self._store_each(push)
        if self._publisher.events.wanted:
            self._publisher.stored(stored)

    async def append_ingest(self, profile: IngestProfile) -> None:
        """Store an /ingest profile. Raises DeliveryError."""
        try:
            message = ingest_message(profile, _MOMENTS.take())
        except InvalidLabels as reason:
            raise self._refused(profile, invalid_labels(reason)) from None
        await self._store(message, profile)
        if self._publisher.events.wanted:
            self._publisher.stored((profile,))

    async def _store_each(self, push: Push) -> Sequence[Series]:
        """Store all series; returns them. If some cannot be stored, publishes the others, and raises."""
        failures = Failures()

        async def store(series: Series) -> bool:
            try:
                await self._store(self._message(series, push.headers), series, series.position)
            except DeliveryError as error:
                failures.add(error.kept())
                return False
            return True

        found = zip(push.series, await asyncio.gather(*map(store, push.series)), strict=True)
        stored = [series for series, is_stored in found if is_stored]
        if failures.count:
            if self._publisher.events.wanted:
                self._publisher.stored(stored)
            raise failures.error()
        return stored

    def _message(self, series: Series, headers: Sequence[tuple[str, str]]) -> Message:
        """What is stored of a series. Raises DeliveryError."""
        try:
            return push_message(series, headers, _MOMENTS.take(len(series.samples) or 1))
        except InvalidLabels as reason:
            raise self._refused(series, invalid_labels(reason, series.position)) from None

    async def _store(
        self, message: Message, profile: Series | IngestProfile, position: int | None = None
    ) -> None:
        """Store a record. position: of its series. Raises DeliveryError."""
        meta, body, note = message
        try:
            await self._log.put(meta, body, note)
        except (Full, WriteFailed, Closed) as reason:
            error = self._refused(profile, self._counted(reason))
            error.series = position
            raise error from None
        self._metrics.stored += 1
        self._metrics.stored_bytes += len(meta) + sum(map(len, body))

    def _refused(self, profile: Series | IngestProfile, error: DeliveryError) -> DeliveryError:
        """The error, which is published of the profile."""
        if self._publisher.events.wanted:
            self._publisher.not_stored((profile,), error)
        return error

    def _counted(self, reason: Full | WriteFailed | Closed) -> DeliveryError:
        """Why the log does not take a record, counted."""
        if isinstance(reason, Closed):
            self._metrics.rejected["closed"] += 1
            return not_taken(f"{self._name} has exited")
        name = reason.reason if isinstance(reason, Full) else "write_error"
        self._metrics.rejected[name] += 1
        if name == "too_large":
            return DeliveryError(f"{self._name}: {reason}", code="invalid_argument")
        return not_taken(f"{self._name}: {reason}")


def not_taken(words: str) -> DeliveryError:
    """The error for a client that may send the profile again."""
    return DeliveryError(words, code="unavailable", retry=True, pause=_PAUSE_SECONDS)
