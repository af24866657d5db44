"""The `name` parameter of /ingest, read as Pyroscope reads it, and written so that it is read back."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from alloypy.profiles.ingest_name import WrittenName, format_name, ingest_labels, parse_name
from alloypy.profiles.labels import InvalidLabels

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "golden" / "pyroscope" / "names.jsonl").read_text().splitlines()
]


def test_names_are_read_as_recorded() -> None:
    for case in RECORDED:
        name = base64.b64decode(case["name_b64"]).decode("utf-8", "surrogateescape")
        read: dict[str, object]
        try:
            read = {"labels": parse_name(name)}
        except InvalidLabels as reason:
            read = {"error": str(reason)}
        assert read == {key: case[key] for key in ("labels", "error") if key in case}, name


def test_names_are_written_as_recorded_where_that_can_be_read_back() -> None:
    written = 0
    for case in RECORDED:
        labels = case.get("labels", {"__name__": "{"})
        values = "".join(value for name, value in labels.items() if name != "__name__")
        if "{" not in labels["__name__"] and not set(",}") & set(values + labels["__name__"]):
            assert format_name(labels) == WrittenName(case["normalized"], 0)
            written += 1
    assert written > 100


@pytest.mark.parametrize(
    ("labels", "text", "replaced"),
    [
        ({}, "{}", 0),
        ({"__name__": "app"}, "app{}", 0),
        ({"b": "2", "__name__": "app", "a": "1"}, "app{a=1,b=2}", 0),
        ({"__name__": "app", "a": "1,b=2"}, "app{a=1_b=2}", 1),
        ({"__name__": "app", "a": "}{x=y,", "b": "{}"}, "app{a=_{x=y_,b={_}", 3),
        ({"__name__": "a{b=c,d}", "x": "1"}, "a_b=c_d_{x=1}", 3),
    ],
)
def test_what_would_be_read_back_otherwise_is_replaced(
    labels: dict[str, str], text: str, replaced: int
) -> None:
    assert format_name(labels) == WrittenName(text, replaced)


@pytest.mark.parametrize(
    ("encoded", "labels"),
    [
        ("app", {"__name__": "app", "service_name": "app"}),
        ("app%7Bb%3Dc%7D", {"__name__": "app", "b": "c", "service_name": "app"}),
        ("app{service_name=x}", {"__name__": "app", "app_name": "app", "service_name": "x"}),
        ("app{service_name=}", {"__name__": "app", "app_name": "app"}),
        ("app{app_name=x}", {"__name__": "app", "app_name": "x", "service_name": "app"}),
        ("app{app_name=x,service_name=y}", {"__name__": "app", "app_name": "app", "service_name": "y"}),
        ("app{a=b+c%2B}", {"__name__": "app", "a": "b c+", "service_name": "app"}),
        ("app{a=%ff%C3%A9}", {"__name__": "app", "a": "\ufffdé", "service_name": "app"}),
        ("app{a=,b=1}", {"__name__": "app", "b": "1", "service_name": "app"}),
    ],
)
def test_the_receivers_rule_names_the_service(encoded: str, labels: dict[str, str]) -> None:
    assert ingest_labels(encoded.encode()) == labels
    assert list(ingest_labels(encoded.encode())) == sorted(labels)


def test_a_name_longer_than_what_is_kept_is_read_too() -> None:
    value = "v" * 5000
    assert ingest_labels(quote(f"app{{a={value}}}").encode())["a"] == value


@pytest.mark.parametrize("encoded", ["", "+", "{a=b}", "a b", "a{b-c=1}", "a{__name__=b}{"])
def test_equal_names_give_equal_answers_twice(encoded: str) -> None:
    answers = []
    for _ in range(2):
        try:
            answers.append(dict(ingest_labels(encoded.encode())))
        except InvalidLabels as reason:
            answers.append({"error": str(reason)})
    assert answers[0] == answers[1]
