"""What all requests to one receiver share: its settings, where profiles go, and where they are counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from alloypy.components.pyroscope.fanout import DROPPED_AT_SHUTDOWN, Fanout
from alloypy.components.pyroscope.receiving.astray import Astray
from alloypy.components.pyroscope.receiving.metrics import Metrics
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.runtime.contract.component import Options
from alloypy.runtime.contract.events import Carried, Event, Failed, Received


class Settings(NamedTuple):
    """The arguments that requests need.

    max_body_size: bytes, also of an unpacked body. forward_headers: lower-case names of request
    headers that are passed on. debug_info_upload_timeout: seconds.
    """

    max_body_size: int
    forward_headers: frozenset[bytes]
    debug_info_upload_timeout: float


class Reception:
    """The shared state, which outlives servers and updates.

    `settings` and the children of `fanout` may be replaced at any time; a request keeps those it began with.
    """

    def __init__(self, settings: Settings, fanout: Fanout, metrics: Metrics, options: Options) -> None:
        self.settings = settings
        self.fanout = fanout
        self.metrics = metrics
        self.logger = options.logger
        self.tracer = options.tracer
        self.events = options.events
        self.astray = Astray(options.logger)
        self._id = options.global_id

    def lost(self, profiles: int) -> None:
        """Count profiles that were received and have no destination."""
        self.metrics.dropped("no_destination", profiles)

    def cut_off(self, profiles: int) -> None:
        """Count and log profiles that were in flight when the receiver stopped."""
        if profiles:
            self.metrics.dropped("shutdown", profiles)
            self.logger.warning(DROPPED_AT_SHUTDOWN, extra={"fields": {"profiles": profiles}})

    def refused(self, message: str, reason: object) -> None:
        """Log why a request could not be served."""
        self.logger.warning(message, extra={"fields": {"err": str(reason)}})

    def publish(self, series: Sequence[Carried], receivers: Sequence[ProfilesReceiver]) -> None:
        """Publish that profiles were received, and that they were lost if there is no receiver for them."""
        self.events.publish_each(map(self._received, series), len(series))
        if not receivers:
            self.events.publish_each(map(self._unwanted, series), len(series))

    def _received(self, one: Carried) -> Event:
        return Received(self._id, one.labels, one.body)

    def _unwanted(self, one: Carried) -> Event:
        return Failed(self._id, one.labels, one.body, "forward_to is empty")
