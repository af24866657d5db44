"""Events: what happens to each profile on its way, for those who watch as it happens.

Components publish events, which costs something only while somebody listens:

    if events.wanted:
        events.publish(Received(...))

A subscriber takes its events later and handles them elsewhere. So a slow or failing subscriber does not
affect profiles; it misses the events that it does not take in time. Events hold labels and bodies as
they are, but no headers and no credentials; error texts are redacted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from time import time
from typing import NamedTuple, TypeAlias

MOST_OF_A_REQUEST = 64
"""The most profiles of one request that are published; the others count as missed."""

Body: TypeAlias = Sequence[bytes | bytearray | memoryview]
"""The raw profiles of an event, in pieces. Held, not copied; never changed."""


class Received(NamedTuple):
    """A receiver has accepted a profile from a client. component: global id, as in all events."""

    component: str
    labels: Mapping[str, str]
    body: Body


class Relabelled(NamedTuple):
    """Rules have kept a profile, or it has got the labels of its target. before: its labels before that."""

    component: str
    labels: Mapping[str, str]
    body: Body
    before: Mapping[str, str]


class Dropped(NamedTuple):
    """Rules have dropped a profile.

    rule: the position, counted from 1, of the rule that dropped it; 0 if the labels are too large to
        find out.
    """

    component: str
    labels: Mapping[str, str]
    body: Body
    rule: int


class Sent(NamedTuple):
    """A server has accepted a profile.

    endpoint: its URL, without credentials. seconds: all tries and pauses.
    """

    component: str
    labels: Mapping[str, str]
    body: Body
    endpoint: str
    status: int
    seconds: float
    tries: int


class Failed(NamedTuple):
    """A profile was given up.

    reason: why, in the server's words if it gave any. endpoint: as in `Sent`, "" if there was none to
    send it to. status: None without an answer. seconds, tries: 0 if nothing was sent or sending was
    cancelled.
    """

    component: str
    labels: Mapping[str, str]
    body: Body
    reason: str
    endpoint: str = ""
    status: int | None = None
    seconds: float = 0.0
    tries: int = 0


Event: TypeAlias = Received | Relabelled | Dropped | Sent | Failed


class Taken(NamedTuple):
    """Events taken from a subscription, with their times (Unix seconds), and how many it missed."""

    events: Sequence[tuple[float, Event]]
    missed: int


class Subscription:
    """Events waiting for one subscriber to take them; the oldest give way to newer ones."""

    def __init__(self, most_events: int, most_bytes: int) -> None:
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._waiting: deque[tuple[float, Event, int]] = deque()
        self._bytes = 0
        self._missed = 0

    def take(self) -> Taken:
        """All events since the last call."""
        taken = Taken([(at, event) for at, event, _ in self._waiting], self._missed)
        self.clear()
        return taken

    def clear(self) -> None:
        """Drop everything."""
        self._waiting.clear()
        self._bytes = self._missed = 0

    def add(self, event: Event) -> None:
        """Queue an event, dropping older ones to make room. For the publisher."""
        size = sum(map(len, event.body))
        self._waiting.append((time(), event, size))
        self._bytes += size
        while len(self._waiting) > self._most_events or self._bytes > self._most_bytes:
            self._bytes -= self._waiting.popleft()[2]
            self._missed += 1

    def miss(self, count: int) -> None:
        """Count events that are not published one by one. For the publisher."""
        self._missed += count


class Events:
    """The publisher that all components of a process share.

    wanted: whether anybody listens; check it before making an event.
    """

    __slots__ = ("_subscriptions", "wanted")

    def __init__(self) -> None:
        self.wanted = False
        self._subscriptions: list[Subscription] = []

    @contextmanager
    def subscribe(self, most_events: int = 1000, most_bytes: int = 32 << 20) -> Iterator[Subscription]:
        """Listen while the block lasts. most_events, most_bytes (of bodies): limits of what may wait."""
        subscription = Subscription(most_events, most_bytes)
        self._subscriptions.append(subscription)
        self.wanted = True
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)
            self.wanted = bool(self._subscriptions)
            subscription.clear()

    def publish(self, event: Event) -> None:
        """Hand an event to every subscriber."""
        for subscription in self._subscriptions:
            subscription.add(event)

    def publish_each(self, events: Iterable[Event], count: int) -> None:
        """Publish the first events of one request. count: how many there are; the rest counts as missed."""
        for event in islice(events, MOST_OF_A_REQUEST):
            self.publish(event)
        for subscription in self._subscriptions:
            subscription.miss(max(0, count - MOST_OF_A_REQUEST))
