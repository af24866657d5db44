"""Load rules are applied to versions of Alloy that have them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import alloypy.rules
from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.versions import find_version, timeline
from alloypy.check.rule_ages import _SINCE, is_known_to
from alloypy.check.units.units import CheckOptions, check_texts
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.source import Source

POLLING = 'remotecfg {\n  url = "http://a"\n  poll_frequency = "1s"\n}\n'


@pytest.mark.parametrize(
    ("version", "accepted"), [("1.1", True), ("1.2", False), ("1.10", False), ("main", False)]
)
def test_a_rule_holds_from_the_version_that_has_it(version: str, accepted: bool) -> None:
    options = CheckOptions(load_catalog(find_version(version)), Gate(Stability.EXPERIMENTAL, True), {})
    outcome = check_texts("c.alloy", [Source("c.alloy", POLLING.encode())], options)
    assert (not outcome.failed) == accepted
    assert accepted or "poll_frequency must be at least" in outcome.diagnostics[0].message


def test_every_message_is_one_of_a_rule() -> None:
    sources = [path.read_text("utf-8") for path in Path(alloypy.rules.__file__).parent.glob("*.py")]
    texts = [
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    parts = [part for parts in _SINCE.values() for part in parts]
    assert [part for part in parts if not any(part in text for text in texts)] == []


def test_main_has_all_rules() -> None:
    parts = [part for parts in _SINCE.values() for part in parts]
    assert all(is_known_to(timeline().main, part) for part in parts)
    assert not any(is_known_to(find_version("1.0"), part) for part in parts)
