"""pyroscope.scrape against a real Go program with net/http/pprof and godeltaprof."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.component_cases.profiles import fields, pushed
from tests.support.counts import FULL
from tests.support.pyroscope_server import CPU, PyroscopeServer, server_program
from tests.support.recorder import Received, Recorder
from tests.support.running import Running, free_port

TARGET = Path(__file__).parent / "pprof_target"
CONFIG = """
pyroscope.scrape "app" {
  targets                  = [{ "__address__" = "127.0.0.1:%(port)d", "service_name" = "app" }]
  forward_to               = [pyroscope.write.backend.receiver]
  scrape_interval          = "3s"
  delta_profiling_duration = "2s"
  profiling_config {
    profile.block { enabled = false }
    profile.godeltaprof_mutex { enabled = true }
  }
}

pyroscope.write "backend" {
  endpoint {
    url = "%(sink)s"
  }
}
"""
EXPECTED = {
    ("goroutine", False): b"main.main.func1",
    ("process_cpu", False): b"main.burnInTheTest",
    ("memory", True): b"main.allocateInTheTest",
    ("mutex", True): b"sync.(*Mutex).Unlock",
    ("mutex", False): b"sync.(*Mutex).Unlock",
}
"""A function in each kind of profile, by its type and whether alloypy has subtracted it."""
AT_THE_START = 200_000
"""The objects that the program allocates before it can be scraped: a thousand times those of a second."""


class Profile(NamedTuple):
    """What a test looks at: the strings, and the sums of all values."""

    strings: list[bytes]
    sums: list[int]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[int]:
    """The port of the running program; skips where it cannot be built."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    folder = tmp_path / "target"
    shutil.copytree(TARGET, folder)
    command = ["go", "build", "-mod=mod", "-o", "target", "."]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if built.returncode:
        pytest.skip(f"the target cannot be built here: {built.stderr[-300:]}")
    port = free_port()
    process = subprocess.Popen([folder / "target", str(port)])
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def read(raw: bytes) -> Profile:
    plain = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    strings, sums = [], [0] * 4
    for field, content in fields(plain):
        if field == 6:
            strings.append(content)
        elif field == 2:
            values = next((each for number, each in fields(content) if number == 2), b"")
            for i, value in enumerate(numbers(values) if isinstance(values, bytes) else [values]):
                sums[i] += value
    return Profile(strings, sums)


def numbers(packed: bytes) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value - (1 << 64) if value >> 63 else value)
            value = shift = 0
    return found


def kind(pairs: Sequence[Sequence[str]]) -> tuple[str, bool]:
    labels = {name: value for name, value in pairs}  # noqa: C416 -- for the types
    assert labels["service_name"] == "app"
    return labels["__name__"], labels.get("__delta__") == "false"


def profiles(wanted: tuple[str, bool], request: Received) -> list[Profile]:
    """The profiles of a kind in a request."""
    return [read(each) for labels, raw in pushed(request.body) if kind(labels) == wanted for each in raw]


def has(function: bytes, wanted: tuple[str, bool], request: Received) -> bool:
    """Whether a profile of a kind shows that a function did something."""
    return any(function in each.strings and any(each.sums) for each in profiles(wanted, request))


SHOWN = {
    CPU: "main.burnInTheTest",
    "memory:alloc_space:bytes:space:bytes": "main.allocateInTheTest",
    "mutex:delay:nanoseconds:contentions:count": "sync.(*Mutex).Unlock",
    "goroutine:goroutine:count:goroutine:count": "main.main.func1",
}
"""A function that the server shows in each type of profile, as it calls them."""

full_only = pytest.mark.skipif(
    not FULL, reason="downloads and builds Go packages; dev.py test --full runs it"
)


@full_only
@pytest.mark.timeout(400)
def test_profiles_of_a_go_program_arrive(target: int, tmp_path: Path) -> None:
    with Recorder() as sink:
        (tmp_path / "config.alloy").write_text(CONFIG % {"port": target, "sink": sink.url})
        with Running(["--storage.path=data", "config.alloy"], tmp_path) as running:
            for each, function in EXPECTED.items():
                sink.wait_for(1, partial(has, function, each))
            assert running.stop() == 0
            requests = list(sink.requests)
    assert {kind(labels) for each in requests for labels, _ in pushed(each.body)} == EXPECTED.keys()
    with urllib.request.urlopen(f"http://127.0.0.1:{target}/debug/pprof/allocs", timeout=30) as answer:
        assert read(answer.read()).sums[0] > AT_THE_START
    for request in requests:  # what was added in between, not what has been allocated so far
        assert all(profile.sums[0] < AT_THE_START for profile in profiles(("memory", True), request))
    assert "level=error" not in running.text


@full_only
@pytest.mark.timeout(700)
def test_a_pyroscope_server_shows_what_is_scraped(target: int, tmp_path: Path) -> None:
    with PyroscopeServer(server_program(), tmp_path / "server") as server:
        (tmp_path / "config.alloy").write_text(CONFIG % {"port": target, "sink": server.url})
        with Running(["--storage.path=data", "config.alloy"], tmp_path) as running:
            for profile_type, function in SHOWN.items():
                ask = partial(server.functions, profile_type, '{service_name="app"}')
                assert function in server.eventually(ask, {function}), profile_type
            metrics = running.get("/metrics").text
            assert running.stop() == 0
    assert "pyroscope_write_dropped_profiles_total{" not in metrics
    assert "level=error" not in running.text
