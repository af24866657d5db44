"""Durations are read as Go reads them."""

from __future__ import annotations

import json
from pathlib import Path

from alloypy.lang.go.duration import Duration

GOLDEN = Path(__file__).parents[3] / "golden/lang/go_durations.jsonl"


def verdict(text: str) -> str | None:
    try:
        Duration.parse(text)
    except ValueError as error:
        return str(error)
    return None


def test_every_verdict_is_that_of_go() -> None:
    cases = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]
    assert len([case for case in cases if "error" not in case]) > 90
    assert [case for case in cases if verdict(case["text"]) != case.get("error")] == []
