"""The metrics of pyroscope.receive_http, counted in plain Python because every request is counted here.

Names and labels are Alloy's. Source: docs/spec/PYROSCOPE.md, sections 3.6, 3.8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from alloypy.families import Buckets, Family, counters, gauges, histograms
from alloypy.histogram import Histogram
from alloypy.runtime.contract.component import Activity
from alloypy.runtime.contract.component import Metrics as ComponentMetrics

_PREFIX: Final = "pyroscope_receive_http_"
INGEST_ROUTE: Final = "ingest"
PUSH_ROUTE: Final = "push_v1_pusherservice"
PROFILE_ROUTES: Final = (INGEST_ROUTE, PUSH_ROUTE)
_SECONDS: Final[Sequence[float]] = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    25.0,
    50.0,
    100.0,
)
_BYTES: Final = tuple(4.0**exponent for exponent in range(1, 16))
_STREAMS_LIMIT: Final = 100


class _Route:
    """The counts for one method and route."""

    __slots__ = ("inflight", "received", "seconds", "sent")

    def __init__(self) -> None:
        self.inflight = 0
        self.received = Histogram(_BYTES)
        self.sent = Histogram(_BYTES)
        self.seconds: dict[int, Histogram] = {}


class Metrics:
    """Counts requests; collected through the component's registry.

    connections: returns how many are open; connection_limit: 0 = no limit. Both change with the server.
    """

    def __init__(self, registry: ComponentMetrics) -> None:
        self.connections: Callable[[], int] = lambda: 0
        self.connection_limit = 0
        self._routes: dict[tuple[str, str], _Route] = {}
        self._dropped: Counter[str] = Counter()
        self._debuginfo: Counter[tuple[str, ...]] = Counter()
        registry.register(self)

    def begin(self, method: str, route: str) -> _Route:
        """Count a request that begins; pass the result to `finish`."""
        found = self._routes.get((method, route))
        if found is None:
            found = self._routes[method, route] = _Route()
        found.inflight += 1
        return found

    def finish(self, route: _Route, status: int, seconds: float, received: int, sent: int) -> None:
        """Count its answer. received, sent: bytes of the request's and the answer's body."""
        route.inflight -= 1
        histogram = route.seconds.get(status)
        if histogram is None:
            histogram = route.seconds[status] = Histogram(_SECONDS)
        histogram.observe(seconds)
        route.received.observe(received)
        route.sent.observe(sent)

    def dropped(self, reason: str, profiles: int) -> None:
        """Count profiles that were received and lost."""
        self._dropped[reason] += profiles

    def debuginfo_call(self, method: str, *, success: bool) -> None:
        """Count a debuginfo call that was passed on."""
        self._debuginfo[method, "success" if success else "failure"] += 1

    def activity(self) -> Activity:
        """The requests with profiles, by outcome, and the profiles lost here."""
        received = failed = 0
        for (_, name), route in self._routes.items():
            if name in PROFILE_ROUTES:
                for status, histogram in route.seconds.items():
                    count = sum(histogram.counts)
                    received += count if status < 400 else 0
                    failed += count if status >= 400 else 0
        return Activity(received=received, failed=failed, dropped=self._dropped.total())

    def collect(self) -> Iterator[Family]:
        yield from self._requests()
        yield gauges(
            f"{_PREFIX}tcp_connections",
            "Current number of accepted TCP connections.",
            ("protocol",),
            {("http",): self.connections(), ("grpc",): 0},
        )
        yield gauges(
            f"{_PREFIX}tcp_connections_limit",
            "The max number of TCP connections that can be accepted (0 means no limit).",
            ("protocol",),
            {("http",): self.connection_limit, ("grpc",): 0},
        )
        yield gauges(
            f"{_PREFIX}grpc_concurrent_streams_limit",
            "The max number of concurrent streams that can be accepted (0 means no limit).",
            (),
            {(): _STREAMS_LIMIT},
        )
        yield counters(
            f"{_PREFIX}debuginfo_downstream_calls_total",
            "Total number of downstream debuginfo calls made by the receive_http proxy, labeled by method "
            "and result.",
            ("method", "result"),
            self._debuginfo,
        )
        yield counters(
            f"{_PREFIX}dropped_profiles_total",
            "Profiles that were received and lost, by reason.",
            ("reason",),
            {(reason,): count for reason, count in self._dropped.items()},
        )

    def _requests(self) -> Iterator[Family]:
        routes = self._routes.items()
        yield gauges(
            f"{_PREFIX}inflight_requests",
            "Current number of inflight requests.",
            ("method", "route"),
            {key: route.inflight for key, route in routes},
        )
        yield histograms(
            f"{_PREFIX}request_duration_seconds",
            "Time (in seconds) spent serving HTTP requests.",
            ("method", "route", "status_code", "ws"),
            _nonempty(
                ((*key, str(status), "false"), histogram)
                for key, route in routes
                for status, histogram in route.seconds.items()
            ),
        )
        yield histograms(
            f"{_PREFIX}request_message_bytes",
            "Size (in bytes) of messages received in the request.",
            ("method", "route"),
            _nonempty((key, route.received) for key, route in routes),
        )
        yield histograms(
            f"{_PREFIX}response_message_bytes",
            "Size (in bytes) of messages sent in response.",
            ("method", "route"),
            _nonempty((key, route.sent) for key, route in routes),
        )


def _nonempty(
    observed: Iterable[tuple[Sequence[str], Histogram]],
) -> Iterator[tuple[Sequence[str], Buckets, float]]:
    """The histograms that are not empty."""
    for labels, histogram in observed:
        if any(histogram.counts):
            yield labels, histogram.buckets(str), histogram.total
