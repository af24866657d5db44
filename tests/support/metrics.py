"""Reads the metrics of a component in this process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alloypy.families import Family
from alloypy.services.exposition import Page


def samples(families: Iterable[Any]) -> list[Any]:
    """All samples of some families, alloypy's or prometheus_client's."""
    return [sample for family in families for sample in family.samples]


def page(families: Iterable[Family]) -> str:
    """The families as `/metrics` shows them."""
    shown = Page()
    for family in families:
        shown.add(family)
    return "".join(shown.lines())


def metric(families: Iterable[Any], name: str, **labels: str) -> float | None:
    """The value of a sample, summed over the labels not given; None if there is none."""
    found = [
        each.value
        for each in samples(families)
        if each.name == name and labels.items() <= each.labels.items()
    ]
    return sum(found) if found else None
