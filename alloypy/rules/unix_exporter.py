"""Rules of prometheus.exporter.unix: the expressions of the collectors that run.

With a bad expression Alloy ends in a panic when it builds the exporter; those of collectors that do not run
are never read.
"""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.rules.forms import regexp_fault
from alloypy.rules.view import View
from alloypy.schema.faults import Fault

_BY_DEFAULT = frozenset(
    ("arp", "diskstats", "filesystem", "hwmon", "netclass", "netdev", "netstat", "powersupplyclass", "vmstat")
)
"""Collectors that run unless they are disabled, of those with expressions."""
_WHOLE = {
    "filesystem": ("filesystem", ("mount_points_exclude", "fs_types_exclude")),
    "netclass": ("netclass", ("ignored_devices",)),
    "netstat": ("netstat", ("fields",)),
    "powersupplyclass": ("powersupply", ("ignored_supplies",)),
    "tapestats": ("tapestats", ("ignored_devices",)),
    "vmstat": ("vmstat", ("fields",)),
    "arp": ("arp", ("device_exclude", "device_include")),
    "hwmon": ("hwmon", ("chip_exclude", "chip_include")),
    "netdev": ("netdev", ("device_exclude", "device_include")),
    "ethtool": ("ethtool", ("device_exclude", "device_include", "metrics_include")),
}
"""By collector: its block, and the attributes with an expression."""


def collectors(body: View) -> Iterator[Fault]:
    """The expressions of all collectors that run."""
    for collector, (block, names) in _WHOLE.items():
        if body.given(block) and _runs(collector, body):
            yield from _expressions(body, block, names)
    if body.given("disk") and _runs("diskstats", body):
        disk = body.block("disk")
        included = disk is not None and disk.filled("device_include")
        yield from _expressions(body, "disk", ("device_include" if included else "device_exclude",))


def _runs(collector: str, body: View) -> bool:
    if collector in body.get("enable_collectors"):
        return True
    if collector in body.get("disable_collectors"):
        return False
    chosen = body.get("set_collectors")
    return collector in (chosen or _BY_DEFAULT)


def _expressions(body: View, block: str, names: tuple[str, ...]) -> Iterator[Fault]:
    inner = body.block(block)
    for name in names:
        text = inner.text(name) if inner is not None else ""
        quoted = f'"{text}"' if "`" in text else f"`{text}`"
        for fault in regexp_fault(name, text, f"regexp: Compile({quoted}): "):
            yield fault._replace(name=f"{block}/{name}")
