"""Nothing that was acknowledged is lost when the process of a queue is killed, however often."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.soak.queues.kills import soak
from tests.support.counts import FULL

KILLS = 500 if FULL else 5
ACKNOWLEDGED = 50_000 if FULL else 20


@pytest.mark.skipif(sys.platform == "win32", reason="queues need file locks")
@pytest.mark.timeout(1800 if FULL else 300)
def test_nothing_acknowledged_is_lost_by_kills(tmp_path: Path) -> None:
    outcome = asyncio.run(soak(KILLS, ACKNOWLEDGED, seed=7, folder=tmp_path))
    print("\n".join(outcome.report))
    assert not outcome.faults
