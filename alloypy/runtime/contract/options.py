"""What the process hands to the controller, and what the controller reports about itself.

Nothing global is read: clock, environment, storage and the registry of component kinds all enter here.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeAlias

from alloypy.runtime.blocks.modules import ImportGitArguments
from alloypy.runtime.contract.cluster import NO_CLUSTER, Cluster
from alloypy.runtime.contract.component import Flow, Registration
from alloypy.runtime.contract.events import Events
from alloypy.runtime.contract.health import Health
from alloypy.schema.stability import Stability
from alloypy.schema.vocabulary import NO_VOCABULARY, Vocabulary
from alloypy.tracing import Tracer


class ServiceError(Exception):
    """A service cannot take its arguments; the text follows `updating service: `."""


class Service(Protocol):
    """The part of the process that a block configures: `logging`, `tracing`, `http`, `livedebugging`.

    The argument classes are in `alloypy.runtime.blocks`. Both methods get the block's decoded
    arguments, or the defaults when the block is absent, and are called on the first load and whenever
    the arguments have changed. `logging` is evaluated before everything else; on the first load it is
    updated immediately, so that the rest of the load is logged as configured.
    """

    async def prepare(self, arguments: Any) -> None:
        """Check what may be refused, change nothing. Raises ServiceError, which refuses the load."""
        ...

    async def update(self, arguments: Any) -> None:
        """Apply the arguments. If a later step of the reload fails, this restores the old ones."""
        ...


class Observer(Protocol):
    """Notified of evaluations that new exports caused, for metrics.

    `controller` is a module's id, "" for the root.
    """

    def evaluated(self, controller: str, node: str, seconds: float) -> None:
        """A node has been evaluated, in `seconds`."""
        ...

    def waited(self, controller: str, seconds: float) -> None:
        """A node waited `seconds` between the new exports and its evaluation."""
        ...


class NoObserver:
    """Ignores everything."""

    def evaluated(self, controller: str, node: str, seconds: float) -> None:
        pass

    def waited(self, controller: str, seconds: float) -> None:
        pass


class HTTPImport(NamedTuple):
    """How `import.http` reads its content; the HTTP client is not the runtime's business.

    arguments: the declared class of the block's body; has at least `url` and `poll_frequency`.
    fetch: reads the content; its errors' texts follow `creating http component: `.
    """

    arguments: type[Any]
    fetch: Callable[[Any], Awaitable[str]]


class FetchError(Exception):
    """Remote content could not be fetched; the text is Alloy's."""


class Fetched(NamedTuple):
    """Remote content by file name. trouble: why it may be old, or ""."""

    content: Mapping[str, bytes]
    trouble: str = ""


ReadGit: TypeAlias = Callable[[ImportGitArguments, Path], Awaitable[Fetched]]
"""How `import.git` reads its content, given a directory for its copy. Raises FetchError."""


class ControllerOptions(NamedTuple):
    """What the controller gets from the process.

    registry: component kinds by name.
    stability, community: the gates of the command line.
    storage: base directory; a component's own is below it, under its global id.
    shutdown_deadline: seconds to wait for a component to stop; 0 waits without limit.
    restart_pause: seconds until a failed component is built again; longer each time it fails again.
    evaluation_deadline: seconds a component may take to prepare or to apply new arguments.
    services: by block name; a block without one is accepted and changes nothing.
    vocabulary: the blocks of Alloy, whether they run here or not: what in them is secret, what is foreign.
    cluster: the replicas with which this process shares targets.
    """

    registry: Mapping[str, Registration]
    storage: Path
    alloy_id: str
    stability: Stability = Stability.GENERALLY_AVAILABLE
    community: bool = False
    environ: Mapping[str, str] = os.environ
    shutdown_deadline: float = 600.0
    restart_pause: float = 1.0
    evaluation_deadline: float = 60.0
    services: Mapping[str, Service] = MappingProxyType({})
    http_import: HTTPImport | None = None
    read_git: ReadGit | None = None
    observer: Observer = NoObserver()
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    tracer: Tracer = Tracer()
    vocabulary: Vocabulary = NO_VOCABULARY
    events: Events = Events()
    cluster: Cluster = NO_CLUSTER


class LoadResult(NamedTuple):
    """What a load did, as global ids (`d.x/pyroscope.write.inner` inside a module) in evaluation order."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


class ComponentInfo(NamedTuple):
    """One component, custom component or foreach in its current state.

    id: local id, `pyroscope.write.w`. module: id of the module it lives in, "" for the root.
    name: `pyroscope.write`. label: "" if there is none.
    references, referenced_by: ids of components in the same module, sorted. data_flow: ids data flows to,
        once for each reference.
    arguments: the decoded instance; for a custom component a dict; None before the first evaluation.
    exports: the exports instance, a dict for a custom component, None without exports.
    debug_info: instance declared like Arguments, or None.
    modules: ids of the modules it created.
    place: where it is written, `config.alloy:12:1`.
    """

    id: str
    module: str
    name: str
    label: str
    health: Health
    references: tuple[str, ...]
    referenced_by: tuple[str, ...]
    data_flow: tuple[str, ...]
    arguments: Any
    exports: Any
    debug_info: Any
    modules: tuple[str, ...]
    place: str = ""


class Outline(NamedTuple):
    """What a list says about a component and does not change while nothing is configured.

    id, module, name, label, modules, place: as in `ComponentInfo`. data_flow: ids data flows to,
        also through the exports of modules.
    """

    id: str
    module: str
    name: str
    label: str
    data_flow: tuple[str, ...]
    modules: tuple[str, ...]
    place: str

    @property
    def global_id(self) -> str:
        """`d.x/pyroscope.write.inner`."""
        return f"{self.module}/{self.id}" if self.module else self.id


class Passage(NamedTuple):
    """How a component is, and what has passed through it; what changes while nothing is configured.

    id: global. flow: None if no profiles pass through it.
    """

    id: str
    health: Health
    flow: Flow | None


class ImportInfo(NamedTuple):
    """An import, or the contents that it brought. id: `import.git.x`, global. place: where it is written."""

    id: str
    health: Health
    place: str


class ControllerInfo(NamedTuple):
    """One module, the root included, for the controller's metrics; modules that show none are left out.

    id: "" for the root, `d.x/inner.i`. path, name: the id as the metrics write it, `/d.x` and `inner.i`.
    evaluating: whether it is being evaluated right now.
    healths: health of each component and import. queued: nodes waiting for an evaluation.
    connections: pairs of local ids between which data flows, each pair once.
    """

    id: str
    path: str
    evaluating: bool
    healths: tuple[Health, ...]
    queued: int
    connections: tuple[tuple[str, str], ...]
    name: str = ""


class MetricsSource(NamedTuple):
    """The metrics of one component and the values of its labels `component_path` and `component_id`."""

    component_path: str
    component_id: str
    collect: Callable[[], Iterable[Any]]
