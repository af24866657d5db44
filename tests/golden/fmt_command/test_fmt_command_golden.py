"""`alloypy fmt` answers as `alloy fmt` did, except for hints and the exit code of errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CASES = [json.loads(line) for line in (Path(__file__).parent / "run.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_answer(case: dict[str, Any], tmp_path: Path) -> None:
    for name, text in case["files"].items():
        (tmp_path / name).write_bytes(text.encode())
    done = subprocess.run(
        [sys.executable, "-m", "alloypy", *case["cmd"]],
        cwd=tmp_path,
        input=case.get("stdin", "").encode(),
        capture_output=True,
        check=False,
    )
    expect = case["expect"]
    assert done.stdout.decode() == expect["stdout"]
    said = done.stderr.decode().splitlines(keepends=True)
    assert "".join(line for line in said if not line.startswith("  = ")) == expect["stderr"]
    differs = "is not formatted correctly" in expect["stderr"]
    assert done.returncode == (expect["exit"] if differs else 2 * expect["exit"])
