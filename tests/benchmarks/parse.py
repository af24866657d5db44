"""How fast a configuration becomes tokens, a tree, or diagnostics, and how soon the first one does.

    python -m tests.benchmarks.parse [--runs N] [--sizes BYTES ...] [FILE ...]

Without files it makes configurations of receivers and writers of the given sizes. Prints one JSON
row for each text: the best of N runs, in MB/s of processor time, and the memory a tree takes; and
one for the start: a fresh process that parses a line, against one that only imports `re` and `typing`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.lexer import scan
from alloypy.syntax.parser import parse_file
from alloypy.syntax.scanner import scan_characters
from alloypy.syntax.source import Source

_UNIT = """// pair {0}
pyroscope.receive_http "receiver_{0}" {{
	http {{
		listen_address = "0.0.0.0"
		listen_port    = {0}
	}}
	forward_to = [pyroscope.write.writer_{0}.receiver]
}}

pyroscope.write "writer_{0}" {{
	endpoint {{
		url     = "http://pyroscope-{0}:4040" + sys.env("SUFFIX")
		headers = {{
			"X-Scope-OrgID" = "team-{0}",
			retries         = 3 * (2 + {0}),
		}}
	}}
}}

"""
_PARSE_A_LINE = (
    "from alloypy.syntax.parser import parse_file; from alloypy.syntax.source import Source; "
    "parse_file(Source('x', b'a = 1'))"
)


def configuration(size: int) -> bytes:
    """A valid configuration of about `size` bytes."""
    count = size // len(_UNIT) + 1
    return "".join(_UNIT.format(number) for number in range(count)).encode()


def _refused(source: Source) -> None:
    try:
        parse_file(source)
    except DiagnosticsError:
        return
    raise AssertionError("a damaged file was accepted")


def _best(runs: int, work: Callable[[], object]) -> float:
    """The least processor time, in seconds."""
    times: list[float] = []
    for _ in range(runs):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
        del result
    return min(times)


def measure(name: str, data: bytes, runs: int) -> dict[str, object]:
    """One row: MB/s of each stage on this text."""
    damaged = data + b"= ]\n"
    stages: dict[str, Callable[[], object]] = {
        "tokens": lambda: scan(Source(name, data)),
        "tokens_character_by_character": lambda: scan_characters(Source(name, data)),
        "tree": lambda: parse_file(Source(name, data)),
        "diagnostics": lambda: _refused(Source(name, damaged)),
    }
    row: dict[str, object] = {"text": name, "bytes": len(data)}
    for stage, work in stages.items():
        row[f"{stage}_mb_s"] = round(len(data) / 1e6 / _best(runs, work), 2)
    tracemalloc.start()
    tree = parse_file(Source(name, data))
    row["tree_bytes_per_byte"] = round(tracemalloc.get_traced_memory()[0] / len(data), 1)
    tracemalloc.stop()
    del tree
    return row


def measure_start(runs: int) -> dict[str, object]:
    """Milliseconds of wall time of whole processes, medians."""

    def median(code: str) -> float:
        times: list[float] = []
        for _ in range(runs):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - start)
        return round(statistics.median(times) * 1e3, 1)

    return {"start_ms": median(_PARSE_A_LINE), "bare_start_ms": median("import re, typing")}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=[2_000, 1_000_000])
    parser.add_argument("files", type=Path, nargs="*")
    options = parser.parse_args()
    texts = {str(path): path.read_bytes() for path in options.files}
    if not texts:
        texts = {f"made of {size}": configuration(size) for size in options.sizes}
    for name, data in texts.items():
        print(json.dumps(measure(name, data, options.runs)))
    print(json.dumps(measure_start(3 * options.runs)))


if __name__ == "__main__":
    main()
