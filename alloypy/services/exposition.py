"""Metric families and their text form, Prometheus 0.0.4.

Components keep their metrics in registries of `prometheus_client`; whatever has its shape (`name`,
`documentation`, `type`, `samples`) can be written here. Families of one name that come from several
components become one, and counters keep the names their samples have: Alloy's relabel counters, for
one, do not end in `_total`. Source: spec section 8.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One value of a family; `name` has its suffix (`_bucket`, `_count`)."""

    name: str
    labels: Mapping[str, str]
    value: float


class SampleLike(Protocol):
    """A sample, ours or that of `prometheus_client`."""

    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def value(self) -> float: ...


class FamilyLike(Protocol):
    """A metric family, ours or that of `prometheus_client`."""

    @property
    def name(self) -> str: ...
    @property
    def documentation(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def samples(self) -> Sequence[SampleLike]: ...


class Family(NamedTuple):
    """A metric family. type: counter, gauge or histogram."""

    name: str
    documentation: str
    type: str
    samples: Sequence[SampleLike]


def gauge(name: str, documentation: str, value: float, /, **labels: str) -> Family:
    """A gauge with a single value."""
    return Family(name, documentation, "gauge", [Sample(name, labels, value)])


def counter(name: str, documentation: str, value: float, /, **labels: str) -> Family:
    """A counter with a single value."""
    return Family(name, documentation, "counter", [Sample(name, labels, value)])


def with_labels(family: FamilyLike, labels: Mapping[str, str]) -> Family:
    """The family with `labels` added to each sample."""
    samples = [Sample(s.name, {**s.labels, **labels}, s.value) for s in family.samples]
    return Family(family.name, family.documentation, family.type, samples)


class Page:
    """Families that are put together and then written in the text format, sorted by name."""

    def __init__(self) -> None:
        self._merged: dict[str, tuple[str, str, list[SampleLike]]] = {}

    def add(self, family: FamilyLike) -> None:
        """Add a family, to the one of the same name if there is one."""
        samples = [s for s in family.samples if not s.name.endswith("_created")]
        if samples:
            name = _written_name(family.name, samples)
            self._merged.setdefault(name, (family.documentation, family.type, []))[2].extend(samples)

    def lines(self) -> Iterator[str]:
        """The page, line by line, each with its end."""
        for name, (documentation, kind, samples) in sorted(self._merged.items()):
            yield f"# HELP {name} {_escape_help(documentation)}\n"
            yield f"# TYPE {name} {'untyped' if kind == 'unknown' else kind}\n"
            for sample in samples:
                yield _sample_line(sample)


def text_format(families: Iterable[FamilyLike]) -> str:
    """All families in the text format, sorted by name."""
    page = Page()
    for family in families:
        page.add(family)
    return "".join(page.lines())


def _written_name(name: str, samples: Sequence[SampleLike]) -> str:
    """`prometheus_client` keeps counters without the `_total` that their samples have."""
    return f"{name}_total" if samples[0].name == f"{name}_total" else name


def _sample_line(sample: SampleLike) -> str:
    if not sample.labels:
        return f"{sample.name} {_number(sample.value)}\n"
    labels = ",".join(f'{key}="{_escape_label(value)}"' for key, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}} {_number(sample.value)}\n"


def _escape_help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _escape_label(text: str) -> str:
    return _escape_help(text).replace('"', r"\"")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e17 else repr(float(value))
