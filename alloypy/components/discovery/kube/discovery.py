"""Finds the targets of one role: follows the resources that the role needs, and makes groups of them.

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from alloypy.components.discovery.kube.access import Access
from alloypy.components.discovery.kube.api import (
    ENDPOINTS,
    INGRESSES,
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    SLICES,
    Resource,
    Selector,
)
from alloypy.components.discovery.kube.follower import Follower
from alloypy.components.discovery.kube.groups import (
    EndpointGroups,
    Groups,
    NodeGroups,
    PlainGroups,
    PodGroups,
)
from alloypy.components.discovery.kube.objects import Kept, Namespace, Node
from alloypy.components.discovery.kube.stores import Store
from alloypy.components.discovery.shell import Discoverer, Findings, Group
from alloypy.families import Family, counter, counters
from alloypy.runtime.contract.component import Options

ROLES: Mapping[str, tuple[str, Resource]] = {
    "pod": ("pod/", PODS),
    "service": ("svc/", SERVICES),
    "endpoints": ("endpoints/", ENDPOINTS),
    "endpointslice": ("endpointslice/", SLICES),
    "node": ("node/", NODES),
    "ingress": ("ingress/", INGRESSES),
}
"""By role: how the sources of its groups begin, and its resource."""

_EVENTS = ("add", "delete", "update")
_OF_ENDPOINTS = ("endpoints", "endpointslice")
_FEW_SECONDS = 0.25
_SETTLE_SECONDS = 10.0
_SLICE_SECONDS = 0.005
_MESSAGE = "Failed to watch"


class Wanted(NamedTuple):
    """What to discover.

    namespaces: empty for the whole cluster. own_namespace: also that of the pod in which alloypy runs.
    selectors: by role. nodes, namespace_labels: whether labels of nodes and of namespaces are attached.
    """

    role: str
    namespaces: tuple[str, ...] = ()
    own_namespace: bool = False
    selectors: Mapping[str, Selector] = {}
    nodes: bool = False
    namespace_labels: bool = False


class Counts:
    """Counts events and failures."""

    def __init__(self) -> None:
        self.failures = 0
        self.events: dict[tuple[str, ...], float] = {(event, role): 0 for role in ROLES for event in _EVENTS}

    def count(self, role: str, events: Sequence[str]) -> Callable[[str, Kept | None, Kept | None], None]:
        """Counts these events of a role when it is told of changes."""

        def changed(key: str, before: Kept | None, after: Kept | None) -> None:
            event = "add" if before is None else "delete" if after is None else "update"
            if event in events:
                self.events[event, role] += 1

        return changed

    def collect(self) -> Iterator[Family]:
        yield counters(
            "prometheus_sd_kubernetes_events_total",
            "The number of Kubernetes events handled.",
            ("event", "role"),
            self.events,
        )
        yield counter(
            "prometheus_sd_kubernetes_failures_total",
            "The number of failed WATCH/LIST requests.",
            self.failures,
        )


class _Report:
    """Reports how following one resource goes; a failure that stays the same is logged once."""

    def __init__(self, part: str, findings: Findings, options: Options, counts: Counts) -> None:
        self.heard = False
        self._part = part
        self._findings = findings
        self._logger = options.logger
        self._counts = counts
        self._last = ""

    def failed(self, reason: str) -> None:
        self.heard = True
        self._counts.failures += 1
        if reason != self._last:
            self._logger.error(_MESSAGE, extra={"fields": {"err": reason}})
            self._findings.failed(f"{_MESSAGE}: {reason}", self._part)
        self._last = reason

    def well(self) -> None:
        self.heard = True
        if self._last:
            self._logger.info("Watching again", extra={"fields": {"resource": self._part}})
        self._last = ""
        self._findings.well(self._part)


class KubernetesDiscoverer(Discoverer):
    """Finds targets by watching the API. access: opens the way to it; may raise BuildError."""

    def __init__(self, wanted: Wanted, access: Callable[[], Awaitable[Access]], options: Options) -> None:
        self._wanted = wanted
        self._open = access
        self._options = options
        self._access: Access | None = None
        self._counts = Counts()

    async def prepare(self) -> None:
        """Read the files that are needed to reach the API; opens no connection. Raises BuildError."""
        self._access = await self._open()

    async def run(self, found: Findings) -> None:
        """Watch until cancelled."""
        access = self._access or await self._open()
        self._access = None  # it is used up with this run
        try:
            await _Run(self._wanted, access, found, self._options, self._counts).run()
        finally:
            await access.api.aclose()

    def collect(self) -> Iterator[Family]:
        yield from self._counts.collect()


class _Run:
    """One run of a discoverer."""

    def __init__(
        self, wanted: Wanted, access: Access, found: Findings, options: Options, counts: Counts
    ) -> None:
        self._wanted = wanted
        self._access = access
        self._found = found
        self._options = options
        self._counts = counts
        self._reports: list[_Report] = []
        self._followers: list[Follower] = []
        self._changes = asyncio.Event()
        self._groups: list[Groups[Any]] = []

    async def run(self) -> None:
        """Follow everything that the role needs."""
        wanted = self._wanted
        nodes: Store[Node] | None = None
        namespaces: Store[Namespace] | None = None
        if wanted.nodes and wanted.role in ("pod", *_OF_ENDPOINTS):
            nodes = self._store(NODES, "", "node")
        if wanted.namespace_labels and wanted.role != "node":
            namespaces = self._store(NAMESPACES, "", "")
        for namespace in self._namespaces():
            self._groups.append(self._of(namespace, nodes, namespaces))
        async with asyncio.TaskGroup() as group:
            for follower in self._followers:
                group.create_task(follower.run())
            group.create_task(self._find())

    def _namespaces(self) -> list[str]:
        own = [self._access.namespace] if self._wanted.own_namespace else []
        return (
            [""]
            if self._wanted.role == "node"
            else list(dict.fromkeys((*self._wanted.namespaces, *own))) or [""]
        )

    def _of(
        self, namespace: str, nodes: Store[Node] | None, namespaces: Store[Namespace] | None
    ) -> Groups[Any]:
        """The groups of one namespace, from the stores that they need."""
        role, logger = self._wanted.role, self._options.logger
        source, resource = ROLES[role]
        own: Store[Any] = self._store(resource, namespace, role)
        own.tell(self._counts.count(role, _EVENTS))
        if role == "pod":
            return PodGroups(source, own, nodes, namespaces)
        if role == "node":
            return NodeGroups(own, logger)
        if role not in _OF_ENDPOINTS:
            return PlainGroups(source, own, None, namespaces)
        services: Store[Any] = self._store(SERVICES, namespace, "service")
        services.tell(self._counts.count("service", _EVENTS))
        pods: Store[Any] = self._store(PODS, namespace, "pod")
        if role == "endpoints":
            pods.tell(self._counts.count("pod", ("update",)))
        return EndpointGroups(source, own, services, pods, logger, nodes, namespaces)

    def _store(self, resource: Resource, namespace: str, role: str) -> Store[Any]:
        """A store that follows a resource. role: whose selector applies."""
        store: Store[Any] = Store()
        store.tell(lambda *_: self._changes.set())
        part = f"{namespace}/{resource.name}".lstrip("/")
        report = _Report(part, self._found, self._options, self._counts)
        self._reports.append(report)
        self._followers.append(
            Follower(
                self._access.api,
                resource,
                namespace,
                self._wanted.selectors.get(role, Selector()),
                store,
                _Waking(report, self._changes),
                clock=self._options.clock,
                random=self._options.random,
            )
        )
        return store

    async def _find(self) -> None:
        """Pass groups on as they change."""
        await self._settled()
        first = True
        while True:
            self._changes.clear()
            made: list[Group] = []
            for groups in self._groups:
                if groups.complete:
                    made += await _made(groups, self._options.clock)
            if made or first:
                self._found(made)
            first = False
            await asyncio.sleep(_FEW_SECONDS)
            await self._changes.wait()

    async def _settled(self) -> None:
        """Wait until something can be found, and for a while until everything else was read or has failed.

        Until then, what an earlier discoverer found stays in use.
        """
        while not any(groups.complete for groups in self._groups):
            await self._next_change()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS):
                while not all(report.heard for report in self._reports):
                    await self._next_change()

    async def _next_change(self) -> None:
        await self._changes.wait()
        self._changes.clear()


class _Waking:
    """Passes reports on, and wakes the one who makes groups: an empty resource changes nothing else."""

    def __init__(self, report: _Report, changes: asyncio.Event) -> None:
        self._report = report
        self._changes = changes

    def failed(self, reason: str) -> None:
        self._report.failed(reason)
        self._changes.set()

    def well(self) -> None:
        self._report.well()
        self._changes.set()


async def _made(groups: Groups[Any], clock: Callable[[], float]) -> list[Group]:
    """The groups that have changed; leaves the event loop to others in between."""
    made = []
    began = clock()
    for key in groups.take_changed():
        group = groups.made(key)
        if group is not None:
            made.append(group)
        if clock() - began > _SLICE_SECONDS:
            await asyncio.sleep(0)
            began = clock()
    return made
