"""From "accepted" to "sent": what a pyroscope.write with one set of arguments does with profiles.

`FanOut` accepts: it checks labels and makes the items to send, one for each series. An `Outbox` delivers;
the one here does so at once. What has been accepted is delivered although the deadline of its giver has
passed.
Source: docs/spec/PYROSCOPE.md, section 5.
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
from alloypy.components.pyroscope.sending.lanes import Ended
from alloypy.components.pyroscope.sending.metrics import Metrics
from alloypy.components.pyroscope.sending.outgoing import PUSH_NAMES, Outgoing
from alloypy.components.pyroscope.sending.publishing import Publisher
from alloypy.components.pyroscope.sending.push import OutgoingPush, PushLabels, invalid_labels
from alloypy.lang.brief import brief
from alloypy.profiles.labels import InvalidLabels
from alloypy.profiles.model import (
    MOST_TOLD,
    DeliveryError,
    Failures,
    IngestProfile,
    Push,
    RawSample,
    Series,
    joined,
    told,
)
from alloypy.profiles.push_wire import profile_bytes
from alloypy.tracing import SpanKind, Trace

MOST_HELD_BYTES = 64 << 20
"""Bytes of profiles whose givers no longer wait."""

_PREPARED = 256
"""Series of a Push that are made ready at a time: a hostile one has a hundred thousand."""

_PREPARING_SECONDS = 0.01
"""After so long others have their turn."""

_LATE = "deadline_exceeded: context deadline exceeded"
_MARGIN_SECONDS = 0.5
_MARGIN_PART = 0.1
_MOST_WAITING = 3
_TROUBLE_CHARACTERS = 500


class Outbox(Protocol):
    """Where accepted items go."""

    def deliver(self, item: Outgoing) -> Coroutine[Any, Any, list[DeliveryError]]:
        """Deliver an item; what went wrong, in the order of time. Cancelling it drops the item."""
        ...

    def deliver_all(self, items: Sequence[Outgoing], ended: Ended) -> Coroutine[Any, Any, None]:
        """Deliver several items; `ended` is told of each. Cancelling it drops those that are left."""
        ...

    def drop(self, size: int, profiles: int) -> None:
        """Count what was accepted and is never going to be delivered. size: bytes."""
        ...

    def waited_for(self) -> list[str]:
        """Where deliveries are under way, and what went wrong there last."""
        ...


class Background:
    """Deliveries that go on although their giver no longer waits, within a bound on the bytes they hold."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0

    def start(self, delivery: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a delivery as a task that its giver may leave behind."""
        task = asyncio.get_running_loop().create_task(delivery)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def take_over(self, task: asyncio.Task[None], size: int, profiles: int) -> None:
        """Let a delivery go on by itself. Beyond the bound it is dropped. size: bytes."""
        self._held += size
        task.add_done_callback(lambda done: self._finished(done, size, profiles))
        if self._held > MOST_HELD_BYTES:
            task.cancel()

    def _finished(self, task: asyncio.Task[None], size: int, profiles: int) -> None:
        self._held -= size
        if task.cancelled():
            fields = {"sz": size, "n": profiles}
            self._logger.warning("profile dropped: its client no longer waits", extra={"fields": fields})
        elif error := task.exception():
            self._logger.error("a delivery failed", exc_info=error)


class DirectOutbox:
    """Delivers to all endpoints at once and waits for all of them."""

    def __init__(self, endpoints: Sequence[Endpoint], metrics: Metrics, publisher: Publisher) -> None:
        self._endpoints = tuple(endpoints)
        self._metrics = metrics
        self._publisher = publisher

    def deliver(self, item: Outgoing) -> Coroutine[Any, Any, list[DeliveryError]]:
        """Deliver an item; what went wrong, in the order of time. Cancelling it drops the item."""
        if len(self._endpoints) == 1:
            return self._endpoints[0].deliver(item)
        return self._deliver_to_all(item)

    async def deliver_all(self, items: Sequence[Outgoing], ended: Ended) -> None:
        """Deliver several items: no endpoint waits for another. Cancelling it drops those that are left."""
        endpoints = self._endpoints
        if len(endpoints) == 1:
            await endpoints[0].deliver_all(items, ended)
            return
        left = dict.fromkeys(items, len(endpoints))
        errors: dict[Outgoing, list[DeliveryError]] = {}

        def one_ended(item: Outgoing, found: Sequence[DeliveryError]) -> None:
            if found:
                errors.setdefault(item, []).extend(found)
            left[item] -= 1
            if not left[item]:
                ended(item, errors.pop(item, ()))

        if not endpoints:
            for item in items:
                self._lose(item)
                ended(item, ())
        await asyncio.gather(*(endpoint.deliver_all(items, one_ended) for endpoint in endpoints))

    def drop(self, size: int, profiles: int) -> None:
        """Count at every endpoint what is not going to be delivered. size: bytes."""
        for endpoint in self._endpoints:
            endpoint.drop(size, profiles)
        if not self._endpoints:
            self._metrics.total.dropped(size, profiles)

    def waited_for(self) -> list[str]:
        """Where deliveries are under way, and what went wrong there last."""
        return [
            f"{each.wire.shown}: {brief(each.trouble, _TROUBLE_CHARACTERS) or 'no answer yet'}"
            for each in [each for each in self._endpoints if each.in_flight][:_MOST_WAITING]
        ]

    def _lose(self, item: Outgoing) -> None:
        self.drop(item.size, item.profiles)
        if self._publisher.events.wanted:
            self._publisher.unwanted(item)

    async def _deliver_to_all(self, item: Outgoing) -> list[DeliveryError]:
        if not self._endpoints:
            self._lose(item)
        errors: list[DeliveryError] = []

        async def deliver(endpoint: Endpoint) -> None:
            errors.extend(await endpoint.deliver(item))

        await asyncio.gather(*map(deliver, self._endpoints))
        return errors


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
        publisher: Publisher,
    ) -> None:
        self._push_labels = PushLabels(external_labels)
        self._ingest_labels = IngestLabels(external_labels)
        self._tracing = tracing
        self._outbox = outbox
        self._background = background
        self._metrics = metrics
        self._logger = logger
        self._publisher = publisher

    async def append(self, push: Push) -> None:
        """Deliver every series whose labels are right. Raises DeliveryError."""
        series, deadline = push.series, push.deadline
        trace = self._tracing.begin(push.trace)
        if len(series) == 1 and deadline is None:  # mostly so
            began = perf_counter()
            item = self._accept(series[0], push, trace)
            errors = await self._outbox.deliver(item)
            self._ended(item, errors, perf_counter() - began, trace)
            if errors:
                raise _as_one(errors)
            return
        outcome = _Outcome()
        delivery = self._deliver_series(push, trace, outcome)
        if deadline is None:
            await delivery
        elif not await self._in_time(delivery, push, deadline):
            outcome.late(series, self._outbox.waited_for())
        if outcome.failures.count:
            raise outcome.failures.error()

    async def append_ingest(self, profile: IngestProfile) -> None:
        """Deliver an /ingest profile. Raises DeliveryError."""
        began = perf_counter()
        try:
            name = self._ingest_labels.apply(profile.labels)
        except InvalidLabels as reason:
            series = Series(profile.labels, [RawSample(piece) for piece in profile.body])
            raise self._refused(series, invalid_labels(reason)) from None
        if name.replaced:
            self._metrics.replaced_characters += name.replaced
        trace = self._tracing.begin(profile.trace)
        item = OutgoingIngest(profile, name, self._tracing.step(trace))
        errors = await self._outbox.deliver(item)
        self._ended(item, errors, perf_counter() - began, trace)
        if errors:
            raise _as_one(errors)

    def _accept(self, series: Series, push: Push, trace: Trace | None) -> OutgoingPush:
        """What to send of a series. Raises DeliveryError."""
        try:
            labels = self._push_labels.apply(series.labels)
        except InvalidLabels as reason:
            raise self._refused(series, invalid_labels(reason, series.position)) from None
        step = self._tracing.step(trace)
        return OutgoingPush(labels, series.samples, series.position, step, push.headers)

    def _refused(self, series: Series, error: DeliveryError) -> DeliveryError:
        if self._publisher.events.wanted:
            self._publisher.not_sent(series, str(error))
        return error

    async def _deliver_series(self, push: Push, trace: Trace | None, outcome: _Outcome) -> None:
        """Deliver the series one by one. outcome: takes what becomes of each."""

        def ended(item: Outgoing, errors: Sequence[DeliveryError]) -> None:
            outcome.ended.add(positions[item])
            if errors:
                outcome.failures.add(_as_one(errors))
            self._ended(item, errors, perf_counter() - began, trace)

        start = 0
        while start < len(push.series):
            began = perf_counter()
            positions: dict[Outgoing, int] = {}
            for one in push.series[start : start + _PREPARED]:
                try:
                    positions[self._accept(one, push, trace)] = one.position
                except DeliveryError as error:
                    outcome.ended.add(one.position)
                    outcome.failures.add(error.kept())
                start += 1
                if perf_counter() - began > _PREPARING_SECONDS:
                    break
            try:
                await self._outbox.deliver_all(list(positions), ended)
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                rest = push.series[start:]
                if rest:
                    self._outbox.drop(profile_bytes(rest), _profiles(rest))
                raise

    def _ended(
        self, item: Outgoing, errors: Sequence[DeliveryError], seconds: float, trace: Trace | None
    ) -> None:
        """Count and log what became of an item. trace: the one that its own span is part of."""
        self._metrics.total.latency[item.names.total].observe(seconds)
        if trace is not None and trace.recorder is not None and item.trace is not None:
            trace.record(item.names.log, SpanKind.INTERNAL, item.trace.parent, seconds, {})
        if errors:
            fields = {"err": told(errors), "sz": item.size, "n": item.profiles}
            self._logger.warning(item.names.log, extra={"fields": fields})

    async def _in_time(self, delivery: Coroutine[Any, Any, None], push: Push, deadline: float) -> bool:
        """Whether a delivery is done before `deadline`, a loop time; if not it goes on by itself.

        The answer needs a moment to reach the client while it still waits.
        """
        task = self._background.start(delivery)
        left = deadline - asyncio.get_running_loop().time()
        margin = min(_MARGIN_SECONDS, _MARGIN_PART * left)
        try:
            done, _ = await asyncio.wait((task,), timeout=max(0.0, left - margin))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            self._background.take_over(task, profile_bytes(push.series), _profiles(push.series))
            return False
        task.result()
        return True


class _Outcome:
    """What became of the series of a Push: the positions of those that have ended, and what went wrong."""

    def __init__(self) -> None:
        self.ended: set[int] = set()
        self.failures = Failures()

    def late(self, series: Sequence[Series], waited_for: Sequence[str]) -> None:
        """The time is over: those that have not ended have failed for their client, who is told why."""
        left = [one for one in series if one.position not in self.ended]
        for one in left[:MOST_TOLD]:
            self.failures.add(_late(one, waited_for))
        self.failures.count += len(left[MOST_TOLD:])


def _as_one(errors: Sequence[DeliveryError]) -> DeliveryError:
    """What went wrong with one item at several endpoints."""
    return errors[0] if len(errors) == 1 else joined(errors, told(errors))


def _late(series: Series, waited_for: Sequence[str]) -> DeliveryError:
    about = "; ".join(["delivery goes on", *waited_for])
    text = f"failed to {PUSH_NAMES.verb} endpoint in time: {_LATE} ({about})"
    return DeliveryError(text, code="deadline_exceeded", series=series.position)


def _profiles(series: Sequence[Series]) -> int:
    return sum(len(one.samples) for one in series)
