"""An outage of a real Pyroscope server for longer than it takes profiles: only what is too old is given up.

Needs the server's program: PYROSCOPE_BIN, or `pyroscope` on PATH.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.soak.queues.too_old import soak
from tests.support.counts import FULL
from tests.support.pyroscope_server import server_program


@pytest.mark.skipif(not FULL, reason="an outage of minutes: only with --full")
@pytest.mark.timeout(900)
def test_only_what_is_too_old_for_the_server_is_given_up_and_no_time_is_shifted(tmp_path: Path) -> None:
    outcome = asyncio.run(soak(180.0, 60.0, 20.0, server_program(), seed=7, folder=tmp_path))
    print("\n".join(outcome.report))
    assert not outcome.faults
