"""The alerts and the dashboard: the tools take them, and what they name is what alloypy exposes."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from alloypy.components.own.delivering.on_kafka import OnKafka
from tests.support.recorder import Recorder
from tests.support.running import Running, free_port
from tests.support.waiting import wait_until

MONITORING = Path(__file__).parents[2] / "examples" / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
ALERTS = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

METRIC = re.compile(r"\b(?:up|(?:alloy|alloypy|pyroscope|process|prometheus|net)_\w+)\b(?:\{([^}]*)\})?")
BY = re.compile(r"\b(?:by|without|on) \(([^)]*)\)")
OF_PROMETHEUS = {"job", "instance", "le"}
"""Labels that Prometheus adds, and the one of histograms."""

CONFIG = """
pyroscope.receive_http "front" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = FRONT
  }
  forward_to = [pyroscope.relabel.rules.receiver, alloypy.queue.full.receiver]
}
pyroscope.receive_http "nowhere" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = NOWHERE
  }
  forward_to = []
}
pyroscope.relabel "rules" {
  rule {
    target_label = "zone"
    replacement  = "a"
  }
  forward_to = [pyroscope.enrich.teams.receiver]
}
pyroscope.enrich "teams" {
  targets            = [{"service_name" = "shop", "team" = "b"}]
  target_match_label = "service_name"
  labels_to_copy     = ["team"]
  forward_to         = [alloypy.queue.kept.receiver, pyroscope.write.dead.receiver]
}
discovery.http "targets" {
  url = "http://127.0.0.1:CLOSED"
}
discovery.file "files" {
  files = ["*.json"]
}
pyroscope.scrape "pods" {
  targets    = array.concat(discovery.http.targets.targets, discovery.file.files.targets)
  forward_to = [pyroscope.write.sink.receiver]
}
alloypy.queue "kept" {
  forward_to = [pyroscope.write.sink.receiver]
  disk {
    min_free = "0"
  }
}
alloypy.queue "full" {
  forward_to = [pyroscope.write.sink.receiver]
  disk {
    min_free = "1000TiB"
  }
}
pyroscope.write "sink" {
  endpoint {
    url = "SINK"
  }
}
pyroscope.write "dead" {
  endpoint {
    url                 = "http://127.0.0.1:CLOSED"
    max_backoff_retries = 2
    min_backoff_period  = "1ms"
    max_backoff_period  = "1ms"
  }
}
"""


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """The names of all metrics that a process exposes to which everything has happened, with their labels."""
    folder = tmp_path_factory.mktemp("monitoring")
    front, nowhere = free_port(), free_port()
    with Recorder() as sink:
        text = CONFIG.replace("FRONT", str(front)).replace("NOWHERE", str(nowhere))
        text = text.replace("CLOSED", str(free_port())).replace("SINK", sink.url)
        (folder / "config.alloy").write_text(text)
        arguments = ["--stability.level=experimental", f"--storage.path={folder}", "config.alloy"]
        with Running(arguments, folder) as running:
            running.wait_until_ready()
            assert _sent(front) >= 500  # one destination is full, another one does not answer
            assert _sent(nowhere) == 200
            for name in ("pyroscope_write_sent_profiles_total", "prometheus_sd_http_failures_total"):
                wait_until(partial(_has, running, name))
            found = _names(running.get("/metrics").text)
            assert running.stop() == 0
    return found | _of_kafka()


def _has(running: Running, name: str) -> bool:
    return f"\n{name}{{" in running.get("/metrics").text


def _sent(port: int) -> int:
    """Send a profile; the status of the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/ingest?name=shop", b"main 10")
        return connection.getresponse().status
    finally:
        connection.close()


def _names(text: str) -> dict[str, set[str]]:
    """The labels by name, exactly as they are written."""
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', labels))
    return found


def _of_kafka() -> dict[str, set[str]]:
    """What a queue in Kafka exposes besides."""
    facts = SimpleNamespace(
        lags={("pyroscope.write.a", "0"): 1}, parts={"sent": 1}, unknown=0, buried={"pyroscope.write.a": 1}
    )
    store = cast("Any", SimpleNamespace(facts=lambda: facts))
    families = OnKafka("alloypy.queue.a", logging.getLogger()).families(store)
    labels = {"component_id", "component_path"}
    return {each.name: {*each.samples[0].labels} | labels for each in families if each.samples}


def expressions() -> Iterator[tuple[str, str, list[str]]]:
    """Of each alert and panel: its name, its expression, and the labels that its texts show."""
    for rule in ALERTS:
        shown = re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values()))
        yield rule["alert"], rule["expr"], shown
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"], re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])


CASES = [*expressions()]


@pytest.mark.parametrize(("name", "expression", "shown"), CASES, ids=[name for name, _, _ in CASES])
def test_what_is_named_is_exposed(
    name: str, expression: str, shown: list[str], exposed: Mapping[str, set[str]]
) -> None:
    known = set(OF_PROMETHEUS)
    metrics = [*METRIC.finditer(BY.sub("", expression))]
    assert metrics
    for found in metrics:
        metric = found[0].partition("{")[0]
        if metric != "up":
            assert metric in exposed
            matched = re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", found[1] or "")
            assert set(matched) <= exposed[metric] | OF_PROMETHEUS
            known |= exposed[metric]
    for labels in BY.findall(expression):
        assert {each.strip() for each in labels.split(",")} <= known
    assert set(shown) <= known


def test_alerts_have_names_severities_and_words() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert len(names) == len(set(names))
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert all(rule["annotations"][each].endswith(".") for each in ("summary", "description"))
        assert 'job=~".*alloypy.*"' in rule["expr"]


def test_panels_follow_the_variables_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    identities = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(identities) == len(set(identities))
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource", "job", "instance"}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    for panel in PANELS:
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            selectors = [found[1] for found in METRIC.finditer(target["expr"]) if found[1] is not None]
            assert selectors
            assert all(each.startswith('job=~"$job", instance=~"$instance"') for each in selectors)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("what", [("check", "alerts.yaml"), ("test", "alerts.test.yaml")])
def test_promtool_takes_the_alerts(what: tuple[str, str]) -> None:
    command = ["promtool", what[0], "rules", what[1]]
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("dashboard-linter") is None, reason="dashboard-linter is not installed")
def test_the_linter_of_grafana_takes_the_dashboard() -> None:
    command = ["dashboard-linter", "lint", "--strict", "dashboard.json"]
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
