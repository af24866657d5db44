"""An outage with kills in the middle: nothing is lost, and the backlog is delivered when it is over."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.soak.queues.outage import soak
from tests.support.counts import FULL

SECONDS, RATE = (60.0, 200.0) if FULL else (2.0, 100.0)


@pytest.mark.skipif(sys.platform == "win32", reason="queues need file locks")
@pytest.mark.timeout(600)
def test_an_outage_with_kills_loses_nothing(tmp_path: Path) -> None:
    outcome = asyncio.run(soak(SECONDS, RATE, seed=7, folder=tmp_path))
    print("\n".join([*outcome.report, *outcome.missed]))
    assert not outcome.faults
