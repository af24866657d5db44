"""The metrics of pyroscope.write. Source: docs/spec/PYROSCOPE.md, section 5.5."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from alloypy.families import Family, counter, counters, histograms
from alloypy.histogram import Histogram
from alloypy.runtime.contract.component import Activity, Table
from alloypy.runtime.contract.component import Metrics as ComponentMetrics

_COUNTERS: Final = {
    "sent_bytes": "Bytes of profiles that endpoints have taken.",
    "sent_profiles": "Profiles that endpoints have taken.",
    "dropped_bytes": "Bytes of profiles that were given up.",
    "dropped_profiles": "Profiles that were given up.",
    "retries": "Tries after the first.",
}
NO_ENDPOINT: Final = "-"
"""The label value for all endpoints together, or for none."""


class EndpointCounts:
    """The counts of one endpoint; None until something first happens.

    latency: seconds, by what took them, such as `push_endpoint`.
    """

    __slots__ = (*_COUNTERS, "latency")

    def __init__(self) -> None:
        self.sent_bytes: int | None = None
        self.sent_profiles: int | None = None
        self.dropped_bytes: int | None = None
        self.dropped_profiles: int | None = None
        self.retries: int | None = None
        self.latency: defaultdict[str, Histogram] = defaultdict(Histogram)

    def sent(self, size: int, profiles: int) -> None:
        """Count profiles that the endpoint took. size: bytes."""
        self.sent_bytes = (self.sent_bytes or 0) + size
        self.sent_profiles = (self.sent_profiles or 0) + profiles

    def dropped(self, size: int, profiles: int) -> None:
        """Count profiles that were given up. size: bytes."""
        self.dropped_bytes = (self.dropped_bytes or 0) + size
        self.dropped_profiles = (self.dropped_profiles or 0) + profiles

    def retried(self) -> None:
        """Count a try after the first."""
        self.retries = (self.retries or 0) + 1


class Metrics:
    """All counts of one component, by the endpoint's URL without credentials."""

    def __init__(self, registry: ComponentMetrics) -> None:
        self._endpoints: dict[str, EndpointCounts] = {}
        self.replaced_characters = 0
        self.debug_info_bytes = 0
        self.total = self.endpoint(NO_ENDPOINT)
        registry.register(self)

    def uploaded(self, size: int) -> None:
        """Count bytes of a debug-info file that were sent."""
        self.debug_info_bytes += size

    def endpoint(self, shown: str) -> EndpointCounts:
        """The counts of an endpoint; equal URLs share them."""
        return self._endpoints.setdefault(shown, EndpointCounts())

    def activity(self) -> Activity:
        """Profiles that endpoints took or did not take; one for two endpoints counts twice."""
        counts = self._endpoints.values()
        return Activity(
            sent=sum(each.sent_profiles or 0 for each in counts),
            dropped=sum(each.dropped_profiles or 0 for each in counts),
        )

    def accepted(self) -> int:
        """Profiles that were to be sent and whose sending has ended, however."""
        return sum(sum(each.counts) for each in self.total.latency.values())

    def table(self) -> Table:
        """The counts of each endpoint."""
        rows = [
            (
                shown,
                counts.sent_profiles or 0,
                counts.sent_bytes or 0,
                counts.dropped_profiles or 0,
                counts.retries or 0,
            )
            for shown, counts in self._endpoints.items()
            if shown != NO_ENDPOINT
        ]
        return Table("Endpoints", ("URL", "Sent", "Bytes sent", "Given up", "Retries"), rows)

    def collect(self) -> Iterator[Family]:
        for name, documentation in _COUNTERS.items():
            values: dict[tuple[str, ...], float] = {}
            for shown, counts in self._endpoints.items():
                if (value := getattr(counts, name)) is not None:
                    values[shown,] = value
            yield counters(f"pyroscope_write_{name}_total", documentation, ("endpoint",), values)
        yield histograms(
            "pyroscope_write_latency",
            "Seconds that sending a profile took.",
            ("endpoint", "type"),
            (
                ((shown, what), histogram.buckets(), histogram.total)
                for shown, counts in self._endpoints.items()
                for what, histogram in counts.latency.items()
            ),
        )
        yield counter(
            "pyroscope_ebpf_debug_info_upload_bytes_total",
            "Bytes of debug-info files that endpoints were sent.",
            self.debug_info_bytes,
        )
        yield counter(
            "pyroscope_write_replaced_characters_total",
            "Characters of label values that /ingest cannot carry and that were sent as _.",
            self.replaced_characters,
        )
