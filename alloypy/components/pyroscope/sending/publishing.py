"""What pyroscope.write publishes about profiles while anyone is subscribed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alloypy.components.pyroscope.sending.outgoing import CANCELLED, Outgoing, Refusal
from alloypy.runtime.contract.events import Carried, Events, Failed, Sent

_TAKEN: Final = 200
"""The only status that means success, for Push and for /ingest."""


class Publisher:
    """Publishes for one component; call it only while `events.wanted`. component: its global id."""

    __slots__ = ("component", "events")

    def __init__(self, events: Events, component: str) -> None:
        self.events = events
        self.component = component

    def sent(self, item: Outgoing, endpoint: str, seconds: float, tries: int) -> None:
        """An endpoint took an item."""
        self.events.publish(Sent(self.component, item.labels, item.body, endpoint, _TAKEN, seconds, tries))

    def failed(self, item: Outgoing, endpoint: str, refusal: Refusal, seconds: float, tries: int) -> None:
        """An item was given up after `tries` tries."""
        cause, status = refusal.cause, refusal.status
        self.events.publish(
            Failed(self.component, item.labels, item.body, cause, endpoint, status, seconds, tries)
        )

    def unwanted(self, item: Outgoing) -> None:
        """There was no endpoint to send an item to."""
        self.failed(item, "", Refusal("no endpoint is configured", retry=False), 0.0, 0)

    def cancelled(self, item: Outgoing, endpoint: str) -> None:
        """An item was given up because nobody waits for it any more, or because the process is stopping."""
        self.failed(item, endpoint, Refusal(CANCELLED, retry=True), 0.0, 0)

    def not_sent(self, profiles: Sequence[Carried], reason: str) -> None:
        """Profiles were never sent."""
        self.events.publish_failures(self.component, profiles, reason)
