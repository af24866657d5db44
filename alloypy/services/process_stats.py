"""What the process and the machine use: CPU time, memory, files, network bytes.

Read from /proc where it exists; elsewhere limited to what the standard library knows.
Source: docs/spec/RUNTIME.md, section 8 (`alloy_resources_*` and the process family).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

from alloypy.families import Family, counter, gauge, histograms
from alloypy.histogram import Histogram

_PROC = Path("/proc")
_STARTED = time.time() - time.process_time()

_LATE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class LoopLag:
    """How long what is ready waits for the event loop: how late a timer is that it has once a second."""

    def __init__(self) -> None:
        self._late = Histogram(_LATE_SECONDS)

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            due = time.monotonic() + 1
            await asyncio.sleep(1)
            self._late.observe(max(0.0, time.monotonic() - due))

    def collect(self) -> Iterator[Family]:
        """The family."""
        documentation = "How late the event loop has come to a timer that it has once a second."
        late = [((), self._late.buckets(), self._late.total)]
        yield histograms("alloypy_event_loop_lag_seconds", documentation, (), late)


def collect() -> Iterator[Family]:
    """The families of this process, under Alloy's names and under the usual Prometheus names."""
    cpu = time.process_time()
    started = started_at()
    yield counter(
        "alloy_resources_process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpu
    )
    yield counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpu)
    yield gauge(
        "alloy_resources_process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        started,
    )
    yield gauge(
        "process_start_time_seconds", "Start time of the process since unix epoch in seconds.", started
    )
    yield from _memory()
    yield from _files()
    yield from _network()


def started_at() -> float:
    """Seconds since the epoch, computed from the kernel's clock ticks since boot where it reports them."""
    try:
        ticks = int((_PROC / "self/stat").read_text().rpartition(")")[2].split()[19])
        boot = next(line for line in (_PROC / "stat").read_text().splitlines() if line.startswith("btime"))
    except (OSError, StopIteration, ValueError, IndexError):
        return _STARTED
    return int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")


def _memory() -> Iterator[Family]:
    try:
        virtual, resident = (_PROC / "self/statm").read_text().split()[:2]
    except OSError:
        return
    page = os.sysconf("SC_PAGE_SIZE")
    for prefix in ("alloy_resources_process", "process"):
        yield gauge(f"{prefix}_resident_memory_bytes", "Resident memory size in bytes.", int(resident) * page)
        yield gauge(f"{prefix}_virtual_memory_bytes", "Virtual memory size in bytes.", int(virtual) * page)


def _files() -> Iterator[Family]:
    try:
        used = sum(1 for _ in (_PROC / "self/fd").iterdir())
        import resource
    except (OSError, ImportError):
        return
    yield gauge("process_open_fds", "Number of open file descriptors.", used)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    yield gauge("process_max_fds", "Maximum number of open file descriptors.", limit)


def _network() -> Iterator[Family]:
    try:
        rows = (_PROC / "self/net/dev").read_text().splitlines()[2:]
        fields = [row.partition(":")[2].split() for row in rows]
        received, sent = (sum(int(row[column]) for row in fields) for column in (0, 8))
    except (OSError, ValueError, IndexError):
        return
    yield counter(
        "alloy_resources_machine_rx_bytes_total",
        "Total bytes, host-wide, received across all network interfaces.",
        received,
    )
    yield counter(
        "alloy_resources_machine_tx_bytes_total",
        "Total bytes, host-wide, sent across all given network interface.",
        sent,
    )
