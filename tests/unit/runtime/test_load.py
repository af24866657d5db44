"""The first load: order, exports within the load, faults, and what runs afterwards."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from alloypy.graph.texts import DEPRECATED
from alloypy.runtime.contract.component import Stability
from tests.support.fakes import world

pytestmark = pytest.mark.anyio


async def refused(storage: Path, *texts: str) -> list[str]:
    """What a first load says about faulty texts; nothing may run afterwards."""
    async with world(storage) as w:
        faults = await w.refused(*texts)
        await w.settled()
        assert not [event for event in w.taken_events() if event.startswith("run")]
        assert w.controller.components() == []
        assert not w.controller.ready
    return faults


async def test_exports_of_constructors_reach_dependants_in_the_same_load(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load(
            'test.node "c" { value = test.node.b.value + "c" }\n'
            'test.node "b" { value = test.node.a.value + "b" }\ntest.node "a" { value = "a" }'
        )
        assert w.node("test.node.c").arguments.value == "abc"
        await w.settled()
        assert w.taken_events() == [
            "init test.node.a",
            "prepare test.node.a",
            "init test.node.b",
            "prepare test.node.b",
            "init test.node.c",
            "prepare test.node.c",
            "run test.node.a",
            "run test.node.b",
            "run test.node.c",
        ]


async def test_result_and_snapshot(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert not w.controller.ready
        assert w.controller.components() == []
        result = await w.load(
            'test.node "a" { }\ntest.node "b" { forward_to = [test.node.a.receiver] }\ntest.silent "c" { }'
        )
        assert w.controller.ready
        assert set(result.created) == {"test.node.a", "test.node.b", "test.silent.c"}
        assert result[1:] == ((), (), ())
        infos = {info.id: info for info in w.controller.components()}
        assert infos["test.node.b"].references == ("test.node.a",)
        assert infos["test.node.a"].referenced_by == ("test.node.b",)
        assert infos["test.node.b"].data_flow == ("test.node.a",)
        assert infos["test.node.a"].exports.receiver is w.node("test.node.a").receiver
        assert (infos["test.node.a"].name, infos["test.node.a"].label) == ("test.node", "a")
        assert w.health("test.node.a") == ("healthy", "started component")
        with pytest.raises(KeyError):
            w.controller.component("", "test.node.zz")
        with pytest.raises(KeyError):
            w.controller.components("nowhere")
        await w.load(
            'test.node "a" { }\ntest.node "b" {\n'
            ' forward_to = [test.node.a.receiver, test.node.a.receiver]\n}\ntest.silent "c" { }'
        )
        [info] = w.controller.controllers()
        assert (info.id, info.path, info.evaluating, info.queued) == ("", "/", False, 0)
        assert info.connections == (("test.node.b", "test.node.a"),)
        assert len(info.healths) == 3


async def test_options_of_a_component(tmp_path: Path) -> None:
    async with world(tmp_path, stability=Stability.PUBLIC_PREVIEW) as w:
        await w.load('declare "d" { test.node "in" { } }\nd "x" { }')
        options = w.node("d.x/test.node.in").options
        assert (options.id, options.path, options.alloy_id) == ("test.node.in", "/d.x", "test")
        assert options.storage == tmp_path / "d.x" / "test.node.in"
        assert options.minimum_stability is Stability.PUBLIC_PREVIEW
        assert options.environ["NAME"] == "value"


async def test_a_component_logs_with_its_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with world(tmp_path) as w:
        await w.load('test.node "a" { }')
        w.node("test.node.a").options.logger.error("hello", extra={"fields": {"key": 1}})
    [record] = [each for each in caplog.records if each.message == "hello"]
    assert list(record.__dict__["fields"].items()) == [
        ("component_path", "/"),
        ("component_id", "test.node.a"),
        ("key", 1),
    ]


async def test_metrics_are_reported_once_there_are_any(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load('test.node "a" { }\ntest.node "b" { }')
        assert list(w.controller.metrics()) == []
        registry = w.node("test.node.a").options.metrics()
        assert w.node("test.node.a").options.metrics() is registry
        [source] = w.controller.metrics()
        assert (source.component_path, source.component_id) == ("/", "test.node.a")
        assert list(source.collect()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('test.node "a" { nope = 1 }', 'config.alloy:1:17: unrecognized attribute name "nope"'),
        (
            'test.node "a" { fail = ["init"] }',
            "config.alloy:1:1: Failed to build component: building component: init failed",
        ),
        (
            'test.node "a" { fail = ["prepare"] }',
            "config.alloy:1:1: Failed to build component: building component: prepare failed",
        ),
        (
            'test.node "a" { forward_to = [test.node.b] }\ntest.node "b" { }',
            "config.alloy:1:31: test.node.b should be capsule, got object",
        ),
        (
            'test.node "a" { value = test.node.b.nope }\ntest.node "b" { }',
            'config.alloy:1:37: field "nope" does not exist',
        ),
        ("logging { level = 5 }", None),
        (
            "ui { }",
            'config.alloy:1:1: Failed to evaluate service: service "ui" does not support being configured',
        ),
        ("http { nope = 1 }", 'config.alloy:1:8: unrecognized attribute name "nope"'),
        ('argument "x" { }', "config.alloy:1:1: argument blocks only allowed inside a module"),
        ("a = 1", "config.alloy:1:1: unrecognized attribute a"),
    ],
)
async def test_faults_of_a_first_load(tmp_path: Path, text: str, expected: str | None) -> None:
    if expected is None:
        expected = (
            "config.alloy:1:1: Failed to evaluate node for config block: decoding configuration: "
            'config.alloy:1:19: 5 unrecognized log level "5"'
        )
    assert await refused(tmp_path, text) == [expected]


async def test_all_evaluation_faults_are_reported_in_the_order_of_the_text(tmp_path: Path) -> None:
    texts = ('test.node "c" { nope = 3 }', 'test.node "a" { nope = 1 }\ntest.node "b" { nope = 2 }')
    faults = await refused(tmp_path, *reversed(texts))
    assert [each.split(": ")[0] for each in faults] == [
        "b.alloy:1:17",
        "config.alloy:1:17",
        "config.alloy:2:17",
    ]


async def test_what_depends_on_a_component_that_failed_sees_empty_exports(tmp_path: Path) -> None:
    faults = await refused(
        tmp_path, 'test.node "a" { fail = ["init"] }\ntest.node "b" { value = test.node.a.value }'
    )
    assert faults == ["config.alloy:1:1: Failed to build component: building component: init failed"]


async def test_a_component_whose_run_fails_is_exited(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load('test.node "a" { fail = ["run"] }\ntest.node "b" { }')
        await w.settled()
        assert w.health("test.node.a") == (
            "exited",
            "component shut down with error: RuntimeError: run failed",
        )
        assert w.health("test.node.b") == ("healthy", "started component")
        assert w.controller.unhealthy() == ["test.node"]


async def test_an_empty_configuration_runs(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert await w.load("") == ((), (), (), ())
        assert w.controller.ready


async def test_stopping_stops_producers_first(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load(
            'test.node "sink" { }\ntest.node "relay" { forward_to = [test.node.sink.receiver] }\n'
            'test.node "source" { forward_to = [test.node.relay.receiver] }'
        )
        await w.settled()
        w.taken_events()
        await w.controller.stop()
        assert w.taken_events() == ["stop test.node.source", "stop test.node.relay", "stop test.node.sink"]
        await w.controller.stop()
        assert w.taken_events() == []


async def test_a_component_that_does_not_stop_is_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path, shutdown_deadline=0.05) as w:
        await w.load('test.node "a" { hang = ["stop"] }')
        await w.settled()
    errors = [each.__dict__["fields"] for each in caplog.records if each.levelno == logging.ERROR]
    assert errors == [{"controller_id": "", "node": "test.node.a", "err": "task shutdown deadline exceeded"}]


async def test_the_lines_of_a_load(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "alloypy")
    async with world(tmp_path) as w:
        await w.load('test.node "a" { value = env("NAME") }')
    lines = [(each.message, each.__dict__["fields"]) for each in caplog.records if "fields" in each.__dict__]
    messages = [message for message, _ in lines]
    assert messages[:3] == [
        DEPRECATED,
        "starting complete graph evaluation",
        "finished node evaluation",
    ]
    assert lines[0][1] == {"controller_path": "/", "controller_id": "", "function": "env"}
    trace_id = lines[1][1]["trace_id"]
    assert len(trace_id) == 32
    nodes = [fields["node_id"] for message, fields in lines if message == "finished node evaluation"]
    assert nodes[:2] == ["logging", "tracing"]
    assert nodes[-1] == "test.node.a"
    assert messages[-9:][0] == "scheduling loaded components and services"
    assert messages[-8:] == ["node exited without error"] * 8
