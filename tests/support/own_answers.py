"""Complete answers to recorded requests for which alloypy deliberately differs from Alloy.

Each has a row in docs/compatibility.md. They are data, so that no rule of the program is repeated here.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parents[1] / "wire" / "own_answers.jsonl"


class Answer(NamedTuple):
    """Status and body; ports in the body are as recorded."""

    status: int
    body: bytes


OWN_ANSWERS = {
    row["name"]: Answer(row["status"], row["body"].encode())
    for row in map(json.loads, FILE.read_text("utf-8").splitlines())
}


def recorded_answer(case: dict[str, Any]) -> Answer:
    """What Alloy answered."""
    response = case["response"]
    return Answer(response["status"], base64.b64decode(response["body"].get("base64") or ""))


def wanted_answer(case: dict[str, Any]) -> Answer:
    """What alloypy is to answer."""
    return OWN_ANSWERS.get(case["name"], recorded_answer(case))
