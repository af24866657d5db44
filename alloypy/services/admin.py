"""The admin HTTP server's application: readiness, health, reload, metrics, and what the UI asks for.

An ASGI application, on its own feet: a framework would be imported with the first request, which may
come when no file can be opened. Source: spec section 4.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from alloypy.lang.brief import brief
from alloypy.lang.go_text import parse_decimal
from alloypy.net.misdirected import Seldom
from alloypy.runtime.controller import Controller
from alloypy.services.admin_messages import (
    PLAIN,
    Answer,
    Asked,
    Receive,
    Scope,
    Send,
    as_json,
    asked,
    error,
    not_found,
    refusal,
    shown,
    text,
)
from alloypy.services.component_json import detail, summaries
from alloypy.services.configuration import LoadError
from alloypy.services.exposition import CONTENT_TYPE
from alloypy.services.shared_answers import SharedAnswers
from alloypy.services.support_desk import SupportDesk
from alloypy.services.web_guard import Hosts, page_asks, refused

Handler: TypeAlias = Callable[[Asked], Awaitable[Answer]]

_READY = text(200, "Alloy is ready.\n")
_NOT_READY = text(503, "Alloy is not ready.\n")
_HEALTHY = text(200, "All Alloy components are healthy.\n")
_LONGEST_WINDOW = 60
_MOST_RECEIVERS = 20
_LONGEST_PATH = 256
_COMPONENT = "/api/v0/component/"

logger = logging.getLogger("alloypy.http")


class AdminOptions(NamedTuple):
    """What the admin application serves from.

    reload: loads the configuration anew; raises LoadError. metrics: the text of /metrics.
    support: makes the support bundle within so many seconds; None when it is switched off.
    live_debugging: whether the configuration has it enabled.
    address: `host:port` that the server listens on. ui_prefix: begins and ends with `/`.
    hosts: the names it may be asked by; None for any.
    """

    controller: Controller
    reload: Callable[[], Awaitable[None]]
    metrics: Callable[[], Awaitable[str]]
    support: Callable[[int], Awaitable[bytes]] | None
    live_debugging: Callable[[], bool]
    address: str
    ui_prefix: str = "/"
    hosts: Hosts | None = None


class Admin:
    """The ASGI application."""

    def __init__(self, options: AdminOptions) -> None:
        self._options = options
        self._support = SupportDesk(options.support)
        self._shared = SharedAnswers()
        self._wrong = Seldom()
        self._web = f"{options.ui_prefix}api/v0/web"
        # Whoever probes or scrapes may use any name, and gets nothing that is not public.
        self._open: dict[str, Handler] = {
            "/-/ready": self._ready,
            "/-/healthy": self._healthy,
            "/metrics": self._metrics,
        }
        self._guarded: dict[str, Handler] = {
            "/-/reload": self._reload,
            "/-/support": self._bundle,
            f"{self._web}/components": self._components,
            f"{self._web}/remotecfg/components": self._no_components,
            f"{self._web}/peers": self._peers,
        }
        if options.ui_prefix != "/":
            self._guarded[options.ui_prefix[:-1]] = self._to_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = asked(scope, receive)
        handler = self._open.get(request.path)
        if handler is None:
            refusing = refused(request, self._options.hosts)
            if refusing is not None:
                await refusing.send(send)
                return
            if self._is_graph(request.path):
                await self._graph(request, send)
                return
            handler = self._guarded.get(request.path, self._nested)
        answer = await handler(request)
        await answer.send(send)

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
            # A client that hangs up must not leave the reload half way: it goes on in its own task.
            await asyncio.shield(asyncio.ensure_future(self._options.reload()))
        except LoadError as failure:
            logger.error("failed to reload config", extra={"fields": {**fields, "err": str(failure)}})
            return error(400, str(failure))
        logger.info("config reloaded", extra={"fields": fields})
        return text(200, "config reloaded\n")

    async def _bundle(self, request: Asked) -> Answer:
        return await self._support.answer(request) if request.method == "GET" else not_found()

    async def _nested(self, request: Asked) -> Answer:
        """What has ids in its path, each of which may hold slashes."""
        path, web = request.path, self._web
        if path.startswith(_COMPONENT):
            return self._component_handler(path)
        modules, components, debug = f"{web}/modules/", f"{web}/components/", f"{web}/debug/"
        if path.startswith(modules) and path.endswith("/components"):
            module = path[len(modules) : -len("/components")]
            return await self._shared.get(path, partial(self._module_components, module))
        if path.startswith(components) and path != components:
            return self._component(path[len(components) :])
        if path.startswith(debug) and path != debug:
            return self._debug(path[len(debug) :])
        if path.endswith("/ingest") or "/push.v1.PusherService/" in path:
            return self._wrong_port(path)
        return not_found()

    def _wrong_port(self, path: str) -> Answer:
        """The answer to a client that takes the admin server for a receiver; the log tells once a minute."""
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
        return not_found(f"this is the admin port; profiles are taken by receivers: {where}")

    def _component_handler(self, path: str) -> Answer:
        """No component serves requests of its own: one that exists has nothing here."""
        wanted = path[len(_COMPONENT) :].removeprefix("/").removesuffix("/")
        controller = self._options.controller
        for module, local in _candidates(wanted, controller.modules()):
            try:
                controller.component(module, local)
            except KeyError:
                continue
            return Answer(404)
        return text(400, f"failed to parse URL path {shown(path)}: invalid path\n")

    async def _components(self, request: Asked) -> Answer:
        return await self._shared.get(request.path, self._make_components)

    async def _make_components(self) -> Answer:
        return as_json(await summaries(self._options.controller.components()))

    def _component(self, given: str) -> Answer:
        module, _, local = given.rpartition("/")
        try:
            info = self._options.controller.component(module, local)
        except KeyError:
            return not_found()
        return as_json(detail(info))

    async def _module_components(self, module: str) -> Answer:
        try:
            infos = self._options.controller.components(module)
        except KeyError:
            return error(500, "module not found")
        return as_json(await summaries(infos))

    async def _no_components(self, request: Asked) -> Answer:
        """There is no remote configuration, hence nothing in it."""
        return as_json([])

    async def _peers(self, request: Asked) -> Answer:
        return as_json(peers(self._options.address))

    def _is_graph(self, path: str) -> bool:
        graph = f"{self._web}/graph"
        return path == graph or path.startswith(f"{graph}/")

    async def _graph(self, request: Asked, send: Send) -> None:
        """The stream of data rates; no component of alloypy reports rates, so every window is empty."""
        try:
            window = parse_decimal(request.parameter("window") or "5")
        except ValueError:
            window = 0
        if not 1 <= window <= _LONGEST_WINDOW:
            answer = error(400, f"Invalid window: must be an integer between 1 and {_LONGEST_WINDOW}")
            await answer.send(send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
        leaving = asyncio.ensure_future(request.departure())
        try:
            while not (await asyncio.wait((leaving,), timeout=window))[0]:
                await send({"type": "http.response.body", "body": b"[]|;|", "more_body": True})
        finally:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        await send({"type": "http.response.body", "body": b""})

    def _debug(self, given: str) -> Answer:
        if not self._options.live_debugging():
            return error(
                500,
                "the live debugging service is disabled. "
                "Check the documentation to find out how to enable it",
            )
        module, _, local = given.rpartition("/")
        try:
            info = self._options.controller.component(module, local)
        except KeyError:
            return error(500, "component not found")
        return error(500, f'the component "{info.name}" does not support live debugging')

    async def _to_prefix(self, request: Asked) -> Answer:
        return Answer(302, headers=((b"location", self._options.ui_prefix.encode()),))


def peers(address: str) -> list[dict[str, Any]]:
    """Without clustering the only peer is this process."""
    return [{"name": socket.gethostname(), "addr": address, "isSelf": True, "state": "participant"}]


def _candidates(path: str, modules: list[str]) -> Iterator[tuple[str, str]]:
    """The components that a path may begin with, as module and local id: one for each module."""
    for module in modules:
        start = len(module) + 1 if module else 0
        if start == 0 or path.startswith(f"{module}/"):
            end = path.find("/", start)
            yield module, path[start : end if end >= 0 else None]
