"""A destination that is dead takes nothing from the one beside it, and bounded space."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.soak.queues.neighbours import soak
from tests.support.counts import FULL

ROUNDS, SECONDS, RATE = (6, 5.0, 100.0) if FULL else (1, 1.0, 100.0)


@pytest.mark.skipif(sys.platform == "win32", reason="queues need file locks")
@pytest.mark.timeout(600)
def test_a_dead_destination_takes_nothing_from_the_one_beside_it(tmp_path: Path) -> None:
    outcome = asyncio.run(soak(ROUNDS, SECONDS, RATE, seed=7, folder=tmp_path))
    print("\n".join([*outcome.report, *outcome.missed]))
    assert not outcome.faults
