"""Profiles through a running alloypy into a real Pyroscope server, and queried back from it.

Needs the server's program: PYROSCOPE_BIN, or `pyroscope` on PATH. A missing SDK is skipped by name.
"""

from __future__ import annotations

import gzip
import http.client
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alloypy.profiles.frozen import Moments, freeze_query, time_prefix
from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.push_wire import encode_push
from tests.support.counts import FULL, repeated
from tests.support.pprof import pprof
from tests.support.pyroscope_server import CPU, READY_SECONDS, PyroscopeServer, server_program
from tests.support.running import Running, environment, free_port

DRIVERS = Path(__file__).parent / "sdk_drivers"
EXAMPLES = Path(__file__).parents[2] / "examples"
BUILD_SECONDS = 300
COMPACTION_SECONDS = 420
AWAY_SECONDS = 60 if FULL else 1
ARGUMENTS = ("--stability.level=public-preview", "--storage.path=data", "config.alloy")
PUSH = "/push.v1.PusherService/Push"
MEBIBYTE = 1 << 20

pytestmark = pytest.mark.timeout(READY_SECONDS + BUILD_SECONDS + (900 if FULL else 300))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PyroscopeServer]:
    """One server for all tests."""
    with PyroscopeServer(server_program(), tmp_path_factory.mktemp("pyroscope") / "server") as started:
        yield started


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PyroscopeServer]:
    """Another server, which runs beside the first."""
    with PyroscopeServer(server_program(), tmp_path_factory.mktemp("pyroscope") / "other") as started:
        yield started


def receiver(name: str, port: int, *forward_to: str) -> str:
    """The configuration of a receiver."""
    return f"""
pyroscope.receive_http "{name}" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [{", ".join(f"{each}.receiver" for each in forward_to)}]
}}
"""


def writer(name: str, *urls: str, labels: str = "") -> str:
    """The configuration of a `pyroscope.write`."""
    endpoints = "".join(f'  endpoint {{\n    url = "{url}"\n  }}\n' for url in urls)
    return f'\npyroscope.write "{name}" {{\n{endpoints}  external_labels = {{{labels}}}\n}}\n'


@contextmanager
def relay(text: str, folder: Path, env: dict[str, str] | None = None) -> Iterator[Running]:
    """alloypy with this configuration; at the end it stops cleanly and has dropped nothing."""
    (folder / "config.alloy").write_text(text)
    with Running(ARGUMENTS, folder, env) as running:
        running.wait_until_ready()
        yield running
        metrics = running.get("/metrics").text
        assert running.stop() == 0
    assert "pyroscope_write_sent_profiles_total{" in metrics
    assert "pyroscope_write_dropped_profiles_total{" not in metrics


class Said(NamedTuple):
    """An answer: status 0 when none came in time."""

    status: int
    text: str


def post(port: int, target: str, body: bytes, content_type: str, patience: float = 60.0) -> Said:
    """Send to alloypy and take the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request("POST", target, body, {"Content-Type": content_type})
        response = connection.getresponse()
        return Said(response.status, response.read().decode())
    except OSError as error:
        return Said(0, str(error))
    finally:
        connection.close()


def push(port: int, service: str, *profiles: bytes, patience: float = 60.0, **labels: str) -> Said:
    """A Push with one series for each profile."""
    named = {"__name__": "process_cpu", "service_name": service, **labels}
    series = [
        Series({**named, "n": str(number)}, (RawSample(profile, f"id-{number}"),), number)
        for number, profile in enumerate(profiles)
    ]
    body = b"".join(bytes(chunk) for chunk in encode_push(series))
    return post(port, PUSH, body, "application/proto", patience)


def ingest(port: int, name: str, profile: bytes, query: str = "", patience: float = 60.0) -> Said:
    """An /ingest request."""
    target = f"/ingest?name={name}&format=pprof{query}"
    return post(port, target, profile, "application/octet-stream", patience)


def settled(server: PyroscopeServer, selector: str, wanted: Counter[str], patience: float) -> Counter[str]:
    """The server's data once it is at least what is wanted, or after the time limit."""
    deadline = time.monotonic() + patience
    while True:
        found = server.values(selector)
        if wanted <= found or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


# SDKs


def drive(server: PyroscopeServer, command: list[str], folder: Path) -> None:
    """Let an SDK's driver send for some seconds through alloypy; `URL` in its command is where to."""
    port = free_port()
    text = receiver("default", port, "pyroscope.write.backend")
    with relay(text + writer("backend", server.url, labels='"env" = "e2e"'), folder):
        done = subprocess.run(
            [part.replace("URL", f"http://127.0.0.1:{port}") for part in command],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def check(server: PyroscopeServer, service: str, function: str) -> None:
    """The server knows the service, has it under our external label, and the call tree in full."""
    assert service in server.eventually(lambda: server.label_values("service_name"), {service})
    assert "e2e" in server.label_values("env")
    selector = f'{{service_name="{service}", env="e2e"}}'
    found = server.eventually(lambda: server.functions(CPU, selector), {"total", function})
    assert {"total", function} <= found
    assert server.functions(CPU, selector.replace("e2e", "other")) <= {"total"}


def test_the_python_sdk(server: PyroscopeServer, tmp_path: Path) -> None:
    if importlib.util.find_spec("pyroscope") is None:
        pytest.skip("the Python SDK, pyroscope-io, is not installed")
    drive(server, [sys.executable, str(DRIVERS / "python" / "app.py"), "URL", "6"], tmp_path)
    check(server, "py.app", "<module>")


def test_the_go_sdk(server: PyroscopeServer, tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("go is not installed, which the Go SDK needs")
    source = tmp_path / "driver"
    shutil.copytree(DRIVERS / "go", source)
    done = subprocess.run(
        ["go", "build", "-mod=mod", "-o", "driver", "."],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"the Go driver cannot be built here: {done.stderr[-300:]}")
    drive(server, [str(source / "driver"), "URL", "6"], tmp_path)
    check(server, "go.app", "main.main")


# The documented examples


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("collection-pipeline", [{}]),
        ("basic-receive", [{}]),
        (
            "external-labels",
            [{"env": "production", "region": "us-west-1", "instance": "host-1", "cluster": "main"}],
        ),
        ("multiple-destinations", [{"env": "staging"}, {"env": "production"}]),
        ("multiple-receivers", [{"env": "staging"}, {"env": "production"}]),
    ],
)
def test_a_documented_example(
    name: str, labels: list[dict[str, str]], server: PyroscopeServer, tmp_path: Path
) -> None:
    text = (EXAMPLES / name / "config.alloy").read_text().replace("0.0.0.0", "127.0.0.1")
    ports = {old: free_port() for old in re.findall(r"listen_port\s*=\s*(\d+)", text)}
    for old, new in ports.items():
        text = text.replace(old, str(new))
    text = re.sub(r'url = "[^"]*"', f'url = "{server.url}"', text)
    with relay(text, tmp_path, {"HOSTNAME": "host-1"}):
        for port in ports.values():
            now = time.time_ns()
            assert push(port, f"{name}-push", pprof("pushed", 3, now)) == Said(200, "")
            assert ingest(port, f"{name}-ingest", pprof("ingested", 5, now)) == Said(200, "")
    for each in labels:
        matched = "".join(f',{label}="{value}"' for label, value in each.items())
        for kind, expected in (("push", Counter(pushed=3)), ("ingest", Counter(ingested=5))):
            selector = f'{{service_name="{name}-{kind}"{matched}}}'
            assert settled(server, selector, expected, 30) == expected


# What the server refuses


@pytest.fixture(scope="module")
def direct(server: PyroscopeServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an alloypy that sends to the server."""
    port, folder = free_port(), tmp_path_factory.mktemp("direct")
    (folder / "config.alloy").write_text(
        receiver("default", port, "pyroscope.write.out") + writer("out", server.url)
    )
    with Running(ARGUMENTS, folder) as running:
        running.wait_until_ready()
        yield port
        assert running.stop() == 0


def test_a_push_beyond_the_burst_comes_through_with_each_series_stored_once(
    server: PyroscopeServer, direct: int
) -> None:
    now, size = time.time_ns(), int(0.59 * MEBIBYTE)
    profiles = [pprof(f"large_{number}", 1, now + number, size) for number in range(6)]
    assert push(direct, "burst", *profiles) == Said(200, "")
    expected = Counter({f"large_{number}": 1 for number in range(6)})
    assert settled(server, '{service_name="burst"}', expected, 30) == expected


def test_the_neighbours_of_a_series_that_is_too_old_are_stored_once(
    server: PyroscopeServer, direct: int
) -> None:
    now = time.time_ns()
    profiles = [pprof(f"of_{age}", 1, now - age * 3600 * 10**9) for age in (0, 2)]
    said = push(direct, "aged", *profiles, pprof("without_time"))
    assert said.status == 400
    message = json.loads(said.text)["message"]
    assert message.count("unable to append series") == 1
    assert 'n="1"' in message
    assert "outside of ingestion window" in message
    expected = Counter(of_0=1, without_time=1)
    assert settled(server, '{service_name="aged"}', expected, 30) == expected


def test_an_ingest_client_is_told_why_its_profile_is_refused(direct: int) -> None:
    said = ingest(direct, "old", pprof("old", 1, time.time_ns() - 2 * 3600 * 10**9))
    assert said.status == 422
    assert said.text.startswith("Unprocessable Entity: ")
    assert "outside of ingestion window" in said.text


# Relabel and fan-out


def test_relabeled_profiles_on_two_servers(
    server: PyroscopeServer, other: PyroscopeServer, tmp_path: Path
) -> None:
    port = free_port()
    text = receiver("default", port, "pyroscope.relabel.rules") + writer("both", server.url, other.url)
    text += """
pyroscope.relabel "rules" {
  forward_to = [pyroscope.write.both.receiver]
  rule {
    source_labels = ["shop"]
    target_label  = "team"
    replacement   = "team-$1"
  }
  rule {
    action = "labeldrop"
    regex  = "noise"
  }
  rule {
    action        = "drop"
    source_labels = ["secret"]
    regex         = "yes"
  }
}
"""
    with relay(text, tmp_path):
        now = time.time_ns()
        labels: dict[str, Any] = {"shop": "full", "noise": "loud"}
        assert push(port, "relabeled", pprof("kept", 3, now), **labels) == Said(200, "")
        assert push(port, "relabeled", pprof("hidden", 1, now), secret="yes") == Said(200, "")
        assert ingest(port, "relabeled%7Bshop%3Dfull%7D", pprof("taken", 5, now + 1)) == Said(200, "")
    expected = Counter(kept=3, taken=5)
    for each in (server, other):
        selector = '{service_name="relabeled", team="team-full"}'
        assert settled(each, selector, expected, 30) == expected
        assert each.values('{service_name="relabeled"}') == expected
        assert "noise" not in each.label_values("noise")


# A restart


class Sender(NamedTuple):
    """Sends a profile with its own function; servers: how many have it at the end."""

    name: str
    send: Callable[[str, bytes], Said]
    servers: int = 1
    dated: bool = True


def senders(ports: dict[str, int]) -> list[Sender]:
    """Every way to send, each with a name for what it sends."""
    plain, endpoints, writes = ports["plain"], ports["endpoints"], ports["writes"]

    def timed(name: str, profile: bytes) -> Said:
        seconds = int(time.time())
        return ingest(plain, name, profile, f"&from={seconds}&until={seconds + 1}", patience=10)

    return [
        Sender("push", lambda name, profile: push(plain, name, profile, patience=10)),
        Sender("ingest-dated", lambda name, profile: ingest(plain, name, profile, patience=10)),
        Sender("ingest-timed", timed, dated=False),
        Sender("ingest", lambda name, profile: ingest(plain, name, profile, patience=10), dated=False),
        Sender("endpoints", lambda name, profile: push(endpoints, name, profile, patience=10), servers=2),
        Sender("writes", lambda name, profile: push(writes, name, profile, patience=10), servers=2),
    ]


def test_a_restart_of_the_server_loses_nothing_and_doubles_nothing(
    server: PyroscopeServer, other: PyroscopeServer, tmp_path: Path
) -> None:
    ports = {name: free_port() for name in ("plain", "endpoints", "writes")}
    text = "".join(
        (
            receiver("plain", ports["plain"], "pyroscope.write.one"),
            receiver("endpoints", ports["endpoints"], "pyroscope.write.both"),
            receiver("writes", ports["writes"], "pyroscope.write.one", "pyroscope.write.two"),
            writer("one", server.url),
            writer("two", other.url),
            writer("both", server.url, other.url),
        )
    )
    count, pause = repeated(120), 1.0 if FULL else 0.6
    everyone = senders(ports)
    with relay(text, tmp_path), ThreadPoolExecutor(6 * count) as pool:
        began = time.monotonic()
        answers = []
        for number in range(count):
            time.sleep(max(0.0, began + number * pause - time.monotonic()))
            if number == count // 5:
                pool.submit(restart, server)
            for sender in everyone:
                dated = time.time_ns() if sender.dated else 0
                profile = pprof(f"{sender.name}_{number}", 1, dated)
                answers.append(pool.submit(sender.send, f"restart-{sender.name}", profile))
        statuses = Counter(answer.result().status for answer in answers)
        assert set(statuses) <= {0, 200}, statuses
        for sender in everyone:
            expected = Counter({f"{sender.name}_{number}": 1 for number in range(count)})
            selector = f'{{service_name="restart-{sender.name}"}}'
            for each in (server, other)[: sender.servers]:
                assert settled(each, selector, expected, 300 if FULL else 60) == expected, statuses


def restart(server: PyroscopeServer) -> None:
    """Stop it, leave it down for a while, and start it again."""
    server.stop()
    time.sleep(AWAY_SECONDS)
    server.start()


@pytest.mark.skipif(not FULL, reason="waits for the server to compact: only with --full")
@pytest.mark.parametrize("packed", [False, True])
def test_copies_with_the_time_of_their_reception_become_one(server: PyroscopeServer, packed: bool) -> None:
    """What is sent again counts twice only until the server compacts, and is dated when it was received."""
    name, port = f"copies-{packed}", int(server.url.rpartition(":")[2])
    series = {"__name__": "process_cpu", "service_name": name}
    body = pprof("copied", 100)
    body = gzip.compress(body) if packed else body
    received = Moments(lambda: time.time_ns() - 600 * 10**9).take()
    dated = time_prefix(body, received) + body
    query = freeze_query(f"name={name}-ingest&format=pprof", received)
    for _ in range(3):
        push = b"".join(encode_push([Series(series, [RawSample(dated)])]))
        assert post(port, PUSH, push, "application/proto").status == 200
        assert post(port, f"/ingest?{query}", body, "application/octet-stream").status == 200

    def values() -> list[int]:
        found = (server.values(f'{{service_name="{each}"}}')["copied"] for each in (name, f"{name}-ingest"))
        return list(found)

    assert values() == [300, 300]
    deadline = time.monotonic() + COMPACTION_SECONDS
    while values() != [100, 100] and time.monotonic() < deadline:
        time.sleep(5)
        post(port, f"/ingest?name=other&from={time.time_ns()}&format=pprof", body, "application/octet-stream")
    assert values() == [100, 100]
