"""What `alloypy.queue` adds to the whole process, with HTTP on both sides, in interleaved rounds.

    python -m tests.benchmarks.queue_process [--alloypy PATH] [--rounds 5]

One process forwards at once, the other two through a queue. CPU is that of all their threads, from
`/proc`, until all profiles have arrived. At a given rate, or with many clients, they are equally busy;
16 clients that wait for their answers keep only the process without a queue busy, which then has
several profiles in each turn of its loop. Needs Go, for the load generator and the sink in `tools/`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.relay import TOOLS, free_port, running, wait_for_port, wait_until_ready

CONFIG = """\
pyroscope.receive_http "default" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [{forward_to}.receiver]
}}

pyroscope.write "backend" {{
  endpoint {{
    url = "{sink}"
  }}
}}
"""

QUEUE = """
alloypy.queue "default" {{
  forward_to = [pyroscope.write.backend.receiver]

  disk {{
    path     = "{path}"
    min_free = "0"
    sync     = "{sync}"
  }}
}}
"""

KINDS = ("none", "always", "interval")
"""Without a queue, and the values of `sync`."""


class Case(NamedTuple):
    """One load. rate: requests per second of all clients together; 0 = as many as possible."""

    size: int
    clients: int
    requests: int
    rate: int = 0

    @property
    def name(self) -> str:
        """As in the table."""
        rate = f", {self.rate}/s" if self.rate else ""
        return f"{self.size // 1000} KB, {self.clients} clients{rate}"


CASES = (
    Case(5_000, 16, 8_000),
    Case(5_000, 64, 8_000),
    Case(5_000, 256, 8_000),
    Case(5_000, 16, 3_000, 500),
    Case(5_000, 16, 6_000, 1_500),
    Case(500_000, 16, 480),
)


class Figures(NamedTuple):
    """CPU in ms per profile, the time of clients in ms, and profiles that share a sync."""

    cpu: float
    p50: float
    p99: float
    together: float


class Forwarding(NamedTuple):
    """A running process: where it receives, where its metrics are, and its number."""

    url: str
    admin: str
    pid: int

    def cpu_ms(self) -> float:
        """The CPU that all threads have taken so far."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1e6

    def metric(self, name: str) -> float:
        """A metric without labels but the component's; 0 if there is none."""
        with urllib.request.urlopen(f"{self.admin}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(f"{name}{{")), 0.0)

    def resident_kb(self) -> int:
        """The memory that is resident."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines()
        return int(next(line.split()[1] for line in status if line.startswith("VmRSS")))


@contextmanager
def forwarding(command: str, folder: Path, sink: str, kind: str) -> Iterator[Forwarding]:
    """A process that forwards to the sink, ready to receive."""
    port, admin = free_port(), free_port()
    forward_to = "pyroscope.write.backend" if kind == "none" else "alloypy.queue.default"
    text = CONFIG.format(port=port, sink=sink, forward_to=forward_to)
    if kind != "none":
        text += QUEUE.format(path=folder / f"queue-{kind}", sync=kind)
    path = folder / f"{kind}.alloy"
    path.write_text(text, "utf-8")
    arguments = [
        command,
        "run",
        "--disable-reporting",
        "--stability.level=experimental",
        f"--storage.path={folder / kind}",
        f"--server.http.listen-addr=127.0.0.1:{admin}",
        str(path),
    ]
    with running(arguments, folder / f"{kind}.log") as process:
        wait_until_ready(f"http://127.0.0.1:{admin}/-/ready")
        wait_for_port(port)
        yield Forwarding(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin}", process.pid)


def load(loadgen: Path, case: Case, to: Forwarding, requests: int) -> dict[str, float]:
    """What the load generator says."""
    command = [str(loadgen), "-url", to.url, "-mode", "push", "-size", str(case.size)]
    command += ["-c", str(case.clients), "-n", str(requests), "-warm", "0", "-rate", str(case.rate)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert not found["errors"], found
    return found


def measured(loadgen: Path, case: Case, to: Forwarding) -> Figures:
    """One load, until all has arrived."""
    cpu, syncs = to.cpu_ms(), to.metric("alloypy_queue_sync_seconds_count")
    found = load(loadgen, case, to, case.requests)
    while to.metric("alloypy_queue_records"):
        time.sleep(0.1)
    syncs = to.metric("alloypy_queue_sync_seconds_count") - syncs
    used = (to.cpu_ms() - cpu) / case.requests
    return Figures(used, found["p50_ms"], found["p99_ms"], case.requests / syncs if syncs else 0.0)


def built(folder: Path) -> None:
    """Compile the load generator and the sink."""
    if shutil.which("go") is None:
        sys.exit("this benchmark needs Go, for the load generator and the sink")
    for tool in ("loadgen", "sink"):
        subprocess.run(["go", "build", "-o", folder / tool, TOOLS / f"{tool}.go"], check=True, cwd=folder)


def main() -> None:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alloypy", default=shutil.which("alloypy"), help="the alloypy command")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    # Not /tmp, which may be memory.
    folder = Path(tempfile.mkdtemp(prefix="queue-", dir=os.environ.get("ALLOYPY_BENCH_DIR", "."))).absolute()
    try:
        built(folder)
        rows = run(folder, options.alloypy, options.rounds)
    finally:
        shutil.rmtree(folder)
    print(
        "| load | queue | CPU ms | [min-max] | p50 ms | p99 ms | in a sync |\n|---|---|---|---|---|---|---|"
    )
    for (name, kind), found in rows.items():
        cpu = [each.cpu for each in found]
        rest = " | ".join(f"{statistics.median(each):.3g}" for each in [*zip(*found, strict=True)][1:])
        print(f"| {name} | {kind} | {statistics.median(cpu):.3f} | {min(cpu):.3f}-{max(cpu):.3f} | {rest} |")


def run(folder: Path, command: str, rounds: int) -> dict[tuple[str, str], list[Figures]]:
    """The figures by load and kind, of each round."""
    rows: dict[tuple[str, str], list[Figures]] = {}
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(
            running([str(folder / "sink"), "-addr", f"127.0.0.1:{port}"], folder / "sink.log")
        )
        wait_for_port(port)
        sink = f"http://127.0.0.1:{port}"
        to = {kind: stack.enter_context(forwarding(command, folder, sink, kind)) for kind in KINDS}
        time.sleep(2)
        print("idle:", ", ".join(f"{kind} {each.resident_kb()} kB" for kind, each in to.items()))
        order = list(to.items())
        for number in range(rounds):
            for case in CASES:
                for kind, each in order:
                    if not number:
                        load(folder / "loadgen", case, each, min(300, case.requests))
                    rows.setdefault((case.name, kind), []).append(measured(folder / "loadgen", case, each))
            order.reverse()
    return rows


if __name__ == "__main__":
    main()
