"""The contents of /metrics: the controller, the configuration, the process and every component.

Names, types and labels are Alloy's, so that its dashboards and alerts work.
Source: docs/spec/RUNTIME.md, section 8.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from alloypy import __version__
from alloypy.build_kind import BUILD_KIND
from alloypy.families import Family, Sample, counter, gauge, histograms, with_labels
from alloypy.histogram import Histogram
from alloypy.net.client import dials
from alloypy.runtime.contract.options import ControllerInfo
from alloypy.runtime.controller import Controller
from alloypy.runtime.pace import Pace
from alloypy.services import process_stats
from alloypy.services.exposition import Page

_BUCKET_SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_SLOW_SECONDS = 60.0
_CONTROLLER_LABELS = ("controller_path", "controller_id")
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}
_SYSTEMS = {"win32": "windows"}


class EvaluationMetrics:
    """Records the evaluations that new exports caused; it is the controller's observer."""

    def __init__(self) -> None:
        self._evaluations: dict[str, Histogram] = {}
        self._waits: dict[str, Histogram] = {}
        self._slow: dict[tuple[str, str], float] = {}

    def evaluated(self, controller: str, node: str, seconds: float) -> None:
        self._evaluations.setdefault(controller, Histogram(_BUCKET_SECONDS)).observe(seconds)
        if seconds > _SLOW_SECONDS:
            self._slow[controller, node] = self._slow.get((controller, node), 0.0) + seconds

    def waited(self, controller: str, seconds: float) -> None:
        self._waits.setdefault(controller, Histogram(_BUCKET_SECONDS)).observe(seconds)

    def collect(self, controllers: Sequence[ControllerInfo]) -> Iterator[Family]:
        """The families; a controller without observations has empty histograms."""
        yield self._histograms(
            "alloy_component_evaluation_seconds",
            "Time spent performing component evaluation",
            self._evaluations,
            controllers,
        )
        yield self._histograms(
            "alloy_component_dependencies_wait_seconds",
            "Time spent by components waiting to be evaluated after their dependency is updated.",
            self._waits,
            controllers,
        )
        name = "alloy_component_evaluation_slow_seconds"
        slow = [
            Sample(name, {**_controller_labels(info), "component_id": node}, seconds)
            for info in controllers
            for (controller, node), seconds in self._slow.items()
            if controller == info.id
        ]
        yield Family(name, "Seconds spent in evaluations that took longer than a minute", "counter", slow)

    @staticmethod
    def _histograms(
        name: str,
        documentation: str,
        observed: dict[str, Histogram],
        controllers: Sequence[ControllerInfo],
    ) -> Family:
        found = [(info, observed.get(info.id, Histogram(_BUCKET_SECONDS))) for info in controllers]
        return histograms(
            name,
            documentation,
            _CONTROLLER_LABELS,
            [((info.path, info.name), each.buckets(), each.total) for info, each in found],
        )


class ConfigMetrics:
    """The results of the configuration's loads."""

    def __init__(self) -> None:
        self._successful = False
        self._success_time = 0.0
        self._failures = 0
        self._loaded: Sequence[bytes] | None = None

    def succeeded(self, loaded: Sequence[bytes], time: float) -> None:
        """Record a successful load at `time` (seconds since the epoch) of files with these contents."""
        self._successful = True
        self._success_time = time
        self._loaded = loaded

    def failed(self) -> None:
        """Record a refused load."""
        self._successful = False
        self._failures += 1

    def collect(self) -> Iterator[Family]:
        yield gauge(
            "alloy_config_last_load_successful", "Config loaded successfully.", float(self._successful)
        )
        yield gauge(
            "alloy_config_last_load_success_timestamp_seconds",
            "Timestamp of the last successful configuration load.",
            self._success_time,
        )
        yield counter(
            "alloy_config_load_failures_total", "Configuration load failures.", float(self._failures)
        )
        if self._loaded is not None:
            import hashlib

            yield gauge(
                "alloy_config_hash",
                "Hash of the currently active config file.",
                1,
                sha256=hashlib.sha256(b"".join(self._loaded)).hexdigest(),
                cluster_name="",
            )


async def metrics_text(
    controller: Controller, evaluations: EvaluationMetrics, config: ConfigMetrics, more: Iterable[Family] = ()
) -> str:
    """The whole page in the text format; other tasks may run while a long one is made."""
    pace, page = Pace(), Page()
    for family in chain(_families(controller, evaluations, config), more):
        page.add(family)
        await pace.breathe()
    lines = []
    for line in page.lines():
        lines.append(line)
        await pace.breathe()
    return "".join(lines)


def _families(
    controller: Controller, evaluations: EvaluationMetrics, config: ConfigMetrics
) -> Iterator[Family]:
    controllers = controller.controllers()
    yield from _build_info()
    yield from _controller_families(controllers)
    yield from evaluations.collect(controllers)
    yield from config.collect()
    yield from process_stats.collect()
    yield from dials.families()
    for source in list(controller.metrics()):  # a copy: a reload may happen meanwhile
        labels = {"component_path": source.component_path, "component_id": source.component_id}
        for family in source.collect():
            yield with_labels(family, labels)


def _controller_labels(info: ControllerInfo) -> dict[str, str]:
    return dict(zip(_CONTROLLER_LABELS, (info.path, info.name), strict=True))


def _controller_families(controllers: Sequence[ControllerInfo]) -> Iterator[Family]:
    running = "alloy_component_controller_running_components"
    evaluating = "alloy_component_controller_evaluating"
    queue = "alloy_component_evaluation_queue_size"
    connection = "alloy_component_graph_connection"
    labelled = [(info, _controller_labels(info)) for info in controllers]
    yield Family(
        running,
        "Total number of running components.",
        "gauge",
        [
            Sample(running, {**labels, "health_type": state}, count)
            for info, labels in labelled
            for state, count in sorted(Counter(health.state.text for health in info.healths).items())
        ],
    )
    yield Family(
        evaluating,
        "Tracks if the controller is currently in the middle of a graph evaluation",
        "gauge",
        [Sample(evaluating, labels, float(info.evaluating)) for info, labels in labelled],
    )
    yield Family(
        queue,
        "Tracks the number of components waiting to be evaluated in the worker pool",
        "gauge",
        [Sample(queue, labels, info.queued) for info, labels in labelled],
    )
    yield Family(
        connection,
        "Tracks the connections between the components of the graph",
        "gauge",
        [
            Sample(connection, {**labels, "from": source, "to": target}, 1)
            for info, labels in labelled
            for source, target in info.connections
        ],
    )


def _build_info() -> Iterator[Family]:
    import platform

    version = f"v{__version__}"
    yield gauge(
        "alloy_build_info",
        "The version of alloypy, under the name that dashboards for Alloy know.",
        1,
        branch="",
        goarch=_MACHINES.get(platform.machine(), platform.machine()),
        goos=_SYSTEMS.get(sys.platform, sys.platform),
        goversion="",
        revision="unknown",
        tags="unknown",
        version=version,
    )
    yield gauge(
        "alloypy_build_info",
        "The version of alloypy, whether it has compiled modules, and the Python that runs it.",
        1,
        version=version,
        build=BUILD_KIND,
        python_version=platform.python_version(),
        implementation=platform.python_implementation(),
    )
