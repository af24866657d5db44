"""Hands a received profile to every destination at once, and tells what went wrong.

Source: PYROSCOPE spec sections 3.4, 3.5.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

from alloypy.profiles.labels import print_labels
from alloypy.profiles.model import (
    DeliveryError,
    DeliveryErrors,
    IngestProfile,
    Labels,
    ProfilesReceiver,
    Push,
)

T = TypeVar("T")

_Found: TypeAlias = tuple[int, DeliveryError]


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
            message = "\n".join(
                f"failed to ingest profile to appendable {index}: {error}" for index, error in errors
            )
            raise Failure(message, _leading(errors))

    async def push(self, push: Push, sent_labels: Callable[[], Sequence[Labels]]) -> None:
        """Deliver a Push to all destinations. Raises Failure.

        sent_labels: gives the labels of each series as the client sent them, for error texts.
        """
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
            labels = sent_labels()
            raise Failure("\n".join(_push_lines(errors, labels)), _leading(errors))

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
        """What went wrong with one destination, each error with the destination's position."""
        if isinstance(error, DeliveryErrors):
            return [(index, one) for one in error.errors]
        if isinstance(error, DeliveryError):
            return [(index, error)]
        # A fault of one destination must not keep the profile from the others.
        self._logger.error("a receiver failed", exc_info=error)
        return [(index, DeliveryError("internal error"))]


def _leading(errors: Sequence[_Found]) -> DeliveryError:
    """The first error that carries a backend's status, else the first."""
    return next((error for _, error in errors if error.status is not None), errors[0][1])


def _push_lines(errors: Sequence[_Found], labels: Sequence[Labels]) -> list[str]:
    lines = []
    for index, error in errors:
        about = range(len(labels)) if error.series is None else (error.series,)
        lines += [
            f"unable to append series {print_labels(labels[series])} to appendable {index}: {error}"
            for series in about
        ]
    return lines
