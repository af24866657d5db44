"""Keeps a store equal to a resource of the API: reads all objects, then watches for changes.

The objects come as a stream of events where the server can do that, else as a list. A watch that ends is
continued from the last version; if the server no longer knows that version, all objects are read again.
Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from alloypy.components.discovery.kube.api import (
    GONE,
    TOO_MANY_REQUESTS,
    UNPROCESSABLE,
    Api,
    ApiError,
    Lost,
    Resource,
    Selector,
    Silence,
    status_error,
)
from alloypy.components.discovery.kube.json_stream import Items, Lines, StreamError
from alloypy.components.discovery.kube.labels import part, text
from alloypy.components.discovery.kube.objects import Kept
from alloypy.components.discovery.kube.stores import Store

MOST_OBJECTS = 500_000
"""Objects of one resource; more than Kubernetes itself supports."""

_PAGE = "500"
_WATCH_SECONDS = 300.0
_GRACE_SECONDS = 60.0
_LIST_IDLE_SECONDS = 60.0
_STATE_IDLE_SECONDS = 15.0
_STATE_SECONDS = 120.0
_SHORTEST_WATCH_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 0.8
_LONGEST_PAUSE_SECONDS = 30.0
_CALM_SECONDS = 120.0
_END_OF_STATE = "k8s.io/initial-events-end"
_NOT_STREAMED = frozenset((400, UNPROCESSABLE))
_UNKNOWN_VERSION = frozenset((GONE, 504))


class Report(Protocol):
    """Receives how following a resource goes."""

    def failed(self, reason: str) -> None:
        """It could not be listed or watched, and will be tried again."""
        ...

    def well(self) -> None:
        """It is listed or watched."""
        ...


class Pause:
    """The time between attempts: longer each time, until nothing has failed for two minutes."""

    def __init__(self, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random
        self._seconds = _FIRST_PAUSE_SECONDS
        self._last = clock()

    async def take(self, at_least: float = 0.0) -> None:
        """Wait for the next attempt. at_least: seconds that the server asks for."""
        now = self._clock()
        if now - self._last > _CALM_SECONDS:
            self._seconds = _FIRST_PAUSE_SECONDS
        seconds = self._seconds * (1 + self._random())
        self._seconds = min(2 * self._seconds, _LONGEST_PAUSE_SECONDS)
        self._last = now
        await asyncio.sleep(max(seconds, min(at_least, _LONGEST_PAUSE_SECONDS)))


class _NotStreamed(Exception):
    """The server does not begin a watch with all objects."""


class Follower:
    """Follows one resource in one namespace, or in all of them for ""."""

    def __init__(
        self,
        api: Api,
        resource: Resource,
        namespace: str,
        selector: Selector,
        store: Store[Any],
        report: Report,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._api = api
        self._resource = resource
        self._path = resource.path(namespace)
        given = {"labelSelector": selector.label, "fieldSelector": selector.field}
        self._query = {name: value for name, value in given.items() if value}
        self._store = store
        self._report = report
        self._clock = clock
        self._random = random
        self._pause = Pause(clock, random)
        self._version = "0"
        self._streamed = True

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                if not (self._streamed and await self._stream()):
                    await self._list()
            except ApiError as error:
                await self._failed("list", error)
                continue
            await self._watch()
            await self._pause.take()

    async def _failed(self, what: str, error: ApiError) -> None:
        self._report.failed(f"failed to {what} {self._resource.type}: {error}")
        await self._pause.take(error.pause)

    async def _stream(self) -> bool:
        """Fill the store by a watch that begins with all objects, and stay with it until it ends.

        Returns False if the server does not do that. Raises ApiError.
        """
        query = self._watching(self._version if self._version != "0" else "")
        query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        events = _Events(self, _State(self, self._clock() + _STATE_SECONDS))
        try:
            await self._ask(query, events)
        except _NotStreamed:
            self._streamed = False
        except ApiError as error:
            if events.state is None:
                self._take_end(error)
            elif error.code in _NOT_STREAMED or isinstance(error, Silence):
                self._streamed = False
            elif error.code in _UNKNOWN_VERSION and self._version != "0":
                self._version = ""
                raise
            else:
                raise
        else:
            if events.state is not None:
                raise ApiError("unexpected EOF")
        return self._streamed

    async def _list(self) -> None:
        """Fill the store by lists. Raises ApiError."""
        try:
            await self._list_from(self._version, {"limit": _PAGE})
        except ApiError as error:
            if error.code not in _UNKNOWN_VERSION:
                raise
            await self._list_from("", {})

    async def _list_from(self, version: str, limit: Mapping[str, str]) -> None:
        found: dict[str, Kept] = {}
        query = {**self._query, **limit}
        if version:
            query["resourceVersion"] = version
        while True:
            page = _Page(self, found)
            await self._ask(query, page)
            said = page.metadata()
            following = text(said, "continue")
            if not following:
                break
            query = {**self._query, **limit, "continue": following}
        self.fill(found, text(said, "resourceVersion"))

    async def _watch(self) -> None:
        """Watch until all objects have to be read again."""
        while self._version:
            began = self._clock()
            try:
                await self._ask(self._watching(self._version), _Events(self, None))
            except ApiError as error:
                if error.code == GONE:
                    self._version = ""
                    return
                if not isinstance(error, Lost):
                    await self._failed("watch", error)
                    if error.code not in (0, TOO_MANY_REQUESTS):
                        return
                    continue
            if self._clock() - began < _SHORTEST_WATCH_SECONDS:
                await self._pause.take()

    def _take_end(self, error: ApiError) -> None:
        """Take the error that ended a watch after all objects had arrived. Raises what is a failure."""
        if error.code == GONE:
            self._version = ""
        elif not isinstance(error, Lost):
            raise error

    def _watching(self, version: str) -> dict[str, str]:
        seconds = _WATCH_SECONDS * (1 + self._random())
        query = {"allowWatchBookmarks": "true", "timeoutSeconds": str(int(seconds)), "watch": "true"}
        return {**self._query, **query, **({"resourceVersion": version} if version else {})}

    async def _ask(self, query: Mapping[str, str], taker: _Page | _Events) -> None:
        """Raises ApiError."""
        try:
            await self._api.get(self._path, query, taker)
            taker.end()
        except StreamError as error:
            raise ApiError(f"unable to decode the answer: {error}") from None

    def fill(self, objects: Mapping[str, Kept], version: str) -> None:
        """Take these objects as all that exist at that version. Raises ApiError."""
        if not version:
            raise ApiError("unable to decode the answer: it has no resourceVersion")
        self._version = version
        self._store.replace(objects)
        self._report.well()

    def keep(self, given: Mapping[str, Any], objects: dict[str, Kept]) -> None:
        """Add an object to those that are kept; one that is known and unchanged is used again."""
        metadata = part(given, "metadata")
        key = _key(metadata)
        known = self._store.objects.get(key)
        if known is None or known.version != metadata.get("resourceVersion"):
            known = self._resource.read(given)
        objects[key] = known
        if len(objects) > MOST_OBJECTS:
            raise StreamError(f"more than {MOST_OBJECTS} objects")

    def change(self, kind: str, given: Mapping[str, Any]) -> None:
        """Apply an event to the store. Raises ApiError for an event that is an error."""
        if kind == "ERROR":
            raise status_error(given)
        metadata = part(given, "metadata")
        if kind == "DELETED":
            self._store.remove(_key(metadata))
        elif kind in ("ADDED", "MODIFIED"):
            self._store.put(_key(metadata), self._resource.read(given))
        version = metadata.get("resourceVersion")
        if isinstance(version, str) and version:
            self._version = version

    def late(self, until: float) -> bool:
        """Whether that time has passed."""
        return self._clock() > until

    def watched(self) -> None:
        """The server has accepted a watch."""
        self._report.well()


class _Page:
    """Takes one answer to a list."""

    idle_seconds = _LIST_IDLE_SECONDS

    def __init__(self, follower: Follower, found: dict[str, Kept]) -> None:
        self._follower = follower
        self._found = found
        self._items = Items()

    def begin(self) -> None:
        pass

    async def take(self, part: bytes) -> None:
        self._keep(self._items.add(part))

    def end(self) -> None:
        """Raises StreamError if the list is incomplete."""
        self._keep(self._items.end())

    def _keep(self, items: Iterable[Any]) -> None:
        for item in items:
            if isinstance(item, dict):
                self._follower.keep(item, self._found)

    def metadata(self) -> Mapping[str, Any]:
        """What the list says about itself."""
        return part(self._items.rest, "metadata")


class _State:
    """The objects with which a watch begins, as far as they have arrived."""

    def __init__(self, follower: Follower, until: float) -> None:
        self.until = until
        self._follower = follower
        self._found: dict[str, Kept] = {}

    def take(self, kind: str, given: Mapping[str, Any]) -> bool:
        """Take an event; returns whether it was the last of them. Raises ApiError for an error."""
        if kind == "ERROR":
            raise status_error(given)
        metadata = part(given, "metadata")
        if kind == "BOOKMARK":
            if text(part(metadata, "annotations"), _END_OF_STATE) != "true":
                return False
            self._follower.fill(self._found, text(metadata, "resourceVersion"))
            return True
        if kind == "DELETED":
            self._found.pop(_key(metadata), None)
        else:
            self._follower.keep(given, self._found)
        return False


class _Events:
    """Takes the events of a watch.

    state: the objects with which it begins; None without any, and when all of them have arrived.
    """

    def __init__(self, follower: Follower, state: _State | None) -> None:
        self.state = state
        self._follower = follower
        self._lines = Lines()

    @property
    def idle_seconds(self) -> float:
        """A watch ends after `_WATCH_SECONDS`, at most doubled; if it does not, its server is gone."""
        return 2 * _WATCH_SECONDS + _GRACE_SECONDS if self.state is None else _STATE_IDLE_SECONDS

    def begin(self) -> None:
        if self.state is None:
            self._follower.watched()

    async def take(self, part: bytes) -> None:
        for event in self._lines.add(part):
            self._take(str(event.get("type")), event.get("object"))
        if self.state is not None and self._follower.late(self.state.until):
            raise _NotStreamed

    def end(self) -> None:
        pass

    def _take(self, kind: str, given: object) -> None:
        if not isinstance(given, dict):
            raise StreamError(f"an event {kind} without an object")
        if self.state is None:
            self._follower.change(kind, given)
        elif self.state.take(kind, given):
            self.state = None


def _key(metadata: Mapping[str, Any]) -> str:
    """An object's namespace and name."""
    namespace, name = text(metadata, "namespace"), text(metadata, "name")
    return f"{namespace}/{name}" if namespace else name
