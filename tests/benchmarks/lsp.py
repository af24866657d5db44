"""How quickly the language server answers: `python dev.py bench lsp`.

Types into files of 50, 500 and 5,000 lines at 8 keys per second, asks for completion after each key and for
a hover now and then, and prints a table: milliseconds as median / p99, memory as VmRSS. Other work on the
machine slows everything down; the load is printed, too. `bench lsp 5000` measures one size.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.lsp_client import LspClient

SIZES = (50, 500, 5000)
KEY_SECONDS = 1 / 8
ROUNDS = 5
"""How often the line is typed; after each time the diagnostics are waited for."""
STARTS = 10
HOVER_EVERY = 4
NAME = "config.alloy"

PART = """\
prometheus.scrape "s{n}" {{
	targets         = discovery.relabel.r{n}.output
	forward_to      = [prometheus.remote_write.w{n}.receiver]
	scrape_interval = "15s"
	clustering {{
		enabled = true
	}}
}}

discovery.relabel "r{n}" {{
	targets = [{{"__address__" = "localhost:{n}", "job" = string.to_upper("a{n}")}}]

	rule {{
		source_labels = ["__address__", "job"]
		regex         = "(.+):([0-9]+)"
		replacement   = "$1"
		target_label  = "instance"
	}}
}}

prometheus.remote_write "w{n}" {{
	endpoint {{
		url = "http://localhost:9009/api/{n}" // here
		basic_auth {{
			username = sys.env("USER")
			password = sys.env("PASSWORD")
		}}
	}}
}}

"""
PART_LINES = PART.count("\n")
ROW = 2
"""The line of a part that is typed."""


class Measured(NamedTuple):
    """What was measured with one file, in milliseconds and megabytes."""

    lines: int
    completion: list[float]
    hover: list[float]
    diagnostics: list[float]
    memory: float


def text_of(lines: int) -> str:
    """A configuration with at most that many lines, but one part."""
    return "".join(PART.format(n=number + 1) for number in range(max(1, lines // PART_LINES)))


class Typist:
    """Types one line of an open text again and again."""

    def __init__(self, client: LspClient, text: str) -> None:
        self._client = client
        lines = text.split("\n")
        self._row = len(lines) // PART_LINES // 2 * PART_LINES + ROW
        self._line = lines[self._row]
        self.completion: list[float] = []
        self.hover: list[float] = []
        self.diagnostics: list[float] = []

    def round(self) -> None:
        """Empty the line, write it, and wait for what is found in the text."""
        self._edit(0, len(self._line), "")
        for column, key in enumerate(self._line):
            begun = time.monotonic()
            version = self._edit(column, column, key)
            self.completion.append(self._ask("completion", self._row, column + 1))
            if column % HOVER_EVERY == 0:
                self.hover.append(self._ask("hover", self._row - ROW, 4))
            if column + 1 < len(self._line):
                time.sleep(max(0.0, begun + KEY_SECONDS - time.monotonic()))
        self._client.wait_for_diagnostics(NAME, version)
        self.diagnostics.append((time.monotonic() - begun) * 1000)

    def _edit(self, start: int, stop: int, text: str) -> int:
        place = [{"line": self._row, "character": column} for column in (start, stop)]
        return self._client.change(NAME, {"range": {"start": place[0], "end": place[1]}, "text": text})

    def _ask(self, what: str, line: int, column: int) -> float:
        begun = time.monotonic()
        answer = self._client.request(f"textDocument/{what}", self._client.at(NAME, line, column))
        taken = (time.monotonic() - begun) * 1000
        if answer is None:
            raise SystemExit(f"there is no {what} in line {line + 1}, column {column + 1}")
        return taken


def measure(lines: int, rounds: int = ROUNDS) -> Measured:
    """Type into a file of that size."""
    with tempfile.TemporaryDirectory() as folder, LspClient(Path(folder)) as client:
        client.initialize()
        text = text_of(lines)
        client.open(NAME, text)
        client.wait_for_diagnostics(NAME, 1)
        typist = Typist(client, text)
        for _ in range(rounds):
            typist.round()
        return Measured(
            lines, typist.completion, typist.hover, typist.diagnostics, memory_of(client.process.pid)
        )


def memory_of(process: int) -> float:
    """VmRSS of a process in megabytes."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def start() -> float:
    """Milliseconds from the start of the process to the answer to `initialize`."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        with LspClient(Path(folder)) as client:
            client.initialize()
            return (time.monotonic() - begun) * 1000


def shown(values: Sequence[float]) -> str:
    """Median and 99th percentile."""
    ordered: list[Any] = sorted(values)
    return f"{statistics.median(ordered):.0f} / {ordered[int(len(ordered) * 0.99)]:.0f}"


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    starts = [start() for _ in range(STARTS)]
    print(
        f"initialize, {STARTS} starts: median {statistics.median(starts):.0f}, at most {max(starts):.0f} ms\n"
    )
    print("| lines | completion ms | hover ms | diagnostics after the last key ms | memory MB |")
    print("|---|---|---|---|---|")
    for lines in [int(each) for each in arguments] or SIZES:
        found = measure(lines)
        times = " | ".join(map(shown, (found.completion, found.hover, found.diagnostics)))
        print(f"| {found.lines:,} | {times} | {found.memory:.0f} |", flush=True)
    print(f"\nload after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
