"""What a queue says of profiles that a server does not take."""

from __future__ import annotations

import logging
import random
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from alloypy.components.own.delivering.courier import Courier, Limits
from alloypy.components.own.delivering.metrics import QueueMetrics
from alloypy.components.own.delivering.on_disk import OnDisk
from alloypy.components.own.delivering.on_kafka import OnKafka
from alloypy.components.own.delivering.outcomes import Surroundings
from alloypy.components.own.delivering.pace import Pauses
from alloypy.components.own.delivering.publishing import Publisher
from alloypy.components.own.delivering.quarantine import Quarantine
from alloypy.components.own.delivering.reports import Reports
from alloypy.components.own.delivering.status import debug_info, tables
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.queueing.record import Record
from alloypy.runtime.contract.events import Events
from alloypy.streaming.cursor import StreamCursor


@pytest.mark.parametrize(
    ("waited", "advice"),
    [
        (7200.0, "set reject_older_than of its tenant to max_age of the queue"),
        (3599.0, "check the clock of their sender"),
        (-5.0, "check the clock of their sender"),
    ],
)
def test_what_is_too_old_has_waited_too_long_or_was_so_when_it_came(
    waited: float, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    reports = Reports("pyroscope.write.a", logging.getLogger("queue"), lambda: 0.0)
    reports.too_old(waited, {}, "outside of ingestion window")
    [record] = caplog.records
    assert advice in record.getMessage()


async def bury(record: Record, why: str, words: str) -> bool:
    return True


def courier(dead_letters: int | None) -> Courier:
    """One of a queue in Kafka. dead_letters: those that are known to be kept."""
    cursor = StreamCursor("pyroscope.write.a", 1 << 20, 16, lambda _: False, bury)
    cursor.dead_letters = dead_letters
    around = Surroundings(
        logging.Logger("test"), time.monotonic, time.time_ns, Publisher(Events(), "queue"), Quarantine(list)
    )
    limits = Limits(16, 1 << 20, Pauses(0.1, 1.0, random.random), 5.0)
    return Courier(cursor, ProfilesReceiver(), limits, around)


@pytest.mark.parametrize(
    ("since", "title"),
    [
        (OnDisk.since, "Destinations, counted over restarts"),
        (OnKafka.since, "Destinations, counted since the start of the process"),
    ],
)
def test_a_page_says_from_when_each_kind_of_queue_counts(since: str, title: str) -> None:
    [table] = tables([courier(7)], since)
    assert table.title == title
    assert dict(zip(table.columns, table.rows[0], strict=True))["Dead letters"] == 7


def test_what_a_queue_in_kafka_does_not_have_or_know_is_not_shown() -> None:
    store = cast("Any", SimpleNamespace(disk_bytes=None, fault=""))
    shown = debug_info(store, [courier(None)], "")
    assert shown.disk_bytes is None
    assert [each.dead_letters for each in shown.destinations] == [None]
    [table] = tables([courier(None)], OnKafka.since)
    assert dict(zip(table.columns, table.rows[0], strict=True))["Dead letters"] == "-"


@pytest.mark.parametrize("known", [7, None])
def test_the_metric_of_dead_letters_is_of_those_that_are_kept(known: int | None) -> None:
    metrics = QueueMetrics()
    metrics.couriers["a"] = courier(known)
    [family] = [each for each in metrics.collect() if each.name == "alloypy_queue_dead_letter_records"]
    assert [each.value for each in family.samples] == ([] if known is None else [known])
