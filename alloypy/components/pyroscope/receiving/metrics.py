"""The metrics of pyroscope.receive_http, counted in plain Python because every request passes here.

Names and labels are Alloy's. Source: PYROSCOPE spec sections 3.6, 3.8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from alloypy.components.tally import Histogram
from alloypy.runtime.component import Activity
from alloypy.runtime.component import Metrics as ComponentMetrics

if TYPE_CHECKING:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.metrics_core import Metric

_PREFIX = "pyroscope_receive_http_"
INGEST_ROUTE = "ingest"
PUSH_ROUTE = "push_v1_pusherservice"
PROFILE_ROUTES = (INGEST_ROUTE, PUSH_ROUTE)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0)
_BYTES = tuple(4.0**exponent for exponent in range(1, 16))
_STREAMS_LIMIT = 100


class _Route:
    """What is counted for one method and route."""

    __slots__ = ("inflight", "received", "seconds", "sent")

    def __init__(self) -> None:
        self.inflight = 0
        self.received = Histogram(_BYTES)
        self.sent = Histogram(_BYTES)
        self.seconds: dict[int, Histogram] = {}


class Metrics:
    """Counts requests; collected through the component's registry.

    connections: gives the open connections; connection_limit: 0 = none. Both change with the server.
    """

    def __init__(self, registry: ComponentMetrics) -> None:
        self.connections: Callable[[], int] = lambda: 0
        self.connection_limit = 0
        self._routes: dict[tuple[str, str], _Route] = {}
        self._dropped: Counter[str] = Counter()
        self._debuginfo: Counter[tuple[str, ...]] = Counter()
        registry.register(self)

    def begin(self, method: str, route: str) -> _Route:
        """A request has begun; `finish` takes what this gives."""
        found = self._routes.get((method, route))
        if found is None:
            found = self._routes[method, route] = _Route()
        found.inflight += 1
        return found

    def finish(self, route: _Route, status: int, seconds: float, received: int, sent: int) -> None:
        """It is answered: with `status`, after `seconds`, its body and the answer's in bytes."""
        route.inflight -= 1
        histogram = route.seconds.get(status)
        if histogram is None:
            histogram = route.seconds[status] = Histogram(_SECONDS)
        histogram.observe(seconds)
        route.received.observe(received)
        route.sent.observe(sent)

    def dropped(self, reason: str, profiles: int) -> None:
        """Profiles were received and lost."""
        self._dropped[reason] += profiles

    def debuginfo_call(self, method: str, *, success: bool) -> None:
        """A debuginfo call was passed on."""
        self._debuginfo[method, "success" if success else "failure"] += 1

    def activity(self) -> Activity:
        """The requests that brought profiles, by how they were answered, and the profiles lost here."""
        received = failed = 0
        for (_, name), route in self._routes.items():
            if name in PROFILE_ROUTES:
                for status, histogram in route.seconds.items():
                    count = sum(histogram.counts)
                    received += count if status < 400 else 0
                    failed += count if status >= 400 else 0
        return Activity(received=received, failed=failed, dropped=self._dropped.total())

    def collect(self) -> Iterator[Metric]:
        """The families."""
        yield from self._requests()
        yield _gauges(
            "tcp_connections",
            "Current number of accepted TCP connections.",
            ("protocol",),
            {("http",): self.connections(), ("grpc",): 0},
        )
        yield _gauges(
            "tcp_connections_limit",
            "The max number of TCP connections that can be accepted (0 means no limit).",
            ("protocol",),
            {("http",): self.connection_limit, ("grpc",): 0},
        )
        yield _gauges(
            "grpc_concurrent_streams_limit",
            "The max number of concurrent streams that can be accepted (0 means no limit).",
            (),
            {(): _STREAMS_LIMIT},
        )
        yield _counters(
            "debuginfo_downstream_calls",
            "Total number of downstream debuginfo calls made by the receive_http proxy, labeled by method "
            "and result.",
            ("method", "result"),
            self._debuginfo,
        )
        yield _counters(
            "dropped_profiles",
            "Profiles that were received and lost, by reason.",
            ("reason",),
            {(reason,): count for reason, count in self._dropped.items()},
        )

    def _requests(self) -> Iterator[Metric]:
        from prometheus_client.core import HistogramMetricFamily

        inflight: dict[tuple[str, ...], float] = {key: route.inflight for key, route in self._routes.items()}
        yield _gauges(
            "inflight_requests", "Current number of inflight requests.", ("method", "route"), inflight
        )
        seconds = HistogramMetricFamily(
            f"{_PREFIX}request_duration_seconds",
            "Time (in seconds) spent serving HTTP requests.",
            labels=("method", "route", "status_code", "ws"),
        )
        received = HistogramMetricFamily(
            f"{_PREFIX}request_message_bytes",
            "Size (in bytes) of messages received in the request.",
            labels=("method", "route"),
        )
        sent = HistogramMetricFamily(
            f"{_PREFIX}response_message_bytes",
            "Size (in bytes) of messages sent in response.",
            labels=("method", "route"),
        )
        for (method, name), route in self._routes.items():
            for status, histogram in route.seconds.items():
                _add(seconds, (method, name, str(status), "false"), histogram)
            _add(received, (method, name), route.received)
            _add(sent, (method, name), route.sent)
        yield from (seconds, received, sent)


def _add(family: HistogramMetricFamily, labels: Sequence[str], histogram: Histogram) -> None:
    if any(histogram.counts):
        family.add_metric(labels, histogram.buckets(str), histogram.total)


def _gauges(
    name: str, text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(_PREFIX + name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counters(
    name: str, text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> CounterMetricFamily:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(_PREFIX + name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
