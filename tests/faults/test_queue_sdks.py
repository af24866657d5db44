"""The real SDKs send to a queue whose process is killed: what they were told is stored arrives."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.soak.queues.sdks import soak
from tests.support.counts import FULL


@pytest.mark.skipif(not FULL, reason="builds the SDKs and runs for a minute: only with --full")
@pytest.mark.skipif(sys.platform == "win32", reason="queues need file locks")
@pytest.mark.timeout(1200)
def test_what_real_sdks_were_told_is_stored_survives_kills(tmp_path: Path) -> None:
    outcome = asyncio.run(soak(60.0, 10.0, seed=7, folder=tmp_path))
    print("\n".join([*outcome.report, *outcome.missed]))
    assert not outcome.faults
