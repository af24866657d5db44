"""The viewers of live profiles: rows for the page, lines of text and rates for Alloy's own streams."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncGenerator, Sequence

from alloypy.runtime.contract.events import DeadLetter, Dropped, Failed
from alloypy.runtime.pace import Pace
from alloypy.services.web.live_hub import Hub
from alloypy.services.web.live_matching import ALL_KINDS, Wanted
from alloypy.services.web.live_rows import STRIDE, Batch, line

MOST_ROWS = 50
"""Rows shown at each tick, of which there are four a second."""

MOST_LINES = 1000
"""Lines that wait for a reader, as in Alloy; what comes then is lost."""

DELIMITER = "|;|"
"""Ends each item of Alloy's streams."""

OFF = b"""event: off
data: live debugging is off; switch it on in the configuration, and reload:
data: livedebugging { enabled = true }

"""
"""Says that there is nothing to see, or no more."""

_SILENT_SECONDS = 15.0

logger = logging.getLogger("alloypy.http")


class RowViewer:
    """A page that shows rows.

    looking: whether it wants any; a page that is paused does not, but its profiles stay.
    """

    holding = True

    def __init__(self, hub: Hub, wanted: Wanted) -> None:
        self.kinds = wanted.kinds
        self.looking = bool(wanted.kinds)
        self._hub = hub
        self._wanted = wanted
        self._rows: list[str] = []
        self._seen = self._shown = self._missed = 0
        self._changed = asyncio.Event()
        self._ended = False

    async def see(self, batch: Batch, pace: Pace) -> None:
        """Take an even sample; nothing if the last one has not been sent yet."""
        if not self.looking:
            return
        found = await batch.wanted(self._wanted, pace)
        self._seen += len(found)
        self._missed += batch.missed
        if not self._rows:
            self._rows = [batch.row(index) for index in evenly(found, MOST_ROWS)]
        if found or batch.missed:
            self._changed.set()

    def end(self) -> None:
        """Tell the page that live debugging is off."""
        self._ended = True
        self._changed.set()

    async def messages(self) -> AsyncGenerator[bytes]:
        """Server-sent events: rows with counts, and `off` at the end."""
        with self._hub.joined(self):
            yield b"retry: 2000\n" + self._message()
            while not self._ended:
                try:
                    async with asyncio.timeout(_SILENT_SECONDS):
                        await self._changed.wait()
                except TimeoutError:  # says that we are alive, and finds out whether the reader is
                    yield b":\n\n"
                    continue
                self._changed.clear()
                if not self._ended:
                    yield self._message()
            yield OFF

    def _message(self) -> bytes:
        rows, self._rows = self._rows, []
        self._shown += len(rows)
        counts = f'"seen":{self._seen},"shown":{self._shown},"missed":{self._missed}'
        oldest = self._hub.bodies.first
        return f'data: {{{counts},"first":{oldest},"rows":[{",".join(rows)}]}}\n\n'.encode()


class LineViewer:
    """A stream of what happens at one component, as text. share: of the events that are wanted, 0 to 1."""

    kinds = ALL_KINDS
    looking = True
    holding = False

    def __init__(self, hub: Hub, component: str, share: float) -> None:
        self._hub = hub
        self._component = component
        self._share = share
        self._lines: list[str] = []
        self._changed = asyncio.Event()
        self._told = False

    async def see(self, batch: Batch, pace: Pace) -> None:
        """Keep lines until they are read."""
        for index, noted in enumerate(batch.events):
            if noted.event.component == self._component and (
                self._share >= 1 or random.random() <= self._share  # noqa: S311 -- a sample
            ):
                if len(self._lines) >= MOST_LINES:
                    self._tell()
                    break
                self._lines.append(line(noted))
            if index % STRIDE == 0:
                await pace.breathe()
        if self._lines:
            self._changed.set()

    def end(self) -> None:
        """Nothing: as in Alloy, the stream stays open and silent."""

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Lines, each followed by the delimiter."""
        with self._hub.joined(self):
            while True:
                await self._changed.wait()
                self._changed.clear()
                lines, self._lines = self._lines, []
                yield "".join(f"{each}{DELIMITER}" for each in lines).encode("utf-8", "replace")

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            fields = {"service": "livedebugging", "component": self._component}
            message = (
                "data throughput is very high, not all debugging data can be sent the live debugging stream"
            )
            logger.warning(message, extra={"fields": fields})


class Rates:
    """How many profiles per second left each component of a module."""

    kinds = ALL_KINDS
    looking = True
    holding = False

    def __init__(self, module: str) -> None:
        self._start = f"{module}/" if module else ""
        self._counts: dict[str, float] = {}

    async def see(self, batch: Batch, pace: Pace) -> None:
        """Count; those that were missed are taken to be like the others."""
        weight = (len(batch.events) + batch.missed) / (len(batch.events) or 1)
        for index, noted in enumerate(batch.events):
            event = noted.event
            where = event.component
            if where.startswith(self._start) and "/" not in where[len(self._start) :]:
                passed = 0.0 if isinstance(event, Dropped | DeadLetter | Failed) else weight
                self._counts[where] = self._counts.get(where, 0.0) + passed
            if index % STRIDE == 0:
                await pace.breathe()

    def end(self) -> None:
        """Nothing: there are no more rates."""

    def take(self, seconds: float) -> bytes:
        """The rates since the last call, as in Alloy; nothing has been seen of other components."""
        counts, self._counts = self._counts, {}
        items = [
            {
                "componentID": where,
                "targetComponentIDs": None,
                "type": "pyroscope_profile",
                "rate": _number(count / seconds),
            }
            for where, count in sorted(counts.items())
        ]
        return (json.dumps(items, separators=(",", ":")) + DELIMITER).encode()


def _number(value: float) -> float:
    """The number as Go writes it: without a fraction if there is none."""
    return int(value) if value.is_integer() else value


def evenly(found: Sequence[int], most: int) -> Sequence[int]:
    """At most so many, with the same distance between them."""
    return found if len(found) <= most else [found[index * len(found) // most] for index in range(most)]
