"""What scraping costs: alloypy compared with Alloy, in interleaved rounds.

    python -m tests.benchmarks.scrape --alloy PATH --alloypy PATH --rounds 3 --out rows.jsonl

Both scrape the same targets and send to the same sink; both may use one processor for their main work
(GOMAXPROCS=1; alloypy compares profiles in processes of its own, whose CPU and memory count). A case is
measured once every target has been scraped: CPU per profile during the window, and memory at its end. Needs
Go, for the targets and the sink in `tools/`, and a hard limit of 12,000 open files for all cases.

`--out` gets one JSON object per line: case, contender, round, cpu_ms, rss_mb, profiles.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.relay import TOOLS, free_port, running, wait_for_port, wait_until_ready

TYPES = ("memory", "block", "goroutine", "mutex", "process_cpu")
PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")

CONFIG = """\
pyroscope.scrape "fleet" {{
  targets         = [
{targets}
  ]
  forward_to      = [pyroscope.write.backend.receiver]
  scrape_interval = "{interval}s"
  profiling_config {{
{profiles}
  }}
}}

pyroscope.write "backend" {{
  endpoint {{
    url = "{sink}"
  }}
}}
"""


class Case(NamedTuple):
    """A fleet. interval, window: seconds. cpu, memory: the ratios that are the goal."""

    name: str
    targets: int
    types: Sequence[str]
    interval: int
    window: int
    cpu: float
    memory: float
    depth: int = 9


CASES = (
    Case("1,000 targets, goroutine, 50 KB", 1000, ("goroutine",), 5, 20, 0.5, 0.5),
    Case(
        "5,000 targets, process_cpu and goroutine, 50 KB",
        5000,
        ("process_cpu", "goroutine"),
        15,
        30,
        0.5,
        0.5,
    ),
    Case("50 targets, memory of 512 stacks", 50, ("memory",), 5, 20, 3.0, 3.0),
    Case("20 targets, memory of 4,096 stacks", 20, ("memory",), 5, 20, 3.0, 3.0, 12),
)


class Usage(NamedTuple):
    """CPU seconds and memory in MB of a process and its children, and how many profiles were served."""

    cpu: float
    rss: float
    profiles: int


def main() -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alloy", help="an Alloy binary; without it alloypy runs alone")
    parser.add_argument("--alloypy", default=shutil.which("alloypy"), help="the alloypy command")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="file for the JSON rows")
    parser.add_argument("--cases", default="", help="only cases whose name contains this")
    options = parser.parse_args()
    contenders = {"alloy": options.alloy} if options.alloy else {}
    contenders["alloypy"] = options.alloypy
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for number in range(1, options.rounds + 1):
            for case in CASES:
                if options.cases in case.name:
                    for name, command in contenders.items():
                        rows.append(bench.row(case, name, command, number))
                        print(json.dumps(rows[-1]), file=sys.stderr)
    if options.out:
        options.out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(table(rows))
    return 0


class Bench:
    """Everything that a run needs, below `folder`."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("go") is None:
            sys.exit("scrape benchmark: Go is needed to build the targets and the sink")
        self.folder = folder
        for tool in ("targets", "sink"):
            subprocess.run(["go", "build", "-o", folder / tool, TOOLS / f"{tool}.go"], check=True, cwd=folder)

    def row(self, case: Case, contender: str, command: str, number: int) -> dict[str, Any]:
        """One line of the output."""
        with self._targets(case) as port, self._sink() as sink:
            config = self.folder / f"{contender}.alloy"
            config.write_text(configuration(case, port, sink))
            with self._scraper(contender, command, config) as pid:
                time.sleep(5 + 2 * case.interval + 8)
                before = usage(pid, port)
                time.sleep(case.window)
                after = usage(pid, port)
        profiles = after.profiles - before.profiles
        return {
            "case": case.name,
            "contender": contender,
            "round": number,
            "cpu_ms": 1000 * (after.cpu - before.cpu) / max(profiles, 1),
            "rss_mb": after.rss,
            "profiles": profiles,
        }

    @contextmanager
    def _targets(self, case: Case) -> Iterator[int]:
        port = free_port()
        command = [str(self.folder / "targets"), "-n", str(case.targets), "-port", str(port)]
        with running([*command, "-depth", str(case.depth)], self.folder / "targets.log"):
            wait_for_port(port)
            yield port

    @contextmanager
    def _sink(self) -> Iterator[str]:
        port = free_port()
        command = [str(self.folder / "sink"), "-addr", f"127.0.0.1:{port}"]
        with running(command, self.folder / "sink.log"):
            wait_for_port(port)
            yield f"http://127.0.0.1:{port}"

    @contextmanager
    def _scraper(self, contender: str, command: str, config: Path) -> Iterator[int]:
        admin = free_port()
        arguments = [
            *("env", "GOMAXPROCS=1", command, "run", "--disable-reporting"),
            f"--storage.path={self.folder / contender}",
            f"--server.http.listen-addr=127.0.0.1:{admin}",
            str(config),
        ]
        with running(arguments, self.folder / f"{contender}.log") as process:
            wait_until_ready(f"http://127.0.0.1:{admin}/-/ready")
            yield process.pid


def configuration(case: Case, port: int, sink: str) -> str:
    """The configuration that scrapes a fleet; targets have the labels that discovery usually gives."""
    targets = [
        f'    {{"__address__" = "127.{16 + i // 62500}.{i // 250 % 250}.{1 + i % 250}:{port}", '
        f'"service_name" = "service-{i % 100}", "pod" = "pod-{i}", "namespace" = "team-{i % 20}"}},'
        for i in range(case.targets)
    ]
    profiles = [
        f"    profile.{name} {{ enabled = {'true' if name in case.types else 'false'} }}" for name in TYPES
    ]
    return CONFIG.format(
        targets="\n".join(targets), profiles="\n".join(profiles), interval=case.interval, sink=sink
    )


def usage(pid: int, port: int) -> Usage:
    """What a process and its children have used so far."""
    cpu = rss = 0.0
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        stat = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        cpu += (int(stat[11]) + int(stat[12])) / TICK
        rss += int(stat[21]) * PAGE / 1e6
        waiting += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count") as answer:
        return Usage(cpu, rss, int(answer.read()))


def table(rows: list[dict[str, Any]]) -> str:
    """Medians as Markdown, and the ratio alloypy / Alloy of each round as median [min-max]."""
    lines = [
        (
            "| case | CPU ms/profile Alloy | alloypy | ratio [min-max] | goal "
            "| MB Alloy | alloypy | ratio [min-max] | goal |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        found = {
            name: [row for row in rows if row["case"] == case.name and row["contender"] == name]
            for name in ("alloy", "alloypy")
        }
        if not found["alloypy"]:
            continue
        cpu, memory = _compared(found, "cpu_ms"), _compared(found, "rss_mb")
        lines.append(f"| {case.name} | {cpu} | {case.cpu:.2g} | {memory} | {case.memory:.2g} |")
    return "\n".join(lines)


def _compared(found: dict[str, list[dict[str, Any]]], key: str) -> str:
    ours, theirs = ([row[key] for row in found[name]] for name in ("alloypy", "alloy"))
    ratios = [our / their for our, their in zip(ours, theirs, strict=False)]
    if not ratios:
        return f"- | {statistics.median(ours):.3g} | -"
    ratio = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"
    return f"{statistics.median(theirs):.3g} | {statistics.median(ours):.3g} | {ratio}"


if __name__ == "__main__":
    sys.exit(main())
