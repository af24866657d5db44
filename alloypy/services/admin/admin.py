"""The admin HTTP server's application: readiness, health, reload, metrics, and the API for the UI.

An ASGI application: Starlette's router, and the rules of access.
Source: docs/spec/RUNTIME.md, section 4.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from alloypy.lang.brief import brief
from alloypy.net.server.misdirected import Seldom
from alloypy.runtime.controller import Controller
from alloypy.services.admin.component_json import detail, summaries
from alloypy.services.admin.data_streams import DataStreams
from alloypy.services.admin.messages import (
    ASGI,
    Answer,
    Asked,
    Receive,
    Scope,
    Send,
    as_json,
    asked,
    error,
    json_text,
    not_found,
    refusal,
    shown,
    text,
)
from alloypy.services.admin.routing import IDS, Endpoint, Handler, router
from alloypy.services.admin.shared_answers import SharedAnswers
from alloypy.services.admin.streaming import Streams
from alloypy.services.admin.support_desk import SupportDesk
from alloypy.services.admin.web_guard import Hosts, page_asks, refused
from alloypy.services.configuration import LoadError
from alloypy.services.exposition import CONTENT_TYPE
from alloypy.services.settings import CLUSTER_PATH
from alloypy.threads import WORK

if TYPE_CHECKING:
    from alloypy.services.web.live_hub import Hub

_READY = text(200, "Alloy is ready.\n")
_NOT_READY = text(503, "Alloy is not ready.\n")
_HEALTHY = text(200, "All Alloy components are healthy.\n")
_MOST_RECEIVERS = 20
_ANSWER_SECONDS = 120.0
_LONGEST_PATH = 256
_PAGES = frozenset(("", "component", "graph", "live", "flame", "modules", "config", "about", "static"))
_OWN_API = "api/v0/alloypy/"

logger = logging.getLogger("alloypy.http")


class AdminOptions(NamedTuple):
    """What the admin application needs.

    reload: loads the configuration again; raises LoadError. metrics: returns the text of /metrics.
    support: makes a support bundle, collecting for the given seconds; None when it is switched off.
    live: what watches profiles; None while live debugging is off.
    peers: the replicas as the API lists them. replica: what this one says about itself; None on its own.
    address: `host:port` that the server listens on. ui_prefix: begins and ends with `/`.
    unprotected: whether others than this machine can reach a path without credentials.
    streams: the answers without an end. hosts: the host names that requests may use; None for any.
    pages: makes the application for the pages, given one for paths that are none; called for the first page.
    """

    controller: Controller
    reload: Callable[[], Awaitable[None]]
    metrics: Callable[[], Awaitable[str]]
    support: Callable[[int], Awaitable[bytes]] | None
    live: Callable[[], Hub | None]
    unprotected: Callable[[str], bool]
    streams: Streams
    address: str
    peers: Callable[[], list[dict[str, Any]]]
    replica: Callable[[], dict[str, str]] | None = None
    ui_prefix: str = "/"
    hosts: Hosts | None = None
    pages: Callable[[ASGI], Awaitable[ASGI]] | None = None


class Admin:
    """The ASGI application."""

    def __init__(self, options: AdminOptions) -> None:
        self._options = options
        self._support = SupportDesk(options.support)
        self._shared = SharedAnswers()
        self._details = SharedAnswers()
        self._wrong = Seldom()
        self._pages: asyncio.Future[ASGI] | None = None
        self._guarded_routes = self._guarded_router()
        self._routes = self._open_router()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._routes(scope, receive, send)

    def _open_router(self) -> ASGI:
        """Probes and scrapers may use any host name; they get only what is public."""
        handlers: dict[str, Handler] = {
            "/-/ready": self._ready,
            "/-/healthy": self._healthy,
            "/metrics": self._metrics,
        }
        if self._options.replica is not None:
            handlers[CLUSTER_PATH] = self._replica
        return router(handlers, self._guard)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusing = refused(asked(scope, receive), self._options.hosts)
        if refusing is not None:
            await refusing.send(send)
        else:
            await self._guarded_routes(scope, receive, send)

    def _guarded_router(self) -> ASGI:
        web = f"{self._options.ui_prefix}api/v0/web"
        about = self._options
        streams = DataStreams(about.controller, about.live, about.unprotected, about.streams)
        handlers: dict[str, Handler] = {
            "/-/reload": self._reload,
            "/-/support": self._bundle,
            f"/api/v0/component/{IDS}": self._component_handler,
            f"{web}/components": self._components,
            f"{web}/components/{IDS}": self._component,
            f"{web}/modules/{IDS}/components": self._module_components,
            f"{web}/remotecfg/components": self._no_components,
            f"{web}/peers": self._peers,
            f"{web}/graph": streams.graph,
            f"{web}/graph/{IDS}": streams.graph,
            f"{web}/debug/{IDS}": streams.debug,
        }
        if self._options.ui_prefix != "/":
            handlers[self._options.ui_prefix[:-1]] = self._to_prefix
        return router(handlers, self._other)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page, and paths that are none."""
        nothing = Endpoint(self._nothing)
        make = self._options.pages
        if make is None or not _is_page(scope["path"], self._options.ui_prefix):
            await nothing(scope, receive, send)
            return
        if self._pages is None or (self._pages.done() and self._pages.exception() is not None):
            self._pages = asyncio.ensure_future(make(nothing))
        # A client that leaves must not end the making for the others.
        await (await asyncio.shield(self._pages))(scope, receive, send)

    async def _ready(self, request: Asked) -> Answer:
        return _READY if self._options.controller.ready else _NOT_READY

    async def _healthy(self, request: Asked) -> Answer:
        unhealthy = self._options.controller.unhealthy()
        return error(500, f"unhealthy components: {', '.join(unhealthy)}") if unhealthy else _HEALTHY

    async def _metrics(self, request: Asked) -> Answer:
        return await self._shared.get(request.path, self._make_metrics)

    async def _make_metrics(self) -> Answer:
        content_type = (b"content-type", CONTENT_TYPE.encode())
        return text(200, await self._options.metrics())._replace(headers=(content_type,))

    async def _reload(self, request: Asked) -> Answer:
        if request.method not in ("GET", "POST"):
            return not_found()
        if request.method == "GET" and page_asks(request):
            return refusal(
                "GET from a browser refused: a link must not reload the configuration; "
                f"use POST, as in: curl -X POST http://{self._options.address}/-/reload"
            )
        fields = {"service": "http"}
        logger.info("reload requested via /-/reload endpoint", extra={"fields": fields})
        try:
            # A client that hangs up must not stop the reload halfway, so it runs in its own task.
            await asyncio.shield(asyncio.ensure_future(self._options.reload()))
        except LoadError as failure:
            logger.error("failed to reload config", extra={"fields": {**fields, "err": str(failure)}})
            return error(400, str(failure))
        logger.info("config reloaded", extra={"fields": fields})
        return text(200, "config reloaded\n")

    async def _bundle(self, request: Asked) -> Answer:
        return await self._support.answer(request) if request.method == "GET" else not_found()

    async def _nothing(self, request: Asked) -> Answer:
        if request.path.endswith("/ingest") or "/push.v1.PusherService/" in request.path:
            return self._wrong_port(request.path)
        return not_found()

    def _wrong_port(self, path: str) -> Answer:
        """The answer to a client that takes the admin server for a receiver; logged once a minute."""
        listening = self._options.controller.listening()[:_MOST_RECEIVERS]
        where = ",".join(listening) or "none: the configuration has no pyroscope.receive_http"
        times = self._wrong.due()
        if times:
            fields = {
                "service": "http",
                "path": brief(path, _LONGEST_PATH),
                "receivers": where,
                "times": times,
            }
            message = "a client sends profiles to the admin port: its server URL must have a receiver's port"
            logger.warning(message, extra={"fields": fields})
        return not_found(f"this is the admin port; send profiles to a receiver: {where}")

    async def _component_handler(self, request: Asked, given: str) -> Answer:
        """Components serve no requests here: 404 for one that exists, 400 for any other path."""
        wanted = given.removeprefix("/").removesuffix("/")
        controller = self._options.controller
        for module, local in _candidates(wanted, controller.modules()):
            try:
                controller.component(module, local)
            except KeyError:
                continue
            return Answer(404)
        return text(400, f"failed to parse URL path {shown(request.path)}: invalid path\n")

    async def _components(self, request: Asked) -> Answer:
        return await self._shared.get(request.path, self._make_components)

    async def _make_components(self) -> Answer:
        return as_json(await summaries(self._options.controller.components(), live=self._is_live))

    @property
    def _is_live(self) -> bool:
        return self._options.live() is not None

    async def _component(self, request: Asked, given: str) -> Answer:
        return await self._details.get(request.path, partial(self._make_component, given))

    async def _make_component(self, given: str) -> Answer:
        module, _, local = given.rpartition("/")
        try:
            info = self._options.controller.component(module, local)
        except KeyError:
            return not_found()
        live = self._is_live
        try:
            return json_text(await WORK.run(lambda: detail(info, live=live), _ANSWER_SECONDS))
        except TimeoutError:
            return error(503, f"{shown(given)} has too much to show: that takes over {_ANSWER_SECONDS:.0f} s")

    async def _module_components(self, request: Asked, given: str) -> Answer:
        return await self._shared.get(request.path, partial(self._make_module_components, given))

    async def _make_module_components(self, module: str) -> Answer:
        try:
            infos = self._options.controller.components(module)
        except KeyError:
            return error(500, "module not found")
        return as_json(await summaries(infos, live=self._is_live))

    async def _no_components(self, request: Asked) -> Answer:
        """There is no remote configuration, so it has no components."""
        return as_json([])

    async def _peers(self, request: Asked) -> Answer:
        return as_json(self._options.peers())

    async def _replica(self, request: Asked) -> Answer:
        return not_found() if self._options.replica is None else as_json(self._options.replica())

    async def _to_prefix(self, request: Asked) -> Answer:
        return Answer(302, headers=((b"location", self._options.ui_prefix.encode()),))


def _is_page(path: str, prefix: str) -> bool:
    """Whether a path may be one of the pages, or of what they consist of."""
    rest = path.removeprefix(prefix) if path.startswith(prefix) else None
    if rest is None:
        return False
    return rest.partition("/")[0] in _PAGES or rest.startswith(_OWN_API)


def peers(address: str) -> list[dict[str, Any]]:
    """This process: without clustering it is the only peer."""
    return [{"name": socket.gethostname(), "addr": address, "isSelf": True, "state": "participant"}]


def _candidates(path: str, modules: list[str]) -> Iterator[tuple[str, str]]:
    """The components that a path may begin with, as module and local id; at most one for each module."""
    for module in modules:
        start = len(module) + 1 if module else 0
        if start == 0 or path.startswith(f"{module}/"):
            end = path.find("/", start)
            yield module, path[start : end if end >= 0 else None]
