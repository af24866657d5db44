"""The evaluator, the standard library and decoding against Alloy's recorded answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alloypy.cli.commands.eval.json_output import answer

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.jsonl"))
ADDRESS = re.compile(r"\) string=0x[0-9a-f]+")


def cases() -> Iterator[Any]:
    for name in NAMES:
        with (HERE / f"{name}.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                case = json.loads(line)
                yield pytest.param(case, id=case["id"])


def without_addresses(answered: Any) -> Any:
    """The address of a function differs in every process."""
    return json.loads(ADDRESS.sub(") string=0x0", json.dumps(answered)))


@pytest.mark.parametrize("case", list(cases()))
def test_answer_is_alloys(case: dict[str, Any]) -> None:
    expect = case["expect"]
    found = answer(case)
    if "panic" in expect:
        assert "value" not in found
        assert found.get("error") or found.get("diags")
        return
    if "parse_error" in expect:
        assert found["diags"] == expect["parse_error"]
        return
    assert without_addresses(found) == without_addresses(expect)


def test_all_recordings_are_there() -> None:
    assert NAMES == [
        "eval",
        "eval_ops",
        "expressions",
        "floats",
        "format",
        "json",
        "json_path",
        "texts",
        "yaml",
    ]
