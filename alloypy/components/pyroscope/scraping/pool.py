"""All loops of a component: which there are, when they scrape, and what becomes of their profiles.

Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from alloypy.components.pyroscope.fanout import Relay
from alloypy.components.pyroscope.scraping.checks import NoProfile
from alloypy.components.pyroscope.scraping.deltas import DeltaError, Deltas
from alloypy.components.pyroscope.scraping.fetching import Fetcher
from alloypy.components.pyroscope.scraping.loop import Loop, LoopHealth
from alloypy.components.pyroscope.scraping.showing import shown_labels, shown_url
from alloypy.components.pyroscope.scraping.targets import Wanted
from alloypy.components.pyroscope.scraping.timing import Agenda, first_after, following
from alloypy.net.client.connection import TOO_MUCH_HELD
from alloypy.net.memory import LARGE_BYTES, large_answers
from alloypy.profiles.model import Buffer, DeliveryError, Push, RawSample, Series
from alloypy.profiles.remembered import LABELS
from alloypy.runtime.contract.events import Events, Received
from alloypy.runtime.pace import Pace


class Around(NamedTuple):
    """What is around the pool: where profiles go, and where it reports. component: its global id."""

    relay: Relay
    logger: logging.Logger
    events: Events
    component: str


class Pool:
    """Scrapes everything that `keep` names, until it is closed.

    fetcher: what later scrapes use; a scrape ends with the one it began with.
    """

    def __init__(self, around: Around, fetcher: Fetcher, deltas: Deltas) -> None:
        self.fetcher = fetcher
        self.loops: dict[bytes, Loop] = {}
        self.healths: Counter[LoopHealth] = Counter()
        self._around = around
        self._deltas = deltas
        self._agenda = Agenda()
        self._clock = asyncio.get_running_loop().time
        self._running: set[asyncio.Task[None]] = set()
        self.forwarding = 0

    async def keep(self, all_wanted: Mapping[bytes, Wanted]) -> None:
        """Scrape these from now on, and nothing else; what is wanted already goes on undisturbed."""
        pace = Pace()
        for identity, wanted in all_wanted.items():
            if identity not in self.loops:
                loop = self.loops[identity] = Loop(wanted)
                LABELS.widen(loop.room)
                self.healths[loop.health] += 1
                self._schedule(loop)
            await pace.breathe()
        for identity in [each for each in self.loops if each not in all_wanted]:
            self._remove(self.loops.pop(identity))
            await pace.breathe()

    async def restart(self, fetcher: Fetcher) -> Fetcher:
        """Scrape with other times or HTTP settings from now on; returns the fetcher used before."""
        before, self.fetcher = self.fetcher, fetcher
        pace = Pace()
        for loop in list(self.loops.values()):
            if not loop.running and loop.entry is not None:
                loop.stop()
                self._schedule(loop)
            await pace.breathe()
        return before

    async def close(self, patience: float) -> int:
        """Begin nothing, and let the scrapes that are running finish; returns how many had to be given up.

        patience: seconds to wait for them.
        """
        self._stop()
        if self._running:
            await asyncio.wait(self._running, timeout=patience)
        return len(self._running)

    async def abandon(self) -> None:
        """Give up what is still running."""
        self._stop()
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _stop(self) -> None:
        self._agenda.close()
        loops, self.loops = self.loops, {}
        LABELS.widen(-sum(loop.room for loop in loops.values()))

    def last_errors(self) -> Iterator[str]:
        """Why profiles that are down are."""
        return (loop.error for loop in self.loops.values() if loop.health is LoopHealth.DOWN)

    def _schedule(self, loop: Loop) -> None:
        loop.due = self._clock() + first_after(self.fetcher.times.interval, loop.spread)
        loop.entry = self._agenda.add(loop.due, partial(self._begin, loop))

    def _remove(self, loop: Loop) -> None:
        loop.stop()
        LABELS.widen(-loop.room)
        self.healths[loop.health] -= 1
        if loop.wanted.differenced and not loop.running:
            self._deltas.forget(loop.wanted.identity)

    def _is_wanted(self, loop: Loop) -> bool:
        return self.loops.get(loop.wanted.identity) is loop

    def _begin(self, loop: Loop) -> None:
        loop.entry = None
        loop.running = True
        self._start(self._scrape(loop))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _scrape(self, loop: Loop) -> None:
        """Scrape once, and arrange for the next time."""
        fetcher = self.fetcher
        began, start = time.time(), self._clock()
        error = "the scrape was given up"
        try:
            error = await self._fetch(loop, fetcher)
        except Exception as fault:  # a mistake of ours must not end the loop
            self._around.logger.error("a scrape failed", exc_info=fault)
            error = "internal error"
        finally:
            loop.running = False
            self._ended(loop, error, began, self._clock() - start)
            self._again(loop, fetcher)

    async def _fetch(self, loop: Loop, fetcher: Fetcher) -> str:
        """Get a profile and pass it on; returns what went wrong, or ""."""
        wanted = loop.wanted
        if self._around.logger.isEnabledFor(logging.DEBUG):
            fields = {"target": shown_labels(wanted), "url": shown_url(wanted)}
            self._around.logger.debug("scraping profile", extra={"fields": fields})
        try:
            if loop.request is None or loop.fetcher is not fetcher:
                loop.fetcher, loop.request = fetcher, fetcher.request(wanted)
            profile = await fetcher.fetch(loop.request, wanted)
        except NoProfile as reason:
            return self._report(wanted, "fetch profile failed", str(reason))
        size = len(profile) if len(profile) > LARGE_BYTES else 0
        if not large_answers().take(size):
            return self._report(wanted, "push failed", TOO_MUCH_HELD)
        self.forwarding += 1
        try:
            await self._forward(wanted, profile)
        except (DeltaError, DeliveryError) as reason:
            return self._report(wanted, "push failed", str(reason))
        finally:
            self.forwarding -= 1
            large_answers().give_back(size)
        return ""

    async def _forward(self, wanted: Wanted, profile: Buffer) -> None:
        if wanted.differenced:
            difference = await self._deltas.difference(wanted.identity, wanted.name, profile)
            if difference is None:  # nothing to compare the first one with
                return
            profile = difference
        samples = (RawSample(profile),)
        if self._around.events.wanted:
            self._around.events.publish(Received(self._around.component, wanted.sent, (profile,)))
        await self._around.relay.append(Push((Series(wanted.sent, samples),)))

    def _report(self, wanted: Wanted, message: str, reason: str) -> str:
        fields = {"target": shown_labels(wanted), "err": reason}
        self._around.logger.error(message, extra={"fields": fields})
        return reason

    def _ended(self, loop: Loop, error: str, began: float, seconds: float) -> None:
        health = LoopHealth.DOWN if error else LoopHealth.UP
        if self._is_wanted(loop):
            self.healths[loop.health] -= 1
            self.healths[health] += 1
        elif loop.wanted.differenced and loop.wanted.identity not in self.loops:
            self._deltas.forget(loop.wanted.identity)
        loop.health, loop.error, loop.began, loop.seconds = health, error, began, seconds

    def _again(self, loop: Loop, fetcher: Fetcher) -> None:
        """Schedule the next scrape, unless the loop was removed meanwhile."""
        if not self._is_wanted(loop):
            return
        if fetcher is not self.fetcher:
            self._schedule(loop)
            return
        when, loop.due = following(loop.due, fetcher.times.interval, self._clock())
        loop.entry = self._agenda.add(when, partial(self._begin, loop))
