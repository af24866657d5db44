"""What a forwarded profile costs: alloypy compared with Alloy, in interleaved rounds.

    python -m tests.benchmarks.relay --alloy PATH --alloypy PATH --rounds 5 --out rows.jsonl

Both relays run the same configuration against one sink; the load generator goes from one to the other
within each round. The main figure is CPU seconds of the relay per 1,000 forwarded requests, which
other work on the machine disturbs least. Needs Go, for the load generator and the sink in `tools/`.

`--out` gets one JSON object per line: case, contender, round, cpu_s_per_1k, rps, p50_ms, p99_ms,
rss_peak_mb. The table on stdout gives medians, and alloypy's figure divided by Alloy's per round. With
`--beside PATH`, another alloypy such as one with compiled modules takes part in the same rounds, and has
a table of its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

TOOLS = Path(__file__).parent / "tools"

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
  external_labels = {{
    "env"    = "production",
    "region" = "us-west-1",
  }}
}}
"""


ENRICH = """
pyroscope.enrich "targets" {{
  targets            = [{targets}]
  target_match_label = "pod"
  forward_to         = [pyroscope.write.backend.receiver]
}}
"""

POD = "checkout-7d9f"
"""The pod that the load generator names in its profiles."""


def config(port: int, sink: str, targets: int) -> str:
    """The relay's configuration; with targets, profiles get the labels of the one that is their pod."""
    if not targets:
        return CONFIG.format(port=port, sink=sink, forward_to="pyroscope.write.backend")
    names = [POD, *(f"pod-{number}" for number in range(1, targets))]
    made = ", ".join(
        f'{{"pod" = "{name}", "node" = "node-{number}", "namespace" = "shop", "team" = "web"}}'
        for number, name in enumerate(names)
    )
    text = CONFIG.format(port=port, sink=sink, forward_to="pyroscope.enrich.targets")
    return text + ENRICH.format(targets=made)


class Case(NamedTuple):
    """One load: `mode` is ingest or push, `size` bytes a profile, `limit` the ratio that is the goal."""

    name: str
    mode: str
    size: int
    connections: int
    requests: int
    series: int = 1
    limit: float = 0.5


CASES = (
    Case("ingest 5 KB c16", "ingest", 5_000, 16, 12_000),
    Case("ingest 5 KB c64", "ingest", 5_000, 64, 12_000),
    Case("ingest 50 KB c16", "ingest", 50_000, 16, 8_000),
    Case("ingest 50 KB c64", "ingest", 50_000, 64, 8_000),
    Case("push 5 KB c16", "push", 5_000, 16, 12_000),
    Case("push 5 KB c64", "push", 5_000, 64, 12_000),
    Case("push 50 KB c16", "push", 50_000, 16, 8_000),
    Case("push 50 KB c64", "push", 50_000, 64, 8_000),
    Case("push 20 x 5 KB c16", "push", 5_000, 16, 600, series=20, limit=1 / 3),
    Case("ingest 500 KB c16", "ingest", 500_000, 16, 800, limit=2 / 3),
    Case("push 500 KB c16", "push", 500_000, 16, 800, limit=2 / 3),
    Case("ingest 5 MB c16", "ingest", 5_000_000, 16, 120, limit=2 / 3),
    Case("push 5 MB c16", "push", 5_000_000, 16, 120, limit=2 / 3),
)

MEMORY_CASES = (
    Case("memory: ingest 64 x 5 MB", "ingest", 5_000_000, 64, 256, limit=1 / 3),
    Case("memory: push 64 x 5 MB", "push", 5_000_000, 64, 256, limit=1 / 3),
    Case("memory: ingest 64 x 5 MB, sink hangs", "ingest", 5_000_000, 64, 64, limit=1 / 3),
    Case("memory: push 64 x 5 MB, sink hangs", "push", 5_000_000, 64, 64, limit=1 / 3),
)


def main() -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alloy", help="an Alloy binary; without it alloypy runs alone")
    parser.add_argument("--alloypy", default=shutil.which("alloypy"), help="the alloypy command")
    parser.add_argument("--beside", help="another alloypy command, for the same rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="file for the JSON rows")
    parser.add_argument("--cases", default="", help="only cases whose name contains this")
    parser.add_argument("--no-memory", action="store_true", help="leave out the memory cases")
    parser.add_argument("--targets", type=int, default=0, help="targets of pyroscope.enrich on the way")
    options = parser.parse_args()
    if options.alloypy is None:
        parser.error("no alloypy on PATH: give --alloypy")
    contenders = {"alloypy": options.alloypy}
    if options.beside:
        contenders["beside"] = options.beside
    if options.alloy:
        contenders = {"alloy": options.alloy, **contenders}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), contenders, options.targets)
        bench.build_tools()
        cases = [case for case in CASES if options.cases in case.name]
        rows += bench.cpu(cases, options.rounds)
        if not options.no_memory:
            memory = [case for case in MEMORY_CASES if options.cases in case.name]
            rows += bench.memory(memory, min(options.rounds, 2))
    if options.out:
        options.out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for ours in contenders:
        if ours != "alloy":
            print(f"{contenders[ours]}\n\n{table(rows, ours)}\n")
    return 0


class Bench:
    """The processes of one benchmark run, with everything they write below `folder`.

    targets: how many `pyroscope.enrich` has; 0 for none of it.
    """

    def __init__(self, folder: Path, contenders: dict[str, str], targets: int) -> None:
        self.targets = targets
        self.folder = folder
        self.contenders = contenders

    def build_tools(self) -> None:
        """Compile the load generator and the sink."""
        if shutil.which("go") is None:
            sys.exit("relay benchmark: Go is needed to build the load generator and the sink")
        for tool in ("loadgen", "sink"):
            subprocess.run(
                ["go", "build", "-o", self.folder / tool, TOOLS / f"{tool}.go"], check=True, cwd=self.folder
            )

    def cpu(self, cases: list[Case], rounds: int) -> Iterator[dict[str, Any]]:
        """Every contender started once; within each round the load goes from one to the other."""
        with ExitStack() as started:
            sink = started.enter_context(self.sink())
            relays = {name: started.enter_context(self.relay(name, sink)) for name in self.contenders}
            yield from self._rounds(cases, rounds, relays)

    def _rounds(self, cases: list[Case], rounds: int, relays: dict[str, Relay]) -> Iterator[dict[str, Any]]:
        order = list(relays.items())
        for number in range(1, rounds + 1):
            for case in cases:
                for contender, relay in order:
                    yield row(case, contender, number, self.load(case, relay))
            order.reverse()  # rotate, so that drift of the machine hits each of them first in turn

    def memory(self, cases: list[Case], rounds: int) -> Iterator[dict[str, Any]]:
        """A fresh process for each case, because allocated memory is not always returned."""
        for number in range(1, rounds + 1):
            for case in cases:
                hangs = "hangs" in case.name
                with self.sink(hang=hangs) as sink:
                    for contender in self.contenders:
                        with self.relay(contender, sink) as relay:
                            result = self.load(case, relay, timeout="8s" if hangs else "60s", warm=0)
                            yield row(case, contender, number, result)

    @contextmanager
    def sink(self, *, hang: bool = False) -> Iterator[str]:
        """The URL of a running sink."""
        port = free_port()
        command = [str(self.folder / "sink"), "-addr", f"127.0.0.1:{port}", *(["-hang"] if hang else [])]
        with running(command, self.folder / "sink.log"):
            wait_for_port(port)
            yield f"http://127.0.0.1:{port}"

    @contextmanager
    def relay(self, contender: str, sink: str) -> Iterator[Relay]:
        """A running contender, ready to receive."""
        port, admin = free_port(), free_port()
        path = self.folder / f"{contender}.alloy"
        path.write_text(config(port, sink, self.targets))
        command = [
            self.contenders[contender],
            "run",
            "--disable-reporting",
            "--stability.level=experimental",
            f"--storage.path={self.folder / contender}",
            f"--server.http.listen-addr=127.0.0.1:{admin}",
            str(path),
        ]
        with running(command, self.folder / f"{contender}.log") as process:
            wait_until_ready(f"http://127.0.0.1:{admin}/-/ready")
            wait_for_port(port)
            yield Relay(f"http://127.0.0.1:{port}", process.pid)

    def load(self, case: Case, relay: Relay, timeout: str = "60s", warm: int | None = None) -> dict[str, Any]:
        """One run of the load generator; its JSON answer."""
        if warm is None:
            warm = min(case.requests // 10, 200)
        command = [
            str(self.folder / "loadgen"),
            *("-url", relay.url, "-mode", case.mode, "-size", str(case.size)),
            *("-series", str(case.series), "-c", str(case.connections), "-n", str(case.requests)),
            *("-warm", str(warm), "-pid", str(relay.pid), "-timeout", timeout),
        ]
        answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return answer


class Relay(NamedTuple):
    """A running contender: where it receives, and its process."""

    url: str
    pid: int


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the length of a `with` block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port that is free right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Return once something accepts on the port; give up after 30 s."""
    _poll(lambda: socket.create_connection(("127.0.0.1", port), 1).close(), f"port {port}")


def wait_until_ready(url: str, patience: float = 30) -> None:
    """Return once the URL answers 200; give up after `patience` seconds."""
    _poll(lambda: urllib.request.urlopen(url, timeout=patience / 10).close(), url, patience)


def _poll(attempt: Any, what: str, patience: float = 30) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            attempt()
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"benchmark: {what} did not come up")
            time.sleep(0.05)
        else:
            return


def row(case: Case, contender: str, number: int, result: dict[str, Any]) -> dict[str, Any]:
    """One line of the output."""
    if result["errors"] and "hangs" not in case.name:
        sys.exit(f"relay benchmark: {contender} failed {result['errors']} requests of {case.name}")
    kept = ("cpu_s_per_1k", "rps", "p50_ms", "p99_ms", "rss_peak_mb")
    return {"case": case.name, "contender": contender, "round": number, **{key: result[key] for key in kept}}


def table(rows: list[dict[str, Any]], contender: str) -> str:
    """Medians per case as Markdown, and the ratio contender / Alloy of each round as median [min-max]."""
    lines = [
        (
            "| case | CPU ms/request Alloy | alloypy | ratio [min-max] | goal "
            "| p99 ms Alloy | alloypy | peak MB Alloy | alloypy |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in (*CASES, *MEMORY_CASES):
        ours = _figures(rows, case.name, contender)
        if not ours:
            continue
        theirs = _figures(rows, case.name, "alloy")
        key = "rss_peak_mb" if case in MEMORY_CASES else "cpu_s_per_1k"
        ratios = [a[key] / b[key] for a, b in zip(ours, theirs, strict=False) if b[key]]
        ratio = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]" if ratios else "-"
        lines.append(
            f"| {case.name} | {_median(theirs, 'cpu_s_per_1k')} | {_median(ours, 'cpu_s_per_1k')} | {ratio} "
            f"| {case.limit:.2f} | {_median(theirs, 'p99_ms')} | {_median(ours, 'p99_ms')} "
            f"| {_median(theirs, 'rss_peak_mb')} | {_median(ours, 'rss_peak_mb')} |"
        )
    return "\n".join(lines)


def _figures(rows: list[dict[str, Any]], case: str, contender: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["case"] == case and row["contender"] == contender]


def _median(figures: list[dict[str, Any]], key: str) -> str:
    return f"{statistics.median(figure[key] for figure in figures):.3g}" if figures else "-"


if __name__ == "__main__":
    sys.exit(main())
