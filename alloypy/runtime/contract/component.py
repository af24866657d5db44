"""The contract between a component and the runtime.

Phases, each called by the controller:

1. `__init__(options, arguments)` opens nothing, starts nothing; may call `options.set_exports`.
   Raises `BuildError` for arguments that cannot work (Alloy's `building component: ...`).
2. `await prepare()`, right after the constructor and before anything that runs changes: claim what may
   be refused (listening sockets through `options.sockets`), read what the first exports need. Raises
   `BuildError`, which refuses the load. A refused load drops the component without another call, so
   `prepare` leaves nothing open but the sockets it has claimed (the controller closes those).
3. `await run()` serves until cancelled and owns every task it starts. Called at most once.
   Cancelling it means: take nothing new, finish what is in flight within the deadlines, return.
   If it returns or raises without being cancelled, the component counts as exited. One that raised is
   built again after a pause, one that returned by the next reload.
4. `await prepare_update(arguments)` while `run` runs: check and claim what the new arguments need,
   change nothing, and return the exports the component will have with them (None: unchanged),
   so that dependants can be evaluated before anything changes. Raises `UpdateError` (or `BuildError`
   from a claim), which refuses the reload. Every address still needed is claimed again: what is not
   claimed here is closed once the update has been made.
5. `await update(arguments)` takes the new arguments, after a `prepare_update` of the same arguments.
   It should not fail. If it raises, or a later step of the reload fails, the old arguments are put
   back the same way: `prepare_update(old)`, `update(old)`.

Exports set in phases 1 and 2 are seen by dependants within the same load. Arguments and exports are
frozen and compare by value: equal arguments never cause an update, equal exports never a
re-evaluation. A receiver is made once, by the constructor, and keeps its identity while `update`
swaps what is behind it: dependants need no re-evaluation, and calls in flight finish with what they
began with. Calls may reach a receiver from the end of `prepare` until `run` has returned.

Anything else that a component raises shows in its health and affects nothing else.
Source: docs/spec/RUNTIME.md, sections 2.5, 2.6, 3.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from alloypy.families import Family
from alloypy.runtime.contract.cluster import NO_CLUSTER, Cluster
from alloypy.runtime.contract.events import Events
from alloypy.runtime.contract.health import Health
from alloypy.schema.stability import Stability
from alloypy.tracing import Tracer

__all__ = [
    "BuildError",
    "Component",
    "ComponentError",
    "Extra",
    "InFlight",
    "Options",
    "Registration",
    "Sockets",
    "Stability",
    "UpdateError",
]

NOT_PREPARED = "prepare has not been called"

A = TypeVar("A")
E = TypeVar("E")


class ComponentError(Exception):
    """Base of the errors of components.

    ComponentError
    +- BuildError   the component cannot be built from its arguments
    +- UpdateError  a running component cannot take new arguments; the old ones stay
    """


class BuildError(ComponentError):
    """The component cannot be built; the text follows `building component: `."""


class UpdateError(ComponentError):
    """A running component refused new arguments; the text follows `updating component: `."""


class Sockets(Protocol):
    """Listening sockets; the controller owns them by host and port, so that a reload can hand them over."""

    async def claim(self, host: str, port: int) -> list[socket.socket]:
        """Bound, listening, non-blocking sockets for host and port ("" = all interfaces, port 0 = any).

        Call it only in `prepare` and `prepare_update`. The caller gets duplicates of its own, to pass to
        a server and to close with it: the controller keeps the address open until no component claims it
        any more. Claiming the same address again gives new duplicates of the same listening socket;
        port 0 gives the port of the component's earlier claim.

        Raises BuildError with Go's text: `listen tcp 127.0.0.1:80: bind: address already in use`.
        """
        ...


class Collector(Protocol):
    """A source of metric families."""

    def collect(self) -> Iterable[Family]:
        """The families with their current values."""
        ...


class Metrics:
    """The metrics of one component: the families of all its collectors, read on demand."""

    def __init__(self) -> None:
        self._collectors: list[Collector] = []

    def register(self, collector: Collector) -> None:
        """Include this collector."""
        self._collectors.append(collector)

    def collect(self) -> Iterator[Any]:
        """The families of all collectors."""
        for collector in self._collectors:
            yield from collector.collect()


class Options(NamedTuple):
    """What a component gets from the process.

    id: `pyroscope.write.default`; path: "/" or the module's path, `/d.x`.
    logger: its records carry component_path and component_id; more fields go into
        `extra={"fields": {...}}`.
    metrics: the component's own; whoever shows them adds the labels component_id and component_path.
    set_exports: replaces the exports; dependants are re-evaluated when the value differs.
    alloy_id: the X-Alloy-Id of this installation.
    clock, random: time.monotonic and random.random, replaceable in tests.
    tracer: shared by the process; what it does changes with the `tracing` block.
    events: where the component publishes what happens to profiles; shared by the process.
    cluster: the replicas with which components may share targets.
    """

    id: str
    path: str
    logger: logging.Logger
    metrics: Callable[[], Metrics]
    set_exports: Callable[[Any], None]
    sockets: Sockets
    storage: Path
    environ: Mapping[str, str]
    alloy_id: str
    minimum_stability: Stability
    shutdown_deadline: float
    clock: Callable[[], float]
    random: Callable[[], float]
    tracer: Tracer
    events: Events
    cluster: Cluster = NO_CLUSTER

    @property
    def global_id(self) -> str:
        """The id with the module's: `d.x/pyroscope.write.inner`."""
        return f"{self.path}/{self.id}".lstrip("/")


class InFlight(NamedTuple):
    """Work accepted and not yet finished."""

    requests: int = 0
    profiles: int = 0


NOTHING = InFlight()


class Activity(NamedTuple):
    """What has become of profiles since the component started.

    received, failed: client requests answered with success, or with an error status.
    sent, dropped: profiles that servers have accepted, or that were given up.
    """

    received: int = 0
    failed: int = 0
    sent: int = 0
    dropped: int = 0


NO_ACTIVITY = Activity()


class Flow(NamedTuple):
    """How much has passed through a component since it started, from what it counts anyway.

    of: what it counts, `profiles` or `requests`. entered: what came in. left: what was passed on
    successfully. lost: what was dropped, refused or given up.
    """

    of: str
    entered: int
    left: int
    lost: int


class Table(NamedTuple):
    """Figures about the parts of a component, for its page. Cells hold no secrets."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int]]


class Component(Generic[A, E]):
    """Base of every component."""

    def __init__(self, options: Options, arguments: A) -> None:
        raise NotImplementedError

    async def prepare(self) -> None:
        """Claim what may be refused."""

    async def run(self) -> None:
        """Serve until cancelled."""
        raise NotImplementedError

    async def prepare_update(self, arguments: A) -> E | None:
        """Claim what the new arguments need, change nothing; the exports to come, None if unchanged."""
        return None

    async def update(self, arguments: A) -> None:
        """Apply the arguments that `prepare_update` has checked."""
        raise NotImplementedError

    def health(self) -> Health | None:
        """The component's own view of its health, None when it has none; asked each time health is read."""
        return None

    def in_flight(self) -> InFlight:
        """Work accepted and not yet finished, which a shutdown waits for."""
        return NOTHING

    def activity(self) -> Activity:
        """What it has done with profiles since it started."""
        return NO_ACTIVITY

    def flow(self) -> Flow | None:
        """What has passed through it; None if no profiles do. For the pages, so only while one is open."""
        return None

    def tables(self) -> Sequence[Table]:
        """Figures about its parts, for its page."""
        return ()

    def listens_on(self) -> str:
        """Where clients reach it, as `host:port`; "" if it takes no connections."""
        return ""

    def shown_arguments(self, arguments: A) -> A:
        """The arguments as the API shows them, including what the component itself adds."""
        return arguments

    def debug_info(self) -> Any:
        """A frozen dataclass declared like Arguments, or None."""
        return None


class Extra(NamedTuple):
    """A package that only some components need. module: its name when imported. extra: alloypy's, with it."""

    package: str
    module: str
    extra: str

    def missing(self, component: str) -> str:
        """What to install for the component; "" if the package is there."""
        from importlib.util import find_spec

        if find_spec(self.module) is not None:
            return ""
        return (
            f"{component} needs {self.package}, which is not installed: pip install 'alloypy[{self.extra}]'"
        )


class Registration(NamedTuple):
    """One component kind.

    later: modules that it imports only while it runs, as `alloypy.preloading` names them; they are loaded
        ahead once the process serves.
    needs: a package that alloypy does not bring with it.
    """

    name: str
    stability: Stability
    arguments: type[Any]
    exports: type[Any] | None
    component: type[Component[Any, Any]]
    community: bool = False
    later: Sequence[str] = ()
    needs: Extra | None = None
