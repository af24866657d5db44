"""The real SDKs through a running alloypy into a real Pyroscope server, and queried back from it.

Runs when the environment variable PYROSCOPE_BIN names the server's program, which takes about a minute
to start. A missing SDK is skipped by name.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pyroscope_server import READY_SECONDS, PyroscopeServer
from tests.support.running import Running, environment, free_port

DRIVERS = Path(__file__).parent / "sdk_drivers"
BUILD_SECONDS = 300
CPU = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
CONFIG = """
pyroscope.receive_http "default" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = %(port)d
  }
  forward_to = [pyroscope.write.backend.receiver]
}

pyroscope.write "backend" {
  endpoint {
    url = "%(url)s"
  }
  external_labels = {
    "env" = "e2e",
  }
}
"""

pytestmark = pytest.mark.timeout(READY_SECONDS + BUILD_SECONDS + 300)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PyroscopeServer]:
    """One server for all tests."""
    binary = os.environ.get("PYROSCOPE_BIN")
    if not binary:
        pytest.skip("PYROSCOPE_BIN names no Pyroscope server")
    with PyroscopeServer(binary, tmp_path_factory.mktemp("pyroscope") / "server") as started:
        yield started


def relay(server: PyroscopeServer, command: list[str], folder: Path) -> None:
    """Let an SDK's driver send for some seconds through alloypy; `URL` in its command is where to."""
    port = free_port()
    (folder / "config.alloy").write_text(CONFIG % {"port": port, "url": server.url})
    arguments = ["--stability.level=public-preview", "--storage.path=data", "config.alloy"]
    with Running(arguments, folder) as running:
        running.wait_until_ready()
        done = subprocess.run(
            [part.replace("URL", f"http://127.0.0.1:{port}") for part in command],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        metrics = running.get("/metrics").text
        assert running.stop() == 0
    assert "pyroscope_write_sent_profiles_total{" in metrics
    assert "pyroscope_write_dropped_profiles_total{" not in metrics


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
    relay(server, [sys.executable, str(DRIVERS / "python" / "app.py"), "URL", "6"], tmp_path)
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
    relay(server, [str(source / "driver"), "URL", "6"], tmp_path)
    check(server, "go.app", "main.main")
