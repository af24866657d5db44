"""What is logged, and what decides the answer, when destinations did not take what was received.

Source: docs/spec/PYROSCOPE.md, sections 3.4, 3.5.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from alloypy.components.pyroscope.fanout import Missed
from alloypy.profiles.labels import print_labels
from alloypy.profiles.model import MOST_TOLD, DeliveryError, Labels, leading, told

SentLabels: TypeAlias = Callable[[Sequence[int]], Awaitable[Sequence[Labels]]]
"""Returns the labels of the series at the given positions, as the client sent them, for error texts."""


class Failure(NamedTuple):
    """A destination did not take a profile. text: for the log. lead: decides the client's answer."""

    text: str
    lead: DeliveryError


def ingest_failure(missed: Sequence[Missed]) -> Failure:
    """The failure for destinations that did not take an /ingest profile."""
    lines = [
        f"failed to ingest profile to appendable {one.child}: {error}"
        for one in missed
        for error in one.errors
    ]
    return Failure(told(lines, sum(one.more for one in missed)), _lead(missed))


async def push_failure(missed: Sequence[Missed], series: int, sent_labels: SentLabels) -> Failure:
    """The failure for destinations that did not take a Push. series: how many the client sent."""
    return Failure(await _push_text(missed, series, sent_labels), _lead(missed))


def _lead(missed: Sequence[Missed]) -> DeliveryError:
    return leading([error for one in missed for error in one.errors])


async def _push_text(missed: Sequence[Missed], series: int, sent_labels: SentLabels) -> str:
    """A line for each pair of series and destination that failed. series: how many the client sent."""
    first: list[tuple[int, int, DeliveryError]] = []
    count = 0
    for index, errors, more in missed:
        count += more
        for error in errors:
            about = range(series) if error.series is None else range(error.series, error.series + 1)
            count += len(about)
            first += [(position, index, error) for position in about[: MOST_TOLD - len(first)]]
    labels = await sent_labels([position for position, _, _ in first])
    lines = [
        f"unable to append series {print_labels(of_series)} to appendable {index}: {error}"
        for of_series, (_, index, error) in zip(labels, first, strict=True)
    ]
    return told(lines, count - len(lines))
