"""Where a queue keeps its profiles, as the component and its couriers see it: on disk, or in Kafka."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from alloypy.components.own.delivering.arguments import Arguments
    from alloypy.families import Family
    from alloypy.profiles.model import Buffer
    from alloypy.queueing.cursor import Behind, Counts
    from alloypy.queueing.record import Place, Record
    from alloypy.queueing.tries import Ends


class Cursor(Protocol):
    """One destination's way through what is stored; `alloypy.queueing.cursor` says what each method does."""

    @property
    def destination(self) -> str: ...

    @property
    def behind(self) -> Behind: ...

    @property
    def counts(self) -> Counts: ...

    @property
    def dead_letters(self) -> int | None: ...

    async def next(self) -> Record: ...

    def ready(self, most: int, size: int) -> list[Record]: ...

    def held(self, place: Place) -> Record | None: ...

    def watch(self, forgotten: Callable[[Sequence[int]], object]) -> None: ...

    def ends(self, place: Place) -> Ends: ...

    def tried(self, *places: Place, is_alone: bool = False) -> None: ...

    async def noted(self, place: Place) -> bool: ...

    def survived(self, place: Place) -> None: ...

    def done(self, *places: Place) -> None: ...

    def flush(self) -> None: ...

    def failed(self, place: Place) -> bool: ...

    def set_aside(self, place: Place) -> None: ...

    def drop(self, place: Place, reason: str) -> None: ...

    async def dead(self, place: Place, why: str, words: str) -> bool: ...

    def back(self, place: Place) -> None: ...


class Store(Protocol):
    """What takes profiles and gives them out; `alloypy.queueing.log` says what each method does.

    fault: why it takes nothing, or "". hindrances: what else it cannot do now, and why. disk_bytes: what it
    takes on the disk of this machine; None if nothing is kept there.
    """

    @property
    def fault(self) -> str: ...

    @property
    def hindrances(self) -> Sequence[str]: ...

    @property
    def disk_bytes(self) -> int | None: ...

    def now(self) -> int: ...

    def put(self, meta: bytes, body: Sequence[Buffer], note: object = None) -> Awaitable[object]: ...

    async def add_destination(self, name: str) -> Cursor: ...

    def remove_destination(self, name: str) -> int: ...

    async def close(self) -> None: ...


S = TypeVar("S", bound=Store)


class Home(Protocol[S]):
    """A kind of store: how one is checked and opened.

    left: what the log says when a destination is taken out for which profiles wait. since: since when it
    counts what has become of profiles.
    """

    left: str
    since: str

    def place(self, arguments: Arguments) -> object:
        """What tells a store from another one: when it changes, the store is closed and the other opened."""

    async def fault(self, arguments: Arguments) -> str:
        """Why the arguments cannot be used, as far as that can be seen without changing anything."""

    async def open(self, arguments: Arguments, destinations: Sequence[str]) -> S:
        """Open it, or make it. Raises QueueError."""

    def use(self, store: S, arguments: Arguments) -> None:
        """Let a store have other arguments, of the same place."""

    def families(self, store: S | None) -> Iterator[Family]:
        """Its own metrics; without values while it is not open."""


AnyHome = Home[Any]
