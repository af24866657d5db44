"""What live debugging costs `alloypy run`: switched off, with nobody looking, with one viewer, with ten.

    python -m tests.benchmarks.live --rounds 5
    python -m tests.benchmarks.live --instructions     # counted by valgrind; for a busy machine
    python -m tests.benchmarks.live --ticks 1          # one viewer without sockets; 0 is what to subtract

1,000 profiles of 5 KB a second are received, relabelled and sent; rounds are interleaved. CPU is that of
the process, beyond what it took in the same round with live debugging off, in percent of a core; one viewer
may take 2 %, ten 5 %. `sent` is what a client waits for. Needs Go, for the load generator and the sink in
`tools/`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.relay import TOOLS, free_port, running, wait_for_port, wait_until_ready

RATE = 1000
TICKS = 40  # of the hub, four a second
COUNTING = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
CONFIG = """\
{live}
pyroscope.receive_http "default" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.relabel.rules.receiver]
}}

pyroscope.relabel "rules" {{
  rule {{
    target_label = "team"
    replacement  = "shop"
  }}
  forward_to = [pyroscope.write.backend.receiver]
}}

pyroscope.write "backend" {{
  endpoint {{
    url = "http://127.0.0.1:{sink}"
  }}
}}
"""
ON = "livedebugging {\n  enabled = true\n}\n"


class Case(NamedTuple):
    """Who looks. stalled: viewers that do not read. most: percent of a core that it may take; 0 for any."""

    title: str
    live: bool = True
    viewers: int = 0
    stalled: int = 0
    most: float = 0.0


CASES = (
    Case("off", live=False),
    Case("nobody looks"),
    Case("1 viewer", viewers=1, most=2.0),
    Case("10 viewers", viewers=10, most=5.0),
    Case("1 viewer that does not read", stalled=1, most=2.0),
)


class Relay(NamedTuple):
    """A process of alloypy: where it receives, and its admin server."""

    process: subprocess.Popen[bytes]
    port: int
    admin: int


class Figures(NamedTuple):
    """One run. cpu: seconds per second. bytes_per_second: to each viewer that reads. p50, p99: ms to send."""

    cpu: float
    p50: float
    p99: float
    memory: float
    bytes_per_second: float


def build(folder: Path) -> None:
    """Compile the load generator and the sink."""
    if shutil.which("go") is None:
        sys.exit("live benchmark: Go is needed to build the load generator and the sink")
    for tool in ("loadgen", "sink"):
        subprocess.run(["go", "build", "-o", folder / tool, TOOLS / f"{tool}.go"], check=True, cwd=folder)


@contextmanager
def sink(folder: Path) -> Iterator[int]:
    """The port of a server that takes all profiles."""
    port = free_port()
    with running([str(folder / "sink"), "-addr", f"127.0.0.1:{port}"], folder / "sink.log"):
        wait_for_port(port)
        yield port


@contextmanager
def relay(folder: Path, to: int, *, live: bool, below: Sequence[str] = ()) -> Iterator[Relay]:
    """A running process. to: the port of the sink. below: a program that runs Python, such as valgrind."""
    port, admin = free_port(), free_port()
    name = "on" if live else "off"
    config = folder / f"{name}.alloy"
    config.write_text(CONFIG.format(live=ON if live else "", port=port, sink=to))
    command = [
        *below,
        *(sys.executable, "-m", "alloypy", "run", "--stability.level=public-preview"),
        f"--server.http.listen-addr=127.0.0.1:{admin}",
        f"--storage.path={folder / name}",
        str(config),
    ]
    with running(command, folder / f"{name}.log") as process:
        wait_until_ready(f"http://127.0.0.1:{admin}/-/ready", 300 if below else 30)
        wait_for_port(port)
        _wait_until_idle(process.pid)  # it loads ahead what it may need later
        yield Relay(process, port, admin)


def _wait_until_idle(pid: int) -> None:
    """Return once a process has done nothing for a while; give up after two minutes."""
    deadline, before, calm = time.monotonic() + 120, -1.0, 0
    while calm < 3 and time.monotonic() < deadline:
        time.sleep(0.5)
        now = cpu_seconds(pid)
        calm = calm + 1 if now - before < 0.02 else 0
        before = now


def send(folder: Path, port: int, count: int, *options: str) -> dict[str, Any]:
    """What the load generator says."""
    command = [str(folder / "loadgen"), "-url", f"http://127.0.0.1:{port}", "-size", "5000", *options]
    done = subprocess.run([*command, "-n", str(count)], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(done.stdout)
    if found["errors"]:
        sys.exit(f"live benchmark: {found['errors']} requests failed")
    return found


class Viewer:
    """A viewer of all verdicts, that reads in a thread, or not at all. received: bytes so far.

    query: which profiles it wants to see.
    """

    def __init__(self, admin: int, *, reads: bool, query: str = "") -> None:
        self.received = 0
        self._socket = socket.socket()
        if not reads:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", admin))
        request = f"GET /api/v0/alloypy/live{query} HTTP/1.1\r\nHost: 127.0.0.1:{admin}\r\n\r\n"
        self._socket.sendall(request.encode())
        if reads:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while content := self._socket.recv(1 << 16):
                self.received += len(content)
        except OSError:
            return

    def close(self) -> None:
        """Leave."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def cpu_seconds(pid: int) -> float:
    """CPU of all threads of a process so far."""
    found = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += int((thread / "schedstat").read_text().split()[0])
    return found / 1e9


def memory_mb(pid: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measured(folder: Path, case: Case, given: Relay, seconds: int) -> Figures:
    """One run of a case."""
    viewers = [Viewer(given.admin, reads=True) for _ in range(case.viewers)]
    stalled = [Viewer(given.admin, reads=False) for _ in range(case.stalled)]
    send(folder, given.port, RATE, "-rate", str(RATE))
    began, before = time.monotonic(), cpu_seconds(given.process.pid)
    received = sum(each.received for each in viewers)
    sent = send(folder, given.port, RATE * seconds, "-rate", str(RATE), "-warm", "0")
    took, used = time.monotonic() - began, cpu_seconds(given.process.pid) - before
    received = sum(each.received for each in viewers) - received
    memory = memory_mb(given.process.pid)
    for viewer in (*viewers, *stalled):
        viewer.close()
    time.sleep(1)
    return Figures(
        used / took, sent["p50_ms"], sent["p99_ms"], memory, received / took / max(1, case.viewers)
    )


def compare(folder: Path, rounds: int, seconds: int) -> None:
    """Print a row for each case: medians of all rounds."""
    found: dict[str, list[Figures]] = {case.title: [] for case in CASES}
    with ExitStack() as stack:
        to = stack.enter_context(sink(folder))
        relays = {live: stack.enter_context(relay(folder, to, live=live)) for live in (False, True)}
        for number in range(rounds):
            for case in CASES if number % 2 else CASES[::-1]:
                found[case.title].append(measured(folder, case, relays[case.live], seconds))
        after = memory_mb(relays[True].process.pid)
    print("| who looks | CPU % | more than off [min to max] | may be | sent p50, p99 ms | MB | KB/s each |")
    print("|---|---|---|---|---|---|---|")
    for case in CASES:
        runs = found[case.title]
        more = [100 * (run.cpu - off.cpu) for run, off in zip(runs, found[CASES[0].title], strict=True)]
        p50, p99 = (statistics.median(run[at] for run in runs) for at in (1, 2))
        print(
            f"| {case.title} | {100 * statistics.median(run.cpu for run in runs):.1f} "
            f"| {statistics.median(more):+.2f} [{min(more):+.2f} to {max(more):+.2f}] | {case.most or '-'} "
            f"| {p50:.1f}, {p99:.1f} | {max(run.memory for run in runs):.0f} "
            f"| {statistics.median(run.bytes_per_second for run in runs) / 1000:.0f} |"
        )
    print(f"memory once all have left: {after:.0f} MB")


def count_instructions(folder: Path, profiles: int) -> None:
    """Print how many instructions a forwarded profile takes: off, with nobody and with one looking."""
    if shutil.which("valgrind") is None:
        sys.exit("live benchmark: valgrind is not installed")
    found = []
    for live, looks in ((False, False), (True, False), (True, True)):
        few, many = (
            _instructions(folder, count, live=live, looks=looks) for count in (profiles // 10, profiles)
        )
        found.append((many - few) / (profiles - profiles // 10))
    off, on, looked_at = found
    print(f"instructions per profile: off {off:,.0f}, nobody looks {on:,.0f} ({100 * (on / off - 1):+.2f} %)")
    print(f"a viewer that selects none of them: {looked_at:,.0f} ({100 * (looked_at / on - 1):+.2f} %)")
    with_one, without = (_ticks_instructions(folder, viewers) for viewers in (1, 0))
    print(
        f"events of {RATE:,} profiles a second and their viewer, alone: "
        f"{(with_one - without) / TICKS * 4 / 1e6:.1f} million instructions a second"
    )


def _ticks_instructions(folder: Path, viewers: int) -> int:
    """Those of this module, run for so many viewers."""
    path = folder / "ticks.log"
    with path.open("wb") as output:
        command = [*COUNTING, sys.executable, "-m", "tests.benchmarks.live", "--ticks", str(viewers)]
        subprocess.run(command, check=True, stdout=output, stderr=output)
    return _counted(path)


async def look(viewers: int) -> None:
    """Publish what happens to the profiles of some moments, and show it to viewers."""
    from alloypy.runtime.contract.events import Events, Received, Relabelled, Sent
    from alloypy.services.web.live_hub import TICK_SECONDS, Hub
    from alloypy.services.web.live_matching import VERDICTS, Wanted
    from alloypy.services.web.live_viewers import RowViewer

    events = Events()
    hub = Hub(events, lambda component, rule: "")
    labels = {"service_name": "shop", "__name__": "cpu", **{f"label{n}": f"value{n}" for n in range(8)}}

    async def read() -> None:
        async for _ in RowViewer(hub, Wanted(frozenset(VERDICTS.values()), None, "")).messages():
            pass

    readers = [asyncio.create_task(read()) for _ in range(viewers)]
    await asyncio.sleep(TICK_SECONDS)
    for _ in range(TICKS):
        for _ in range(int(RATE * TICK_SECONDS)):
            body = (os.urandom(5000),)
            if events.wanted:
                events.publish(Received("pyroscope.receive_http.a", labels, body))
            if events.wanted:
                events.publish(Relabelled("pyroscope.relabel.r", labels, body, labels))
            if events.wanted:
                events.publish(Sent("pyroscope.write.w", labels, body, "http://backend", 200, 0.001, 1))
        await asyncio.sleep(TICK_SECONDS)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


def _instructions(folder: Path, profiles: int, *, live: bool, looks: bool) -> int:
    """Those of a whole process that forwards so many profiles, one after the other.

    looks: whether there is a viewer, which selects none of them: rows depend on time, not on profiles.
    """
    with sink(folder) as to, relay(folder, to, live=live, below=COUNTING) as started:
        viewer = Viewer(started.admin, reads=True, query="?match=none%3D%22x%22") if looks else None
        send(folder, started.port, profiles, "-c", "1", "-warm", "0")
        if viewer is not None:
            viewer.close()
        started.process.send_signal(signal.SIGTERM)
        started.process.wait(60)
    return _counted(folder / ("on.log" if live else "off.log"))


def _counted(path: Path) -> int:
    """What valgrind says at the end."""
    counted = re.search(r"I +refs: +([\d,]+)", path.read_text())
    if counted is None:
        sys.exit(f"live benchmark: valgrind counted nothing\n{path.read_text()[-1000:]}")
    return int(counted[1].replace(",", ""))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10, help="of each run")
    parser.add_argument("--instructions", action="store_true", help="count instructions")
    parser.add_argument("--ticks", type=int, help="only look at events, in one process, with so many viewers")
    options = parser.parse_args()
    os.environ["PYTHONHASHSEED"] = "0"
    if options.ticks is not None:
        before = time.process_time()
        asyncio.run(look(options.ticks))
        print(f"{100 * (time.process_time() - before) / TICKS * 4:.2f} % of a core")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder)
        if options.instructions:
            count_instructions(folder, 2000)
        else:
            compare(folder, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
