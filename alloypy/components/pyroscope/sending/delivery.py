"""From "accepted" to "sent": what a pyroscope.write with one set of arguments does with profiles.

An `Acceptor` checks labels and makes the items to send, one for each series; an `Outbox` delivers them.
Accepted profiles are delivered even after their caller's deadline has passed.
Source: docs/spec/PYROSCOPE.md, section 5.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from alloypy.components.pyroscope.sending.headers import Tracing
from alloypy.components.pyroscope.sending.ingest import IngestLabels, OutgoingIngest
from alloypy.components.pyroscope.sending.items import Accepted, Items
from alloypy.components.pyroscope.sending.metrics import Metrics
from alloypy.components.pyroscope.sending.outbox import Outbox
from alloypy.components.pyroscope.sending.outgoing import CANCELLED, PUSH_NAMES, Outgoing
from alloypy.components.pyroscope.sending.publishing import Publisher
from alloypy.components.pyroscope.sending.push import OutgoingPush, PushLabels
from alloypy.profiles.labels import InvalidLabels
from alloypy.profiles.model import (
    MOST_TOLD,
    DeliveryError,
    Failures,
    IngestProfile,
    Push,
    Series,
    invalid_labels,
    joined,
    told,
)
from alloypy.profiles.push_wire import profile_bytes, profile_count
from alloypy.tracing import SpanKind, Trace

MOST_HELD_BYTES = 64 << 20
"""Limit, in bytes, for profiles whose callers have stopped waiting."""

_ACCEPTING_SECONDS = 0.01
"""Seconds of work after which the event loop gets a turn."""

_LATE: Final = "deadline_exceeded: context deadline exceeded"
_MARGIN_SECONDS: Final = 0.5
_MARGIN_PART: Final = 0.1


class Background:
    """Deliveries that continue when their caller has stopped waiting, up to a bound on the bytes held."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0

    def start(self, delivery: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a delivery as a task that may outlive its caller."""
        task = asyncio.get_running_loop().create_task(delivery)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def take_over(self, task: asyncio.Task[None], size: int, profiles: int) -> None:
        """Let a delivery continue without its caller; drop it if that exceeds the bound. size: bytes."""
        self._held += size
        task.add_done_callback(lambda done: self._finished(done, size, profiles))
        if self._held > MOST_HELD_BYTES:
            task.cancel()

    def _finished(self, task: asyncio.Task[None], size: int, profiles: int) -> None:
        self._held -= size
        if task.cancelled():
            fields = {"sz": size, "n": profiles}
            self._logger.warning("profile dropped: its client is no longer waiting", extra={"fields": fields})
        elif error := task.exception():
            self._logger.error("a delivery failed", exc_info=error)


class Acceptor:
    """Accepts profiles for one set of arguments, and has them delivered."""

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
        """Deliver every series whose labels are valid. Raises DeliveryError."""
        series, deadline = push.series, push.deadline
        trace = self._tracing.begin(push.trace)
        if len(series) == 1 and deadline is None:  # the usual case
            began = perf_counter()
            item = self._item(self._accept(series[0]), push, trace)
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
            raise self._refused(profile, invalid_labels(reason)) from None
        if name.replaced:
            self._metrics.replaced_characters += name.replaced
        trace = self._tracing.begin(profile.trace)
        item = OutgoingIngest(profile, name, self._tracing.step(trace))
        errors = await self._outbox.deliver(item)
        self._ended(item, errors, perf_counter() - began, trace)
        if errors:
            raise _as_one(errors)

    def _accept(self, series: Series) -> Accepted:
        """A series with the labels to send. Raises DeliveryError."""
        try:
            return Accepted(self._push_labels.apply(series.labels), series)
        except InvalidLabels as reason:
            raise self._refused(series, invalid_labels(reason, series.position)) from None

    def _item(self, accepted: Accepted, push: Push, trace: Trace | None) -> OutgoingPush:
        """The item that sends a series."""
        series = accepted.series
        step = self._tracing.step(trace)
        return OutgoingPush(accepted.labels, series.samples, series.position, step, push.headers, push.tries)

    def _refused(self, profile: Series | IngestProfile, error: DeliveryError) -> DeliveryError:
        if self._publisher.events.wanted:
            self._publisher.not_sent((profile,), str(error))
        return error

    async def _deliver_series(self, push: Push, trace: Trace | None, outcome: _Outcome) -> None:
        """Deliver the series one by one. outcome: collects the result of each."""
        began = perf_counter()

        def ended(item: OutgoingPush, errors: Sequence[DeliveryError]) -> None:
            outcome.ended.add(item.position)
            if errors:
                outcome.failures.add(_as_one(errors))
            self._ended(item, errors, perf_counter() - began, trace)

        accepted = await self._accept_all(push, outcome)
        items = Items(accepted, lambda one: self._item(one, push, trace), shared=self._outbox.shared)
        await self._outbox.deliver_all(items, ended)

    async def _accept_all(self, push: Push, outcome: _Outcome) -> list[Accepted]:
        """The series whose labels are valid; the others fail. Yields to the event loop if it takes long."""
        accepted: list[Accepted] = []
        resumed = perf_counter()
        for one in push.series:
            try:
                accepted.append(self._accept(one))
            except DeliveryError as error:
                outcome.ended.add(one.position)
                outcome.failures.add(error.kept())
            if perf_counter() - resumed > _ACCEPTING_SECONDS:
                await self._give_way([each for each in push.series if each.position not in outcome.ended])
                resumed = perf_counter()
        return accepted

    async def _give_way(self, series: Sequence[Series]) -> None:
        """Yield to the event loop; if we are cancelled meanwhile, none of `series` is sent."""
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._outbox.drop(profile_bytes(series), profile_count(series))
            if self._publisher.events.wanted:
                self._publisher.not_sent(series, CANCELLED)
            raise

    def _ended(
        self, item: Outgoing, errors: Sequence[DeliveryError], seconds: float, trace: Trace | None
    ) -> None:
        """Count and log the outcome of an item. trace: the one that its own span belongs to."""
        self._metrics.total.latency[item.names.total].observe(seconds)
        if trace is not None and trace.recorder is not None and item.trace is not None:
            trace.record(item.names.log, SpanKind.INTERNAL, item.trace.parent, seconds, {})
        if errors:
            fields = {"err": told(errors), "sz": item.size, "n": item.profiles}
            level = logging.WARNING if item.tries is None else logging.DEBUG  # the caller reports it
            self._logger.log(level, item.names.log, extra={"fields": fields})

    async def _in_time(self, delivery: Coroutine[Any, Any, None], push: Push, deadline: float) -> bool:
        """Whether a delivery is done by `deadline`, a loop time; if not, it continues without its caller.

        It counts as late a moment earlier, so that the answer reaches the client while it still waits.
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
            self._background.take_over(task, profile_bytes(push.series), profile_count(push.series))
            return False
        task.result()
        return True


class _Outcome:
    """The outcome of a Push: the positions of the series that have ended, and what went wrong."""

    def __init__(self) -> None:
        self.ended: set[int] = set()
        self.failures = Failures()

    def late(self, series: Sequence[Series], waited_for: Sequence[str]) -> None:
        """The deadline has passed: for the client, the series that have not ended have failed."""
        left = [one for one in series if one.position not in self.ended]
        for one in left[:MOST_TOLD]:
            self.failures.add(_late(one, waited_for))
        self.failures.count += len(left[MOST_TOLD:])


def _as_one(errors: Sequence[DeliveryError]) -> DeliveryError:
    """The errors of one item at several endpoints as a single error."""
    return errors[0] if len(errors) == 1 else joined(errors, told(errors))


def _late(series: Series, waited_for: Sequence[str]) -> DeliveryError:
    about = "; ".join(["delivery goes on", *waited_for])
    text = f"failed to {PUSH_NAMES.verb} endpoint in time: {_LATE} ({about})"
    return DeliveryError(text, code="deadline_exceeded", series=series.position)
