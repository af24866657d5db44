"""Sequences of reloads, signals and changed files, against those recorded from Alloy.

A refused reload leaves everything as it was, whereas Alloy adopts part of a configuration that
cannot be evaluated; and every refused load counts in the metrics. Everything else is compared as recorded.
"""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.cli.test_run_golden import missing_component
from tests.support.running import Running, free_port

GOLDEN = Path(__file__).parents[1] / "golden" / "runtime" / "reload.json"
SEQUENCES = json.loads(GOLDEN.read_text())
PORT = re.compile(r"\b21\d{3}\b")
LAST_LOAD = "alloy_config_last_load_successful"
FAILURES = "alloy_config_load_failures_total"
PATIENCE = 30.0


def with_free_ports(sequence: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(sequence)
    for port in sorted(set(PORT.findall(text))):
        text = re.sub(rf"\b{port}\b", str(free_port()), text)
    result: dict[str, Any] = json.loads(text)
    return result


class Sequence:
    """One sequence being replayed.

    seen: what was visible last; expected again after a refused reload.
    """

    def __init__(self, sequence: dict[str, Any], folder: Path) -> None:
        self.folder = folder
        start = sequence["steps"][0]
        self.is_directory = sequence["name"].startswith("dir_")
        self.config = "a.alloy" if self.is_directory else "config.alloy"
        self.write(self.config, start["config"])
        for name, content in start["files"].items():
            self.write(name, content)
        flags = [*start["flags"], "--disable-reporting", "--storage.path=data"]
        if "pyroscope.receive_http" in json.dumps(sequence):
            flags.append("--stability.level=public-preview")
        path = "." if self.is_directory else self.config
        self.running = Running([*flags, path], folder)
        self.seen: dict[str, Any] = {}
        self.refused = 0
        self.last_load = 1

    def write(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content)

    def replay(self, step: dict[str, Any]) -> None:
        """Take one step and compare it with the recording."""
        action: Callable[[dict[str, Any]], None] = getattr(self, f"do_{step['step']}")
        action(step)

    def do_start(self, step: dict[str, Any]) -> None:
        self.running.wait_until_ready()
        self.observe(step)

    def do_write_file(self, step: dict[str, Any]) -> None:
        self.write(step["file"], step["content"])

    def do_delete_file(self, step: dict[str, Any]) -> None:
        (self.folder / step["file"]).unlink()

    def do_reload(self, step: dict[str, Any]) -> None:
        expected = step["response"]
        reply = self.running.get("/-/reload", step["method"], self.credentials)
        if expected["status"] is None:  # Alloy crashes here
            expected = {"status": 200, "body": "config reloaded\n"}
        assert tuple(reply) == (expected["status"], expected["body"])
        self.loaded(reply.status == 200)
        self.observe(step)

    @property
    def credentials(self) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(b"u:p").decode()}

    def loaded(self, good: bool) -> None:
        self.last_load = int(good)
        self.refused += not good

    def do_sighup(self, step: dict[str, Any]) -> None:
        lines = len(self.running.log)
        self.running.process.send_signal(signal.SIGHUP)
        line = self.running.wait_for_log("config reloaded|failed to reload config", lines)
        self.loaded("config reloaded" in line)
        self.observe(step)

    def observe(self, step: dict[str, Any]) -> None:
        """Compare components, health and metrics, as far as they were recorded and can be equal."""
        if not isinstance(step.get("components"), list) or not step["config_metrics"]:
            return
        crashed = step["step"] == "reload" and step["response"]["status"] is None
        if not crashed and (self.last_load or not self.seen):
            self.seen = step
        self.until_seen()
        metrics = self.metrics()
        assert metrics[LAST_LOAD] == str(self.last_load)
        assert metrics[FAILURES] == str(self.refused)
        for line in self.seen["config_metrics"]:
            name, value = line.rsplit(" ", 1)
            if name not in (LAST_LOAD, FAILURES):
                assert metrics[name] == value

    def until_seen(self) -> None:
        """Wait until the expected result shows; files are only checked from time to time."""
        end = time.monotonic() + PATIENCE
        expected = [self.told(component) for component in self.seen["components"]]
        while True:
            actual = [self.told(each) for each in self.running.json("/api/v0/web/components")]
            if sorted(actual, key=str) == sorted(expected, key=str) or time.monotonic() > end:
                break
            time.sleep(0.05)
        assert sorted(actual, key=str) == sorted(expected, key=str)
        for name in ("healthy", "ready"):
            recorded = self.seen[name]
            assert tuple(self.running.get(f"/-/{name}")) == (recorded["status"], recorded["body"])

    def told(self, component: dict[str, Any]) -> dict[str, Any]:
        """What is compared: without healthy components' messages, which depend on what happened last."""
        kept = ("localID", "name", "referencesTo", "referencedBy", "dataFlowEdgesTo")
        health = component["health"]
        message = "" if health["state"] == "healthy" else health["message"]
        return {**{key: component[key] for key in kept}, "state": health["state"], "message": message}

    def metrics(self) -> dict[str, str]:
        """Every series and its value, without the label for clusters."""
        found = {}
        for line in self.running.get("/metrics", headers=self.credentials).text.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name = re.sub(r'cluster_name="[^"]*",?', "", name).replace("{}", "")
                found[name] = str(int(float(value))) if float(value).is_integer() else value
        return found

    def do_after_good_update(self, step: dict[str, Any]) -> None:
        self.observe(step)

    do_after_bad_update = do_after_repair = do_after_good_update

    def do_after_delete(self, step: dict[str, Any]) -> None:
        (self.folder / "url.txt").unlink()
        self.observe(step)

    def do_detail_arguments_kept(self, step: dict[str, Any]) -> None:
        component = self.running.json("/api/v0/web/components/pyroscope.write.w")
        [endpoint] = [each for each in component["arguments"] if each["name"] == "endpoint"]
        body = {each["name"]: each["value"] for each in endpoint["body"] if each["type"] == "attr"}
        for argument in step["arguments"]:
            assert body[argument["name"]] == argument["value"]

    def do_probe_new_receiver(self, step: dict[str, Any]) -> None:
        """In Alloy the second receiver of a refused configuration listens; here it does not."""
        config = (self.folder / self.config).read_text()
        assert not listens(int(re.findall(r"listen_port\s*=\s*(\d+)", config)[1]))

    def do_probe(self, step: dict[str, Any]) -> None:
        if "status_noauth_auth" in step:
            self.probe_credentials(step)
            return
        config = (self.folder / self.config).read_text()
        ports = [int(port) for port in re.findall(r"listen_port\s*=\s*(\d+)", config)]
        gone = set(self.all_ports) - set(ports)
        assert all(listens(port) for port in ports)
        assert gone
        assert not any(listens(port) for port in gone)

    all_ports: tuple[int, ...] = ()

    def probe_credentials(self, step: dict[str, Any]) -> None:
        for path, (without, with_them) in step["status_noauth_auth"].items():
            assert self.running.get(path).status == without, path
            assert self.running.get(path, headers=self.credentials).status == with_them, path

    def do_probe_tls(self, step: dict[str, Any]) -> None:
        """Plain HTTP is refused while the server speaks TLS."""
        reply = self.running.get("/-/ready")
        assert tuple(reply) == (400, "Client sent an HTTP request to an HTTPS server.\n")

    def do_probe_after_tls_removed(self, step: dict[str, Any]) -> None:
        for status in step["status"]:
            assert self.running.get("/-/ready").status == status

    def do_signal(self, step: dict[str, Any]) -> None:
        crashed = step["exit"] == 2
        assert self.running.stop(signal.Signals[step["signal"]]) == (0 if crashed else step["exit"])


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except ConnectionRefusedError:
        return False


@pytest.mark.parametrize("sequence", [pytest.param(each, id=each["name"]) for each in SEQUENCES])
def test_a_sequence_goes_as_recorded(sequence: dict[str, Any], tmp_path: Path) -> None:
    sequence = with_free_ports(sequence)
    texts = [step.get("config", step.get("content", "")) for step in sequence["steps"]]
    missing = missing_component({"files": dict(enumerate(texts))})
    if missing:
        pytest.skip(f"alloypy does not run {missing}")
    replay = Sequence(sequence, tmp_path)
    found = (re.findall(r"listen_port\s*=\s*(\d+)", text) for text in texts)
    replay.all_ports = tuple(int(port) for ports in found for port in ports)
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "k.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "c.pem")
    with replay.running:
        for step in sequence["steps"]:
            replay.replay(step)
