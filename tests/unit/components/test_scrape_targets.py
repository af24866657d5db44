"""What is scraped of a target: labels, URLs, and targets of which nothing can be scraped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from alloypy.components.pyroscope.scraping.arguments import (
    Arguments,
    CustomArguments,
    GoroutineArguments,
    ProcessCPUArguments,
    ProfilingArguments,
)
from alloypy.components.pyroscope.scraping.targets import BadTarget, Recipe, Wanted, sharing_key
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.lang.targets import Target


def wanted(labels: Mapping[str, str], **arguments: Any) -> dict[str, Wanted]:
    """What is scraped of a target, by the type of profile."""
    recipe = Recipe(Arguments(targets=(), forward_to=(), **arguments))
    return {each.name: each for each in recipe.wanted(Target({"__address__": "h:1", **labels}))}


def url(path: str, **arguments: Any) -> str:
    custom = CustomArguments(name="mine", enabled=True, path=path)
    return wanted({}, profiling_config=ProfilingArguments(custom=(custom,)), **arguments)["mine"].url


def test_each_enabled_type_is_scraped() -> None:
    assert {name: each.url.removeprefix("http://h:1") for name, each in wanted({}).items()} == {
        "memory": "/debug/pprof/allocs",
        "block": "/debug/pprof/block",
        "goroutine": "/debug/pprof/goroutine",
        "mutex": "/debug/pprof/mutex",
        "process_cpu": "/debug/pprof/profile?seconds=14",
    }


def test_labels_are_sorted_and_say_who_collected() -> None:
    found = wanted({"z": "1", "empty": ""}, job_name="j")["memory"]
    assert list(found.sent) == sorted(found.sent)
    assert found.sent["__delta__"] == "false"
    assert found.sent["otel.scope.name"] == "com.grafana.alloy/pyroscope.scrape"
    assert dict(found.labels) == {
        "__address__": "h:1",
        "__name__": "memory",
        "__profile_path__": "/debug/pprof/allocs",
        "__scheme__": "http",
        "instance": "h:1",
        "job": "j",
        "service_name": "unspecified",
        "z": "1",
    }


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("x", "/x"),
        ("/a/../b//c", "/b/c"),
        ("/a/", "/a/"),
        ("/a b%2Fc", "/a%20b/c"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a?b", "/a%3Fb"),
        ("/%zz", ""),
        ("", ""),
        ("/../..", ""),
        ("http://o/y", "/http:/o/y"),
    ],
)
def test_paths_are_joined_as_by_go(path: str, end: str) -> None:
    assert url(path) == f"http://h:1{end}"


def test_parameters_of_one_type_do_not_reach_another() -> None:
    found = wanted({"__param_own": "2", "__param_q": "target"}, params={"q": ("a b", "c")})
    assert found["goroutine"].url.endswith("?own=2&q=a+b&q=c")
    assert found["process_cpu"].url.endswith("?own=2&q=a+b&q=c&seconds=14")
    assert [name for name, each in found.items() if each.collects] == ["process_cpu"]


@pytest.mark.parametrize(
    ("interval", "duration", "seconds"), [(15, 14, "14"), (60, 14, "59"), (60, 20, "20"), (61, 30.5, "30")]
)
def test_seconds_of_a_delta_profile(interval: float, duration: float, seconds: str) -> None:
    found = wanted(
        {},
        scrape_interval=Duration(round(interval * SECOND)),
        delta_profiling_duration=Duration(round(duration * SECOND)),
    )
    assert found["process_cpu"].url.endswith(f"?seconds={seconds}")


def test_a_target_may_say_its_own_path_and_scheme() -> None:
    found = wanted({"__profile_path__": "/p", "__scheme__": "https", "__profile_path_prefix__": "/pre"})
    assert {each.url.partition("?")[0] for each in found.values()} == {"https://h:1/pre/p"}


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({}, "unspecified"),
        ({"service_name": "own"}, "own"),
        ({"__meta_kubernetes_pod_annotation_pyroscope_io_service_name": "a"}, "a"),
        ({"__meta_kubernetes_namespace": "n", "__meta_kubernetes_pod_container_name": "c"}, "n/c"),
        ({"__meta_kubernetes_namespace": "n", "__meta_docker_container_name": "/d"}, "/d"),
        ({"__meta_dockerswarm_service_name": "s"}, "s"),
    ],
)
def test_the_name_of_the_service(labels: Mapping[str, str], service: str) -> None:
    assert wanted(labels)["memory"].sent["service_name"] == service


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"__address__": ""}, "no address"),
        ({"__address__": "h/x"}, '"h/x:80" is not a valid hostname'),
        ({"__address__": "h", "__scheme__": "ftp"}, 'invalid scheme: "http"'),
        ({"x": "\udcff"}, 'invalid label value for "x": "\\xff"'),
    ],
)
def test_bad_targets(labels: Mapping[str, str], reason: str) -> None:
    with pytest.raises(BadTarget) as raised:
        wanted(labels)
    assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("address", "scheme", "whole"),
    [("h", "http", "h:80"), ("h", "https", "h:443"), ("[::1]", "http", "[::1]:80"), ("h:9", "ftp", "h:9")],
)
def test_the_usual_port_is_added(address: str, scheme: str, whole: str) -> None:
    found = wanted({"__address__": address, "__scheme__": scheme})["memory"]
    assert found.sent["instance"] == whole


def test_types_whose_differences_targets_compute_have_the_plain_name() -> None:
    profiling = ProfilingArguments(
        custom=(CustomArguments(name="godeltaprof_memory", enabled=True, path="/d"),),
        goroutine=GoroutineArguments(enabled=False),
        process_cpu=ProcessCPUArguments(enabled=False),
    )
    recipe = Recipe(Arguments(targets=(), forward_to=(), profiling_config=profiling))
    found = [each for each in recipe.wanted(Target({"__address__": "h:1"})) if each.name == "memory"]
    assert {each.url: each.differenced for each in found} == {
        "http://h:1/debug/pprof/allocs": True,
        "http://h:1/d": False,
    }
    assert "__delta__" not in found[-1].sent


def test_private_labels_do_not_make_another_profile() -> None:
    one, two = wanted({"__x": "1"})["memory"], wanted({"__x": "2"})["memory"]
    assert one.identity == two.identity
    assert one.identity != wanted({"x": "1"})["memory"].identity


def test_meta_labels_do_not_make_another_target() -> None:
    one, two = Target({"a": "1", "__meta_x": "1"}), Target({"a": "1", "__meta_x": "2"})
    assert sharing_key(one) == sharing_key(two) != sharing_key(Target({"a": "2"}))
