"""The contract between a component and the runtime.

Phases, each called by the controller in this order:

1. `__init__(options, arguments)` opens nothing, starts nothing; may call `options.set_exports`.
   Raises `BuildError` for arguments that cannot work (Alloy's `building component: ...`).
2. `prepare()` claims what may be refused: listening sockets (through `options.sockets`), files.
   Raises `BuildError`; a refusal fails the load or the reload before anything has changed.
3. `run()` serves until cancelled and owns every task it starts. Called exactly once.
   Cancelling it means: take nothing new, finish what is in flight within the deadlines, return.
4. `update(arguments)` takes new arguments while `run` runs; raises `UpdateError` and keeps the old
   ones where it cannot. `prepare_update(arguments)` runs before it, for claims, and must change nothing.

Arguments and exports are frozen and compare by value. Source: RUNTIME spec sections 2.5, 3.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

A = TypeVar("A")
E = TypeVar("E")


class Stability(IntEnum):
    """Stability levels; a gate admits its own level and everything more stable (greater)."""

    EXPERIMENTAL = 0
    PUBLIC_PREVIEW = 1
    GENERALLY_AVAILABLE = 2

    @property
    def text(self) -> str:
        """As written on the command line: `generally-available`."""
        return self.name.lower().replace("_", "-")


class ComponentError(Exception):
    """Root of the component faults.

    ComponentError
    +- BuildError   the component cannot be built from its arguments
    +- UpdateError  a running component cannot take new arguments; the old ones stay
    """


class BuildError(ComponentError):
    """The component cannot be built; the text follows `building component: `."""


class UpdateError(ComponentError):
    """A running component refused new arguments; the text follows `updating component: `."""


class Sockets(Protocol):
    """Listening sockets, owned by the controller by address and port, so that a reload can hand them over."""

    def claim(self, host: str, port: int) -> list[socket.socket]:
        """Bound, listening, non-blocking sockets for host and port ("" = all interfaces, port 0 = any).

        Raises BuildError with Go's text: `listen tcp 127.0.0.1:80: bind: address already in use`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What a component gets from the process.

    id: `pyroscope.write.default`; path: "/" or the module's path, `/d.x`.
    logger: its records carry component_path and component_id.
    metrics: the component's own registry; labels component_id and component_path are added by the collector.
    set_exports: replaces the exports; dependants are re-evaluated when the value differs.
    alloy_id: the X-Alloy-Id of this installation.
    clock, random: time.monotonic and random.random, replaceable in tests.
    """

    id: str
    path: str
    logger: logging.Logger
    metrics: Callable[[], CollectorRegistry]
    set_exports: Callable[[Any], None]
    sockets: Sockets
    storage: Path
    environ: Mapping[str, str]
    alloy_id: str
    minimum_stability: Stability
    shutdown_deadline: float
    clock: Callable[[], float]
    random: Callable[[], float]


class Component(Generic[A, E]):
    """Base of every component."""

    def __init__(self, options: Options, arguments: A) -> None:
        raise NotImplementedError

    async def prepare(self) -> None:
        """Claim what may be refused."""

    async def run(self) -> None:
        """Serve until cancelled."""
        raise NotImplementedError

    async def prepare_update(self, arguments: A) -> None:
        """Claim what the new arguments need, changing nothing."""

    async def update(self, arguments: A) -> None:
        """Take new arguments."""
        raise NotImplementedError

    def debug_info(self) -> Any:
        """A frozen dataclass declared like Arguments, or None."""
        return None


class Registration(NamedTuple):
    """One component kind."""

    name: str
    stability: Stability
    arguments: type[Any]
    exports: type[Any] | None
    component: type[Component[Any, Any]]
    community: bool = False
