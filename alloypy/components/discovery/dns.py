"""discovery.dns: targets from DNS records.

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from alloypy.components.discovery.refresh import RefreshMetrics, refresh_loop
from alloypy.components.discovery.shell import Discoverer, DiscoveryComponent, Exports, Findings, Group
from alloypy.families import Family, counter
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import BuildError, Extra, Options, Registration, Stability
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute

if TYPE_CHECKING:
    from alloypy.net.resolver import Record

_MOST_AT_ONCE = 100
_DNSPYTHON = Extra("dnspython", module="dns", extra="dns")
_NO_META = {
    "__meta_dns_srv_record_target": "",
    "__meta_dns_srv_record_port": "",
    "__meta_dns_mx_record_target": "",
    "__meta_dns_ns_record_target": "",
}


@arguments(rules="discovery.dns")
class Arguments:
    """Arguments of discovery.dns."""

    names: tuple[str, ...] = attribute(doc="Names to look up.")
    refresh_interval: Duration = attribute(default=Duration(30 * SECOND), doc="Time between two lookups.")
    type: str = attribute(default="SRV", doc="Kind of the records: SRV, A, AAAA, MX or NS.")
    port: int = attribute(default=0, doc="Port of the targets; SRV records have their own.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


class DNSDiscoverer(Discoverer):
    """Looks all names up in every interval."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self._options = options
        self._arguments = arguments
        self._kind = arguments.type.upper()
        self._metrics = RefreshMetrics("dns")
        self._lookups = 0
        self._failures = 0
        self._answered: set[str] = set()
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    async def run(self, found: Findings) -> None:
        async def refresh() -> Sequence[Group]:
            names = self._arguments.names
            groups = await asyncio.gather(*(self._look_up(name, found) for name in names))
            return [group for group in groups if group is not None]

        await refresh_loop(self._arguments.refresh_interval, refresh, self._metrics, found, self._options)

    def collect(self) -> Iterator[Family]:
        yield counter("prometheus_sd_dns_lookups_total", "The number of DNS-SD lookups.", self._lookups)
        yield counter(
            "prometheus_sd_dns_lookup_failures_total", "The number of DNS-SD lookup failures.", self._failures
        )
        yield from self._metrics.collect()

    async def _look_up(self, name: str, found: Findings) -> Group | None:
        """The group of a name; None if it cannot be looked up, so that its last targets stay."""
        from alloypy.net.resolver import LookupFailed, lookup  # needs an extra

        try:
            async with self._turns:
                records = await lookup(name, self._kind, self._options.logger)
        except LookupFailed as reason:
            self._failures += 1
            self._options.logger.error("Error refreshing DNS targets", extra={"fields": {"err": str(reason)}})
            found.failed(f"Error refreshing DNS targets: {reason}", name)
            if name not in self._answered:
                found.keep(_source(name))
            return None
        finally:
            self._lookups += 1
        found.well(name)
        self._answered.add(name)
        return Group(_source(name), list(self._targets(name, records)))

    def _targets(self, name: str, records: Sequence[Record]) -> Iterator[Mapping[str, str]]:
        from alloypy.net.resolver import join_host_port

        for record in records:
            if record.kind == "CNAME":  # on the way to an address
                continue
            if not record.host:
                self._options.logger.warning("Invalid record", extra={"fields": {"record": record.text}})
                continue
            meta = {"__meta_dns_name": name, **_NO_META}
            host, port = record.host.rstrip("."), self._arguments.port
            if record.kind == "SRV":
                port = record.port
                meta["__meta_dns_srv_record_port"] = str(port)
            if record.kind in ("SRV", "MX", "NS"):
                meta[f"__meta_dns_{record.kind.lower()}_record_target"] = record.host
            yield {"__address__": join_host_port(host, port), **meta}


def _source(name: str) -> str:
    """The source of a name's group; none begins with another."""
    return f"{name}\0"


class DNS(DiscoveryComponent[Arguments]):
    """Exports the targets that DNS names stand for."""

    def discoverer(self, arguments: Arguments) -> Discoverer:
        missing = _DNSPYTHON.missing("discovery.dns")
        if missing:
            raise BuildError(missing)
        return DNSDiscoverer(self.options, arguments)


registration = Registration(
    "discovery.dns",
    Stability.GENERALLY_AVAILABLE,
    Arguments,
    Exports,
    DNS,
    later=("alloypy.net.resolver", "dns._asyncio_backend"),
    needs=_DNSPYTHON,
)
