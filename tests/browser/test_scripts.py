"""The scripts of the pages: their unit tests, run by Node, and their types."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.counts import repeated
from tests.support.editing import needs
from tests.support.node_packages import node_packages
from tests.support.running import environment

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STATIC = ROOT / "alloypy" / "services" / "web" / "static"
UNITS = {"nanoseconds": "nanoseconds", "bytes": "B", "count": "count"}
ROW = re.compile(r"\s*(-?\d+)\D*\s+\S+%\s+\S+%\s+(-?\d+)\D*\s+\S+%\s+(.*)")


def node(*arguments: str, **variables: str) -> str:
    """What Node prints; fails with it if Node does."""
    needs("node")
    done = subprocess.run(
        ["node", *arguments],
        cwd=HERE,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def test_decoding_and_drawing() -> None:
    out = node("--test", *map(str, sorted(HERE.glob("*.test.mjs"))), TIMES=str(repeated(10_000)))
    assert int(re.findall(r"^# pass (\d+)", out, re.MULTILINE)[0]) > 25


def test_types() -> None:
    compiler = node_packages() / "typescript" / "bin" / "tsc"
    node(str(compiler), "--project", str(HERE / "tsconfig.json"))


def test_every_script_is_checked_for_types() -> None:
    for path in STATIC.glob("*.js"):
        assert path.read_text("utf-8").startswith("// @ts-check\n"), path.name


def top(path: Path, index: int, unit: str, *flags: str) -> dict[str, list[int]]:
    """Flat and cumulative values of each function, as `go tool pprof -top` prints them."""
    everything = ["-nodecount=1000000", "-nodefraction=0", "-edgefraction=0", "-symbolize=none"]
    command = ["go", "tool", "pprof", "-top", *everything, f"-sample_index={index}", f"-unit={unit}"]
    done = subprocess.run(
        [*command, *flags, str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env={**environment(), "HOME": os.environ.get("HOME", "/"), "PPROF_TMPDIR": str(path.parent)},
    )
    found: dict[str, list[int]] = {}
    for line in done.stdout.partition("flat%")[2].splitlines()[1:]:
        row = ROW.fullmatch(line)
        assert row is not None, line
        name = re.sub(r" \((partial-)?inline\)$", "", row[3])
        flat, cumulative = found.get(name, [0, 0])
        found[name] = [flat + int(row[1]), cumulative + int(row[2])]
    return found


def test_sums_are_those_of_go_tool_pprof(tmp_path: Path) -> None:
    needs("go")
    profiles = json.loads(node("sums.mjs", str(ROOT / "examples" / "demo" / "checkout.pprof"), str(tmp_path)))
    assert len(profiles) > 3
    for each in profiles:
        path = Path(each["path"])
        for index, (kind, sums) in enumerate(zip(each["types"], each["sums"], strict=True)):
            flags = ["-base", each["base"]] if each["base"] else []
            assert sums == top(path, index, UNITS[kind[1]], *flags), (path.name, kind)


@pytest.mark.parametrize("seed", [1])
def test_large_random_profiles_have_the_sums_of_go_tool_pprof(seed: int, tmp_path: Path) -> None:
    """Recursion, inlining, many functions: what hand-made profiles have little of."""
    needs("go")
    rng = random.Random(seed)
    stacks = [
        [f"f{min(int(rng.expovariate(0.05)), 300)}" for _ in range(rng.randint(1, 40))] for _ in range(3000)
    ]
    shape = [
        {
            "stack": [frame if rng.random() < 0.8 else [frame, f"i{rng.randint(0, 20)}"] for frame in stack],
            "values": [rng.randint(0, 5), rng.randint(0, 10**12)],
        }
        for stack in stacks
    ]
    given = tmp_path / "shape.json"
    given.write_text(json.dumps({"types": [["samples", "count"], ["cpu", "nanoseconds"]], "samples": shape}))
    [profile] = json.loads(node("sums.mjs", str(given), str(tmp_path)))
    for index, (kind, sums) in enumerate(zip(profile["types"], profile["sums"], strict=True)):
        assert sums == top(Path(profile["path"]), index, UNITS[kind[1]])
