"""What the history says about components, arguments, functions and flags."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import alloypy.catalog
from alloypy.catalog.catalog import Catalog, load_catalog
from alloypy.catalog.history import SECTIONS, EntryHistory, History, load_breaking, load_history
from alloypy.catalog.replay import PastStore
from alloypy.catalog.store import Lines
from alloypy.catalog.versions import find_version, timeline
from alloypy.schema.spec import BlockSpec, Spec

PACKAGE = Path(alloypy.catalog.__file__).parent


def component(name: str) -> EntryHistory:
    found = load_history().component(name)
    assert found is not None
    return found


def test_everything_is_there() -> None:
    history = load_history()
    components = [component(name) for name in history.names("components")]
    blocks = [history.block(name) for name in history.names("config_blocks")]
    paths = [entry.path(path) for entry in (*components, *blocks) if entry for path in entry.paths()]
    assert len(components) == 187
    assert len(paths) == 8615
    assert all(path is not None and path.present for path in paths)


def test_an_argument_with_a_record() -> None:
    found = component("loki.write").path("endpoint/http_headers")
    assert found is not None
    assert timeline().text(found.present) == "1.8.0"
    assert (found.block, found.required) == (0, 0)
    assert found.types == (("map(list(secret))", found.present),)


def test_an_argument_without_a_record_exists_as_long_as_its_component() -> None:
    found = component("pyroscope.relabel").path("forward_to")
    assert found is not None
    assert timeline().text(found.present) == timeline().text(found.required) == "1.7.0"
    assert found.types == (("list(capsule(profiles))", found.present),)


def test_what_is_inside_a_block_exists_no_longer_than_the_block() -> None:
    found = component("prometheus.write.queue").path("endpoint/tls_config/ca_pem")
    assert found is not None
    assert timeline().text(found.present) == "1.6.0<1.19.0-rc.3"


def test_changed_defaults_types_and_deprecations() -> None:
    rate = component("pyroscope.ebpf").path("sample_rate")
    assert rate is not None
    assert [(timeline().text(span), value) for span, value in rate.defaults] == [
        ("1.0.0<1.1.0", None),
        ("1.1.0<1.11.0", 97),
        ("1.11.0", 19),
    ]
    metrics = component("prometheus.exporter.oracledb").path("custom_metrics")
    assert metrics is not None
    assert metrics.type_at(find_version("1.8")) == "optional_secret"
    assert metrics.type_at(find_version("1.9")) == "list(string)"
    assert metrics.type_at(find_version("1.3")) is None
    user = component("discovery.consul").path("username")
    assert user is not None
    assert user.deprecated == find_version("1.0").index


def test_a_block_that_contains_itself_is_the_same_on_all_levels() -> None:
    process = component("loki.process")
    inner = process.path("stage.match/stage.json/expressions")
    assert inner is not None and timeline().text(inner.required) == "1.0.0<1.17.0"
    assert process.path("stage.match/stage.match/stage.match/stage.json/expressions") == inner
    assert process.path("stage.match/stage.nothing") is None


def test_stability_by_version() -> None:
    write = component("pyroscope.write")
    assert write.stability_at(find_version("1.1")) == "public-preview"
    assert write.stability_at(find_version("1.2")) == "generally-available"
    assert component("otelcol.exporter.datadog").stability_at(find_version("1.4")) == "community"


def test_functions_and_constants() -> None:
    history = load_history()
    env, group_by = history.function("env"), history.function("array.group_by")
    assert env is not None and group_by is not None
    assert timeline().text(env.deprecated) == "1.4.0"
    assert timeline().text(group_by.experimental) == "1.10.0"
    assert history.function("constants.version") is not None
    assert history.function("array.nothing") is None


def test_commands_and_their_flags() -> None:
    run, validate = load_history().command("run"), load_history().command("validate")
    assert run is not None and validate is not None
    assert timeline().text(validate.present) == "1.9.0"
    scheme = run.flags["feature.prometheus.metric-validation-scheme"]
    assert {word: timeline().text(span) for word, span in scheme.types} == {
        "string": "1.7.0<1.11.0",
        "bool": "1.11.0",
    }
    assert load_history().command("eval") is None


def test_breaking_changes() -> None:
    changes = load_breaking()
    assert len(changes) == 300
    assert len({change.id for change in changes}) == 300
    assert [change.since for change in changes] == sorted(change.since for change in changes)
    assert {change.version for change in changes if change.since >= find_version("1.19").index} == {"1.19.0"}


def at(version: str) -> Catalog:
    return load_catalog(find_version(version))


def arguments(version: str, name: str) -> Spec:
    entry = at(version).component(name)
    assert entry is not None
    return entry.arguments


def test_the_catalog_of_a_version() -> None:
    assert at("1.3").title == "Alloy 1.3.4"
    assert load_catalog().title == at("main").title == "Alloy main, the coming 1.19"
    assert at("1.3").component("prometheus.write.queue") is None
    assert at("1.18").component("prometheus.write.queue") is not None
    assert at("1.3").block("foreach") is None
    assert "env" not in at("1.3").deprecated and "env" in at("1.3").identifiers
    assert "array" not in at("1.3").identifiers
    assert at("1.4").identifiers["array"] == ["concat"]
    assert at("1.6").identifiers["array"] == ["combine_maps", "concat"]


def test_requirements_and_kinds_by_version() -> None:
    def needed(version: str) -> set[str]:
        return {member.name for member in arguments(version, "prometheus.exporter.snowflake").required}

    assert needed("1.2") - needed("1.3") == {"password"}
    before = arguments("1.6", "prometheus.write.queue").lookup["endpoint"]
    after = arguments("1.7", "prometheus.write.queue").lookup["endpoint"]
    assert isinstance(before, BlockSpec) and isinstance(after, BlockSpec)
    assert not isinstance(before.body.lookup["parallelism"], BlockSpec)
    assert isinstance(after.body.lookup["parallelism"], BlockSpec)
    assert after.body.takes_label


def test_labels_by_version() -> None:
    for version, labelled in (("1.7.2", True), ("1.7.3", False)):
        filters = arguments(version, "beyla.ebpf").lookup["filters"]
        assert isinstance(filters, BlockSpec)
        application = filters.body.lookup["application"]
        assert isinstance(application, BlockSpec)
        assert application.body.takes_label == labelled


def test_stages_in_stages_by_version() -> None:
    spec = arguments("1.10", "loki.process")
    for _ in range(4):
        assert "stage.pattern" not in spec.groups
        assert "stage.windowsevent" in spec.groups
        assert spec.groups["stage.json"].body.lookup["expressions"].required
        spec = spec.groups["stage.match"].body
    main = arguments("main", "loki.process")
    assert "stage.pattern" in main.groups["stage.match"].body.groups


def test_bodies_shared_with_other_components_are_left_alone() -> None:
    old = arguments("1.7", "loki.write").lookup["endpoint"]
    new = arguments("main", "loki.write").lookup["endpoint"]
    assert isinstance(old, BlockSpec) and isinstance(new, BlockSpec)
    assert "http_headers" not in old.body.lookup
    assert "http_headers" in new.body.lookup


def test_the_catalog_of_main_reads_no_history() -> None:
    script = (
        "import sys; from alloypy.catalog.catalog import load_catalog;"
        "load_catalog().component('pyroscope.write');"
        "print([m for m in sys.modules if m.startswith('alloypy.catalog.')])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert set(ast.literal_eval(shown)) == {
        "alloypy.catalog.catalog",
        "alloypy.catalog.store",
        "alloypy.catalog.types",
    }


def test_only_what_is_asked_for_is_read() -> None:
    store = load_catalog().store
    history = History(Lines((PACKAGE / "history.jsonl").read_bytes(), SECTIONS), store)
    past = PastStore(store, history, history.timeline.find("1.10"))
    assert "loki.write" in past.names("components")
    assert past.entry("components", "loki.write")
    assert "prometheus.nothing" not in past.names("components")
    assert list(history._entries) == [("components", "loki.write")]


def test_a_name_twice_in_a_row_need_not_be_a_block_in_itself() -> None:
    action = component("otelcol.processor.attributes").path("action/action")
    assert action is not None and not action.block and action.types[0][0] == "string"
    assert component("otelcol.processor.attributes").path("action/action/action") is None


def test_a_block_in_itself_is_walked_step_by_step_from_the_one_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = []
    inward = EntryHistory._inward

    def counted(self: EntryHistory, *arguments: Any) -> Any:
        steps.append(arguments[-1])
        return inward(self, *arguments)

    monkeypatch.setattr(EntryHistory, "_inward", counted)
    entry = load_history.__wrapped__().component("loki.process")
    assert entry is not None
    counts = []
    for depth in range(1, 200):
        path = "/".join(["stage.match"] * depth)
        assert entry.members(path).keys() == entry.members("stage.match").keys()
        assert entry.path(f"{path}/selector") == entry.path("stage.match/selector")
        counts.append(len(steps))
        steps.clear()
    assert max(counts[10:]) == min(counts[10:])
