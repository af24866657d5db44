"""Label sets: building, checking and printing them."""

from __future__ import annotations

import pytest

from alloypy.profiles.labels import (
    InvalidLabels,
    check_label_name,
    check_labels,
    check_service_name,
    label_set,
    print_labels,
    with_service_name,
)


def test_the_later_of_two_wins_and_empty_values_vanish() -> None:
    made = label_set([("b", "1"), ("a", "2"), ("b", "3"), ("c", ""), ("a", "")])
    assert made == {"b": "3"}
    assert list(label_set([("z", "1"), ("é", "1"), ("A", "1"), ("a", "1")])) == ["A", "a", "z", "é"]


def test_the_service_is_the_name_unless_it_is_given() -> None:
    assert with_service_name({"__name__": "n"}) == {"__name__": "n", "service_name": "n"}
    assert with_service_name({}) == {}
    assert with_service_name({"service_name": "s"}) == {"service_name": "s"}
    given = {"__name__": "n", "service_name": "s", "app_name": "x"}
    assert with_service_name(given) == {"__name__": "n", "service_name": "s", "app_name": "n"}


@pytest.mark.parametrize("name", ["a", "a.b", "1a", "_", "A_9."])
def test_good_label_names(name: str) -> None:
    check_label_name(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "label name is required"),
        ("a-b", "invalid label name: a-b: character is not allowed: '-'"),
        ("a'b", "invalid label name: a'b: character is not allowed: '\\''"),
        ("é", "invalid label name: é: character is not allowed: 'é'"),
        ("a\n", "invalid label name: a\n: character is not allowed: '\\n'"),
        ("\udcff", "invalid label name: \udcff: character is not allowed: '\ufffd'"),
        ("__name__", "label name is reserved: __name__"),
    ],
)
def test_bad_label_names(name: str, reason: str) -> None:
    with pytest.raises(InvalidLabels) as raised:
        check_label_name(name)
    assert str(raised.value) == reason


def test_service_names() -> None:
    check_service_name("my-app/1.0_x")
    for name, reason in [
        ("", "service name is required"),
        ("a b", "invalid service name: a b: character is not allowed: ' '"),
    ]:
        with pytest.raises(InvalidLabels) as raised:
            check_service_name(name)
        assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({}, "service name is required"),
        ({"": "1", "a-b": "1"}, "duplicate label name: "),
        ({"a": "\udcff", "b-c": "1"}, "invalid label value for a: \udcff"),
        (
            {"b": "1", "a-b": "1"},
            "invalid label name: invalid label name: a-b: character is not allowed: '-'",
        ),
    ],
)
def test_sets_that_cannot_be_sent(labels: dict[str, str], reason: str) -> None:
    with pytest.raises(InvalidLabels) as raised:
        check_labels(labels)
    assert str(raised.value) == reason


def test_sets_that_can_be_sent() -> None:
    check_labels({"__name__": "any - thing", "a.b": "é☃", "__session_id__": "1"})


def test_printing() -> None:
    labels = {"b": 'q"\\', "a-b": "é\n\u200b", "__name__": "n", "é": "\udcff"}
    assert print_labels(labels) == '{__name__="n", "a-b"="é\\n\\u200b", b="q\\"\\\\", "é"="\\xff"}'
    assert print_labels({}) == "{}"
