"""HTML made from values: what is not made here is never markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from alloypy.lang.values import OptionalSecret
from alloypy.services.web.html import around, data, encoded, h, join
from alloypy.services.web.values import is_large, size, tree
from tests.support.web_pages import PAYLOADS, Page


@pytest.mark.parametrize("payload", PAYLOADS)
def test_texts_and_attributes_are_escaped(payload: str) -> None:
    page = Page(h("p", {"title": payload}, payload, [payload, None, h("b", {}, payload)], join(payload)))
    assert page.tags == [("p", {"title": payload}), ("b", {})]
    assert page.text == payload * 4


@pytest.mark.parametrize("payload", PAYLOADS)
def test_large_content_is_escaped_like_any_other(payload: str) -> None:
    inner = (h("i", {}), payload, [payload, None, 1])
    assert encoded(around("p", {"title": payload}, *inner)) == h("p", {"title": payload}, *inner).encode()


def test_what_is_no_valid_text_is_replaced() -> None:
    assert encoded("\ud800", around("p", {}, "a\udfff")) == b"?<p>a?</p>"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_data_for_scripts_ends_with_its_element(payload: str) -> None:
    page = Page(data({payload: [payload]}))
    assert page.tags == [("script", {"type": "application/json", "id": "data"})]
    assert json.loads(page.text) == {payload: [payload]}


def test_attributes_are_left_out_or_stand_alone() -> None:
    assert h("input", {"a": None, "b": False, "c": True, "d": 0}) == '<input c d="0">'
    assert h("p", {}, 1, 2.5) == "<p>12.5</p>"


def value(kind: str, content: Any) -> dict[str, Any]:
    return {"type": kind, "value": content}


def attribute(name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "type": "attr", "value": given}


def test_trees_show_values_by_their_kinds() -> None:
    inner = [attribute("n", value("number", 1)), attribute("b", value("bool", True))]
    statements = [
        attribute("s", value("string", "<b>")),
        attribute("l", value("array", [value("string", "x"), value("null", None)])),
        attribute("o", value("object", [{"key": "k", "value": value("array", [])}])),
        {"name": "block", "type": "block", "label": "name", "body": inner},
    ]
    assert Page(tree(statements)).text == 's = "<b>"l = ["x", null]o = k: []block "name" n = 1b = true'


def test_trees_end_after_two_thousand_values() -> None:
    numbers = [value("number", number) for number in range(1_000_000)]
    shown = tree([attribute("l", value("array", numbers))])
    assert len(shown) < 200_000
    assert "There is more" in shown
    assert "1,000,000 values" in shown
    long = tree([attribute("s", value("string", "x" * 100_000))])
    assert len(long) < 5000
    assert "(100,000 characters)" in long


@dataclass(frozen=True)
class Given:
    texts: tuple[str, ...]
    labels: Mapping[str, str]


@pytest.mark.parametrize(
    ("given", "large"),
    [
        (None, False),
        (Given(("x" * 1000,) * 20, {}), False),
        (Given(("x" * 1000,) * 40, {}), True),
        (Given((), {"name": "x" * 40_000}), True),
        (Given((), {str(number): "" for number in range(1000)}), True),
        ({"content": OptionalSecret("x" * 5_000_000, is_secret=False)}, True),
        ([1] * 10_000_000, True),
    ],
)
def test_large_values_are_those_above_32_kb(given: object, large: bool) -> None:
    assert is_large(given) is large


def test_sizes_are_written_for_people() -> None:
    assert [size(number) for number in (999, 33_000, 5_000_000)] == ["999 B", "33.0 kB", "5.0 MB"]
