"""Health of the things that run: states, messages, and which of several prevails.

Source: docs/spec/RUNTIME.md, section 2.6.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from operator import itemgetter
from typing import NamedTuple


class HealthState(IntEnum):
    """States, from best to worst."""

    HEALTHY = 0
    UNKNOWN = 1
    UNHEALTHY = 2
    EXITED = 3

    @property
    def text(self) -> str:
        """As the API and the metrics write it: `healthy`."""
        return self.name.lower()


class Health(NamedTuple):
    """One statement about health; `time` is an aware UTC time."""

    state: HealthState
    message: str
    time: datetime


_SEVERITY = itemgetter(0, 2)
"""The state and the time of a health; quicker than a function for lists of thousands."""


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def healthy(message: str) -> Health:
    """Healthy as of now."""
    return Health(HealthState.HEALTHY, message, now())


def unknown(message: str) -> Health:
    """Not known yet, as of now."""
    return Health(HealthState.UNKNOWN, message, now())


def unhealthy(message: str) -> Health:
    """Unhealthy as of now."""
    return Health(HealthState.UNHEALTHY, message, now())


def exited(message: str) -> Health:
    """Exited as of now."""
    return Health(HealthState.EXITED, message, now())


def worst(healths: Iterable[Health]) -> Health:
    """The worst of several; of equally bad ones the most recent. At least one is needed."""
    return max(healths, key=_SEVERITY)
