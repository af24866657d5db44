"""One endpoint: makes tries, pauses between them, and counts the outcome of each delivery.

Source: docs/spec/PYROSCOPE.md, sections 5.4, 5.5.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Final, NamedTuple

from alloypy.components.pyroscope.sending.debuginfo import DebugInfo, UsingDebugInfo
from alloypy.components.pyroscope.sending.items import Items
from alloypy.components.pyroscope.sending.lanes import Begun, Ended, Lanes, SoFar, Unfinished
from alloypy.components.pyroscope.sending.metrics import EndpointCounts
from alloypy.components.pyroscope.sending.outgoing import CANCELLED, Outgoing, Refusal
from alloypy.components.pyroscope.sending.publishing import Publisher
from alloypy.components.pyroscope.sending.requests import Wire
from alloypy.net.backoff import Backoff
from alloypy.net.client.client import Client
from alloypy.net.client.messages import Response, SendError, Told
from alloypy.profiles.model import DeliveryError, Series
from alloypy.profiles.push_wire import profile_bytes, profile_count
from alloypy.profiles.receiver import DebugInfoClient
from alloypy.tracing import SpanKind, Trace

MOST_AT_ONCE: Final = 16
"""Series of one Push that are sent to an endpoint concurrently; a server may take half a second for each."""

MOST_HELPERS: Final = 64
"""Requests in flight to one endpoint, beyond one for each Push; each takes a connection."""


class Schedule(NamedTuple):
    """How tries follow each other, in seconds; tries: 0 = no limit; random: returns numbers in [0, 1)."""

    minimum: float
    maximum: float
    tries: int
    random: Callable[[], float]

    def begin(self) -> Backoff:
        """The pauses of one delivery."""
        return Backoff(self.minimum, self.maximum, self.tries, self.random)


class Endpoint:
    """Delivers to one endpoint with its own client, whose connections close after the last delivery.

    trouble: while the endpoint fails, why the last try failed; otherwise "".
    """

    def __init__(
        self,
        wire: Wire,
        client: Client,
        debug_info: DebugInfo,
        schedule: Schedule,
        counts: EndpointCounts,
        logger: logging.Logger,
        publisher: Publisher,
    ) -> None:
        self.wire = wire
        self._debug_info = debug_info
        self._client = client
        self._schedule = schedule
        self._counts = counts
        self._logger = logger
        self._publisher = publisher
        self._in_flight = 0
        self._calls = 0  # of the debug-info service
        self._helpers = MOST_HELPERS
        self._failing = False
        self.trouble = ""
        self._retired: asyncio.Event | None = None
        self._loop = asyncio.get_running_loop()  # looked up once: it costs a system call
        self._stopped: asyncio.Future[None] = self._loop.create_future()

    @property
    def in_flight(self) -> int:
        """How many deliveries are in progress or waiting for their turn."""
        return self._in_flight

    @property
    def debug_info(self) -> DebugInfoClient:
        """The endpoint's other service, over the same client."""
        return UsingDebugInfo(self._debug_info, self._using)

    @property
    def problems(self) -> list[str]:
        """Why earlier secrets or certificates are still in use."""
        return self._client.problems

    async def deliver(self, item: Outgoing) -> list[DeliveryError]:
        """Try until the item is taken or given up; returns what went wrong, nothing if all went well."""
        self._in_flight += 1
        began = perf_counter()
        try:
            replied: asyncio.Future[Response | SendError] = self._loop.create_future()
            begun = self.begin(item, partial(_settle, replied))
            if begun is None:
                return await self.carry_on(item, began, None)
            try:
                outcome = await replied
            except asyncio.CancelledError:
                if replied.cancelled():  # otherwise the connection may be serving another by now
                    begun.exchange.abort()
                self.give_up(item, begun)
                raise
            so_far = self.answered(item, begun, outcome)
            return [] if so_far is None else await self.carry_on(item, began, so_far)
        finally:
            if self._retired is not None:
                await self._close_if_unused(self._retired)

    async def deliver_all(self, items: Items, ended: Ended) -> None:
        """Deliver independent items, several concurrently; cancelling it drops the rest.

        ended: called for each item as it ends.
        """
        helpers = max(0, min(len(items) - 1, MOST_AT_ONCE - 1, self._helpers))
        self._helpers -= helpers
        self._in_flight += len(items)
        try:
            await Lanes(self, items, ended).run(1 + helpers)
        finally:
            self._helpers += helpers
            if self._retired is not None:
                await self._close_if_unused(self._retired)

    # What lanes call, and `deliver` for a single item.

    def begin(self, item: Outgoing, told: Told) -> Begun | None:
        """Send an item if only the reply has to be waited for; `told` is called with the outcome."""
        began = perf_counter()
        wire = self.wire
        span = "" if item.trace is None else wire.new_span()
        try:
            request = item.request(wire, span)
            exchange = self._client.begin(request, told)
        except SendError:
            return None  # a try that may wait runs into it again, and reports it
        return None if exchange is None else Begun(began, span, request, exchange)

    def answered(self, item: Outgoing, begun: Begun, outcome: Response | SendError) -> SoFar:
        """Count the outcome of a try; returns None if the item was taken."""
        if not self._client.final(outcome):
            return Unfinished(begun, outcome)
        self._tried(item, begun.began, begun.span, outcome)
        refusal = item.classify(outcome, self.wire)
        if refusal is None:
            self._taken(item, begun.began)
            self._in_flight -= 1
        return refusal

    async def carry_on(self, item: Outgoing, began: float, so_far: SoFar) -> list[DeliveryError]:
        """Try until an item is taken or given up; returns what went wrong. Cancelling it drops the item."""
        try:
            refusal = so_far if isinstance(so_far, Refusal) else await self._try(item, so_far)
            return self._taken(item, began) if refusal is None else await self._retry(item, refusal, began)
        except asyncio.CancelledError:
            self.lose(item)
            raise
        finally:
            self._in_flight -= 1

    def give_up(self, item: Outgoing, begun: Begun | None = None) -> None:
        """Count an item that is dropped. begun: the try that is abandoned with it."""
        if begun is not None:
            self._tried(item, begun.began, begun.span, CANCELLED)
        self._in_flight -= 1
        self.lose(item)

    def give_up_series(self, series: Sequence[Series]) -> None:
        """Count series that are dropped before items were made of them."""
        self._in_flight -= len(series)
        self.drop_series(series)

    def lose(self, item: Outgoing) -> None:
        """Count, and publish, an item that is given up before its turn."""
        if item.tries is not None:
            return  # the caller still has it
        self.drop(item.size, item.profiles)
        if self._publisher.events.wanted:
            self._publisher.cancelled(item, self.wire.shown)

    @contextlib.asynccontextmanager
    async def _using(self) -> AsyncIterator[None]:
        """Keep the client open while the block lasts."""
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            if self._retired is not None:
                await self._close_if_unused(self._retired)

    async def _close_if_unused(self, retired: asyncio.Event) -> None:
        if not self._in_flight and not self._calls:
            retired.set()
            await self._client.aclose()

    def drop(self, size: int, profiles: int) -> None:
        """Count profiles that are given up before their turn. size: bytes."""
        self._counts.dropped(size, profiles)

    def drop_series(self, series: Sequence[Series]) -> None:
        """Count, and publish, series that are given up before their turn."""
        self.drop(profile_bytes(series), profile_count(series))
        if self._publisher.events.wanted:
            self._publisher.not_sent(series, CANCELLED)

    async def retire(self) -> None:
        """Wait for deliveries and calls in progress, then close the client.

        A delivery that began earlier may still arrive afterwards: it is made, and then the client is closed
        again. May be cancelled: the client is then closed later.
        """
        if self._retired is None or self._retired.is_set():
            self._retired = asyncio.Event()
        if self._in_flight or self._calls:
            await self._retired.wait()
        else:
            await self._client.aclose()

    async def stop(self) -> None:
        """End everything immediately: make no more tries, close connections."""
        if not self._stopped.done():
            self._stopped.set_result(None)
        await self._client.aclose()

    def _taken(self, item: Outgoing, began: float, tries: int = 1) -> list[DeliveryError]:
        if self._failing:
            self._log_recovery()
        seconds = perf_counter() - began
        self._counts.sent(item.size, item.profiles)
        self._counts.latency[item.names.endpoint].observe(seconds)
        if self._publisher.events.wanted:
            self._publisher.sent(item, self.wire.shown, seconds, tries)
        return []

    async def _retry(self, item: Outgoing, refusal: Refusal, began: float) -> list[DeliveryError]:
        """Keep trying after a first try that failed."""
        backoff = self._schedule.begin()
        tries = 1
        while True:
            self._log_try(item, refusal, backoff.steps)
            limited = item.tries is not None and tries >= item.tries
            pause = backoff.next_pause(refusal.wanted_pause) if refusal.retry and not limited else None
            if pause is None or not await self._pause(pause):
                break
            self._counts.retried()
            tries += 1
            next_refusal = await self._try(item)
            if next_refusal is None:
                return self._taken(item, began, tries)
            refusal = next_refusal
        seconds = perf_counter() - began
        self._counts.latency[item.names.endpoint].observe(seconds)
        if item.tries is None:
            self._counts.dropped(item.size, item.profiles)
        if self._publisher.events.wanted and (item.tries is None or not refusal.retry):
            self._publisher.failed(item, self.wire.shown, refusal, seconds, tries)
        tried = f"failed to {item.names.verb} endpoint {self.wire.shown} ({backoff.steps} retries)"
        return [item.error(f"{tried}: {refusal.cause}", refusal)]

    async def _try(self, item: Outgoing, unfinished: Unfinished | None = None) -> Refusal | None:
        wire = self.wire
        if unfinished is None:
            began = perf_counter()
            span = "" if item.trace is None else wire.new_span()
        else:
            began, span = unfinished.begun.began, unfinished.begun.span
        outcome: Response | str = CANCELLED
        try:
            if self._stopped.done():
                raise SendError("http: client is closed")
            if unfinished is None:
                outcome = response = await self._client.send(item.request(wire, span))
            else:
                outcome = response = await self._finish(*unfinished)
        except SendError as error:
            outcome = str(error)  # not the error: its traceback refers to this frame, and so to the profile
            return item.unanswered(error, wire)
        finally:
            self._tried(item, began, span, outcome)
        return item.classify(response, wire)

    async def _finish(self, begun: Begun, outcome: Response | SendError) -> Response:
        left = begun.request.timeout - (perf_counter() - begun.began)
        return await self._client.finish(begun.request.within(left), outcome)

    def _tried(self, item: Outgoing, began: float, span: str, outcome: Response | str) -> None:
        """Count and record a try. outcome: the answer, or why there is none."""
        seconds = perf_counter() - began
        self._counts.latency[item.names.downstream].observe(seconds)
        trace = item.trace
        if trace is not None and trace.recorder is not None:
            _record(trace, span, seconds, self.wire.shown, outcome)

    async def _pause(self, seconds: float) -> bool:
        """Wait; returns False if the endpoint was stopped meanwhile."""
        await asyncio.wait((self._stopped,), timeout=seconds)
        return not self._stopped.done()

    def _log_try(self, item: Outgoing, refusal: Refusal, steps: int) -> None:
        """Log tries at debug level, but the first of an outage as a warning: retries may take minutes."""
        level, message = logging.DEBUG, f"failed to {item.names.verb} endpoint"
        if refusal.retry:
            self.trouble = refusal.cause
            if not self._failing:
                self._failing = True
                level, message = logging.WARNING, "endpoint is failing, trying again"
        if self._logger.isEnabledFor(level):
            fields = {"endpoint": self.wire.shown, "retries": steps, "err": refusal.cause}
            self._logger.log(level, message, extra={"fields": fields})

    def _log_recovery(self) -> None:
        self._failing = False
        self.trouble = ""
        self._logger.info("endpoint works again", extra={"fields": {"endpoint": self.wire.shown}})


def _settle(replied: asyncio.Future[Response | SendError], outcome: Response | SendError) -> None:
    if not replied.done():
        replied.set_result(outcome)


def _record(trace: Trace, span: str, seconds: float, url: str, outcome: Response | str) -> None:
    """Record the span of a try. outcome: the answer, or why there is none."""
    attributes: dict[str, str | int] = {"http.request.method": "POST", "endpoint": url}
    error = None
    if isinstance(outcome, Response):
        attributes["http.response.status_code"] = outcome.status
        if outcome.status >= 400:
            error = ""
    else:
        error = outcome
    trace.record("HTTP POST", SpanKind.CLIENT, span, seconds, attributes, error)
