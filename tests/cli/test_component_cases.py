"""alloypy's components do what Alloy's were seen to do, but for the differences that are on purpose.

The recordings are `tests/golden/components/*.jsonl`; `*.differences.json` beside them say where alloypy
differs and why. `python -m tests.support.component_cases` replays some of them, and writes the differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.component_cases.case import differences, load
from tests.support.component_cases.comparing import failures, groups

GROUPS = groups()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short path, because that of a Unix socket has at most 107 bytes."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "group", GROUPS, ids=[f"{each[0]['id']} and {len(each) - 1} more" for each in GROUPS]
)
def test_recorded_cases(group: Sequence[Mapping[str, Any]], folder: Path) -> None:
    found = failures(group, folder)
    assert not found, "\n\n".join(found)


def test_each_difference_has_a_reason_and_a_recorded_case() -> None:
    recorded = {case["id"] for case in load()}
    for name, difference in differences().items():
        assert name in recorded
        assert difference["reason"]
        assert difference["ours"]
