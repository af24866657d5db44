"""The services of the `logging` and `livedebugging` blocks.

Source: docs/spec/RUNTIME.md, sections 5.1, 5.4.
"""

from __future__ import annotations

import logging

from alloypy.runtime.blocks.process import LiveDebuggingArguments, LoggingArguments
from alloypy.services.logging import LogSettings, LogStream

logger = logging.getLogger("alloypy")


class LoggingService:
    """Sets level and format of the log."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    async def prepare(self, arguments: LoggingArguments) -> None:
        """Nothing to check: settings that only Windows supports were refused earlier."""

    async def update(self, arguments: LoggingArguments) -> None:
        self._stream.configure(LogSettings(arguments.level, arguments.format))


class LiveDebuggingService:
    """Remembers whether live debugging is on; no component of alloypy supports it.

    enabled: what the block says.
    """

    def __init__(self) -> None:
        self.enabled = False

    async def prepare(self, arguments: LiveDebuggingArguments) -> None:
        """Nothing to check."""

    async def update(self, arguments: LiveDebuggingArguments) -> None:
        self.enabled = arguments.enabled
        if arguments.enabled:
            logger.warning("the livedebugging block has no effect: no component supports it")
