"""What alloypy.queue publishes about profiles while anyone is subscribed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from alloypy.lang.secrecy import hide
from alloypy.runtime.contract.events import Carried, DeadLetter, Events, Failed, Queued


class Publisher(NamedTuple):
    """Publishes for one queue; call it only while `events.wanted`. component: its global id."""

    events: Events
    component: str

    def stored(self, profiles: Sequence[Carried]) -> None:
        """Profiles of one request have been stored."""
        queued = (Queued(self.component, one.labels, one.body) for one in profiles)
        self.events.publish_each(queued, len(profiles))

    def not_stored(self, profiles: Sequence[Carried], error: Exception) -> None:
        """Profiles of one request have been refused."""
        self.events.publish_failures(self.component, profiles, hide(str(error)))

    def dead_letter(self, one: Carried, destination: str, why: str, words: str) -> None:
        """A destination refuses a profile for good, which is kept."""
        self.events.publish(DeadLetter(self.component, one.labels, one.body, destination, why, hide(words)))

    def given_up(self, one: Carried, destination: str, why: str, words: str) -> None:
        """A profile is not delivered to a destination, ever."""
        reason = hide(f"given up for {destination}, {why}: {words}")
        self.events.publish(Failed(self.component, one.labels, one.body, reason))
