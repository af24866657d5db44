"""The examples that find targets: what they find is scraped, and profiles arrive with the labels they give.

They are unchanged except for addresses, ports and intervals.
"""

from __future__ import annotations

import json
import os
import re
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from alloypy.profiles.pb.push_pb2 import PushRequest
from tests.support.kube_api import Object, pod
from tests.support.kube_aside import pods_aside
from tests.support.recorder import Received, Recorder
from tests.support.running import Running, free_port
from tests.support.waiting import PATIENCE_SECONDS

EXAMPLES = Path(__file__).parents[2] / "examples"
PROFILE = (EXAMPLES / "demo" / "checkout.pprof").read_bytes()
SOON = 'scrape_interval = "3s"\n\tdelta_profiling_duration = "2s"\n'
ROLE = 'role = "pod"\n'


def program() -> Recorder:
    """A program that gives the same profile for each type."""
    return Recorder(content=PROFILE, kind="application/octet-stream")


def example(name: str, sink: Recorder) -> str:
    """An example that sends to a recorder, and scrapes often."""
    text = (EXAMPLES / name / "config.alloy").read_text("utf-8")
    return adapted(text, sink)


def eventually(condition: Callable[[], object]) -> None:
    """Wait for something that takes seconds, and costs something to ask for."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def adapted(text: str, sink: Recorder) -> str:
    text = re.sub(r'url = "[^"]*"', f'url = "{sink.url}"', text)
    return re.sub(r'(pyroscope\.scrape "\w+" \{\n)', rf"\1\t{SOON}", text)


def labels_in(request: Received) -> Iterator[dict[str, str]]:
    """The labels of each series of a Push."""
    for series in PushRequest.FromString(request.body).series:
        yield {label.name: label.value for label in series.labels}


def arrived(sink: Recorder, name: str) -> set[str]:
    """The values that a label has in the profiles so far."""
    return {labels.get(name, "") for request in sink.requests for labels in labels_in(request)}


@contextmanager
def running(folder: Path, text: str, *flags: str) -> Iterator[Running]:
    """The configuration, until it ends well."""
    (folder / "config.alloy").write_text(text)
    with Running([*flags, "config.alloy"], folder) as found:
        found.wait_until_ready()
        yield found
        assert found.stop() == 0


def asking(name: str, port: int, **labels: str) -> Object:
    """A pod that wants to be scraped at one of its ports."""
    given = pod(name, "127.0.0.1", "shop", **labels)
    prefix = "profiles.grafana.com/"
    given["metadata"]["annotations"] = {f"{prefix}scrape": "true", f"{prefix}port": str(port)}
    given["spec"]["containers"][0]["ports"] = [{"containerPort": 1}, {"containerPort": port}]
    return given


def test_a_static_list_is_scraped(tmp_path: Path) -> None:
    with program() as shop, program() as checkout, Recorder() as sink:
        text = example("static-targets", sink)
        text = text.replace("shop:6060", shop.address).replace("checkout:6060", checkout.address)
        with running(tmp_path, text):
            eventually(lambda: {"shop", "checkout"} <= arrived(sink, "service_name"))
            eventually(lambda: {"process_cpu", "memory", "goroutine"} <= arrived(sink, "__name__"))
    assert {each.path for each in shop.requests} <= {
        "/debug/pprof/profile",
        "/debug/pprof/delta_heap",
        "/debug/pprof/goroutine",
    }
    assert arrived(sink, "team") == {"", "payments"}


class Engine(BaseHTTPRequestHandler):
    """A Docker engine with two containers, each with two ports."""

    ports: tuple[int, int]

    def do_GET(self) -> None:
        bodies = {"containers": self.containers(), "networks": [], "_ping": "OK"}
        found = next(body for word, body in bodies.items() if f"/{word}" in self.path)
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Api-Version", "1.47")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def containers(self) -> list[Any]:
        """The containers; the first one is part of a service of Compose."""
        compose = {"com.docker.compose.service": "shop"}
        return [self.container("web-shop-1", compose), self.container("checkout", {})]

    def container(self, name: str, more: dict[str, str]) -> dict[str, Any]:
        wanted = {"profiles.grafana.com/scrape": "true", "profiles.grafana.com/port": str(self.ports[0])}
        return {
            "Id": f"id-{name}",
            "Names": [f"/{name}"],
            "Labels": wanted | more,
            "HostConfig": {"NetworkMode": "bridge"},
            "Ports": [{"PrivatePort": port, "Type": "tcp"} for port in self.ports],
            "NetworkSettings": {"Networks": {"bridge": {"NetworkID": "n", "IPAddress": "127.0.0.1"}}},
        }

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def engine(path: Path, *ports: int) -> Iterator[None]:
    """A Docker engine at a socket."""
    handler = type("Handler", (Engine,), {"ports": ports})
    with socketserver.ThreadingUnixStreamServer(str(path), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def test_containers_are_scraped_at_the_port_that_they_name(tmp_path: Path) -> None:
    socket = tmp_path / "docker.sock"
    with program() as target, Recorder() as sink:
        port = int(target.address.partition(":")[2])
        with engine(socket, port, free_port()):
            text = example("docker-containers", sink).replace("/var/run/docker.sock", str(socket))
            with running(tmp_path, text):
                eventually(lambda: {"shop", "checkout"} <= arrived(sink, "service_name"))
    assert arrived(sink, "container") == {"web-shop-1", "checkout"}
    assert arrived(sink, "instance") == {target.address}


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
def test_processes_are_scraped_that_say_where(tmp_path: Path) -> None:
    with program() as target, Recorder() as sink:
        flag = f"--pprof-addr={target.address}"
        mark = f"only-{os.getpid()}"  # other processes of this machine may say where, too
        command = [sys.executable, "-c", "input()", mark, flag, "--verbose"]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            try:
                text = example("processes", sink).replace(" --pprof-addr=[^", f" {mark} --pprof-addr=[^")
                assert mark in text
                with running(tmp_path, text):
                    eventually(lambda: arrived(sink, "service_name"))
            finally:
                process.kill()
    assert arrived(sink, "service_name") == {Path(sys.executable).resolve().name}
    assert "" not in arrived(sink, "user") | arrived(sink, "host")


def test_profiles_from_sdks_get_the_labels_of_their_pods(tmp_path: Path) -> None:
    port = free_port()
    pods = [pod("shop-1", "10.0.0.1", "shop", team="web", app="shop"), pod("etl-1", "10.0.0.2", "data")]
    with Recorder() as sink, pods_aside(pods) as api:
        text = example("enrich-from-pods", sink).replace("9999", str(port)).replace("0.0.0.0", "127.0.0.1")
        text = text.replace(ROLE, f'{ROLE}\tapi_server = "{api}"\n')
        with running(tmp_path, text, "--stability.level=experimental") as found:
            eventually(lambda: "shop-1" in found.get("/api/v0/web/components/discovery.relabel.pods").text)
            for name in ("shop-1", "etl-1", "unknown"):
                labels = f"checkout%7Bpod%3D{name}%7D"
                target = f"http://127.0.0.1:{port}/ingest?name={labels}&format=pprof"
                with urllib.request.urlopen(target, PROFILE, timeout=60) as answer:
                    assert answer.status == 200
    names = [request.query["name"] for request in sink.requests]
    assert names == [
        "checkout{namespace=shop,node=node-1,pod=shop-1,service_name=checkout,team=web}",
        "checkout{namespace=data,node=node-1,pod=etl-1,service_name=checkout}",
        "checkout{pod=unknown,service_name=checkout}",
    ]


def scraped(replica: Running) -> list[str]:
    """The URLs that a replica scrapes, as its API shows them."""
    shown = replica.get("/api/v0/web/components/pyroscope.scrape.pods").text
    return sorted(set(re.findall(r'"value":"(http://[^"?]*/debug/pprof/goroutine)"', shown)))


def test_two_replicas_share_the_pods(tmp_path: Path) -> None:
    manifests: list[Any] = list(yaml.safe_load_all((EXAMPLES / "deploy" / "cluster.yaml").read_text("utf-8")))
    (config,) = (each["data"]["config.alloy"] for each in manifests if each["kind"] == "ConfigMap")
    admin = [free_port(), free_port()]
    join = ",".join(f"127.0.0.1:{port}" for port in admin)
    pods = [asking(f"shop-{number}", 20_000 + number) for number in range(12)]
    with Recorder() as sink, pods_aside(pods) as api, ExitStack() as stack:
        text = adapted(config, sink).replace(ROLE, f'{ROLE}\tapi_server = "{api}"\n')
        (tmp_path / "config.alloy").write_text(text)
        replicas = []
        for number, port in enumerate(admin):
            flags = [
                *("--cluster.enabled", f"--cluster.join-addresses={join}", f"--cluster.node-name={number}"),
                f"--server.http.listen-addr=127.0.0.1:{port}",
                f"--storage.path={tmp_path / str(number)}",
            ]
            replica = stack.enter_context(Running([*flags, "config.alloy"], tmp_path))
            replica.address = f"127.0.0.1:{port}"
            replicas.append(replica.wait_until_ready())

        def shared() -> bool:
            one, other = map(scraped, replicas)
            return bool(one and other) and len(one) + len(other) == len({*one, *other}) == len(pods)

        eventually(shared)
        assert replicas[0].stop() == 0
        eventually(lambda: len(scraped(replicas[1])) == len(pods))
        assert replicas[1].stop() == 0
