"""Hands a received profile to every destination at once, and tells what went wrong.

Source: PYROSCOPE spec sections 3.4, 3.5.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from alloypy.profiles.labels import print_labels
from alloypy.profiles.model import (
    DeliveryError,
    DeliveryErrors,
    IngestProfile,
    Labels,
    ProfilesReceiver,
    Push,
)


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
        errors = await self._deliver(lambda receiver: receiver.append_ingest(profile))
        if errors:
            message = "\n".join(
                f"failed to ingest profile to appendable {index}: {error}" for index, error in errors
            )
            raise Failure(message, _leading(errors))

    async def push(self, push: Push, sent_labels: Callable[[], Sequence[Labels]]) -> None:
        """Deliver a Push to all destinations. Raises Failure.

        sent_labels: gives the labels of each series as the client sent them, for error texts.
        """
        errors = await self._deliver(lambda receiver: receiver.append(push))
        if errors:
            labels = sent_labels()
            raise Failure("\n".join(_push_lines(errors, labels)), _leading(errors))

    async def _deliver(
        self, call: Callable[[ProfilesReceiver], Awaitable[None]]
    ) -> list[tuple[int, DeliveryError]]:
        """What went wrong, with the position of the destination; in their order, not in time's."""
        receivers = self.receivers
        if len(receivers) == 1:
            outcomes = [await self._call(call, receivers[0])]
        else:
            outcomes = await asyncio.gather(*(self._call(call, receiver) for receiver in receivers))
        return [(index, error) for index, found in enumerate(outcomes) for error in found]

    async def _call(
        self, call: Callable[[ProfilesReceiver], Awaitable[None]], receiver: ProfilesReceiver
    ) -> Sequence[DeliveryError]:
        try:
            await call(receiver)
        except DeliveryErrors as several:
            return several.errors
        except DeliveryError as error:
            return (error,)
        except Exception:
            # A fault of one destination must not keep the profile from the others.
            self._logger.exception("a receiver failed")
            return (DeliveryError("internal error"),)
        return ()


def _leading(errors: Sequence[tuple[int, DeliveryError]]) -> DeliveryError:
    """The first error that carries a backend's status, else the first."""
    return next((error for _, error in errors if error.status is not None), errors[0][1])


def _push_lines(errors: Sequence[tuple[int, DeliveryError]], labels: Sequence[Labels]) -> list[str]:
    lines = []
    for index, error in errors:
        about = range(len(labels)) if error.series is None else (error.series,)
        lines += [
            f"unable to append series {print_labels(labels[series])} to appendable {index}: {error}"
            for series in about
        ]
    return lines
