"""The text format of metrics."""

from __future__ import annotations

import math

from prometheus_client import CollectorRegistry, Counter, Histogram

from alloypy.services.exposition import Family, Sample, counter, gauge, text_format, with_labels


def test_families_are_sorted_and_headed() -> None:
    text = text_format(
        [gauge("b", "Second.", 1.5), counter("a_total", 'First "one".\nTwo.', 3, name='x"\\\n')]
    )
    assert text == (
        '# HELP a_total First "one".\\nTwo.\n'
        "# TYPE a_total counter\n"
        'a_total{name="x\\"\\\\\\n"} 3\n'
        "# HELP b Second.\n"
        "# TYPE b gauge\n"
        "b 1.5\n"
    )


def test_families_of_several_components_become_one() -> None:
    registries = {name: CollectorRegistry() for name in ("w", "v")}
    for name, registry in registries.items():
        requests = Counter("requests", "Requests.", registry=registry)
        requests.inc(len(name))
    families = [
        with_labels(family, {"component_id": name})
        for name, registry in registries.items()
        for family in registry.collect()
    ]
    assert text_format(families) == (
        "# HELP requests_total Requests.\n"
        "# TYPE requests_total counter\n"
        'requests_total{component_id="w"} 1\n'
        'requests_total{component_id="v"} 1\n'
    )


def test_counters_without_total_keep_their_name() -> None:
    family = Family(
        "pyroscope_relabel_cache_hits", "Hits.", "counter", [Sample("pyroscope_relabel_cache_hits", {}, 2)]
    )
    assert text_format([family]).splitlines()[1:] == [
        "# TYPE pyroscope_relabel_cache_hits counter",
        "pyroscope_relabel_cache_hits 2",
    ]


def test_histograms_keep_their_samples_without_creation_times() -> None:
    registry = CollectorRegistry()
    Histogram("latency", "Latency.", buckets=(1.0,), registry=registry).observe(0.5)
    lines = text_format(registry.collect()).splitlines()
    assert lines[2:] == [
        'latency_bucket{le="1.0"} 1',
        'latency_bucket{le="+Inf"} 1',
        "latency_count 1",
        "latency_sum 0.5",
    ]


def test_numbers_that_are_none_and_families_without_samples() -> None:
    samples = [Sample("x", {"k": k}, v) for k, v in (("n", math.nan), ("p", math.inf), ("m", -math.inf))]
    text = text_format([Family("x", "", "gauge", samples), Family("empty", "", "gauge", [])])
    assert [line.split()[-1] for line in text.splitlines()[2:]] == ["NaN", "+Inf", "-Inf"]
    assert "empty" not in text
