"""Metric families: components and services provide them, `alloypy.services.exposition` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias


class Sample(NamedTuple):
    """One value of a family; `name` has its suffix (`_bucket`, `_count`)."""

    name: str
    labels: Mapping[str, str]
    value: float


class Family(NamedTuple):
    """A metric family. type: counter, gauge or histogram."""

    name: str
    documentation: str
    type: str
    samples: Sequence[Sample]


Buckets: TypeAlias = Sequence[tuple[str, float]]
"""Upper bounds of a histogram, `+Inf` last, each with the number of values up to it."""


def gauge(name: str, documentation: str, value: float, /, **labels: str) -> Family:
    """A gauge with a single value."""
    return Family(name, documentation, "gauge", [Sample(name, labels, value)])


def counter(name: str, documentation: str, value: float, /, **labels: str) -> Family:
    """A counter with a single value. name: as written, usually with `_total`."""
    return Family(name, documentation, "counter", [Sample(name, labels, value)])


def gauges(
    name: str, documentation: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> Family:
    """A gauge with a value for each combination of label values."""
    return Family(name, documentation, "gauge", _samples(name, labels, values))


def counters(
    name: str, documentation: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> Family:
    """A counter with a value for each combination of label values. name: as in `counter`."""
    return Family(name, documentation, "counter", _samples(name, labels, values))


def histograms(
    name: str,
    documentation: str,
    labels: Sequence[str],
    values: Iterable[tuple[Sequence[str], Buckets, float]],
) -> Family:
    """A histogram for each combination of label values. values: the label values, the buckets, the sum."""
    samples = []
    for of_labels, buckets, total in values:
        given = dict(zip(labels, of_labels, strict=True))
        samples += [Sample(f"{name}_bucket", {**given, "le": bound}, count) for bound, count in buckets]
        samples.append(Sample(f"{name}_sum", given, total))
        samples.append(Sample(f"{name}_count", given, buckets[-1][1]))
    return Family(name, documentation, "histogram", samples)


def with_labels(family: Family, labels: Mapping[str, str]) -> Family:
    """The family with `labels` added to each sample."""
    samples = [Sample(each.name, {**each.labels, **labels}, each.value) for each in family.samples]
    return Family(family.name, family.documentation, family.type, samples)


def _samples(name: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]) -> list[Sample]:
    return [Sample(name, dict(zip(labels, key, strict=True)), value) for key, value in values.items()]
