"""How fast the formatter is: `python tests/benchmarks/format.py`.

Prints one line for each measure. CPU time unless it says wall; best of several runs, as other work on
the machine can only slow a run down.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from alloypy.syntax.parser import parse_file
from alloypy.syntax.printer.printer import format_file, format_source
from alloypy.syntax.source import Source

UNIT = """
pyroscope.receive_http "default{n}" {{
  http {{
    listen_address = "0.0.0.0"
    listen_port = {n}
  }}
  // to both of them
  forward_to = [
    pyroscope.write.one{n}.receiver,
    pyroscope.write.two.receiver, // and there
  ]
}}

pyroscope.write "one{n}" {{
  endpoint {{
    url = sys.env("URL") + "/{n}"
    headers = {{"X-Scope-OrgID" = "team", "a" = 1 * 2}}
  }}
  external_labels = {{
    env = "prod",
    region = "eu",
  }}
}}
"""
ALLOY_SECONDS = 0.17  # of one `alloy fmt` process on the machine the goals were set on


def config(size: int) -> bytes:
    """A configuration of about `size` bytes, not formatted."""
    return "".join(UNIT.format(n=n) for n in range(max(1, size // len(UNIT)))).encode()


def best(work: Callable[[], object], runs: int, clock: Callable[[], float] = time.process_time) -> float:
    """The shortest time of several runs."""
    times = []
    for _ in range(runs):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


def in_process() -> None:
    """Parsing, formatting, and formatting files that are already formatted or need the careful layout."""
    for size in (600, 100_000, 1_000_000, 10_000_000):
        data = config(size)
        runs = 3 if size > 1_000_000 else 7
        source = Source("config.alloy", data)
        tree = parse_file(source)
        formatted = Source("config.alloy", format_file(tree))
        careful = Source("config.alloy", data + b'\nlast = "a\tb"\n')
        for what, work in (
            ("parse", lambda source=source: parse_file(source)),
            ("print", lambda tree=tree: format_file(tree)),
            ("format", lambda source=source: format_source(source)),
            ("format, formatted before", lambda source=formatted: format_source(source)),
            ("format, with care", lambda source=careful: format_source(source)),
        ):
            seconds = best(work, runs)
            rate = len(data) / seconds / 1e6
            print(f"{len(data):>10} bytes  {what:<26} {seconds * 1000:>9.2f} ms  {rate:>6.2f} MB/s")


def processes() -> None:
    """Whole processes: one small file, and a thousand of them in one call."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        one = directory / "one.alloy"
        one.write_bytes(format_source(Source("one.alloy", config(600))))
        many = directory / "many"
        many.mkdir()
        for number in range(1000):
            (many / f"{number}.alloy").write_bytes(one.read_bytes())
        wall = best(lambda: alloypy("--check", str(one)), 15, time.perf_counter)
        print(f"fmt --check of one small file    {wall * 1000:>6.0f} ms wall")
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"                                 {memory / 1024:>6.1f} MiB")
        wall = best(lambda: alloypy("--check", str(many)), 5, time.perf_counter)
        print(f"fmt --check of 1,000 small files {wall * 1000:>6.0f} ms wall", end=", ")
        print(f"{1000 * ALLOY_SECONDS / wall:.0f} times faster than a process each of Alloy's")


def alloypy(*arguments: str) -> None:
    """One process of the command."""
    subprocess.run([sys.executable, "-m", "alloypy", "fmt", *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    processes()  # first, because a child's peak memory starts from its parent's
    in_process()
