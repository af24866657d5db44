"""Alloy's streams of live debugging: what passes a component as text, and the rates of a graph.

Source: docs/spec/RUNTIME.md, section 4.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from alloypy.lang.go.text import parse_decimal
from alloypy.lang.numbers import parse_float
from alloypy.runtime.controller import Controller
from alloypy.services.admin.component_json import seen_live
from alloypy.services.admin.messages import PLAIN, Asked, error, refusal
from alloypy.services.admin.routing import Sendable
from alloypy.services.admin.streaming import FULL, OLD_HTTP, Stream, Streams

if TYPE_CHECKING:
    from alloypy.services.web.live_hub import Hub
    from alloypy.services.web.live_viewers import Rates

_LONGEST_WINDOW = 60
_NO_RATES = b"[]|;|"
_OFF = "the live debugging service is disabled. Check the documentation to find out how to enable it"
_UNPROTECTED = refusal(
    "live debugging shows labels of profiles, and this port is open to others: "
    "have the http block ask for credentials, or listen on loopback"
)


class DataStreams:
    """Answers requests for the streams.

    live: what watches profiles; None while live debugging is off. unprotected: see `AdminServer`.
    """

    def __init__(
        self,
        controller: Controller,
        live: Callable[[], Hub | None],
        unprotected: Callable[[str], bool],
        streams: Streams,
    ) -> None:
        self._controller = controller
        self._live = live
        self._unprotected = unprotected
        self._streams = streams

    async def graph(self, request: Asked, given: str = "") -> Sendable:
        """The stream of data rates, of the root or of one module."""
        if request.version == "1.0":
            return OLD_HTTP
        try:
            window = parse_decimal(request.parameter("window") or "5")
        except ValueError:
            window = 0
        if not 1 <= window <= _LONGEST_WINDOW:
            return error(400, f"Invalid window: must be an integer between 1 and {_LONGEST_WINDOW}")
        hub = self._live()
        if hub is not None:
            if given not in self._controller.modules():
                return error(500, "module not found")
            if hub.full:
                return FULL
        return Stream(self._streams, request, PLAIN, self._windows(given, window))

    async def debug(self, request: Asked, given: str) -> Sendable:
        """The stream of what passes a component."""
        hub = self._live()
        if hub is None:
            return error(500, _OFF)
        module, _, local = given.rpartition("/")
        try:
            info = self._controller.component(module, local)
        except KeyError:
            return error(500, "component not found")
        if not seen_live(info):
            return error(500, f'the component "{info.name}" does not support live debugging')
        if self._unprotected(request.path):
            return _UNPROTECTED
        if request.version == "1.0":
            return OLD_HTTP
        share = parse_float(request.parameter("sampleProb") or "1")
        if share is None or not 0 <= share <= 1:
            return error(400, "Invalid sample probability")
        if hub.full:
            return FULL
        from alloypy.services.web.live_viewers import LineViewer

        return Stream(self._streams, request, PLAIN, LineViewer(hub, given, share).chunks())

    async def _windows(self, module: str, seconds: int) -> AsyncGenerator[bytes]:
        """The rates of each window; empty while live debugging is off."""
        with ExitStack() as stack:
            rates: Rates | None = None
            while True:
                hub = self._live()
                if rates is None and hub is not None and not hub.full:
                    from alloypy.services.web.live_viewers import Rates

                    rates = Rates(module)
                    stack.enter_context(hub.joined(rates))
                await asyncio.sleep(seconds)
                yield _NO_RATES if rates is None else rates.take(seconds)
