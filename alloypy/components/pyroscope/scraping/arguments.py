"""The arguments of pyroscope.scrape.

Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from alloypy.components.http_client import HTTPClientArguments
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.lang.targets import Target
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.rules import faults_of
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, label, squash

_ENABLED = "Whether profiles of this type are collected."
_PATH = "Path of the profile's endpoint."
_DELTA = "Whether the endpoint collects for the time that `seconds` in the query gives."

DEFAULT_PROFILING = Duration(14 * SECOND)


@arguments
class ProfileArguments:
    """Arguments of a `profile.NAME` block."""

    enabled: bool = attribute(default=True, doc=_ENABLED)
    path: str = attribute(default="", doc=_PATH)
    delta: bool = attribute(default=False, doc=_DELTA)


@arguments
class MemoryArguments(ProfileArguments):
    """Arguments of `profile.memory`."""

    path: str = attribute(default="/debug/pprof/allocs", doc=_PATH)


@arguments
class BlockArguments(ProfileArguments):
    """Arguments of `profile.block`."""

    path: str = attribute(default="/debug/pprof/block", doc=_PATH)


@arguments
class GoroutineArguments(ProfileArguments):
    """Arguments of `profile.goroutine`."""

    path: str = attribute(default="/debug/pprof/goroutine", doc=_PATH)


@arguments
class MutexArguments(ProfileArguments):
    """Arguments of `profile.mutex`."""

    path: str = attribute(default="/debug/pprof/mutex", doc=_PATH)


@arguments
class ProcessCPUArguments(ProfileArguments):
    """Arguments of `profile.process_cpu`."""

    path: str = attribute(default="/debug/pprof/profile", doc=_PATH)
    delta: bool = attribute(default=True, doc=_DELTA)


@arguments
class FgprofArguments(ProfileArguments):
    """Arguments of `profile.fgprof`."""

    enabled: bool = attribute(default=False, doc=_ENABLED)
    path: str = attribute(default="/debug/fgprof", doc=_PATH)
    delta: bool = attribute(default=True, doc=_DELTA)


@arguments
class DeltaMemoryArguments(ProfileArguments):
    """Arguments of `profile.godeltaprof_memory`."""

    enabled: bool = attribute(default=False, doc=_ENABLED)
    path: str = attribute(default="/debug/pprof/delta_heap", doc=_PATH)


@arguments
class DeltaMutexArguments(ProfileArguments):
    """Arguments of `profile.godeltaprof_mutex`."""

    enabled: bool = attribute(default=False, doc=_ENABLED)
    path: str = attribute(default="/debug/pprof/delta_mutex", doc=_PATH)


@arguments
class DeltaBlockArguments(ProfileArguments):
    """Arguments of `profile.godeltaprof_block`."""

    enabled: bool = attribute(default=False, doc=_ENABLED)
    path: str = attribute(default="/debug/pprof/delta_block", doc=_PATH)


@arguments
class CustomArguments:
    """Arguments of `profile.custom`."""

    name: str = label()
    enabled: bool = attribute(doc=_ENABLED)
    path: str = attribute(doc=_PATH)
    delta: bool = attribute(default=False, doc=_DELTA)


class Profile(NamedTuple):
    """One type of profile to collect. name: the `__name__` of its series."""

    name: str
    path: str
    delta: bool


@arguments
class ProfilingArguments:
    """Arguments of `profiling_config`."""

    memory: MemoryArguments = block(name="profile.memory", default=MemoryArguments(), doc="Allocations.")
    blocking: BlockArguments = block(
        name="profile.block", default=BlockArguments(), doc="Blocking on synchronization."
    )
    goroutine: GoroutineArguments = block(
        name="profile.goroutine", default=GoroutineArguments(), doc="Goroutines."
    )
    mutex: MutexArguments = block(name="profile.mutex", default=MutexArguments(), doc="Contended mutexes.")
    process_cpu: ProcessCPUArguments = block(
        name="profile.process_cpu", default=ProcessCPUArguments(), doc="CPU time."
    )
    fgprof: FgprofArguments = block(
        name="profile.fgprof", default=FgprofArguments(), doc="Time on and off the CPU, by fgprof."
    )
    godeltaprof_memory: DeltaMemoryArguments = block(
        name="profile.godeltaprof_memory",
        default=DeltaMemoryArguments(),
        doc="Allocations, as differences that the target computes.",
    )
    godeltaprof_mutex: DeltaMutexArguments = block(
        name="profile.godeltaprof_mutex",
        default=DeltaMutexArguments(),
        doc="Contended mutexes, as differences that the target computes.",
    )
    godeltaprof_block: DeltaBlockArguments = block(
        name="profile.godeltaprof_block",
        default=DeltaBlockArguments(),
        doc="Blocking, as differences that the target computes.",
    )
    custom: tuple[CustomArguments, ...] = block(
        name="profile.custom", default=(), doc="Profiles of another type; the label is its name."
    )
    path_prefix: str = attribute(default="", doc="Prefix of all paths.")

    def types(self) -> dict[str, ProfileArguments | CustomArguments]:
        """All types by name, enabled or not; a custom one replaces another of its name."""
        found: dict[str, ProfileArguments | CustomArguments] = {
            "memory": self.memory,
            "block": self.blocking,
            "goroutine": self.goroutine,
            "mutex": self.mutex,
            "process_cpu": self.process_cpu,
            "fgprof": self.fgprof,
            "godeltaprof_memory": self.godeltaprof_memory,
            "godeltaprof_mutex": self.godeltaprof_mutex,
            "godeltaprof_block": self.godeltaprof_block,
        }
        return found | {custom.name: custom for custom in self.custom}

    def repeated(self) -> list[str]:
        """The labels that several custom profiles have."""
        names = [custom.name for custom in self.custom]
        return sorted({name for name in names if names.count(name) > 1})

    def enabled(self) -> list[Profile]:
        """The types to collect."""
        return [Profile(name, each.path, each.delta) for name, each in self.types().items() if each.enabled]


@arguments
class ClusteringArguments:
    """Arguments of `clustering`."""

    enabled: bool = attribute(doc="Whether the replicas of a cluster share the targets.")


@arguments(rules="pyroscope.scrape")
class Arguments:
    """Arguments of pyroscope.scrape."""

    targets: tuple[Target, ...] = attribute(doc="Targets to scrape.")
    forward_to: tuple[ProfilesReceiver, ...] = attribute(doc="Receivers of what is collected.")
    job_name: str = attribute(default="", doc="Value of the label `job` where a target has none.")
    params: Mapping[str, tuple[str, ...]] = attribute(
        default_factory=dict, doc="Query parameters of every request."
    )
    scrape_interval: Duration = attribute(
        default=Duration(15 * SECOND), doc="Time from one scrape of a profile to the next."
    )
    scrape_timeout: Duration = attribute(
        default=Duration(10 * SECOND),
        doc="Time for one scrape; with `seconds` in the query, the interval less a second is added.",
    )
    scheme: str = attribute(default="http", doc="Protocol of targets that name none: http or https.")
    delta_profiling_duration: Duration = attribute(
        default=DEFAULT_PROFILING,
        doc="How long endpoints of delta profiles collect: more than 1s, and at least 1s less than the "
        "`scrape_interval`; with the default they collect for the interval less a second.",
    )
    http_client: HTTPClientArguments = squash(default=HTTPClientArguments())
    profiling_config: ProfilingArguments = block(
        default=ProfilingArguments(), doc="Which profiles are collected, and where."
    )
    clustering: ClusteringArguments = block(
        default=ClusteringArguments(enabled=False), doc="Sharing the targets with other replicas."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)
