"""pyroscope.scrape: collects profiles from targets at regular intervals, and forwards them.

Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from alloypy.components.http_client import client_settings, user_agent
from alloypy.components.pyroscope.fanout import Relay
from alloypy.components.pyroscope.scraping.arguments import Arguments
from alloypy.components.uncancelled import to_its_end
from alloypy.families import Family
from alloypy.runtime.contract.component import (
    NOT_PREPARED,
    BuildError,
    Component,
    Flow,
    InFlight,
    Options,
    Registration,
    Stability,
    UpdateError,
)
from alloypy.runtime.contract.health import Health, healthy, unhealthy

if TYPE_CHECKING:
    from alloypy.components.pyroscope.scraping.deltas import Deltas
    from alloypy.components.pyroscope.scraping.fetching import Fetcher
    from alloypy.components.pyroscope.scraping.pool import Pool
    from alloypy.components.pyroscope.scraping.status import DebugInfo
    from alloypy.components.pyroscope.scraping.syncing import Syncing

_TICK_SECONDS = 5.0
_PATIENCE_SECONDS = 30.0
"""Longest wait at a stop for scrapes that are running; most take as long as the target collects."""


class Scrape(Component[Arguments, None]):
    """Scrapes the targets of its arguments."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self._options = options
        self._arguments = arguments
        self._relay = Relay(arguments.forward_to, options.logger)
        self._fetcher: Fetcher | None = None
        self._prepared: Fetcher | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._pool: Pool | None = None
        self._syncing: Syncing | None = None
        self._changed = True

    async def prepare(self) -> None:
        """Read certificates and make the client, which opens nothing yet. Raises BuildError."""
        from alloypy.components.pyroscope.scraping.syncing import Syncing
        from alloypy.net.client.messages import NotSent

        try:
            self._fetcher = await self._fetcher_for(self._arguments)
        except NotSent as reason:
            raise BuildError(f"failed to create scraper manager: {reason}") from None
        self._syncing = Syncing(self._options, self._arguments)
        self._warn_of_names(self._arguments)
        self._options.metrics().register(self)

    async def run(self) -> None:
        """Scrape until cancelled; then let scrapes that are running finish, while the deadline allows."""
        from alloypy.components.pyroscope.scraping.deltas import Deltas
        from alloypy.components.pyroscope.scraping.pool import Around, Pool

        options = self._options
        around = Around(self._relay, options.logger, options.events, options.global_id)
        deltas = Deltas()
        self._pool = Pool(around, self._current(), deltas)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_in_step(self._pool))
                group.create_task(self._watch_cluster())
        except asyncio.CancelledError:
            await self._finish(self._pool)
        finally:
            await to_its_end(self._end(self._pool, deltas))

    async def _keep_in_step(self, pool: Pool) -> None:
        """Every 5 s, scrape what the targets have become."""
        loop = asyncio.get_running_loop()
        tick = loop.time()
        while True:
            tick += _TICK_SECONDS
            await asyncio.sleep(max(0.0, tick - loop.time()))
            if self._changed and self._syncing is not None:
                self._changed = False
                await self._syncing.into(pool)

    async def _watch_cluster(self) -> None:
        while True:
            change = self._options.cluster.changed()
            await change
            self._changed = self._changed or self._arguments.clustering.enabled

    async def _finish(self, pool: Pool) -> None:
        deadline = self._options.shutdown_deadline
        left = await pool.close(min(deadline, _PATIENCE_SECONDS) if deadline else _PATIENCE_SECONDS)
        if left:
            fields = {"scrapes": left}
            self._options.logger.warning("scrapes given up at shutdown", extra={"fields": fields})

    async def _end(self, pool: Pool, deltas: Deltas) -> None:
        """Give up what is still running, and close everything."""
        await pool.abandon()
        await deltas.close()
        for task in self._retiring:
            task.cancel()
        if self._retiring:
            await asyncio.wait(self._retiring)
        await self._current().aclose()
        self._options.logger.info("scrape manager stopped")

    async def prepare_update(self, arguments: Arguments) -> None:
        """Make a client if the new arguments need another one. Raises UpdateError."""
        from alloypy.net.client.messages import NotSent

        self._prepared = None
        if _of_fetcher(arguments) == _of_fetcher(self._arguments):
            return
        try:
            self._prepared = await self._fetcher_for(arguments)
        except NotSent as reason:
            raise UpdateError(f"error applying scrape configs: {reason}") from None

    async def update(self, arguments: Arguments) -> None:
        """Use new receivers, times and HTTP settings from now on, new targets within 5 s."""
        self._arguments = arguments
        self._warn_of_names(arguments)
        self._relay.children = tuple(arguments.forward_to)
        if self._syncing is not None:
            self._syncing.use(arguments)
        self._changed = True
        if self._prepared is None:
            return
        before, self._fetcher, self._prepared = self._current(), self._prepared, None
        if self._pool is not None:
            await self._pool.restart(self._fetcher)
        task = asyncio.get_running_loop().create_task(before.retire())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def _warn_of_names(self, arguments: Arguments) -> None:
        for name in arguments.profiling_config.repeated():
            fields = {"profile": name}
            message = "several profile.custom blocks have the same label: only the last one counts"
            self._options.logger.warning(message, extra={"fields": fields})

    async def _fetcher_for(self, arguments: Arguments) -> Fetcher:
        from alloypy.components.pyroscope.scraping.fetching import Fetcher, Times
        from alloypy.net.client.client import Client

        options = self._options
        agent = user_agent(options.environ)
        client = Client(
            client_settings(arguments.http_client),
            environ=options.environ,
            user_agent=agent,
            clock=options.clock,
            name=arguments.job_name,
        )
        await client.check()
        times = Times(arguments.scrape_interval.seconds, arguments.scrape_timeout.seconds)
        return Fetcher(client, agent, times)

    def _current(self) -> Fetcher:
        if self._fetcher is None:
            raise RuntimeError(NOT_PREPARED)
        return self._fetcher

    def in_flight(self) -> InFlight:
        """Profiles that have arrived and are being forwarded."""
        return InFlight(profiles=0 if self._pool is None else self._pool.forwarding)

    def health(self) -> Health | None:
        """Unhealthy if nothing can be scraped; says what is wrong with single targets."""
        from alloypy.components.pyroscope.scraping.status import trouble

        if self._pool is None or self._syncing is None:
            return None
        found = trouble(self._pool, self._syncing.bad, self._current().problems)
        if found is None:
            return None
        return unhealthy(found.text) if found.complete else healthy(found.text)

    def debug_info(self) -> DebugInfo | None:
        """What is scraped, and how that went."""
        from alloypy.components.pyroscope.scraping.status import debug_info

        return None if self._pool is None else debug_info(self._pool, self._arguments.job_name)

    def flow(self) -> Flow:
        """The profiles that were scraped."""
        return self._relay.flow("profiles")

    def collect(self) -> Iterator[Family]:
        """The metrics of forwarding."""
        return self._relay.families()


def _of_fetcher(arguments: Arguments) -> tuple[object, ...]:
    """The arguments whose change restarts all loops."""
    return arguments.scrape_interval, arguments.scrape_timeout, arguments.http_client


registration = Registration("pyroscope.scrape", Stability.GENERALLY_AVAILABLE, Arguments, None, Scrape)
