"""Which handler answers which path: Starlette's router, with answers left in Go's form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Route, Router

from alloypy.services.admin.messages import ASGI, Receive, Scope, Send, asked

IDS = "{given:ids}"
"""In a path: ids of modules and components, which may contain slashes and anything else."""


class Sendable(Protocol):
    """An answer, in one piece or as a stream."""

    async def send(self, send: Send) -> None: ...


Handler: TypeAlias = Callable[..., Awaitable[Sendable]]
"""Takes the request, and the parameters of the route's path by name."""


class _Ids(Convertor[str]):
    """Matches the ids of modules and components."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("ids", _Ids())


class Endpoint:
    """A handler as an ASGI application, so that the router leaves its answer in Go's form."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._handler(asked(scope, receive), **scope.get("path_params", {}))
        await answer.send(send)


def router(handlers: Mapping[str, Handler], default: ASGI) -> Router:
    """The application that answers each path by its handler. default: for all other paths."""
    return routed({path: Endpoint(handler) for path, handler in handlers.items()}, default)


def routed(applications: Mapping[str, ASGI], default: ASGI) -> Router:
    """The same, of applications."""
    routes = [Route(path, application) for path, application in applications.items()]
    return Router(routes, redirect_slashes=False, default=default)
