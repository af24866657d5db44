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
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from itertools import islice
from time import time
from typing import NamedTuple, Protocol, TypeAlias, cast

MOST_OF_A_REQUEST = 64
"""The most profiles of one request that are published; the others count as missed."""

Body: TypeAlias = Sequence[bytes | bytearray | memoryview]
"""The raw profiles of an event, in pieces. Held, not copied; never changed."""


class Carried(Protocol):
    """What is passed on: a series of a Push, or an /ingest profile."""

    @property
    def labels(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> Body: ...


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


class Queued(NamedTuple):
    """A queue has stored a profile, and will deliver it."""

    component: str
    labels: Mapping[str, str]
    body: Body


class DeadLetter(NamedTuple):
    """A destination of a queue has refused a profile for good; the queue keeps it apart.

    destination: the id of its component. why: `refused` or `crash`. words: the destination's.
    """

    component: str
    labels: Mapping[str, str]
    body: Body
    destination: str
    why: str
    words: str


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


Event: TypeAlias = Received | Relabelled | Dropped | Queued | DeadLetter | Sent | Failed


class Noted:
    """An event that waited for a subscriber.

    at: Unix seconds. event: its body is empty if it was let go to save memory. size: bytes of the body,
    in any case.
    """

    __slots__ = ("at", "event", "size")

    def __init__(self, at: float, event: Event, size: int) -> None:
        self.at = at
        self.event = event
        self.size = size


class Taken(NamedTuple):
    """Events taken from a subscription, and how many it missed."""

    events: Sequence[Noted]
    missed: int


class Subscription:
    """Events waiting for one subscriber to take them; the oldest give way to newer ones.

    most_events, most_bytes: how many may wait, and how much memory their bodies may keep; the oldest bodies
        are let go first, before their events. kinds: the events that are wanted; None for all. All may be
        changed at any time.
    """

    def __init__(self, most_events: int, most_bytes: int) -> None:
        self.most_events = most_events
        self.most_bytes = most_bytes
        self.kinds: frozenset[type[Event]] | None = None
        self._waiting: deque[Noted] = deque()
        self._new: list[Noted] = []  # whose buffers have not been looked up yet
        self._with_bodies: deque[Noted] = deque()  # the others, as far as they have their bodies
        self._users: dict[int, int] = {}  # of each buffer of these, by its identity: how many events
        self._bytes = 0  # of all buffers; those of new events count for each event
        self._missed = 0

    def take(self) -> Taken:
        """All events since the last call."""
        taken = Taken(list(self._waiting), self._missed)
        self.clear()
        return taken

    def clear(self) -> None:
        """Drop everything."""
        self._waiting.clear()
        self._new.clear()
        self._with_bodies.clear()
        self._users.clear()
        self._bytes = self._missed = 0

    def add(self, event: Event) -> None:
        """Queue an event, making room for it. For the publisher."""
        if self.kinds is not None and type(event) not in self.kinds:
            return
        size = 0
        for piece in event.body:
            size += len(piece)
            self._bytes += len(buffer_of(piece)) if isinstance(piece, memoryview) else len(piece)
        noted = Noted(time(), event, size)
        self._waiting.append(noted)
        self._new.append(noted)
        if self._bytes > self.most_bytes or len(self._waiting) > self.most_events:
            self._make_room()

    def _make_room(self) -> None:
        for noted in self._new:
            self._look_up(noted)
        self._new.clear()
        if len(self._waiting) > self.most_events:
            self._missed += 1
            oldest = self._waiting.popleft()
            if self._with_bodies and self._with_bodies[0] is oldest:
                self._let_go()
        while self._bytes > self.most_bytes:
            self._let_go()

    def _look_up(self, noted: Noted) -> None:
        """Count each buffer once, which several events of the same profile have."""
        self._with_bodies.append(noted)
        for piece in noted.event.body:
            buffer = buffer_of(piece)
            users = self._users.get(id(buffer), 0)
            if users:
                self._bytes -= len(buffer)
            self._users[id(buffer)] = users + 1

    def _let_go(self) -> None:
        """Drop the oldest body."""
        noted = self._with_bodies.popleft()
        for piece in noted.event.body:
            buffer = buffer_of(piece)
            users = self._users[id(buffer)] - 1
            self._users[id(buffer)] = users
            if not users:
                del self._users[id(buffer)]
                self._bytes -= len(buffer)
        noted.event = noted.event._replace(body=())

    def miss(self, count: int) -> None:
        """Count events that are not published one by one. For the publisher."""
        self._missed += count


def buffer_of(piece: bytes | bytearray | memoryview) -> Sized:
    """What stays in memory because of a piece of a body: all of the buffer that a view is a part of."""
    return cast("Sized", piece.obj) if isinstance(piece, memoryview) else piece


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
        """Listen while the block lasts. most_events, most_bytes: see `Subscription`."""
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

    def publish_failures(self, component: str, profiles: Sequence[Carried], reason: str) -> None:
        """Publish that profiles of one request were given up before anything was sent."""
        failures = (Failed(component, one.labels, one.body, reason) for one in profiles)
        self.publish_each(failures, len(profiles))

    def publish_each(self, events: Iterable[Event], count: int) -> None:
        """Publish the first events of one request. count: how many there are; the rest counts as missed."""
        for event in islice(events, MOST_OF_A_REQUEST):
            self.publish(event)
        if count > MOST_OF_A_REQUEST:
            for subscription in self._subscriptions:
                subscription.miss(count - MOST_OF_A_REQUEST)
