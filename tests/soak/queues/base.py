"""What the long runs of a queue share: a destination that counts, a process that starts again, a report."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from alloypy.queueing.log import Log
from alloypy.queueing.settings import LogSettings
from tests.soak import wire
from tests.soak.backend import Backend
from tests.support.queue_law import Law, laws
from tests.support.running import Running, free_port

OUT = "pyroscope.write.out"
IN_FLIGHT = 16
PATIENCE = 120.0
_MARK = re.compile(rb"soak-([0-9]{12})")


class Outcome(NamedTuple):
    """The result of a run. faults: what must never be. missed: figures that a busy machine may miss."""

    report: list[str]
    faults: list[str]
    missed: list[str]


def report(soak: Callable[[Path], Coroutine[Any, Any, Outcome]]) -> None:
    """Run one in a folder of its own and print its report; ends the program if there are faults."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(soak(Path(folder)))
    print("\n".join([*outcome.report, *(f"missed: {each}" for each in outcome.missed)]))
    if outcome.faults:
        sys.exit("\n".join(outcome.faults))


@contextlib.asynccontextmanager
async def meanwhile(work: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Do all this while the block lasts."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Sink(Backend):
    """Takes profiles. arrived: how often each has. at: when each first has, by `time.monotonic`."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance)
        self.arrived: Counter[int] = Counter()
        self.at: dict[int, float] = {}

    def take(self, request: wire.Message) -> None:
        """Count the profiles of a request, whose marks are in its body or its name."""
        now = time.monotonic()
        found = _MARK.findall(wire.unpacked(request)) or _MARK.findall(request.start.encode())
        for number in map(int, found):
            self.taken.add(number)
            self.arrived[number] += 1
            self.at.setdefault(number, now)

    @property
    def twice(self) -> int:
        """How many arrivals there were beyond the first of each profile."""
        return self.arrived.total() - len(self.arrived)


class Start(NamedTuple):
    """How long a start took: seconds until it was ready, of CPU until then, and to open the queue."""

    ready: float
    cpu: float
    opened: float


class Process:
    """An alloypy that receives on `port` into a queue; started again after each end.

    starts: so far. faults: where the counts did not add up after a start, or had gone back.
    """

    def __init__(
        self,
        folder: Path,
        urls: Mapping[str, str],
        queue: str = "",
        delivery: str = "",
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.starts: list[Start] = []
        self.faults: list[str] = []
        self._last: dict[str, Law] = {}
        config = folder / "config.alloy"
        config.write_text(configuration(self.port, urls, folder / "queue", queue, delivery, in_flight))
        self._arguments = [
            "--stability.level=experimental",
            f"--storage.path={folder / 'storage'}",
            str(config),
        ]

    def started(self) -> Running:
        """A process."""
        return Running(self._arguments, self.folder)

    async def ready(self, running: Running, began: float) -> None:
        """Wait until a process that was started at `began` is ready; note how long it took, and check it."""
        await asyncio.to_thread(running.wait_until_ready)
        took = time.monotonic() - began
        cpu = cpu_seconds(running.process.pid)
        metrics = (await asyncio.to_thread(running.get, "/metrics")).text
        opened = re.search(r"^alloypy_queue_start_seconds\{.*\} (\S+)$", metrics, re.MULTILINE)
        self.starts.append(Start(took, cpu, float(opened[1]) if opened else 0.0))
        for name, law in laws(metrics).items():
            before = self._last.get(name, law)
            if not law.holds or law.stored < before.stored or law.dropped < before.dropped:
                self.faults.append(f"start {len(self.starts)}: {name} had {before}, and has {law}")
            self._last[name] = law

    def starts_report(self) -> str:
        """The figures of all starts."""
        names = ("ready after", "CPU of a start", "queue opened in")
        values = dict(zip(names, zip(*self.starts, strict=True), strict=True))
        return "; ".join(
            f"{name} p50 {at(each, 0.5):.2f}, p99 {at(each, 0.99):.2f}, most {max(each):.2f} s"
            for name, each in values.items()
        )


def configuration(
    port: int, urls: Mapping[str, str], path: Path, queue: str, delivery: str, in_flight: int
) -> str:
    """A receiver, a queue, and its destinations by their names. queue, delivery: further settings."""
    forward = ", ".join(f"pyroscope.write.{name}.receiver" for name in urls)
    writes = [
        f'pyroscope.write "{name}" {{\n  endpoint {{\n    url = "{url}"\n  }}\n}}\n'
        for name, url in urls.items()
    ]
    return f"""
pyroscope.receive_http "front" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [alloypy.queue.kept.receiver]
}}
alloypy.queue "kept" {{
  forward_to = [{forward}]
  {queue}
  disk {{
    path         = "{path}"
    segment_size = "256KiB"
    min_free     = "0"
  }}
  delivery {{
    max_in_flight = {in_flight}
    {delivery}
  }}
}}
{"".join(writes)}"""


def at(values: Sequence[float], part: float) -> float:
    """The value below which this part of all values is."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def cpu_seconds(process: int) -> float:
    """The CPU time that a process has used; 0 where that cannot be seen."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / 100


def memory_megabytes(process: int) -> float:
    """The memory of a process (VmRSS); 0 where that cannot be seen."""
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1000 if found else 0.0


async def metrics_of(running: Running) -> str:
    """The text of `/metrics`."""
    return (await asyncio.to_thread(running.get, "/metrics")).text


async def drained(running: Running, patience: float = PATIENCE) -> dict[str, Law]:
    """The laws once the queue is open and nothing waits, or at the end of patience."""
    deadline = time.monotonic() + patience
    while True:
        found = laws(await metrics_of(running))
        done = found and all(each.stored and not each.waiting for each in found.values())
        if done or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.1)


async def dead_letters(path: Path, destination: str = OUT) -> set[int]:
    """The numbers of the profiles that are dead letters in a queue that is not in use."""
    log = await Log.open(str(path), settings=LogSettings(min_free=0), destinations=None)
    try:
        found = set()
        for seq in await log.dead_letters(destination):
            letter = await log.dead_letter(destination, seq)
            assert letter is not None
            content = letter.record.meta + b"".join(letter.record.body)
            found |= set(map(int, _MARK.findall(content)))
        return found
    finally:
        await log.close()


async def laws_on_disk(path: Path) -> dict[str, Law]:
    """The counts of a queue that is not in use."""
    log = await Log.open(str(path), settings=LogSettings(min_free=0), destinations=None)
    try:
        counts = {name: log.cursor(name).counts for name in log.destinations}
    finally:
        await log.close()
    return {
        name: Law(each.stored, each.delivered, sum(each.dropped.values()), each.dead, each.waiting)
        for name, each in counts.items()
    }


def lawless(found: Mapping[str, Law], stored: int) -> list[str]:
    """What is wrong with the counts of a queue that has delivered all. stored: at least so many were."""
    faults = [f"the counts of {name} do not add up: {each}" for name, each in found.items() if not each.holds]
    faults += [
        f"{name} has not got all: {each}, of {stored}"
        for name, each in found.items()
        if each.waiting or each.stored < stored
    ]
    return faults if found else ["the queue is not open"]
