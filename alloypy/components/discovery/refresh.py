"""Discovery by asking again and again: one question at once, then one in every interval.

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from alloypy.components.discovery.shell import Findings, Group
from alloypy.families import Family, Sample, counters, histograms
from alloypy.histogram import Histogram
from alloypy.lang.go.duration import Duration
from alloypy.runtime.contract.component import Options

_BOUNDS = (0.01, 0.1, 1.0, 10.0)
_QUANTILES = (0.5, 0.9, 0.99)
_WINDOW_SECONDS = 600.0
_MOST_REMEMBERED = 500
_NO_LABELS: Mapping[str, str] = MappingProxyType({})
_MESSAGE = "Unable to refresh target groups"


class RefreshError(Exception):
    """A refresh failed; the text is for the log and the health."""


class Durations:
    """Times something, for a summary with the quantiles of the last 10 minutes."""

    def __init__(self) -> None:
        self._count = 0
        self._total = 0.0
        self._recent: deque[tuple[float, float]] = deque(maxlen=_MOST_REMEMBERED)

    def observe(self, seconds: float) -> None:
        """Count one that took this long."""
        self._count += 1
        self._total += seconds
        self._recent.append((time.monotonic(), seconds))

    def summary(self, name: str, documentation: str, labels: Mapping[str, str] = _NO_LABELS) -> Family:
        """The summary."""
        samples = [Sample(name, {**labels, "quantile": f"{q:g}"}, self._quantile(q)) for q in _QUANTILES]
        samples.append(Sample(f"{name}_sum", labels, self._total))
        samples.append(Sample(f"{name}_count", labels, self._count))
        return Family(name, documentation, "summary", samples)

    def _quantile(self, quantile: float) -> float:
        since = time.monotonic() - _WINDOW_SECONDS
        values = sorted(seconds for at, seconds in self._recent if at >= since)
        return values[math.ceil(quantile * len(values)) - 1] if values else math.nan


class RefreshMetrics:
    """Counts refreshes and their failures, and times them. mechanism: `http`, `dns`, `docker`."""

    def __init__(self, mechanism: str) -> None:
        self.failures = 0
        self._mechanism = mechanism
        self._histogram = Histogram(_BOUNDS)
        self._durations = Durations()

    def observe(self, seconds: float) -> None:
        """Count a refresh that took this long."""
        self._histogram.observe(seconds)
        self._durations.observe(seconds)

    def collect(self) -> Iterator[Family]:
        """The three metrics; quantiles are those of the last 10 minutes."""
        labels = {"config": "", "mechanism": self._mechanism}
        yield counters(
            "prometheus_sd_refresh_failures_total",
            "Number of refresh failures for the given SD mechanism.",
            tuple(labels),
            {tuple(labels.values()): self.failures},
        )
        yield self._durations.summary(
            "prometheus_sd_refresh_duration_seconds",
            "The duration of a refresh in seconds for the given SD mechanism.",
            labels,
        )
        histogram = self._histogram
        yield histograms(
            "prometheus_sd_refresh_duration_histogram_seconds",
            "The duration of a refresh for the given SD mechanism.",
            ("mechanism",),
            [((self._mechanism,), histogram.buckets(), histogram.total)],
        )


async def refresh_loop(
    interval: Duration,
    refresh: Callable[[], Awaitable[Sequence[Group]]],
    metrics: RefreshMetrics,
    found: Findings,
    options: Options,
) -> None:
    """Refresh at once, then in every interval, until cancelled; a failure keeps the groups found before.

    refresh: returns groups as `found` takes them. Raises RefreshError.
    """
    seconds = interval.seconds
    due = options.clock()
    while True:
        began = time.monotonic()
        try:
            found(await refresh())
        except RefreshError as error:
            metrics.failures += 1
            options.logger.error(_MESSAGE, extra={"fields": {"err": str(error)}})
            found.failed(f"{_MESSAGE}: {error}")
        else:
            found.well()
        metrics.observe(time.monotonic() - began)
        now = options.clock()
        due = max(due + seconds, now)
        await asyncio.sleep(due - now)
