"""Looks at what happens to profiles, for everybody who wants to see it at the moment.

Components publish events while somebody looks (`runtime/contract/events.py`). The hub takes them four
times a second and shows them to its viewers, each of which keeps a bounded part: a viewer that does not
read misses rows, and holds up nobody. With the last viewer everything that was held is let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from alloypy.net.server.malloc import glibc
from alloypy.runtime.contract.events import Event, Events, Subscription
from alloypy.runtime.pace import Pace
from alloypy.services.web.live_bodies import Bodies
from alloypy.services.web.live_rows import Batch, Explain

TICK_SECONDS = 0.25
MOST_VIEWERS = 32

_MOST_EVENTS = 4096  # that wait for a tick: 16,000 a second
_WAITING_BYTES = 8 << 20  # of their profiles


class Full(Exception):
    """There are as many viewers as there may be."""


class Viewer(Protocol):
    """Sees events, in its own time.

    kinds: the events that it may want. looking: whether it wants any now. holding: whether it needs profiles
        to be held.
    """

    @property
    def kinds(self) -> frozenset[type[Event]]: ...

    @property
    def looking(self) -> bool: ...

    @property
    def holding(self) -> bool: ...

    async def see(self, batch: Batch, pace: Pace) -> None:
        """Take what it wants of some events."""
        ...

    def end(self) -> None:
        """Live debugging has been switched off."""
        ...


class Hub:
    """The viewers of a process, and what is held for them.

    explain: a rule in words.
    """

    def __init__(self, events: Events, explain: Explain) -> None:
        self.bodies = Bodies()
        self._events = events
        self._explain = explain
        self._viewers: list[Viewer] = []
        self._enabled = True
        self._watching: asyncio.Task[None] | None = None
        self._subscription: Subscription | None = None
        self._seen = 0

    def switch(self, enabled: bool) -> None:
        """Look from now on, or no longer."""
        self._enabled = enabled
        if not enabled:
            for viewer in self._viewers:
                viewer.end()
        self._adjust()

    @contextmanager
    def joined(self, viewer: Viewer) -> Iterator[None]:
        """Show events to a viewer while the block lasts. Raises Full."""
        if len(self._viewers) >= MOST_VIEWERS:
            raise Full
        self._viewers.append(viewer)
        self._adjust()
        try:
            yield
        finally:
            self._viewers.remove(viewer)
            self._adjust()

    @property
    def full(self) -> bool:
        """Whether there is no room for another viewer."""
        return len(self._viewers) >= MOST_VIEWERS

    def _adjust(self) -> None:
        """Watch if somebody looks, and hold profiles only if somebody may want them."""
        wanted = self._enabled and any(viewer.looking for viewer in self._viewers)
        if wanted and self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        elif not wanted and self._watching is not None:
            self._watching.cancel()
            self._watching = None
        self._tune()
        if not (self._enabled and any(viewer.holding for viewer in self._viewers)):
            self._let_go()

    def _tune(self) -> None:
        """Have published what viewers may want, and profiles kept only if one of them needs it."""
        if self._subscription is not None:
            looking = [viewer for viewer in self._viewers if viewer.looking]
            self._subscription.kinds = frozenset().union(*(viewer.kinds for viewer in looking))
            self._subscription.most_bytes = _WAITING_BYTES if any(each.holding for each in looking) else 0

    def _let_go(self) -> None:
        if self.bodies.clear():
            library = glibc()
            if library is not None:
                library.malloc_trim(0)

    async def _watch(self) -> None:
        with self._events.subscribe(_MOST_EVENTS, 0) as self._subscription:
            self._tune()
            while True:
                await asyncio.sleep(TICK_SECONDS)
                await self._show(self._subscription)

    async def _show(self, subscription: Subscription) -> None:
        events, missed = subscription.take()
        if not events and not missed:
            return
        batch = Batch(events, self._seen + 1, missed, self.bodies, self._explain)
        self._seen += len(events)
        pace = Pace()
        for viewer in self._viewers.copy():
            await viewer.see(batch, pace)
            await pace.breathe()
