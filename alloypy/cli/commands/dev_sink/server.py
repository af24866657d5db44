"""A development sink: speaks Pyroscope's ingest and push APIs and reports what arrives.

It writes nothing to disk. It is the server that the demo, first steps with a configuration and tests send to,
instead of a real Pyroscope. Source: docs/spec/PYROSCOPE.md, section 10.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qs

from alloypy.lang.server_urls import PUSH_PATH
from alloypy.net.http_status import status_text
from alloypy.net.rpc.codes import ConnectError
from alloypy.net.rpc.unary import UnaryRequest, answer_unary
from alloypy.net.server.answer import Answer, empty, plain_text, send_answer
from alloypy.net.server.body import App, BodyError, Receive, Scope, Send, extension, read_body
from alloypy.profiles.ingest_name import parse_name
from alloypy.profiles.json_tokens import JSONError
from alloypy.profiles.labels import InvalidLabels
from alloypy.profiles.model import Buffer
from alloypy.profiles.push_json import decode_push_json
from alloypy.profiles.push_wire import PushWireError, decode_push

INGEST = "/ingest"
_CODES = {
    400: "invalid_argument",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    409: "already_exists",
    429: "resource_exhausted",
    499: "canceled",
    500: "internal",
    501: "unimplemented",
    503: "unavailable",
    504: "deadline_exceeded",
}
"""Pyroscope's Connect code on Push for each status. Any other status is a proxy's, in plain text."""

MAX_BODY_BYTES = 256 << 20


class Arrival(NamedTuple):
    """One profile received.

    api: `push` or `ingest`. path: the request's. size, sha256: those of the raw profile, or of the
    whole body on /ingest. authorization: the scheme and the user, never a password or a token.
    """

    api: str
    path: str
    labels: Mapping[str, str]
    size: int
    sha256: str
    content_type: str
    authorization: str
    tenant: str


class Arrived(NamedTuple):
    """An arrival with what it brought. format: the parameter of /ingest."""

    arrival: Arrival
    content: Buffer
    format: str


class Behaviour(NamedTuple):
    """How the sink answers: with `status`, after `delay` seconds, never, or by dropping the connection."""

    status: int = 200
    delay: float = 0.0
    hang: bool = False
    reset: bool = False


Report: TypeAlias = Callable[[Arrived], None]


def sink_application(report: Report, behaviour: Behaviour, pages: App | None = None) -> App:
    """The ASGI application of a sink; it passes every profile to `report` before answering its request.

    pages: answers browsers, and what is not for Pyroscope.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if pages is not None and _for_pages(scope):
            await pages(scope, receive, send)
            return
        answer = await _answer(scope, receive, report, behaviour)
        offered = extension(scope)
        if behaviour.reset and offered is not None:
            offered.abort()
        else:
            await send_answer(answer, scope, send)

    return application


def _for_pages(scope: Scope) -> bool:
    path: str = scope["path"]
    if path == "/":
        accepted = (value for name, value in scope["headers"] if name == b"accept")
        return any(b"text/html" in value for value in accepted)
    return path != "/ready" and not path.endswith((INGEST, PUSH_PATH))


async def _answer(scope: Scope, receive: Receive, report: Report, behaviour: Behaviour) -> Answer:
    path: str = scope["path"]
    if path == "/ready":
        return plain_text(200, "ready")
    if path == "/":
        return plain_text(
            200,
            f"alloypy dev-sink accepts profiles at {INGEST} and {PUSH_PATH}, and prints a line for each; "
            "a browser shows the last ones as flame graphs",
        )
    if not path.endswith((INGEST, PUSH_PATH)):
        return plain_text(404, "404 page not found")
    if scope["method"] != "POST":
        return empty(405)
    if path.endswith(PUSH_PATH):
        answer = await answer_unary(scope, receive, _Push(scope, report, behaviour), MAX_BODY_BYTES)
        return answer if answer.status != 200 or behaviour.status == 200 else _refusal(behaviour.status)
    try:
        body = await read_body(scope, receive, MAX_BODY_BYTES)
        report(_ingested(scope, body))
    except (BodyError, InvalidLabels) as reason:
        return plain_text(400, str(reason))
    await _misbehave(behaviour)
    return _refusal(behaviour.status)


def _refusal(status: int) -> Answer:
    """The answer of a server, or of a proxy before it, with this status; empty for success."""
    return plain_text(status, status_text(status) or str(status)) if status >= 400 else empty(status)


class _Push:
    """The Push method of one request."""

    def __init__(self, scope: Scope, report: Report, behaviour: Behaviour) -> None:
        self._scope = scope
        self._report = report
        self._behaviour = behaviour

    async def __call__(self, request: UnaryRequest) -> bytes:
        decode = decode_push_json if request.codec == "json" else decode_push
        try:
            series = decode(request.message)
        except (PushWireError, JSONError) as reason:
            raise ConnectError("invalid_argument", str(reason)) from None
        for one in series:
            for sample in one.samples:
                arrival = _arrival(self._scope, "push", one.labels, sample.profile)
                self._report(Arrived(arrival, sample.profile, "pprof"))
        await _misbehave(self._behaviour)
        code = _CODES.get(self._behaviour.status)
        if code is not None:
            raise ConnectError(code, status_text(self._behaviour.status))
        return b"{}" if request.codec == "json" else b""


async def _misbehave(behaviour: Behaviour) -> None:
    if behaviour.hang:
        await asyncio.Event().wait()
    if behaviour.delay:
        await asyncio.sleep(behaviour.delay)


def _ingested(scope: Scope, body: Buffer) -> Arrived:
    """Raises InvalidLabels, as a Pyroscope server refuses a bad `name`."""
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    arrival = _arrival(scope, "ingest", parse_name(query.get("name", [""])[0]), body)
    return Arrived(arrival, body, query.get("format", [""])[0])


def _arrival(scope: Scope, api: str, labels: Mapping[str, str], profile: Buffer) -> Arrival:
    headers = dict(_decoded(scope["headers"]))
    return Arrival(
        api=api,
        path=scope["path"],
        labels=dict(sorted(labels.items())),
        size=len(profile),
        sha256=hashlib.sha256(profile).hexdigest(),
        content_type=headers.get("content-type", ""),
        authorization=describe_authorization(headers.get("authorization", "")),
        tenant=headers.get("x-scope-orgid", ""),
    )


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def describe_authorization(header: str) -> str:
    """`basic auth as "demo"`, `bearer token`, another scheme's name, or `none`; no secret."""
    scheme, _, credentials = header.partition(" ")
    if not scheme:
        return "none"
    if scheme.lower() == "bearer":
        return "bearer token"
    if scheme.lower() != "basic":
        return f"{scheme} credentials"
    try:
        user, colon, _ = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    # Without a colon it may be anything, even a secret.
    return f'basic auth as "{user}"' if colon else "basic auth, unreadable"
