"""What components that alloypy does not run refuse, in Alloy's words, and where it is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.checking import errors

CASES = [
    json.loads(line) for line in Path(__file__).with_name("refused.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("case", CASES, ids=[f"{at}-{case['component']}" for at, case in enumerate(CASES)])
def test_what_is_refused(case: dict[str, Any]) -> None:
    text = f'{case["component"]} "x" {{\n{case["body"]}\n}}\n'
    assert errors(text) == case["errors"]
