"""How long flame graphs take in Chromium, and what they cost: CPU of its renderer, memory, blocked page.

It needs Node, npm and Chromium. Seconds of CPU are those above a page without a graph, the best of three
runs. Profiles are call trees grown at random, each stack once.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.node_packages import node_packages
from tests.support.protobuf import number, piece, varint
from tests.support.running import environment

ROOT = Path(__file__).parents[2]
DRIVER = ROOT / "tests" / "browser" / "measure.mjs"
CHECKOUT = ROOT / "examples" / "demo" / "checkout.pprof"
MOST_DEEP = 70
MERGED = 20


class Case(NamedTuple):
    """What is opened: the files, the query of the page, and how much CPU it may take."""

    title: str
    files: Sequence[Path]
    query: str
    most_seconds: float


def grow(
    stacks: int, callees: Sequence[Sequence[int]], rng: random.Random
) -> tuple[list[int], list[int], list[int]]:
    """A call tree: the parent and the function of each node, and the nodes that stacks end at."""
    parent, function, depth, leaves = [-1], [1], [1], [0]
    leaves.clear()
    while len(leaves) < stacks:
        node = rng.randrange(len(parent))
        if rng.random() < 0.5:
            node = max(0, len(parent) - 1 - int(rng.expovariate(1 / 400)))
        if depth[node] > MOST_DEEP:
            continue
        for _ in range(rng.randint(1, 3)):
            parent.append(node)
            function.append(callees[function[node]][min(13, int(rng.expovariate(0.25)))])
            depth.append(depth[node] + 1)
            node = len(parent) - 1
        leaves.append(node)
    return parent, function, leaves


def write_profile(path: Path, stacks: int, seed: int = 1) -> None:
    """A pprof with that many stacks and two sample types, packed."""
    rng = random.Random(seed)
    functions = max(200, min(20_000, stacks // 25))
    texts = ["", "samples", "count", "cpu", "nanoseconds"]
    kinds = ["api", "db", "cart", "pay", "auth", "cache", "http", "json", "queue", "render"]
    texts += [
        f"github.com/shop/{kinds[i % 10]}/pkg{i % 97}.(*Service{i % 31}).method{i}" for i in range(functions)
    ]
    callees = [[(i * 7 + k * k * 13 + k) % functions + 1 for k in range(14)] for i in range(functions + 1)]
    parent, function, leaves = grow(stacks, callees, random.Random(1))
    parts = [piece(1, number(1, 1) + number(2, 2)), piece(1, number(1, 3) + number(2, 4))]
    for leaf in leaves:
        stack, node = bytearray(), leaf
        while node >= 0:
            stack += varint(function[node])
            node = parent[node]
        weight = min(1 + int(rng.paretovariate(1.1)), 100_000)
        parts.append(
            piece(2, piece(1, bytes(stack)) + piece(2, varint(weight) + varint(weight * 10_000_000)))
        )
    for i in range(1, functions + 1):
        parts.append(piece(4, number(1, i) + piece(4, number(1, i) + number(2, 10 + i % 900))))
        parts.append(piece(5, number(1, i) + number(2, 4 + i)))
    parts += [piece(6, text.encode()) for text in texts]
    path.write_bytes(gzip.compress(b"".join(parts), 6))


def cases(folder: Path) -> list[Case]:
    """The pages to measure, and what each may cost."""
    paths = {stacks: folder / f"{stacks}.pb.gz" for stacks in (50_000, 95_000, 500_000)}
    for stacks, path in paths.items():
        write_profile(path, stacks)
    other = folder / "other.pb.gz"
    write_profile(other, 50_000, seed=2)
    merge = "&".join(f"p={i}" for i in range(MERGED))
    return [
        Case("checkout.pprof, 146 samples", [CHECKOUT], "p=0", 0.3),
        Case("50,000 stacks", [paths[50_000]], "p=0", 1.0),
        Case("95,000 stacks", [paths[95_000]], "p=0", 1.0),
        Case("500,000 stacks", [paths[500_000]], "p=0", 3.0),
        Case(f"{MERGED} times 50,000 stacks, merged", [paths[50_000]] * MERGED, merge, 2.0),
        Case("50,000 stacks compared with others", [paths[50_000], other], "a=0&b=1", 1.0),
    ]


def measured(case: Case, modules: Path, chromium: str) -> tuple[dict[str, Any], float]:
    """The figures of a case, and the CPU of a page without a graph."""
    command = [sys.executable, "-m", "alloypy", "view", *map(str, case.files), "-"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        root = server.stdout.readline().split()[1]
        urls = [root, f"{root}flame?{case.query}"]
        done = subprocess.run(
            ["node", str(DRIVER), str(modules), chromium, *urls],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        server.terminate()
    empty, page = json.loads(done.stdout)
    return page, empty["cpu"]


def main() -> None:
    """Print a row for each page."""
    chromium = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    if chromium is None:
        sys.exit("Chromium is not installed")
    modules = node_packages()
    heads = ("CPU s", "may be", "wall s", "blocked ms", "heap MB", "search ms", "zoom ms")
    print(f"{'':38}" + "".join(f"{head:>11}" for head in heads))
    with tempfile.TemporaryDirectory() as temporary:
        for case in cases(Path(temporary)):
            runs = [measured(case, modules, chromium) for _ in range(3)]
            page = min((run[0] for run in runs), key=lambda run: run["cpu"])
            empty = min(run[1] for run in runs)
            if page["refusal"]:
                sys.exit(f"{case.title}: {page['refusal']}")
            figures = [f"{page['cpu'] - empty:.2f}", f"{case.most_seconds:.1f}", f"{page['wall']:.2f}"]
            figures += [f"{page[name]:.0f}" for name in ("longest",)] + [f"{page['heap'] / 1e6:.1f}"]
            figures += [f"{page[name]:.0f}" for name in ("search", "zoom")]
            print(f"{case.title:38}" + "".join(f"{figure:>11}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
