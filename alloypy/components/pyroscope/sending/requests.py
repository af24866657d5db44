"""Requests to one endpoint: where they go and which headers they have, worked out once.

Source: docs/spec/PYROSCOPE.md, sections 5.1 to 5.3.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from alloypy.components.pyroscope.sending.headers import (
    HeaderPlan,
    Tracing,
    endpoint_headers,
    passed_through,
    sendable,
    without,
)
from alloypy.lang.go.headers import is_header_name
from alloypy.lang.go.url import URL, escape_path, parse_url, redact_url
from alloypy.lang.server_urls import PUSH_PATH
from alloypy.net.client.auth import basic
from alloypy.net.client.client import Client
from alloypy.net.client.messages import (
    Headers,
    NotSent,
    Origin,
    Request,
    invalid_name,
    line,
    origin_of,
    parsed,
    target_of,
    written,
)
from alloypy.net.rpc.call import call_headers
from alloypy.profiles.model import Buffer, IngestProfile
from alloypy.tracing import Trace

_TRACE_NAMES: Final = ("Traceparent", "Uber-Trace-Id")


class EndpointSettings(NamedTuple):
    """The arguments of an endpoint that shape its requests; times in seconds."""

    url: str
    headers: Mapping[str, str]
    timeout: float
    retry_on_429: bool


class Wire:
    """Makes requests to one endpoint.

    shown: the URL without credentials. timeout: seconds for one try. new_span: returns a new span's identity.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        client: Client,
        *,
        tracing: Tracing,
        alloy_id: str,
        user_agent: str,
    ) -> None:
        self.shown = redact_url(settings.url)
        self.timeout = settings.timeout
        self.retry_on_429 = settings.retry_on_429
        self._url = settings.url
        self.new_span = tracing.tracer.span
        self._tracing = tracing
        own = endpoint_headers(settings.headers, alloy_id)
        self._fault = _header_fault(own)
        self._host = next((value for name, value in own if name == "Host"), "")
        self._own_encoding = self._lines_of(own, "Content-Encoding")
        self._own_type = self._lines_of(own, "Content-Type")
        own = _with_userinfo(sendable(own), settings.url)
        connect = call_headers(user_agent, settings.timeout)
        replaced = [name for name, _ in connect]
        self._push = HeaderPlan(
            client.headers([*without(own, *replaced, *_TRACE_NAMES), *connect]), _TRACE_NAMES
        )
        if all(name != "User-Agent" for name, _ in own):
            own.append(("User-Agent", user_agent))
        gaps = ("Content-Encoding", "Content-Type", *_TRACE_NAMES)
        self._ingest = HeaderPlan(client.headers(without(own, *gaps)), gaps)
        self._push_route = _Route(self._fault, self._url.rstrip("/") + PUSH_PATH)
        self._ingest_routes: dict[str, _Route] = {}

    def push(self, chunks: Sequence[Buffer], trace: Trace | None, span: str, passed: Headers) -> Request:
        """A Push call. Raises NotSent."""
        route = self._push_route
        if route.fault:
            raise NotSent(route.fault)
        headers: Headers = self._push.fill(self._tracing.lines(trace, span))
        if passed:
            headers = passed_through(headers, passed)
        return Request("POST", route.origin, route.target, headers, chunks, self.timeout, self._host)

    def ingest(self, profile: IngestProfile, query: str, trace: Trace | None, span: str) -> Request:
        """An /ingest request with the query given. Raises NotSent."""
        route = self._ingest_routes.get(profile.path)
        if route is None:
            route = self._ingest_routes[profile.path] = _Route(self._fault, self._url, profile.path)
        if route.fault:
            raise NotSent(route.fault)
        encoding, types = self._own_encoding, self._own_type
        if profile.content_encoding:
            encoding = line("Content-Encoding", profile.content_encoding)
        if profile.content_type:
            types = "".join([line("Content-Type", value) for value in profile.content_type])
        headers: Headers = self._ingest.fill((encoding, types, *self._tracing.lines(trace, span)))
        if profile.headers:
            headers = passed_through(headers, profile.headers)
        target = f"{route.target}?{query}"
        return Request("POST", route.origin, target, headers, profile.body, self.timeout)

    def _lines_of(self, own: Headers, name: str) -> str:
        return "" if self._fault else written([pair for pair in own if pair[0] == name]).text


class _Route:
    """Where requests go: a URL with its query, or one with `path` appended and the query dropped.

    fault: why nothing can be sent there, or ""; a fault passed in takes precedence.
    """

    def __init__(self, fault: str, url: str, path: str | None = None) -> None:
        self.fault = fault
        self.target = ""
        self.origin = Origin("", "", 0, "")
        try:
            found = parsed(url)
            self.origin = origin_of(found)
            self.target = target_of(found) if path is None else escape_path(_joined(found, path))
        except NotSent as reason:
            self.fault = fault or str(reason)


def _joined(url: URL, path: str) -> str:
    joined = posixpath.normpath("/".join(part for part in (url.path, path) if part))
    return "/" + joined.lstrip("/")


def _header_fault(headers: Headers) -> str:
    wrong = next((name for name, _ in headers if not is_header_name(name)), None)
    if wrong is not None:
        return invalid_name(wrong)
    try:
        written(headers)
    except NotSent as reason:
        return str(reason)
    return ""


def _with_userinfo(headers: list[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    """Headers with the URL's user information as basic authentication, unless they have their own."""
    try:
        url = parse_url(text)
    except ValueError:
        return headers
    if url.user is not None and all(name != "Authorization" for name, _ in headers):
        headers.append(("Authorization", basic(url.user, url.password or "")))
    return headers
