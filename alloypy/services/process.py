"""One running process: binds, loads, serves, reloads, and stops without losing what is in flight.

Source: docs/spec/RUNTIME.md, sections 1.1 (order of the run command), 3, 7.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import logging
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alloypy import __version__
from alloypy.catalog.on_demand import ON_DEMAND
from alloypy.preloading import PRELOADING
from alloypy.runtime.contract.cluster import NO_CLUSTER
from alloypy.runtime.contract.component import Registration
from alloypy.runtime.contract.events import Events
from alloypy.runtime.contract.options import ControllerOptions, HTTPImport, ReadGit, Service
from alloypy.runtime.controller import Controller
from alloypy.services.activity import ActivityLog
from alloypy.services.admin.admin import Admin, AdminOptions, peers
from alloypy.services.admin.messages import ASGI
from alloypy.services.admin.server import AdminServer, Listener
from alloypy.services.admin.streaming import Streams
from alloypy.services.admin.web_guard import Hosts
from alloypy.services.block_services import LiveDebuggingService, LoggingService
from alloypy.services.configuration import Configuration, LoadError
from alloypy.services.logging import LogStream
from alloypy.services.metrics import ConfigMetrics, EvaluationMetrics, metrics_text
from alloypy.services.notify import Notifier
from alloypy.services.process_stats import LoopLag
from alloypy.services.settings import RunSettings
from alloypy.services.signals import Signals, Stopped
from alloypy.services.tracing import TracingService, exporter
from alloypy.services.watch import watch
from alloypy.threads import WORK
from alloypy.tracing import Tracer

if TYPE_CHECKING:
    from alloypy.services.cluster.service import ClusterService

logger = logging.getLogger("alloypy")

# Profiles leave no reference cycles, so the many collections that 64 connections would cause find nothing.
_COLLECTOR_THRESHOLDS = (10_000, 10, 10)
_LOG_EVERY_SECONDS = 5.0
_MOST_ADDRESSES = 20
_PAGES_SECONDS = 30.0


class Process:
    """Everything that lives as long as the process does.

    listener: the bound socket of the admin server. registry: all component kinds.
    http_import, read_git: how `import.http` and `import.git` read. alloy_id: the id of this installation.
    """

    def __init__(
        self,
        settings: RunSettings,
        listener: Listener,
        registry: Mapping[str, Registration],
        http_import: HTTPImport,
        read_git: ReadGit,
        log: LogStream,
        signals: Signals,
        alloy_id: str,
    ) -> None:
        self._signals = signals
        self._draining: asyncio.Task[None] | None = None
        self._settings = settings
        self._alloy_id = alloy_id
        self._log = log
        self._evaluations = EvaluationMetrics()
        self._config_metrics = ConfigMetrics()
        self._lag = LoopLag()
        self._server = AdminServer(listener)
        self._streams = Streams()
        self._exporter = exporter(os.environ)
        self._events = Events()
        self._live_debugging = LiveDebuggingService(self._events, self._rule)
        self._tracer = Tracer(recorder=self._exporter)
        self._notifier = Notifier(os.environ)
        self._cluster = self._joined(listener.address)
        self._controller = Controller(self._controller_options(registry, http_import, read_git))
        self._configuration = Configuration(settings.path, self._controller, self._config_metrics)

    def _controller_options(
        self, registry: Mapping[str, Registration], http_import: HTTPImport, read_git: ReadGit
    ) -> ControllerOptions:
        services: Mapping[str, Service] = {
            "logging": LoggingService(self._log),
            "tracing": TracingService(self._tracer),
            "livedebugging": self._live_debugging,
            "http": self._server,
        }
        return ControllerOptions(
            registry=registry,
            storage=self._settings.storage,
            alloy_id=self._alloy_id,
            stability=self._settings.stability,
            community=self._settings.community,
            shutdown_deadline=self._settings.shutdown_deadline,
            services=services,
            http_import=http_import,
            read_git=read_git,
            observer=self._evaluations,
            tracer=self._tracer,
            vocabulary=ON_DEMAND,
            events=self._events,
            cluster=self._cluster or NO_CLUSTER,
        )

    def _joined(self, address: str) -> ClusterService | None:
        """The cluster that the settings ask for."""
        if self._settings.cluster is None:
            return None
        from alloypy.services.cluster.service import ClusterService

        return ClusterService(self._settings.cluster, address)

    async def run(self) -> None:
        """Load and serve until a signal stops it. Raises LoadError when the first load is refused."""
        try:
            async with self._controller:
                await self._signals.unless_stopped(self._configuration.load())
                await self._serve(self._signals.stop)
                self._draining = asyncio.create_task(self._report_drain())
        except Stopped:
            pass
        finally:
            if self._draining is not None:
                self._draining.cancel()
            await self._streams.close()
            await self._server.stop()
            if self._exporter is not None:
                await self._exporter.close()

    async def _serve(self, stop: asyncio.Event) -> None:
        await self._server.start(Admin(self._admin_options()))
        gc.freeze()  # modules and classes live as long as the process: no collection need visit them
        gc.set_threshold(*_COLLECTOR_THRESHOLDS)
        gc.enable()
        self._log_addresses()
        self._notifier.ready()
        PRELOADING.begin()
        async with asyncio.TaskGroup() as tasks:
            background = [tasks.create_task(self._reload_on_signal())]
            background.append(tasks.create_task(self._notifier.keep_alive()))
            background.append(tasks.create_task(self._lag.watch()))
            activity = ActivityLog(self._controller.activities)
            background.append(tasks.create_task(activity.keep_logging()))
            if self._cluster is not None:
                background.append(tasks.create_task(self._cluster.run()))
            if self._settings.watch:
                background.append(tasks.create_task(watch(self._settings.path, self._reload_and_log)))
            await stop.wait()
            self._notifier.stopping()
            activity.log_once()  # for the minute in progress
            for task in background:
                task.cancel()

    def _log_addresses(self) -> None:
        """Log that everything runs, and the addresses it listens on."""
        addresses = self._controller.listening()
        more = len(addresses) - _MOST_ADDRESSES
        receivers = ",".join(addresses[:_MOST_ADDRESSES]) + (f" and {more} more" if more > 0 else "")
        fields = {"admin": self._server.address, **({"receivers": receivers} if receivers else {})}
        logger.info("{^_^} Alloy is running", extra={"fields": fields})

    async def _report_drain(self) -> None:
        """While requests in flight finish, send watchdog messages and log how many are left."""
        alive = asyncio.create_task(self._notifier.keep_alive())
        try:
            await self._log_in_flight()
        finally:
            alive.cancel()

    async def _log_in_flight(self) -> None:
        while True:
            await asyncio.sleep(_LOG_EVERY_SECONDS)
            requests, profiles = self._controller.in_flight()
            fields = {"requests": requests, "profiles": profiles}
            logger.info("waiting for requests in flight to finish", extra={"fields": fields})

    def _admin_options(self) -> AdminOptions:
        return AdminOptions(
            controller=self._controller,
            reload=self._reload,
            metrics=self._metrics,
            support=self._support if self._settings.support_bundle else None,
            live=lambda: self._live_debugging.hub,
            unprotected=self._server.unprotected,
            streams=self._streams,
            address=self._server.address,
            peers=self._peers,
            replica=self._cluster.answer if self._cluster is not None else None,
            ui_prefix=self._settings.ui_prefix,
            hosts=self._hosts(),
            pages=self._pages,
        )

    def _rule(self, component: str, position: int) -> str:
        """What a rule of a component does; only asked while somebody watches profiles."""
        from alloypy.services.web.live_rules import rule_in_words

        return rule_in_words(self._controller, component, position)

    async def _pages(self, default: ASGI) -> ASGI:
        """The pages, imported in a thread, as most processes never need them."""
        return await WORK.run(lambda: self._site(default), _PAGES_SECONDS)

    def _site(self, default: ASGI) -> ASGI:
        from alloypy.services.web.site import Site, site

        return site(
            Site(
                controller=self._controller,
                configuration=self._configuration,
                peers=self._peers,
                reload=self._reload,
                live=lambda: self._live_debugging.hub,
                unprotected=self._server.unprotected,
                streams=self._streams,
                flags=self._settings.flags,
                prefix=self._settings.ui_prefix,
            ),
            default,
        )

    def _hosts(self) -> Hosts | None:
        """The host names that requests may use: on loopback only ours, as a page could rebind its own."""
        return Hosts(self._server.address, self._settings.allowed_hosts) if self._server.loopback else None

    async def _support(self, seconds: int) -> bytes:
        from alloypy.services.admin.support import SupportBundle

        bundle = SupportBundle(
            controller=self._controller,
            metrics=self._metrics,
            log=self._log,
            flags=self._settings.flags,
            peers=self._peers,
            sources=lambda: self._configuration.files,
            live=lambda: self._live_debugging.hub is not None,
        )
        return await bundle(seconds)

    async def _metrics(self) -> str:
        more = [*self._lag.collect(), *(self._cluster.collect() if self._cluster is not None else ())]
        return await metrics_text(self._controller, self._evaluations, self._config_metrics, more)

    def _peers(self) -> list[dict[str, Any]]:
        return peers(self._server.address) if self._cluster is None else self._cluster.peers()

    async def _reload(self) -> None:
        with self._notifier.reloading():
            await self._configuration.load()

    async def _reload_on_signal(self) -> None:
        while True:
            await self._signals.reload.wait()
            self._signals.reload.clear()
            await self._reload_and_log()

    async def _reload_and_log(self) -> None:
        """Reload and log the outcome."""
        try:
            await self._reload()
        except LoadError as error:
            logger.error("failed to reload config", extra={"fields": {"err": str(error)}})
        except Exception:
            logger.exception("failed to reload config")
        else:
            logger.info("config reloaded")


def log_start() -> None:
    """Write the first lines of the log: what starts, and what is missing."""
    fields = {"version": f"v{__version__}", "python": sys.version.split()[0], "pid": os.getpid()}
    logger.info("alloypy is starting", extra={"fields": fields})
    if sys.platform != "win32" and importlib.util.find_spec("uvloop") is None:
        logger.warning("uvloop is not installed: alloypy runs slower without it")
