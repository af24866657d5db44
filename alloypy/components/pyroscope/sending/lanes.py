"""Sends several items to one endpoint concurrently, over lanes that each send one item after the other.

While all goes well a lane needs neither a task nor a future: the callback that gets a reply sends the next
request over the same connection. Everything else that may happen to an item is left to a task, which treats
it like an item sent alone; then the lane continues.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol, TypeAlias

from alloypy.components.pyroscope.sending.items import Items
from alloypy.components.pyroscope.sending.outgoing import Outgoing, Refusal
from alloypy.components.pyroscope.sending.push import OutgoingPush
from alloypy.components.pyroscope.sending.within import within
from alloypy.net.client.messages import Exchange, Request, Response, SendError, Told
from alloypy.profiles.model import DeliveryError, Series

Ended: TypeAlias = Callable[[OutgoingPush, Sequence[DeliveryError]], None]
"""Called when an item has ended, with what went wrong; with nothing if all went well."""


class Begun:
    """A try whose request has been sent. began: perf_counter time. span: its identity, "" without a trace."""

    __slots__ = ("began", "exchange", "request", "span")

    def __init__(self, began: float, span: str, request: Request, exchange: Exchange) -> None:
        self.began = began
        self.span = span
        self.request = request
        self.exchange = exchange


class Unfinished(NamedTuple):
    """A try whose first exchange did not yield the final reply."""

    begun: Begun
    outcome: Response | SendError


SoFar: TypeAlias = Unfinished | Refusal | None
"""The state of an item's first try: unfinished, or refused; None if there was none."""


class Deliverer(Protocol):
    """What makes the tries."""

    __slots__ = ()

    def begin(self, item: Outgoing, told: Told) -> Begun | None:
        """Send an item if only the reply has to be waited for; `told` is called with the outcome."""
        ...

    def answered(self, item: Outgoing, begun: Begun, outcome: Response | SendError) -> SoFar:
        """Count the outcome of a try; returns None if the item was taken."""
        ...

    async def carry_on(self, item: Outgoing, began: float, so_far: SoFar) -> list[DeliveryError]:
        """Try until an item is taken or given up; returns what went wrong. Cancelling it drops the item."""
        ...

    def give_up(self, item: Outgoing, begun: Begun | None = None) -> None:
        """Count an item that is dropped. begun: the try that is abandoned with it."""
        ...

    def give_up_series(self, series: Sequence[Series]) -> None:
        """Count series that are dropped before items were made of them."""
        ...


class Lanes:
    """Delivers independent items; `ended` is called for each one that is not dropped."""

    def __init__(self, deliverer: Deliverer, items: Items, ended: Ended) -> None:
        self.deliverer = deliverer
        self._items = items
        self._next = 0
        self.ended = ended
        self.cancelled = False
        self._lanes: list[_Lane] = []
        self._open = 0
        self._not_started: set[OutgoingPush] = set()
        self._group = asyncio.TaskGroup()
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, count: int) -> None:
        """Deliver over `count` lanes until all items have ended; cancelling it drops those that are left."""
        self._open = count
        try:
            await within(self._group, self._send(count))
        finally:
            self._lanes.clear()  # they refer to us
            for item in self._not_started:
                self.deliverer.give_up(item)
            if self._next < len(self._items):
                self.deliverer.give_up_series(self._items.series_from(self._next))

    async def _send(self, count: int) -> None:
        try:
            for _ in range(count):
                lane = _Lane(self)
                self._lanes.append(lane)
                lane.go_on()
            await self._done
        finally:
            self.cancelled = True
            for lane in self._lanes:
                lane.abort()

    def next_item(self) -> OutgoingPush | None:
        """The next item that no lane has sent; None if there is none."""
        number = self._next
        if number == len(self._items):
            return None
        self._next = number + 1
        return self._items[number]

    def carry_on(self, lane: _Lane, item: OutgoingPush, began: float, so_far: SoFar) -> None:
        """Have a task finish an item, after which the lane continues."""
        self._not_started.add(item)  # a task that is cancelled before it begins does nothing at all
        self._group.create_task(self._carry_on(lane, item, began, so_far))

    async def _carry_on(self, lane: _Lane, item: OutgoingPush, began: float, so_far: SoFar) -> None:
        self._not_started.discard(item)
        self.ended(item, await self.deliverer.carry_on(item, began, so_far))
        lane.go_on()

    def close_lane(self) -> None:
        """A lane has found nothing left to send."""
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result(None)

    def fail(self, error: Exception) -> None:
        """Raise an unexpected error in `run`."""
        if not self._done.done():
            self._done.set_exception(error)


class _Lane:
    """Sends one item after the other."""

    __slots__ = ("_begun", "_item", "_lanes")

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._item: OutgoingPush | None = None
        self._begun: Begun | None = None

    def go_on(self) -> None:
        """Send the next item."""
        lanes = self._lanes
        item = lanes.next_item()
        if item is None:
            lanes.close_lane()
            return
        self._item = item
        self._begun = lanes.deliverer.begin(item, self._replied)
        if self._begun is None:
            lanes.carry_on(self, item, perf_counter(), None)

    def abort(self) -> None:
        """End the exchange in flight, if there is one."""
        if self._begun is not None:
            self._begun.exchange.abort()

    def _replied(self, outcome: Response | SendError) -> None:
        lanes, item, begun = self._lanes, self._item, self._begun
        self._begun = None
        if item is None or begun is None:
            return
        if lanes.cancelled:
            lanes.deliverer.give_up(item, begun)
            return
        try:
            so_far = lanes.deliverer.answered(item, begun, outcome)
            if so_far is None:
                lanes.ended(item, ())
                self.go_on()
            else:
                lanes.carry_on(self, item, begun.began, so_far)
        except Exception as error:  # the connection that called us is not at fault
            lanes.fail(error)
