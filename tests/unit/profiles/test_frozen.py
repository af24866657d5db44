"""Profiles without a time of their own get the time of their reception, once and for all."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloypy.profiles.frozen import Moments, freeze_query, time_prefix
from alloypy.profiles.pprof_wire import fields_of
from tests.support.pprof import pprof

MOMENT = 1_795_718_562_300_000_001
SECOND = 10**9
TIME_NANOS = 9


def time_of(profile: bytes) -> int:
    """The time that a reader of protobuf finds: the last one counts."""
    found = [content for field, _, content in fields_of(profile) if field == TIME_NANOS]
    assert isinstance(found[-1], int)
    return found[-1]


@pytest.mark.parametrize("nanoseconds", [0, MOMENT - 7])
def test_a_pprof_gets_a_time_unless_it_has_one(nanoseconds: int) -> None:
    raw = pprof("main", nanoseconds=nanoseconds)
    packed = gzip.compress(raw)
    expected = nanoseconds or MOMENT
    assert time_of(time_prefix(raw, MOMENT) + raw) == expected
    assert time_of(gzip.decompress(time_prefix(packed, MOMENT) + packed)) == expected


def test_no_two_moments_are_equal() -> None:
    clock = iter([100, 100, 101, 50, 300])
    moments = Moments(lambda: next(clock))
    assert [moments.take(), moments.take(3), moments.take(), moments.take(), moments.take()] == [
        100,
        101,
        104,
        105,
        300,
    ]


@pytest.mark.parametrize(
    ("query", "frozen"),
    [
        ("", f"from={MOMENT}&until={MOMENT}"),
        ("name=a", f"name=a&from={MOMENT}&until={MOMENT}"),
        ("from=1795718562&until=1795718572", "from=1795718562&until=1795718572"),
        ("from=20261127&until=1795718562300", "from=20261127&until=1795718562300"),
        ("from=now-30m&until=now", f"from={MOMENT - 1800 * SECOND}&until={MOMENT}"),
        ("from=now%2B1h&until=now-1h30m", f"from={MOMENT + 3600 * SECOND}&until={MOMENT - 5400 * SECOND}"),
        ("from=-2d&until=-1mon", f"from={MOMENT - 2 * 86400 * SECOND}&until={MOMENT - 30 * 86400 * SECOND}"),
        ("from=yesterday&until=1.5", f"from={MOMENT}&until={MOMENT}"),
        ("from=&from=1&until=1", f"from={MOMENT}&from=1&until=1"),
        ("from=1;x&until=%zz", f"from=1;x&until=%zz&from={MOMENT}&until={MOMENT}"),
        ("from=-9999999999y&until=1", "from=0&until=1"),
    ],
)
def test_relative_and_missing_times_of_a_query_become_absolute(query: str, frozen: str) -> None:
    assert freeze_query(query, MOMENT) == frozen


@given(st.text(alphabet="from=until&now-+%2B1;mhdsy_ ,", max_size=40))
def test_freezing_twice_is_freezing_once(query: str) -> None:
    frozen = freeze_query(query, MOMENT)
    assert freeze_query(frozen, MOMENT + SECOND) == frozen
