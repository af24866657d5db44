"""Processes that write to a queue are killed at any time: nothing that they had stored is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.counts import FULL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.timeout(600)
def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.support.queue_crashes",
        str(tmp_path / "q"),
        str(500 if FULL else 15),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["stored"] > 5 * result["kills"], result
    assert {name: result[name] for name in ("lost", "again", "damaged", "failures")} == {
        "lost": 0,
        "again": 0,
        "damaged": 0,
        "failures": 0,
    }, (result, done.stderr)
