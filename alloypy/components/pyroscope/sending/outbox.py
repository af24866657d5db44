"""Where the items that pyroscope.write has accepted go.

Source: docs/spec/PYROSCOPE.md, section 5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

from alloypy.components.pyroscope.sending.endpoint import Endpoint
from alloypy.components.pyroscope.sending.items import Items
from alloypy.components.pyroscope.sending.lanes import Ended
from alloypy.components.pyroscope.sending.metrics import Metrics
from alloypy.components.pyroscope.sending.outgoing import Outgoing
from alloypy.components.pyroscope.sending.publishing import Publisher
from alloypy.components.pyroscope.sending.push import OutgoingPush
from alloypy.lang.brief import brief
from alloypy.profiles.model import DeliveryError

_MOST_WAITING: Final = 3
_TROUBLE_CHARACTERS: Final = 500
_MOST_LOST: Final = 256
"""Items that are dropped in one go if there is no endpoint."""


class Outbox(Protocol):
    """Where accepted items go.

    shared: whether several endpoints send the items of a Push.
    """

    __slots__ = ()
    shared: bool

    def deliver(self, item: Outgoing) -> Coroutine[Any, Any, list[DeliveryError]]:
        """Deliver an item; returns what went wrong, in order of time. Cancelling it drops the item."""
        ...

    def deliver_all(self, items: Items, ended: Ended) -> Coroutine[Any, Any, None]:
        """Deliver several items; `ended` is called for each. Cancelling it drops those that are left."""
        ...

    def drop(self, size: int, profiles: int) -> None:
        """Count profiles that were accepted and will not be delivered. size: bytes."""
        ...

    def waited_for(self) -> list[str]:
        """Endpoints with deliveries in progress, and what last went wrong there."""
        ...


class DirectOutbox(Outbox):
    """Delivers to all endpoints concurrently and waits for all of them."""

    def __init__(self, endpoints: Sequence[Endpoint], metrics: Metrics, publisher: Publisher) -> None:
        self._endpoints = tuple(endpoints)
        self._metrics = metrics
        self._publisher = publisher
        self.shared = len(self._endpoints) > 1

    def deliver(self, item: Outgoing) -> Coroutine[Any, Any, list[DeliveryError]]:
        """Deliver an item; returns what went wrong, in order of time. Cancelling it drops the item."""
        if len(self._endpoints) == 1:
            return self._endpoints[0].deliver(item)
        return self._deliver_to_all(item)

    async def deliver_all(self, items: Items, ended: Ended) -> None:
        """Deliver several items: no endpoint waits for another. Cancelling it drops those that are left."""
        endpoints = self._endpoints
        if len(endpoints) == 1:
            await endpoints[0].deliver_all(items, ended)
            return
        if not endpoints:
            await self._lose_all(items, ended)
            return
        joint = _Joint(len(endpoints), ended)
        await self._at_all(
            lambda endpoint: endpoint.deliver_all(items, joint.ended),
            lambda endpoint: endpoint.drop_series(items.series_from(0)),
        )

    def drop(self, size: int, profiles: int) -> None:
        """Count, at every endpoint, profiles that will not be delivered. size: bytes."""
        for endpoint in self._endpoints:
            endpoint.drop(size, profiles)
        if not self._endpoints:
            self._metrics.total.dropped(size, profiles)

    def waited_for(self) -> list[str]:
        """Endpoints with deliveries in progress, and what last went wrong there."""
        return [
            f"{each.wire.shown}: {brief(each.trouble, _TROUBLE_CHARACTERS) or 'no answer yet'}"
            for each in [each for each in self._endpoints if each.in_flight][:_MOST_WAITING]
        ]

    def _lose(self, item: Outgoing) -> None:
        self.drop(item.size, item.profiles)
        if self._publisher.events.wanted:
            self._publisher.unwanted(item)

    async def _lose_all(self, items: Items, ended: Ended) -> None:
        """Drop items one after the other, and yield to the event loop in between."""
        for number in range(len(items)):
            item = items[number]
            self._lose(item)
            ended(item, ())
            if number % _MOST_LOST == _MOST_LOST - 1:
                await asyncio.sleep(0)

    async def _deliver_to_all(self, item: Outgoing) -> list[DeliveryError]:
        if not self._endpoints:
            self._lose(item)
        errors: list[DeliveryError] = []

        async def deliver(endpoint: Endpoint) -> None:
            errors.extend(await endpoint.deliver(item))

        await self._at_all(deliver, lambda endpoint: endpoint.lose(item))
        return errors

    async def _at_all(
        self,
        deliver: Callable[[Endpoint], Coroutine[Any, Any, None]],
        drop: Callable[[Endpoint], None],
    ) -> None:
        """Deliver to all endpoints concurrently; call `drop` for a cancelled delivery that has not begun."""
        not_begun = list(self._endpoints)

        async def begin(endpoint: Endpoint) -> None:
            not_begun.remove(endpoint)
            await deliver(endpoint)

        try:
            await asyncio.gather(*map(begin, self._endpoints))
        except asyncio.CancelledError:
            for endpoint in not_begun:
                drop(endpoint)
            raise


class _Joint:
    """Joins the outcomes of items at several endpoints: an item has ended when all are done with it."""

    def __init__(self, endpoints: int, ended: Ended) -> None:
        self._endpoints = endpoints
        self._ended = ended
        self._left: dict[int, int] = {}
        self._errors: dict[int, list[DeliveryError]] = {}

    def ended(self, item: OutgoingPush, found: Sequence[DeliveryError]) -> None:
        """One endpoint is done with an item."""
        position = item.position
        if found:
            self._errors.setdefault(position, []).extend(found)
        left = self._left.pop(position, self._endpoints) - 1
        if left:
            self._left[position] = left
        else:
            self._ended(item, self._errors.pop(position, ()))
