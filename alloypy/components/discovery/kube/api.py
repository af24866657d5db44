"""The API of Kubernetes: where it is, its resources, and how its errors read.

Error texts are those of Kubernetes' Go client.
Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote as percent_encode
from urllib.parse import urlencode

from alloypy.components.discovery.kube.objects import (
    Endpoints,
    Ingress,
    Kept,
    Namespace,
    Node,
    Pod,
    Service,
)
from alloypy.lang.go.text import quote
from alloypy.net.client.cold import BrokenAnswer, ColdClient, ColdError
from alloypy.net.client.messages import Response, SendTimeout, Taker

OK = 200
UNAUTHORIZED = 401
GONE = 410
UNPROCESSABLE = 422
TOO_MANY_REQUESTS = 429

_HEADERS = (("Accept", "application/json"),)
_AWAIT_SECONDS = 60.0
_MOST_SHOWN = 2048
_TEXTS = {
    UNAUTHORIZED: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    406: "the server was unable to respond with a content type that the client supports",
    TOO_MANY_REQUESTS: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the "
    "request",
}


class Resource(NamedTuple):
    """A kind of objects. prefix: of its path. type: its name in Go. read: makes what is kept of an object."""

    name: str
    prefix: str
    type: str
    read: Callable[[Mapping[str, Any]], Kept]

    def path(self, namespace: str) -> str:
        """The path of its objects in one namespace, in all of them for ""."""
        within = f"/namespaces/{percent_encode(namespace, safe='')}" if namespace else ""
        return f"{self.prefix}{within}/{self.name}"


PODS = Resource("pods", "/api/v1", "*v1.Pod", Pod.read)
NODES = Resource("nodes", "/api/v1", "*v1.Node", Node.read)
NAMESPACES = Resource("namespaces", "/api/v1", "*v1.Namespace", Namespace.read)
SERVICES = Resource("services", "/api/v1", "*v1.Service", Service.read)
ENDPOINTS = Resource("endpoints", "/api/v1", "*v1.Endpoints", Endpoints.read)
SLICES = Resource("endpointslices", "/apis/discovery.k8s.io/v1", "*v1.EndpointSlice", Endpoints.read_slice)
INGRESSES = Resource("ingresses", "/apis/networking.k8s.io/v1", "*v1.Ingress", Ingress.read)


class Selector(NamedTuple):
    """Which objects of a resource are wanted."""

    label: str = ""
    field: str = ""


class ApiError(Exception):
    """The API refused, or cannot be reached. code: the HTTP status, 0 without an answer.

    pause: seconds that the server asks to wait before the next request, or 0.
    """

    def __init__(self, text: str, code: int = 0, pause: float = 0.0) -> None:
        super().__init__(text)
        self.code = code
        self.pause = pause


class Lost(ApiError):
    """An answer began, but the connection ended before it did."""


class Silence(Lost):
    """An answer began, but nothing more came in time."""


class Api(Protocol):
    """Sends requests to the API of one cluster."""

    async def get(self, path: str, query: Mapping[str, str], taker: Taker) -> None:
        """Pass the answer to `taker` until it ends. Raises ApiError, and what the taker raises."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class PlainApi:
    """An API whose client never changes. url: without a slash at its end."""

    def __init__(self, url: str, client: ColdClient) -> None:
        self._url = url
        self._client = client

    async def get(self, path: str, query: Mapping[str, str], taker: Taker) -> None:
        await ask(self._client, f"{self._url}{path}?{urlencode(query)}", taker)

    async def aclose(self) -> None:
        await self._client.aclose()


async def ask(client: ColdClient, url: str, taker: Taker, headers: tuple[tuple[str, str], ...] = ()) -> None:
    """Pass the answer to GET to `taker` until it ends. Raises ApiError, and what the taker raises."""
    try:
        answer = await client.stream(url, (*_HEADERS, *headers), timeout=_AWAIT_SECONDS, taker=taker)
    except BrokenAnswer as broken:
        if broken.answer.status == OK:
            kind = Silence if str(broken).startswith(str(SendTimeout())) else Lost
            raise kind(str(broken)) from None
        answer = broken.answer
    except ColdError as error:
        raise ApiError(_without_query(str(error))) from None
    if answer.status != OK:
        raise _refusal(answer, url)


def status_error(status: Mapping[str, Any]) -> ApiError:
    """The error that a Status object of the API stands for."""
    code = status.get("code")
    details = status.get("details")
    pause = details.get("retryAfterSeconds", 0) if isinstance(details, dict) else 0
    text = status.get("message") or status.get("reason") or "unknown"
    return ApiError(
        str(text)[:_MOST_SHOWN],
        code if isinstance(code, int) and code else 500,
        float(pause) if isinstance(pause, int) else 0.0,
    )


def _refusal(answer: Response, url: str) -> ApiError:
    """The error for an answer with another status than 200."""
    try:
        pause = float(answer.header("retry-after") or 0)
    except ValueError:  # a date
        pause = 0.0
    try:
        status = json.loads(answer.body)
    except (ValueError, RecursionError):
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        error = status_error({"code": answer.status, **status})
        error.pause = error.pause or pause
        return error
    what = url.partition("?")[0].rpartition("/")[2]
    text = _TEXTS.get(answer.status)
    body = answer.body[:_MOST_SHOWN].decode(errors="replace").strip()
    if text is None and answer.status >= 500:
        text = f"an error on the server ({quote(body)}) has prevented the request from succeeding"
    elif text is None and answer.status == 403:
        text = f"forbidden: {body}" if body else "forbidden"
    elif text is None:
        text = (
            f"the server responded with the status code {answer.status} but did not return more information"
        )
    return ApiError(f"{text} (get {what})", answer.status, pause)


def _without_query(text: str) -> str:
    """A client's error without the query of the URL in it."""
    before, mark, rest = text.partition("?")
    query, quote_mark, after = rest.partition('"')
    return f'{before}"{after}' if mark and quote_mark and " " not in query else text
