"""The admin HTTP server's application: readiness, health, reload, metrics, and what the UI asks for.

An ASGI application. The two probes are answered directly; Starlette is imported with the first other
request, because an idle process has no need of it. Source: spec section 4.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from alloypy.runtime.controller import Controller
from alloypy.services.component_json import detail, summary
from alloypy.services.configuration import LoadError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGI: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_PLAIN = "text/plain; charset=utf-8"
_READY = (200, b"Alloy is ready.\n")
_NOT_READY = (503, b"Alloy is not ready.\n")
_HEALTHY = (200, b"All Alloy components are healthy.\n")

logger = logging.getLogger("alloypy.http")


class AdminOptions(NamedTuple):
    """What the admin application serves from.

    reload: loads the configuration anew; raises LoadError. metrics: the text of /metrics.
    support: makes the support bundle within so many seconds; None when it is switched off.
    live_debugging: whether the configuration has it enabled.
    address: `host:port` that the server listens on. ui_prefix: begins and ends with `/`.
    """

    controller: Controller
    reload: Callable[[], Awaitable[None]]
    metrics: Callable[[], str]
    support: Callable[[int], Awaitable[bytes]] | None
    live_debugging: Callable[[], bool]
    address: str
    ui_prefix: str = "/"


class Admin:
    """The ASGI application."""

    def __init__(self, options: AdminOptions) -> None:
        self._options = options
        self._routes: ASGI | None = None
        self._support_lock = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        probe = {"/-/ready": self._ready, "/-/healthy": self._healthy}.get(scope.get("path", ""))
        if probe is not None:
            await _send_text(send, *probe())
            return
        if self._routes is None:
            self._routes = self._build_routes()
        await self._routes(scope, receive, send)

    def _ready(self) -> tuple[int, bytes]:
        return _READY if self._options.controller.ready else _NOT_READY

    def _healthy(self) -> tuple[int, bytes]:
        unhealthy = self._options.controller.unhealthy()
        if not unhealthy:
            return _HEALTHY
        return 500, f"unhealthy components: {', '.join(unhealthy)}\n".encode()

    def _build_routes(self) -> ASGI:
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        async def not_found(request: Request, error: Exception) -> Response:
            return PlainTextResponse("404 page not found\n", 404)

        web = f"{self._options.ui_prefix}api/v0/web"
        routes = [
            Route("/-/reload", self._reload, methods=["GET", "POST"]),
            Route("/-/support", self._support, methods=["GET"]),
            Route("/metrics", self._metrics, methods=_METHODS),
            Route("/api/v0/component/{id:path}", self._component_handler, methods=_METHODS),
            Route(f"{web}/components", self._components, methods=_METHODS),
            Route(f"{web}/components/{{id:path}}", self._component, methods=_METHODS),
            Route(f"{web}/modules/{{module:path}}/components", self._module_components, methods=_METHODS),
            Route(f"{web}/remotecfg/components", self._no_components, methods=_METHODS),
            Route(f"{web}/peers", self._peers, methods=_METHODS),
            Route(f"{web}/graph", self._graph, methods=_METHODS),
            Route(f"{web}/graph/{{module:path}}", self._graph, methods=_METHODS),
            Route(f"{web}/debug/{{id:path}}", self._debug, methods=_METHODS),
        ]
        if self._options.ui_prefix != "/":
            routes.append(Route(self._options.ui_prefix[:-1], self._to_prefix, methods=_METHODS))
        handlers: Mapping[Any, Any] = {404: not_found, 405: not_found, HTTPException: not_found}
        application: ASGI = Starlette(routes=routes, exception_handlers=handlers)
        return application

    async def _reload(self, request: Request) -> Response:
        if _crosses_origins(request):
            return _text("cross-origin request refused\n", 403)
        fields = {"service": "http"}
        logger.info("reload requested via /-/reload endpoint", extra={"fields": fields})
        try:
            # A client that hangs up must not leave the reload half way: it goes on in its own task.
            await asyncio.shield(asyncio.ensure_future(self._options.reload()))
        except LoadError as error:
            logger.error("failed to reload config", extra={"fields": {**fields, "err": str(error)}})
            return _text(f"{error}\n", 400)
        logger.info("config reloaded", extra={"fields": fields})
        return _text("config reloaded\n", 200)

    async def _metrics(self, request: Request) -> Response:
        from starlette.responses import Response

        from alloypy.services.exposition import CONTENT_TYPE

        return Response(self._options.metrics(), headers={"content-type": CONTENT_TYPE})

    async def _support(self, request: Request) -> Response:
        from starlette.responses import Response

        from alloypy.services.support import bundle_seconds

        if self._options.support is None:
            return _text("support bundle generation is disabled; it can be re-enabled by removing the "
                         "--server.http.disable-support-bundle flag", 403)  # fmt: skip
        try:
            seconds = bundle_seconds(request.query_params.get("duration", ""))
        except ValueError as error:
            return _text(f"{error}\n", 400)
        async with self._support_lock:
            content = await self._options.support(seconds)
        headers = {
            "content-type": "application/zip",
            "content-disposition": 'attachment; filename="alloy-support-bundle.zip"',
        }
        return Response(content, headers=headers)

    async def _component_handler(self, request: Request) -> Response:
        """No component serves requests of its own: one that exists has nothing here."""
        parts = request.path_params["id"].split("/")
        controller = self._options.controller
        for count in range(len(parts)):
            module, local = "/".join(parts[:count]), parts[count]
            try:
                controller.component(module, local)
            except KeyError:
                continue
            return _text("", 404)
        return _text(f'failed to parse URL path "{request.url.path}": invalid path\n', 400)

    async def _components(self, request: Request) -> Response:
        return _json([summary(info) for info in self._options.controller.components()])

    async def _component(self, request: Request) -> Response:
        module, _, local = request.path_params["id"].rpartition("/")
        try:
            info = self._options.controller.component(module, local)
        except KeyError:
            return _text("", 404)
        return _json(detail(info))

    async def _module_components(self, request: Request) -> Response:
        try:
            infos = self._options.controller.components(request.path_params["module"])
        except KeyError:
            return _text("module not found\n", 500)
        return _json([summary(info) for info in infos])

    async def _no_components(self, request: Request) -> Response:
        """There is no remote configuration, hence nothing in it."""
        return _json([])

    async def _peers(self, request: Request) -> Response:
        return _json(peers(self._options.address))

    async def _graph(self, request: Request) -> Response:
        """The stream of data rates; no component of alloypy reports rates, so every window is empty."""
        from starlette.responses import StreamingResponse

        text = request.query_params.get("window", "5")
        window = int(text) if text.isascii() and text.isdigit() else 0
        if not 1 <= window <= 60:
            return _text("Invalid window: must be an integer between 1 and 60\n", 400)

        async def windows() -> AsyncIterator[str]:
            while True:
                await asyncio.sleep(window)
                yield "[]|;|"

        return StreamingResponse(windows(), headers={"content-type": _PLAIN})

    async def _debug(self, request: Request) -> Response:
        if not self._options.live_debugging():
            return _text(
                "the live debugging service is disabled. "
                "Check the documentation to find out how to enable it\n",
                500,
            )
        module, _, local = request.path_params["id"].rpartition("/")
        try:
            info = self._options.controller.component(module, local)
        except KeyError:
            return _text("component not found\n", 500)
        return _text(f'the component "{info.name}" does not support live debugging\n', 500)

    async def _to_prefix(self, request: Request) -> Response:
        from starlette.responses import RedirectResponse

        return RedirectResponse(self._options.ui_prefix, 302)


def peers(address: str) -> list[dict[str, Any]]:
    """Without clustering the only peer is this process."""
    return [{"name": socket.gethostname(), "addr": address, "isSelf": True, "state": "participant"}]


def _crosses_origins(request: Request) -> bool:
    """Whether a page of another site makes the browser ask: browsers say so in these headers."""
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")


def _text(text: str, status: int) -> Response:
    from starlette.responses import Response

    return Response(text, status, headers={"content-type": _PLAIN})


def _json(value: Any) -> Response:
    return _text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), 200)


async def _send_text(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", _PLAIN.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
