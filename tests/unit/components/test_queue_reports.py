"""What a queue says of profiles that a server does not take."""

from __future__ import annotations

import logging

import pytest

from alloypy.components.own.delivering.reports import Reports


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
