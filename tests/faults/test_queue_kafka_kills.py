"""Nothing that was acknowledged is lost when machines around Kafka and its broker are killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.soak.kafka import one
from tests.support.counts import FULL
from tests.support.kafka_broker import jars


@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_by_kills_of_machines_and_the_broker(tmp_path: Path) -> None:
    jars(500)
    acknowledged, rate, pause = (5000, 100, 8) if FULL else (500, 40, 3)
    outcome = asyncio.run(one(tmp_path, acknowledged, rate, pause))
    print("\n".join(outcome.report))
    assert not outcome.faults
