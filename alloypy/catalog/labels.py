"""The labels that components put on what they find, beside those that the configuration names.

In `labels.jsonl` each line after the header has a component and its labels. A label that ends with `_` is the
beginning of many, such as one for each label of a container.
Source: the reference of each component in Alloy's documentation, corrected by what Alloy was recorded to do.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

ADDRESS = "__address__"
OF_SCRAPES = ("__metrics_path__", "__param_", "__scheme__", "__scrape_interval__", "__scrape_timeout__")
OF_FILES = ("__path__", "__path_exclude__")
OF_PROFILES = ("__process_pid__", "__profile_path_prefix__", "service_name")
OF_SAMPLES = ("__name__", "instance", "job")


def labels_of(component: str) -> tuple[str, ...]:
    """The labels that a component puts on its targets or entries; none for one of which none are known."""
    return _labels().get(component, ())


@cache
def _labels() -> dict[str, tuple[str, ...]]:
    lines = Path(__file__).with_name("labels.jsonl").read_text("utf-8").splitlines()
    return {component: tuple(labels) for component, *labels in map(json.loads, lines[1:])}
