"""Several items on their way to one endpoint at once, over lanes that send one after the other.

While all goes well a lane needs neither a task nor a future: its next request goes out from the callback
that the last reply came to, over the same connection. All else that may become of an item is left to a
task, in which it goes the way of an item that is sent by itself; then the lane goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol, TypeAlias

from alloypy.components.pyroscope.sending.items import Items
from alloypy.components.pyroscope.sending.outgoing import Outgoing, Refusal
from alloypy.components.pyroscope.sending.push import OutgoingPush
from alloypy.net.client.messages import Exchange, Request, Response, SendError, Told
from alloypy.profiles.model import DeliveryError, Series

Ended: TypeAlias = Callable[[OutgoingPush, Sequence[DeliveryError]], None]
"""Hears what went wrong with an item, nothing if all went well."""


class Begun(NamedTuple):
    """A try whose request is out. began: when, by perf_counter. span: its identity, "" without a trace."""

    began: float
    span: str
    request: Request
    exchange: Exchange


class Unfinished(NamedTuple):
    """A try whose first exchange did not bring the final reply."""

    begun: Begun
    outcome: Response | SendError


SoFar: TypeAlias = Unfinished | Refusal | None
"""What has become of an item's first try: it is not over, or was refused; None where there was none."""


class Deliverer(Protocol):
    """Whoever makes the tries."""

    def begin(self, item: Outgoing, told: Told) -> Begun | None:
        """Send an item if nothing has to be waited for but the reply, of which `told` hears."""
        ...

    def answered(self, item: Outgoing, begun: Begun, outcome: Response | SendError) -> SoFar:
        """Count what was told; None if the item has been taken."""
        ...

    async def carry_on(self, item: Outgoing, began: float, so_far: SoFar) -> list[DeliveryError]:
        """Try until an item is taken or given up; what went wrong. Cancelling it drops the item."""
        ...

    def give_up(self, item: Outgoing, begun: Begun | None = None) -> None:
        """Count an item that is dropped. begun: the try that is given up with it."""
        ...

    def give_up_series(self, series: Sequence[Series]) -> None:
        """Count those that are dropped before they were an item's."""
        ...


class Lanes:
    """Delivers items that have nothing to do with each other; `ended` is told of each that is not dropped."""

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
        """Deliver over so many lanes until all items have ended; cancelling it drops those that are left."""
        self._open = count
        try:
            async with self._group:
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
        finally:
            self._lanes.clear()  # they hold us
            for item in self._not_started:
                self.deliverer.give_up(item)
            if self._next < len(self._items):
                self.deliverer.give_up_series(self._items.series_from(self._next))

    def next_item(self) -> OutgoingPush | None:
        """The next that no lane has sent, None if there is none."""
        number = self._next
        if number == len(self._items):
            return None
        self._next = number + 1
        return self._items[number]

    def carry_on(self, lane: _Lane, item: OutgoingPush, began: float, so_far: SoFar) -> None:
        """Let a task see to an item, after which the lane goes on."""
        self._not_started.add(item)  # a task that is cancelled before it has begun does nothing at all
        self._group.create_task(self._carry_on(lane, item, began, so_far))

    async def _carry_on(self, lane: _Lane, item: OutgoingPush, began: float, so_far: SoFar) -> None:
        self._not_started.discard(item)
        self.ended(item, await self.deliverer.carry_on(item, began, so_far))
        lane.go_on()

    def close_lane(self) -> None:
        """One lane has found nothing left to send."""
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result(None)

    def fail(self, error: Exception) -> None:
        """Pass on an error that nobody foresaw to whoever waits."""
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
        """End the exchange under way, if there is one."""
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
        except Exception as error:  # the connection that tells must not be blamed
            lanes.fail(error)
