"""Hands a received profile to every destination at once, and says what went wrong.

Source: docs/spec/PYROSCOPE.md, sections 3.4, 3.5.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from alloypy.profiles.labels import print_labels
from alloypy.profiles.model import (
    MOST_TOLD,
    DeliveryError,
    DeliveryErrors,
    IngestProfile,
    Labels,
    ProfilesReceiver,
    Push,
    told,
)

T = TypeVar("T")

SentLabels: TypeAlias = Callable[[Sequence[int]], Awaitable[Sequence[Labels]]]
"""Gives the labels of the series at some positions as the client sent them, for error texts."""


class _Found(NamedTuple):
    """What went wrong with the destination at a position: the errors, and how many more there are."""

    destination: int
    errors: Sequence[DeliveryError]
    more: int = 0


class Failure(Exception):
    """Some destination did not take a profile. The text is the one that is logged.

    lead: the error that decides the answer to the client.
    """

    def __init__(self, message: str, lead: DeliveryError) -> None:
        self.lead = lead
        super().__init__(message)


class Forwarding:
    """The destinations of one receiver; they can change while profiles are on their way."""

    def __init__(self, receivers: Sequence[ProfilesReceiver], logger: logging.Logger) -> None:
        self.receivers = tuple(receivers)
        self._logger = logger

    async def ingest(self, profile: IngestProfile) -> None:
        """Deliver an /ingest profile to all destinations. Raises Failure."""
        receivers = self.receivers
        if len(receivers) == 1:  # mostly so, and without one more coroutine
            try:
                await receivers[0].append_ingest(profile)
                return
            except Exception as error:
                errors = self._found(0, error)
        else:
            errors = await self._all_outcomes([receiver.append_ingest for receiver in receivers], profile)
        if errors:
            lines = [
                f"failed to ingest profile to appendable {found.destination}: {error}"
                for found in errors
                for error in found.errors
            ]
            raise Failure(told(lines, sum(found.more for found in errors)), _leading(errors))

    async def push(self, push: Push, sent_labels: SentLabels) -> None:
        """Deliver a Push to all destinations. Raises Failure."""
        receivers = self.receivers
        if len(receivers) == 1:
            try:
                await receivers[0].append(push)
                return
            except Exception as error:
                errors = self._found(0, error)
        else:
            errors = await self._all_outcomes([receiver.append for receiver in receivers], push)
        if errors:
            raise Failure(await _push_text(errors, len(push.series), sent_labels), _leading(errors))

    async def _all_outcomes(
        self, deliveries: Sequence[Callable[[T], Awaitable[None]]], what: T
    ) -> Sequence[_Found]:
        """What went wrong with each, in the order in which they failed: the first decides the answer."""
        found: list[_Found] = []

        async def outcome(index: int, deliver: Callable[[T], Awaitable[None]]) -> None:
            try:
                await deliver(what)
            except Exception as error:
                found.extend(self._found(index, error))

        await asyncio.gather(*(outcome(index, deliver) for index, deliver in enumerate(deliveries)))
        return found

    def _found(self, index: int, error: Exception) -> Sequence[_Found]:
        """What went wrong with one destination."""
        if isinstance(error, DeliveryErrors):
            return [_Found(index, error.errors, error.more)]
        if isinstance(error, DeliveryError):
            return [_Found(index, (error.kept(),))]
        # A fault of one destination must not keep the profile from the others.
        self._logger.error("a receiver failed", exc_info=error)
        return [_Found(index, (DeliveryError("internal error"),))]


def _leading(found: Sequence[_Found]) -> DeliveryError:
    """The first error that carries a backend's status, else the first."""
    errors = [error for one in found for error in one.errors]
    return next((error for error in errors if error.status is not None), errors[0])


async def _push_text(found: Sequence[_Found], series: int, sent_labels: SentLabels) -> str:
    """A line for each series and destination that failed together. series: how many the client sent."""
    first: list[tuple[int, int, DeliveryError]] = []
    count = 0
    for index, errors, more in found:
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
