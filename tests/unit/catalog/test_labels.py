"""What is known of the labels of components covers what Alloy was recorded to set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alloypy.catalog.labels import labels_of

RECORDED = sorted((Path(__file__).parents[2] / "golden" / "components").glob("discovery.*.jsonl"))
OF_OTHERS = {
    "discovery.process": {"__meta_docker_container_id", "__meta_kubernetes_pod_container_id"},
}
"""Labels of targets that cases give to a component."""


@pytest.mark.parametrize(
    "path", [each for each in RECORDED if labels_of(each.stem)], ids=lambda path: path.stem
)
def test_recorded_labels_are_known(path: Path) -> None:
    known = labels_of(path.stem)
    many = tuple(label for label in known if label.endswith("_"))
    seen = set(re.findall(r"__meta_\w+", path.read_text("utf-8"))) - OF_OTHERS.get(path.stem, set())
    assert len(seen) > 0
    assert {each for each in seen if each not in known and not (many and each.startswith(many))} == set()
