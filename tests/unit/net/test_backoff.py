"""The pauses between tries are Alloy's."""

from __future__ import annotations

import pytest

from alloypy.net.backoff import Backoff, retry_after


def pauses(backoff: Backoff, most: int = 20) -> list[float]:
    found: list[float] = []
    while (pause := backoff.next_pause()) is not None and len(found) < most:
        found.append(pause)
    return found


def test_the_defaults() -> None:
    lowest = pauses(Backoff(0.5, 300, 10, lambda: 0.0))
    highest = pauses(Backoff(0.5, 300, 10, lambda: 1.0))
    assert lowest == [0.5, 1, 2, 4, 8, 16, 32, 64, 128]
    assert highest == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert 240 < sum(lowest) < sum(highest) < 8.6 * 60


def test_pauses_stop_growing_at_the_maximum() -> None:
    assert pauses(Backoff(1, 5, 0, lambda: 0.5), 6) == [1.5, 3, 4.5, 4.5, 4.5, 4.5]
    assert pauses(Backoff(0.1, 0.2, 3, lambda: 0.5)) == [pytest.approx(0.15), pytest.approx(0.15)]


def test_a_range_without_width() -> None:
    assert pauses(Backoff(2, 1, 4, lambda: 0.9)) == [2, 2, 2]
    assert pauses(Backoff(0.005, 0.005, 2, lambda: 0.9)) == [0.005]
    assert pauses(Backoff(0, 0, 3, lambda: 0.9)) == [0, 0]


@pytest.mark.parametrize(("tries", "steps"), [(1, 1), (3, 3)])
def test_steps_count_the_last_one_too(tries: int, steps: int) -> None:
    backoff = Backoff(1, 2, tries, lambda: 0.0)
    assert len(pauses(backoff)) == tries - 1
    assert backoff.steps == steps


def test_without_a_limit_there_is_always_another() -> None:
    assert len(pauses(Backoff(1, 2, 0, lambda: 0.0), 500)) == 500


def test_what_the_other_side_asks_for_is_heeded_up_to_the_maximum() -> None:
    backoff = Backoff(1, 60, 0, lambda: 0.0)
    assert backoff.next_pause(30) == 30
    assert backoff.next_pause(3600) == 60
    assert backoff.next_pause(0.1) == 4


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("-5", 0),
        ("1.5", 0),
        ("", 0),
        ("soon", 0),
        ("9" * 400, 9999999999),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
        ("Sun, 06 Nov 1994 08:40:00 GMT", 0),
        ("Sun, 99 Nov 1994 08:40:00 GMT", 0),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    assert retry_after(value, 784111740.0) == seconds
