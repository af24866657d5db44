"""A minute of the soak: everything that clients, backends and operators do wrong, all together."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.soak.receiver import soak
from tests.support.counts import FULL

SECONDS = 600.0 if FULL else 60.0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and memory are Linux's")
@pytest.mark.timeout(SECONDS + 240)
def test_a_receiver_survives_everything_together(tmp_path: Path) -> None:
    outcome = asyncio.run(soak(SECONDS, seed=7, folder=tmp_path))
    print("\n".join(outcome.report))
    assert not outcome.faults
