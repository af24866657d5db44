"""What pages of many components cost: CPU of the server and of Chromium, and how soon they are there.

1,000 components with 1,500 arrows between them, and one with 5 MB of exports. It needs Node, npm and
Chromium. CPU of the server is the mean of 20 requests, CPU of the browser the least of three visits, above
that of a page with little on it; milliseconds are the least of the same visits.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from alloypy.drawing.layout import laid_out
from alloypy.drawing.picture import Arrow, Box, Picture
from alloypy.drawing.svg import svg
from tests.support.node_packages import node_packages
from tests.support.running import Running, environment

DRIVER = Path(__file__).parents[1] / "browser" / "measure.mjs"
COMPONENTS = 1000
REQUESTS = 20
VISITS = 3
LARGE_BYTES = 5_000_000
EMPTY = "about"
KEPT = ("cpu", "wall", "longest", "search")


class Case(NamedTuple):
    """A page, or an answer for programs.

    server, browser: seconds of CPU that it may take. ready: milliseconds until it may be there; 0 for any.
    """

    title: str
    path: str
    server: float = 0.0
    browser: float = 0.0
    ready: float = 0.0
    in_browser: bool = True


CASES = (
    Case("1,000 components", "", browser=0.3, ready=1000),
    Case("the same, grouped by kind", "?group=kind&sort=-in", browser=0.3, ready=1000),
    Case("the same as JSON", "api/v0/alloypy/components", server=0.2, in_browser=False),
    Case("what changes, every 2 s", "api/v0/alloypy/states", server=0.2, in_browser=False),
    Case("a component with 5 MB of exports", "component/local.file.large", ready=1000),
    Case("these exports as JSON", "api/v0/alloypy/values?id=local.file.large&part=exports", in_browser=False),
    Case("graph, 1,000 boxes, 1,500 arrows", "graph", ready=1000),
    Case("the same as SVG", "api/v0/alloypy/graph?as=svg", in_browser=False),
    Case("one component of the 1,000", "component/pyroscope.relabel.c0", ready=1000),
)


def fed_by(number: int) -> list[int]:
    """What a component feeds: chains of ten, with six further arrows in each, which makes 15 for ten."""
    place = number % 10
    ends = [number + 1] * (place < 9)
    return ends + [number + 3] * (place in (0, 2, 4, 6)) + [number + 4] * (place in (1, 3))


def configuration(large: Path) -> str:
    """The components, and one that exports the file."""
    parts = [f'local.file "large" {{\n\tfilename = "{large}"\n}}\n']
    for number in range(COMPONENTS):
        ends = [
            f"pyroscope.{'write' if end % 10 == 9 else 'relabel'}.c{end}.receiver" for end in fed_by(number)
        ]
        if ends:
            parts.append(f'pyroscope.relabel "c{number}" {{\n\tforward_to = [{", ".join(ends)}]\n}}\n')
        else:
            parts.append(
                f'pyroscope.write "c{number}" {{\n\tendpoint {{\n\t\turl = "http://127.0.0.1:9"\n\t}}\n}}\n'
            )
    return "".join(parts)


def cpu_seconds(pid: int) -> float:
    """CPU of a process so far, with that of threads that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Answered(NamedTuple):
    """What the server needs for an answer: seconds of CPU, milliseconds, bytes."""

    cpu: float
    ms: float
    size: int


def answered(running: Running, path: str) -> Answered:
    """The mean of several requests, the first of which does not count."""
    url = f"http://{running.address}/{path}"

    def ask() -> int:
        with urllib.request.urlopen(url, timeout=120) as response:
            return len(response.read())

    size, walls = ask(), []
    before = cpu_seconds(running.process.pid)
    for _ in range(REQUESTS):
        began = time.perf_counter()
        ask()
        walls.append(1000 * (time.perf_counter() - began))
    used = cpu_seconds(running.process.pid) - before
    return Answered(used / REQUESTS, statistics.median(walls), size)


def visited(running: Running, modules: Path, chromium: str, paths: list[str]) -> list[dict[str, Any]]:
    """What a visit to each page measured: the best of several."""
    urls = [f"http://{running.address}/{path}" for path in paths]
    best: list[dict[str, Any]] = [{} for _ in urls]
    for _ in range(VISITS):
        done = subprocess.run(
            ["node", str(DRIVER), str(modules), chromium, *urls],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
        for at, found in enumerate(json.loads(done.stdout)):
            known = best[at]
            best[at] = {key: min(found[key], known.get(key, found[key])) for key in KEPT if key in found}
    return best


def drawing_seconds() -> float:
    """CPU to place and draw as many boxes and arrows, without a server."""
    boxes = [Box(f"m.b{number}", "m", f"b{number}") for number in range(COMPONENTS)]
    arrows = [Arrow(f"m.b{number}", f"m.b{end}") for number in range(COMPONENTS) for end in fed_by(number)]
    picture = Picture("", boxes, arrows)
    least = 1e9
    for _ in range(5):
        before = time.process_time()
        svg(laid_out(picture))
        least = min(least, time.process_time() - before)
    return least


def row(case: Case, answer: Answered, visit: dict[str, Any], empty: float) -> str:
    """A line of the table."""
    cells = [f"{answer.cpu * 1000:.0f}", f"{answer.ms:.0f}", f"{answer.size / 1000:,.0f}"]
    if visit:
        cells += [
            f"{max(0.0, visit['cpu'] - empty):.2f}",
            f"{visit['wall'] * 1000:.0f}",
            f"{visit['longest']:.0f}",
        ]
        cells.append(f"{visit['search']:.0f}" if "search" in visit else "")
    else:
        cells += [""] * 4
    limits = [f"server {case.server:g} s"] * bool(case.server) + [f"browser {case.browser:g} s"] * bool(
        case.browser
    )
    limits += [f"there in {case.ready:g} ms"] * bool(case.ready)
    return f"| {case.title} | {' | '.join(cells)} | {', '.join(limits)} |"


def main() -> None:
    """Print a row for each page."""
    chromium = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    if chromium is None:
        sys.exit("Chromium is not installed")
    modules = node_packages()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large = folder / "large.json"
        line = '{"labels": {"pod": "checkout-7d9f", "namespace": "shop"}, "targets": ["10.0.0.1:8080"]},\n'
        large.write_text(line * (LARGE_BYTES // len(line)))
        (folder / "config.alloy").write_text(configuration(large))
        arguments = ("--stability.level=public-preview", "--storage.path=data", "config.alloy")
        with Running(arguments, folder) as running:
            running.wait_until_ready()
            shown = [case for case in CASES if case.in_browser]
            empty, *visits = visited(running, modules, chromium, [EMPTY, *(case.path for case in shown)])
            seen = {case.title: visit for case, visit in zip(shown, visits, strict=True)}
            heads = (
                "server CPU ms",
                "answer ms",
                "KB",
                "browser CPU s",
                "there ms",
                "blocked ms",
                "key ms",
                "limits",
            )
            print(f"| page | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}")
            for case in CASES:
                answer = answered(running, case.path)
                print(row(case, answer, seen.get(case.title, {}), empty["cpu"]), flush=True)
    print(f"places and SVG of {COMPONENTS:,} boxes: {drawing_seconds() * 1000:.0f} ms of CPU (limit 100)")


if __name__ == "__main__":
    main()
