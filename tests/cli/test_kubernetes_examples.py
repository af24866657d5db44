"""The examples for Kubernetes: pods are found, scraped, and their profiles arrive with the pods' names."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.kube_api import pod
from tests.support.kube_aside import pods_aside
from tests.support.recorder import Recorder
from tests.support.running import Running
from tests.support.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"
PROFILE = (EXAMPLES / "demo" / "checkout.pprof").read_bytes()


class Handler(BaseHTTPRequestHandler):
    """A program that gives the same profile for each kind."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(PROFILE)))
        self.end_headers()
        self.wfile.write(PROFILE)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def program() -> Iterator[int]:
    """The port of a program with profiles."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def running_pod(name: str, port: int, annotations: dict[str, str]) -> dict[str, Any]:
    """A pod of a Deployment with a port for profiles and another."""
    given = pod(name, "127.0.0.1", "shop")
    given["metadata"]["annotations"] = {
        f"profiles.grafana.com/{key}": text for key, text in annotations.items()
    }
    given["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "web-6d8f9c", "controller": True}]
    ports = [{"name": "http", "containerPort": 1}, {"name": "pprof", "containerPort": port}]
    given["spec"]["containers"][0]["ports"] = ports
    return given


def adapted(name: str, api: str, sink: str) -> str:
    """An example's configuration with other addresses, and with less time between two scrapes."""
    text = (EXAMPLES / name / "config.alloy").read_text()
    text = text.replace('role = "pod"\n', f'role = "pod"\n    api_server = "{api}"\n', 1)
    text = re.sub(r'url( *)= "[^"]*"', rf'url\1= "{sink}"', text)
    text = re.sub(r" *scrape_interval.*\n", "", text)
    often = 'scrape_interval = "3s"\n    delta_profiling_duration = "2s"\n'
    return re.sub(r'(pyroscope\.scrape "\w+" \{\n)', rf"\1    {often}", text)


@pytest.mark.parametrize(
    ("name", "wanted", "service"),
    [
        ("kubernetes-pods", {"scrape": "true", "port": "@"}, "web-6d8f9c"),
        ("kubernetes-monitoring", {"cpu.scrape": "true", "cpu.port_name": "pprof"}, "web"),
    ],
)  # fmt: skip
def test_annotated_pods_are_scraped(name: str, wanted: dict[str, str], service: str, tmp_path: Path) -> None:
    with program() as port, Recorder() as sink:
        annotations = {key: text.replace("@", str(port)) for key, text in wanted.items()}
        pods = [running_pod("web-1", port, annotations), running_pod("unasked", port, {})]
        with pods_aside(pods) as api:
            (tmp_path / "config.alloy").write_text(adapted(name, api, sink.url))
            with Running(["config.alloy"], tmp_path, {"HOSTNAME": "node-1"}) as running:
                running.wait_until_ready()
                wait_until(lambda: sink.requests)
                assert running.stop() == 0
    for request in sink.requests:
        assert b"web-1" in request.body
        assert b"unasked" not in request.body
        assert service.encode() in request.body
        assert b"shop" in request.body
