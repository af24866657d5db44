"""From "accepted" to "sent": what a pyroscope.write with one set of arguments does with profiles.

`FanOut` accepts: it checks labels and makes the item to send. An `Outbox` delivers; the one here does
so at once. A profile that has been accepted is delivered although the deadline of its giver has passed.
Source: PYROSCOPE spec section 5.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from time import perf_counter
from typing import Any, Protocol

from alloypy.components.pyroscope.sending.endpoint import Endpoint
from alloypy.components.pyroscope.sending.headers import Tracing
from alloypy.components.pyroscope.sending.ingest import IngestLabels, OutgoingIngest
from alloypy.components.pyroscope.sending.metrics import Metrics
from alloypy.components.pyroscope.sending.outgoing import Outgoing, Refusal
from alloypy.components.pyroscope.sending.push import OutgoingPush, PushLabels, invalid_labels
from alloypy.profiles.labels import InvalidLabels
from alloypy.profiles.model import DeliveryError, DeliveryErrors, IngestProfile, Push, Series

MOST_HELD = 64 << 20
"""Bytes of profiles whose givers no longer wait."""

_LATE = Refusal("deadline_exceeded: context deadline exceeded", retry=False)


class Outbox(Protocol):
    """Where accepted items go."""

    def deliver(self, item: Outgoing) -> Coroutine[Any, Any, list[DeliveryError]]:
        """Deliver an item; what went wrong, in the endpoints' order. Cancelling it drops the item."""
        ...


class Background:
    """Deliveries that go on although their giver no longer waits, within a bound on the bytes they hold."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._tasks: set[asyncio.Task[list[DeliveryError]]] = set()
        self._held = 0

    def start(self, delivery: Coroutine[Any, Any, list[DeliveryError]]) -> asyncio.Task[list[DeliveryError]]:
        """Run a delivery as a task that its giver may leave behind."""
        task = asyncio.get_running_loop().create_task(delivery)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def take_over(self, task: asyncio.Task[list[DeliveryError]], item: Outgoing) -> None:
        """Let a delivery go on by itself; its outcome is logged. Beyond the bound it is dropped."""
        self._held += item.size
        task.add_done_callback(lambda done: self._finished(done, item))
        if self._held > MOST_HELD:
            task.cancel()

    def _finished(self, task: asyncio.Task[list[DeliveryError]], item: Outgoing) -> None:
        self._held -= item.size
        if task.cancelled():
            fields = {"sz": item.size, "n": item.profiles}
            self._logger.warning("profile dropped: its client no longer waits", extra={"fields": fields})
        elif task.exception() is None and (errors := task.result()):
            log_errors(self._logger, item, errors)


class DirectOutbox:
    """Delivers to all endpoints at once and waits for all of them."""

    def __init__(self, endpoints: Sequence[Endpoint], metrics: Metrics) -> None:
        self._endpoints = tuple(endpoints)
        self._metrics = metrics

    def deliver(self, item: Outgoing) -> Coroutine[Any, Any, list[DeliveryError]]:
        """Deliver an item; what went wrong, in the endpoints' order. Cancelling it drops the item."""
        if len(self._endpoints) == 1:
            return self._endpoints[0].deliver(item)
        return self._deliver_to_all(item)

    async def _deliver_to_all(self, item: Outgoing) -> list[DeliveryError]:
        if not self._endpoints:
            self._metrics.total.dropped(item.size, item.profiles)
            return []
        outcomes = await asyncio.gather(*(endpoint.deliver(item) for endpoint in self._endpoints))
        return [error for found in outcomes for error in found]


class FanOut:
    """Accepts profiles for one set of arguments."""

    def __init__(
        self,
        external_labels: Mapping[str, str],
        tracing: Tracing,
        outbox: Outbox,
        background: Background,
        metrics: Metrics,
        logger: logging.Logger,
    ) -> None:
        self._push_labels = PushLabels(external_labels)
        self._ingest_labels = IngestLabels(external_labels)
        self._tracing = tracing
        self._outbox = outbox
        self._background = background
        self._metrics = metrics
        self._logger = logger

    async def append(self, push: Push) -> None:
        """Deliver every series whose labels are right. Raises DeliveryError."""
        began = perf_counter()
        series, errors = self._accept(push.series)
        if series:
            item = OutgoingPush(series, self._tracing.begin(push.trace), push.headers, whole=not errors)
            if push.deadline is None:
                found = await self._outbox.deliver(item)
                if found:
                    log_errors(self._logger, item, found)
            else:
                found = await self._deliver_in_time(item, push.deadline)
            errors += found
            self._metrics.total.took(item.names.total, perf_counter() - began)
        if errors:
            raise _joined(errors)

    async def append_ingest(self, profile: IngestProfile) -> None:
        """Deliver an /ingest profile. Raises DeliveryError."""
        began = perf_counter()
        try:
            name = self._ingest_labels.apply(profile.labels)
        except InvalidLabels as reason:
            raise invalid_labels(reason) from None
        if name.replaced:
            self._metrics.replaced_characters += name.replaced
        item = OutgoingIngest(profile, name, self._tracing.begin(profile.trace))
        errors = await self._outbox.deliver(item)
        self._metrics.total.took(item.names.total, perf_counter() - began)
        if errors:
            log_errors(self._logger, item, errors)
            raise _joined(errors)

    def _accept(self, series: Sequence[Series]) -> tuple[list[Series], list[DeliveryError]]:
        accepted: list[Series] = []
        errors: list[DeliveryError] = []
        for one in series:
            try:
                accepted.append(Series(self._push_labels.apply(one.labels), one.samples, one.position))
            except InvalidLabels as reason:
                errors.append(invalid_labels(reason, one.position))
        return accepted, errors

    async def _deliver_in_time(self, item: Outgoing, deadline: float) -> list[DeliveryError]:
        """Deliver, but wait only until `deadline`, a loop time."""
        task = self._background.start(self._outbox.deliver(item))
        left = deadline - asyncio.get_running_loop().time()
        try:
            done, _ = await asyncio.wait((task,), timeout=max(0.0, left))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            self._background.take_over(task, item)
            return item.errors(f"failed to {item.names.verb} endpoint in time: {_LATE.cause}", _LATE)
        errors = task.result()
        if errors:
            log_errors(self._logger, item, errors)
        return errors


def log_errors(logger: logging.Logger, item: Outgoing, errors: Sequence[DeliveryError]) -> None:
    """One line for a failed delivery."""
    fields = {"err": "\n".join(map(str, errors)), "sz": item.size, "n": item.profiles}
    logger.warning(item.names.log, extra={"fields": fields})


def _joined(errors: Sequence[DeliveryError]) -> DeliveryError:
    return errors[0] if len(errors) == 1 else DeliveryErrors(errors)
