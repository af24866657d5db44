"""The documented examples, unchanged except for ports: they start and serve, and what is sent arrives."""

from __future__ import annotations

import http.client
import re
from pathlib import Path

import pytest

from alloypy.cli.main import main
from alloypy.components.registry import REGISTRY
from tests.support.component_pages.examples import missing, path_of
from tests.support.recorder import Recorder
from tests.support.running import Reply, Running, free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
LEVEL = "--stability.level=experimental"
PROFILE = (EXAMPLES / "demo" / "checkout.pprof").read_bytes()
LISTEN_PORT = re.compile(r"(listen_port\s*=\s*)(\d+)")
URL = re.compile(r'url = "[^"]*"')
WIRING = {
    "collection-pipeline": {"pyroscope.receive_http.default": ["pyroscope.write.backend"]},
    "basic-receive": {"pyroscope.receive_http.default": ["pyroscope.write.production"]},
    "authentication": {"pyroscope.receive_http.default": ["pyroscope.write.production"]},
    "external-labels": {"pyroscope.receive_http.default": ["pyroscope.write.backend"]},
    "multiple-destinations": {
        "pyroscope.receive_http.default": ["pyroscope.write.production", "pyroscope.write.staging"]
    },
    "multiple-receivers": {
        "pyroscope.receive_http.production": ["pyroscope.write.production"],
        "pyroscope.receive_http.staging": ["pyroscope.write.staging"],
    },
    "queue": {
        "alloypy.queue.default": ["pyroscope.write.backend"],
        "pyroscope.receive_http.default": ["alloypy.queue.default"],
    },
}

KUBERNETES = ("kubernetes-monitoring", "kubernetes-pods")
"""Tested with an API of Kubernetes in `test_kubernetes_examples.py`."""

COLLECTING = ("docker-containers", "enrich-from-pods", "processes", "static-targets")
"""Tested with what they find in `test_collecting_examples.py`."""


def with_free_ports(text: str) -> tuple[str, dict[str, int]]:
    """The configuration on loopback and free ports, and the new port for each old one."""
    ports: dict[str, int] = {}

    def replaced(match: re.Match[str]) -> str:
        return f"{match[1]}{ports.setdefault(match[2], free_port())}"

    return LISTEN_PORT.sub(replaced, text.replace("0.0.0.0", "127.0.0.1")), ports


def post(port: int, target: str, body: bytes) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", target, body)
        response = connection.getresponse()
        return Reply(response.status, response.read().decode())
    finally:
        connection.close()


def test_every_example_is_listed() -> None:
    folders = {path.parent.name for path in EXAMPLES.glob("*/config.alloy")}
    assert folders == {*WIRING, "demo", *KUBERNETES, *COLLECTING}
    listing = (EXAMPLES / "README.md").read_text()
    assert all(f"({name}/)" in listing and (EXAMPLES / name / "README.md").exists() for name in folders)


@pytest.mark.parametrize("name", WIRING)
def test_an_example_starts_wires_and_serves(name: str, tmp_path: Path) -> None:
    text, ports = with_free_ports((EXAMPLES / name / "config.alloy").read_text())
    (tmp_path / "config.alloy").write_text(text)
    with Running([LEVEL, "config.alloy"], tmp_path) as running:
        running.wait_until_ready()
        components = running.json("/api/v0/web/components")
        assert {c["health"]["state"] for c in components} == {"healthy"}
        wiring = {c["localID"]: sorted(c["dataFlowEdgesTo"]) for c in components if c["dataFlowEdgesTo"]}
        assert wiring == WIRING[name]
        for port in ports.values():
            assert post(port, "/nowhere", b"").status == 404
        assert running.get("/-/healthy").status == 200
        assert running.stop() == 0


@pytest.mark.parametrize("name", [name for name in WIRING if name != "authentication"])
def test_what_is_sent_to_an_example_arrives_with_its_labels(name: str, tmp_path: Path) -> None:
    text, ports = with_free_ports((EXAMPLES / name / "config.alloy").read_text())
    with Recorder() as sink:
        (tmp_path / "config.alloy").write_text(URL.sub(f'url = "{sink.url}"', text))
        with Running([LEVEL, "config.alloy"], tmp_path, {"HOSTNAME": "host-1"}) as running:
            running.wait_until_ready()
            for port in ports.values():
                target = "/ingest?name=shop%7Bpod%3Da%7D&from=1&until=2&format=pprof"
                assert post(port, target, PROFILE) == Reply(200, "")
            sink.wait_for(1)
            assert running.stop() == 0
        arrived = sink.requests
    assert [request.body for request in arrived] == [PROFILE] * len(arrived)
    names = sorted(request.query["name"] for request in arrived)
    expected = {
        "external-labels": ["cluster=main,env=production,instance=host-1,pod=a,region=us-west-1"],
        "multiple-destinations": ["env=production,pod=a", "env=staging,pod=a"],
        "multiple-receivers": ["env=production,pod=a", "env=staging,pod=a"],
    }.get(name, ["pod=a"])
    assert names == [f"shop{{{labels},service_name=shop}}" for labels in expected]


def test_credentials_come_from_the_environment(tmp_path: Path) -> None:
    text, ports = with_free_ports((EXAMPLES / "authentication" / "config.alloy").read_text())
    (port,) = ports.values()
    variables = {"PYROSCOPE_USERNAME": "me", "PYROSCOPE_PASSWORD": "hush"}
    with Recorder() as sink:
        (tmp_path / "config.alloy").write_text(URL.sub(f'url = "{sink.url}"', text))
        with Running([LEVEL, "config.alloy"], tmp_path, variables) as running:
            running.wait_until_ready()
            assert post(port, "/ingest?name=shop", PROFILE).status == 200
            detail = running.get("/api/v0/web/components/pyroscope.write.production").text
            assert running.stop() == 0
        assert [request.header("authorization") for request in sink.requests] == ["Basic bWU6aHVzaA=="]
    assert "(secret)" in detail
    assert "hush" not in detail + running.text
    assert "level=warn" not in running.text


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/config.alloy")), ids=lambda path: path.parent.name)
def test_an_example_passes_the_strict_check(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = path.read_text()
    experimental = any(name in text for name in ("pyroscope.enrich", "alloypy.queue"))
    level = "experimental" if experimental else "generally-available"
    product = ["--for=alloypy"] if "alloypy.queue" in text else []
    command = ["validate", "--strict", f"--stability.level={level}", *product, str(path)]
    assert (main(command), *capsys.readouterr()) == (0, "", "")


@pytest.mark.parametrize("name", REGISTRY)
def test_the_example_of_a_component_is_formatted_and_valid(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if missing(name):
        pytest.skip("a package is not installed")
    level = f"--stability.level={REGISTRY[name].stability.text}"
    assert checked(path_of(name), level, capsys) == ""


@pytest.mark.parametrize("page", ["http-client.md", "relabel-rules.md"])
def test_the_examples_on_shared_pages_are_formatted_and_valid(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (EXAMPLES.parent / "docs" / "components" / page).read_text("utf-8")
    (example,) = re.findall(r"^```alloy\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "config.alloy").write_text(example)
    assert checked(tmp_path / "config.alloy", "--stability.level=experimental", capsys) == ""


def checked(path: Path, level: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is wrong with a part of a configuration, whose components nothing else needs to use."""
    formatted = main(["fmt", "--check", str(path)])
    capsys.readouterr()
    code = main(["validate", "--for=alloypy", "--strict", "--ignore=ALY0903", level, str(path)])
    printed = "".join(capsys.readouterr())
    return printed if (formatted, code) == (0, 0) else f"fmt {formatted}, validate {code}: {printed}"
