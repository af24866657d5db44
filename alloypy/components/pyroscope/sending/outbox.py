"""Where items go that pyroscope.write has accepted.

Source: docs/spec/PYROSCOPE.md, section 5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from alloypy.components.pyroscope.sending.endpoint import Endpoint
from alloypy.components.pyroscope.sending.lanes import Ended
from alloypy.components.pyroscope.sending.metrics import Metrics
from alloypy.components.pyroscope.sending.outgoing import Outgoing
from alloypy.components.pyroscope.sending.publishing import Publisher
from alloypy.lang.brief import brief
from alloypy.profiles.model import DeliveryError

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
