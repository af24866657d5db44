"""discovery.process: the processes of this machine as targets, joined with those of containers.

Source: the behaviour recorded in tests/golden/components/discovery.process.jsonl.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from alloypy.components.discovery.process_scan import (
    CONTAINER_ID,
    Processes,
    Trouble,
    Wanted,
    processes,
)
from alloypy.components.discovery.shell import Exports
from alloypy.files import is_directory
from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.lang.targets import Target
from alloypy.os_errors import system_words
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import (
    BuildError,
    Component,
    Options,
    Registration,
    Stability,
    UpdateError,
)
from alloypy.runtime.contract.health import Health, unhealthy
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block
from alloypy.threads import FILES, WORK

_ROOT = "/proc"
_SCAN_SECONDS = 60.0
_JOIN_SECONDS = 30.0
_MANY = 500
_KUBERNETES_ID, _DOCKER_ID = "__meta_kubernetes_pod_container_id", "__meta_docker_container_id"
_RUNTIMES = ("docker://", "containerd://", "cri-o://")
_FAILED = "failed to list pids"


@arguments
class DiscoverConfig:
    """Arguments of `discover_config`."""

    cwd: bool = attribute(default=True, doc="Find the working directory.")
    exe: bool = attribute(default=True, doc="Find the program's file.")
    commandline: bool = attribute(default=True, doc="Find the command line.")
    username: bool = attribute(default=False, doc="Find the name of the user.")
    uid: bool = attribute(default=False, doc="Find the ID of the user.")
    container_id: bool = attribute(default=True, doc="Find the ID of the container, from the cgroup.")
    cgroup_path: bool = attribute(default=False, doc="Find the paths of the cgroups, joined by `|`.")


@arguments(rules="discovery.process")
class Arguments:
    """Arguments of discovery.process."""

    join: tuple[Target, ...] = attribute(
        default=(), doc="Targets of containers; each process gets the labels of its own container."
    )
    refresh_interval: Duration = attribute(default=Duration(MINUTE), doc="Time between two searches.")
    discover_config: DiscoverConfig = block(
        default=DiscoverConfig(), doc="What to find out about each process."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


def joined(found: Iterable[Target], containers: Iterable[Target]) -> tuple[Target, ...]:
    """Containers without an ID, processes with the labels of their containers, each container with an ID."""
    by_id: dict[str, Target] = {}
    made = []
    for container in containers:
        key = _container_id(container)
        if key:
            by_id[key] = container
        else:
            made.append(container)
    for process in found:
        own = by_id.get(process.own.get(CONTAINER_ID, ""))
        made.append(process if own is None else _merged(process, own))
    return (*made, *by_id.values())


def _merged(process: Target, container: Target) -> Target:
    labels = {**process.labels, **container.labels}
    return Target({name: value for name, value in labels.items() if value})


def _container_id(target: Target) -> str:
    """The ID of the container that a target is of; "" if it has none, or one of another runtime."""
    own = target.get(CONTAINER_ID)
    if own:
        return own
    pods = target.get(_KUBERNETES_ID)
    if pods:
        return next((pods.removeprefix(each) for each in _RUNTIMES if pods.startswith(each)), "")
    return target.get(_DOCKER_ID) or ""


class Process(Component[Arguments, Exports]):
    """Looks for processes in each interval; a change of `join` shows immediately."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        _check(arguments, BuildError)
        self._options = options
        self._arguments = arguments
        self._processes = Processes()
        self._coming = Exports(targets=())
        self._key = object()
        self._updated = asyncio.Event()
        self._health: Health | None = None
        self._told: frozenset[Trouble] = frozenset()

    async def prepare(self) -> None:
        """Search for the first exports."""
        if not is_directory(_ROOT):
            message = "discovery.process finds nothing on this system: it needs /proc, which Linux has"
            self._options.logger.warning(message)
        await self._search()
        await self._publish()

    async def run(self) -> None:
        """Search in each interval."""
        while True:
            await self._wait(self._arguments.refresh_interval.seconds)
            await self._search()
            await self._publish()

    async def _wait(self, seconds: float) -> None:
        """Wait for the next search; meanwhile, export what an update changes."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            try:
                async with asyncio.timeout_at(end):
                    await self._updated.wait()
            except TimeoutError:
                return
            self._updated.clear()
            await self._publish()

    async def _search(self) -> None:
        wanted, known = _wanted(self._arguments.discover_config), self._processes
        try:
            found = await FILES.run(lambda: processes(wanted, known, _ROOT), _SCAN_SECONDS, self._key)
        except OSError as error:
            fault = f"open {_ROOT}: {system_words(error)}"
            if self._health is None:
                self._options.logger.error(_FAILED, extra={"fields": {"err": fault}})
            self._health = unhealthy(f"{_FAILED}: {fault}")
            return
        self._health = None
        self._processes = found
        for trouble in found.troubles:
            if trouble not in self._told:
                fields = {"err": trouble.fault, "pid": trouble.pid}
                self._options.logger.error("failed to get process info", extra={"fields": fields})
        self._told = frozenset(found.troubles)

    async def _publish(self) -> None:
        """Export the processes, joined; again if there is an update meanwhile."""
        given = None
        while given is not self._arguments:
            given = self._arguments
            exports = await self._exports(given)
        self._options.set_exports(exports)

    async def _exports(self, given: Arguments) -> Exports:
        found = self._processes.found.values()
        if len(given.join) + len(found) <= _MANY:
            return Exports(targets=joined(found, given.join))
        try:
            made = await WORK.run(lambda: joined(found, given.join), _JOIN_SECONDS)
        except TimeoutError:  # no thread is free
            made = joined(found, given.join)
        return Exports(targets=made)

    async def prepare_update(self, arguments: Arguments) -> Exports:
        """The exports with the new `join`; the rest takes effect at the next search. Raises UpdateError."""
        _check(arguments, UpdateError)
        self._coming = await self._exports(arguments)
        return self._coming

    async def update(self, arguments: Arguments) -> None:
        """Use the new arguments."""
        self._arguments = arguments
        self._options.set_exports(self._coming)
        self._updated.set()

    def health(self) -> Health | None:
        """Unhealthy while processes cannot be listed."""
        return self._health


def _wanted(given: DiscoverConfig) -> Wanted:
    return Wanted(*(getattr(given, name) for name in Wanted._fields))


def _check(arguments: Arguments, error: type[BuildError | UpdateError]) -> None:
    for fault in faults_of(arguments):
        raise error(fault.message)


registration = Registration(
    "discovery.process", Stability.GENERALLY_AVAILABLE, Arguments, Exports, Process, later=("pwd",)
)
