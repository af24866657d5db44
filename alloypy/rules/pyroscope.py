"""Rules of the pyroscope components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.lang.go.address import port_fault
from alloypy.lang.go.duration import SECOND
from alloypy.rules.clients import HTTP_CLIENT
from alloypy.rules.forms import POSITIVE_SIZE, one_of, positive
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault


def scrape_times(body: View) -> Iterator[Fault]:
    """Times of pyroscope.scrape; a delta profile takes one second less than the interval."""
    if body.get("scrape_timeout") <= 0:
        yield Fault("scrape_timeout", "scrape_timeout must be greater than 0")
        return
    if not _has_delta_profile(body):
        return
    interval, duration = body.get("scrape_interval"), body.get("delta_profiling_duration")
    if interval < 2 * SECOND:
        message = "scrape_interval must be at least 2 seconds when using delta profiling"
        yield Fault("scrape_interval", message)
        return
    at = "delta_profiling_duration" if body.given("delta_profiling_duration") else "scrape_interval"
    if duration <= SECOND:
        message = "delta_profiling_duration must be larger than 1 second when using delta profiling"
        yield Fault(at, message)
    elif duration > interval - SECOND:
        message = (
            "delta_profiling_duration must be at least 1 second smaller than scrape_interval when using "
            "delta profiling"
        )
        yield Fault(at, message)


def _has_delta_profile(body: View) -> bool:
    profiling = body.block("profiling_config")
    if profiling is None:
        return False
    profiles = [profiling.block(b.name) for b in profiling.spec.blocks if not b.repeated]
    profiles += profiling.blocks("profile.custom")
    return any(p is not None and p.get("enabled") and p.get("delta") for p in profiles)


_COMM = one_of(
    "comm",
    "",
    "none",
    "label",
    "stackframe",
    "both",
    message='invalid comm mode {quoted}, valid values are: "none", "label", "stackframe", "both"',
)


def receiver_port(body: View) -> Iterator[Fault]:
    """A port is a 16-bit number."""
    fault = port_fault(body.get("listen_port"))
    if fault:
        yield Fault("listen_port", fault)


BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "pyroscope.write/endpoint": HTTP_CLIENT,
    "pyroscope.scrape": (scrape_times, *HTTP_CLIENT),
    "pyroscope.ebpf": (_COMM,),
    "pyroscope.relabel": (positive("max_cache_size", POSITIVE_SIZE),),
    "pyroscope.receive_http/http": (receiver_port,),
}
"""Rules by component and inner blocks."""
