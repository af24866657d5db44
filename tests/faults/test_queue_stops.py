"""SIGTERM under load: what was acknowledged arrives once, whether the destination answers or not."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.soak.queues.stops import soak
from tests.support.counts import repeated


@pytest.mark.skipif(sys.platform == "win32", reason="queues need file locks")
@pytest.mark.timeout(600)
def test_stopping_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    outcome = asyncio.run(soak(repeated(20), seed=7, folder=tmp_path))
    print("\n".join([*outcome.report, *outcome.missed]))
    assert not outcome.faults
