"""The text format of metrics."""

from __future__ import annotations

import math

from prometheus_client.parser import text_string_to_metric_families

from alloypy.families import Family, Sample, counter, counters, gauge, gauges, histograms, with_labels
from tests.support.metrics import page


def test_families_are_sorted_and_headed() -> None:
    text = page([gauge("b", "Second.", 1.5), counter("a_total", 'First "one".\nTwo.', 3, name='x"\\\n')])
    assert text == (
        '# HELP a_total First "one".\\nTwo.\n'
        "# TYPE a_total counter\n"
        'a_total{name="x\\"\\\\\\n"} 3\n'
        "# HELP b Second.\n"
        "# TYPE b gauge\n"
        "b 1.5\n"
    )


def test_families_of_several_components_become_one() -> None:
    families = [
        with_labels(counter("requests_total", "Requests.", len(name)), {"component_id": name * index})
        for index, name in enumerate(("w", "vv"), start=1)
    ]
    assert page(families) == (
        "# HELP requests_total Requests.\n"
        "# TYPE requests_total counter\n"
        'requests_total{component_id="w"} 1\n'
        'requests_total{component_id="vvvv"} 2\n'
    )


def test_families_with_labels_have_a_sample_for_each_set() -> None:
    families = [
        gauges("open", "Open.", ("kind", "of"), {("a", "b"): 1, ("c", "d"): 2}),
        counters("lost_total", "Lost.", ("why",), {("late",): 3}),
    ]
    assert [line for line in page(families).splitlines() if line[0] != "#"] == [
        'lost_total{why="late"} 3',
        'open{kind="a",of="b"} 1',
        'open{kind="c",of="d"} 2',
    ]


def test_counters_without_total_keep_their_name() -> None:
    family = Family(
        "pyroscope_relabel_cache_hits", "Hits.", "counter", [Sample("pyroscope_relabel_cache_hits", {}, 2)]
    )
    assert page([family]).splitlines()[1:] == [
        "# TYPE pyroscope_relabel_cache_hits counter",
        "pyroscope_relabel_cache_hits 2",
    ]


def test_histograms_have_buckets_a_sum_and_a_count() -> None:
    latency = (("a",), [("1.0", 1.0), ("+Inf", 2.0)], 7.5)
    assert page([histograms("latency", "Latency.", ("to",), [latency])]).splitlines() == [
        "# HELP latency Latency.",
        "# TYPE latency histogram",
        'latency_bucket{le="1.0",to="a"} 1',
        'latency_bucket{le="+Inf",to="a"} 2',
        'latency_sum{to="a"} 7.5',
        'latency_count{to="a"} 2',
    ]


def test_numbers_that_are_none_and_families_without_samples() -> None:
    samples = [Sample("x", {"k": k}, v) for k, v in (("n", math.nan), ("p", math.inf), ("m", -math.inf))]
    text = page([Family("x", "", "gauge", samples), Family("empty", "", "gauge", [])])
    assert [line.split()[-1] for line in text.splitlines()[2:]] == ["NaN", "+Inf", "-Inf"]
    assert "empty" not in text


def test_a_reader_of_the_format_gets_what_was_told() -> None:
    latency = (('a\n"\\',), [("0.5", 1.0), ("+Inf", 2.0)], 7.5)
    families = [
        histograms("latency", "In\nseconds.", ("to",), [latency]),
        counters("lost_total", "Lost.", ("why",), {("late",): 3, ("",): 1e300}),
        gauge("open", "", -0.25),
    ]
    told = {
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for family in text_string_to_metric_families(page(families))
        for sample in family.samples
    }
    assert told == {
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for family in families
        for sample in family.samples
    }
