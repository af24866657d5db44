"""What /metrics says about loads and evaluations."""

from __future__ import annotations

from hashlib import sha256

from alloypy.runtime.contract.health import healthy, unhealthy
from alloypy.runtime.contract.options import ControllerInfo
from alloypy.services.metrics import ConfigMetrics, EvaluationMetrics
from tests.support.metrics import page

ROOT = ControllerInfo(id="", path="/", evaluating=False, healths=(), queued=0, connections=())


def values(text: str) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_a_refused_load_is_reported_until_the_next_success() -> None:
    metrics = ConfigMetrics()
    metrics.succeeded([b"a", b"bc"], 12.5)
    metrics.failed()
    told = values(page(metrics.collect()))
    assert told == {
        "alloy_config_last_load_successful": "0",
        "alloy_config_last_load_success_timestamp_seconds": "12.5",
        "alloy_config_load_failures_total": "1",
        f'alloy_config_hash{{cluster_name="",sha256="{sha256(b"abc").hexdigest()}"}}': "1",
    }
    metrics.succeeded([b"def"], 13)
    assert values(page(metrics.collect()))["alloy_config_last_load_successful"] == "1"


def test_evaluations_are_counted_by_controller() -> None:
    metrics = EvaluationMetrics()
    metrics.evaluated("", "local.file.f", 0.01)
    metrics.evaluated("", "local.file.f", 90)
    metrics.waited("d.x", 0.2)
    told = values(page(metrics.collect([ROOT, ROOT._replace(id="d.x", name="d.x")])))
    root = 'controller_id="",controller_path="/"'
    assert told[f"alloy_component_evaluation_seconds_count{{{root}}}"] == "2"
    assert told[f'alloy_component_evaluation_seconds_bucket{{{root},le="0.025"}}'] == "1"
    assert told[f'alloy_component_evaluation_seconds_bucket{{{root},le="120"}}'] == "2"
    assert told[f"alloy_component_dependencies_wait_seconds_count{{{root}}}"] == "0"
    assert (
        told['alloy_component_dependencies_wait_seconds_count{controller_id="d.x",controller_path="/"}']
        == "1"
    )
    slow = 'alloy_component_evaluation_slow_seconds{component_id="local.file.f",' + root + "}"
    assert told[slow] == "90"


def test_states_are_counted_by_name() -> None:
    from alloypy.services.metrics import _controller_families

    info = ROOT._replace(healths=(healthy("a"), unhealthy("b"), healthy("c")), connections=(("a.b", "c.d"),))
    told = values(page(_controller_families([info])))
    name = (
        'alloy_component_controller_running_components{controller_id="",controller_path="/",health_type="%s"}'
    )
    assert (told[name % "healthy"], told[name % "unhealthy"]) == ("2", "1")
    assert (
        told['alloy_component_graph_connection{controller_id="",controller_path="/",from="a.b",to="c.d"}']
        == "1"
    )
