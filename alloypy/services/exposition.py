"""Metric families in the Prometheus text format 0.0.4.

Families of several components with the same name are merged. Source: docs/spec/RUNTIME.md, section 8.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from alloypy.families import Family, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Page:
    """Collects families and writes them in the text format, sorted by name."""

    def __init__(self) -> None:
        self._merged: dict[str, tuple[str, str, list[Sample]]] = {}

    def add(self, family: Family) -> None:
        """Add a family, merging it into one of the same name."""
        if family.samples:
            merged = self._merged.setdefault(family.name, (family.documentation, family.type, []))
            merged[2].extend(family.samples)

    def lines(self) -> Iterator[str]:
        """The page, line by line, each with its line end."""
        for name, (documentation, kind, samples) in sorted(self._merged.items()):
            yield f"# HELP {name} {_escape_help(documentation)}\n"
            yield f"# TYPE {name} {kind}\n"
            for sample in samples:
                yield _sample_line(sample)


def _sample_line(sample: Sample) -> str:
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
