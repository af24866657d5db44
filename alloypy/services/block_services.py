"""The services of the `logging` and `livedebugging` blocks.

Source: docs/spec/RUNTIME.md, sections 5.1, 5.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alloypy.preloading import PRELOADING
from alloypy.runtime.blocks.process import LiveDebuggingArguments, LoggingArguments
from alloypy.runtime.contract.events import Events
from alloypy.runtime.contract.options import ServiceError
from alloypy.services.logging import LogSettings, LogStream

if TYPE_CHECKING:
    from alloypy.services.web.live_hub import Hub
    from alloypy.services.web.live_rows import Explain


class LoggingService:
    """Sets level and format of the log."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    async def prepare(self, arguments: LoggingArguments) -> None:
        """Nothing to check: settings that only Windows supports were refused earlier."""

    async def update(self, arguments: LoggingArguments) -> None:
        self._stream.configure(LogSettings(arguments.level, arguments.format))


class LiveDebuggingService:
    """Has profiles watched for those who look at them, while the block says so.

    events: what components publish. explain: a component's rule in words.
    """

    def __init__(self, events: Events, explain: Explain) -> None:
        self._events = events
        self._explain = explain
        self._hub: Hub | None = None
        self._enabled = False

    @property
    def hub(self) -> Hub | None:
        """What watches profiles; None while live debugging is off."""
        return self._hub if self._enabled else None

    async def prepare(self, arguments: LiveDebuggingArguments) -> None:
        """Load what is needed. Raises ServiceError."""
        if not arguments.enabled:
            return
        try:
            from alloypy.services.web import live_hub
        except (ImportError, OSError) as error:
            raise ServiceError(f"live debugging cannot be loaded: {error}") from None
        PRELOADING.want("alloypy.services.web.*")
        if self._hub is None:
            self._hub = live_hub.Hub(self._events, self._explain)

    async def update(self, arguments: LiveDebuggingArguments) -> None:
        """Watch from now on, or no longer."""
        self._enabled = arguments.enabled
        if self._hub is not None:
            self._hub.switch(self._enabled)
