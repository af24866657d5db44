"""The HTTP application of pyroscope.receive_http: two hot routes in plain ASGI, the rest behind them.

Source: docs/spec/PYROSCOPE.md, sections 3.3 to 3.9.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from alloypy.components.pyroscope.receiving.astray import Astray
from alloypy.components.pyroscope.receiving.decoding import decode
from alloypy.components.pyroscope.receiving.forwarding import Failure, Forwarding
from alloypy.components.pyroscope.receiving.metrics import INGEST_ROUTE, PUSH_ROUTE
from alloypy.lang.brief import brief
from alloypy.lang.go.duration import format_duration
from alloypy.lang.go.text import quote
from alloypy.lang.secrecy import hide
from alloypy.net.http_status import status_text
from alloypy.net.rpc.codes import CODES, ConnectError
from alloypy.net.rpc.unary import RETRY_LATER, UnaryRequest, answer_unary
from alloypy.net.server.answer import (
    CLOSE,
    Answer,
    empty,
    plain_text,
    send_answer,
    send_messages,
    written_at_once,
)
from alloypy.net.server.body import (
    App,
    BodyError,
    BodyMalformed,
    BodyTooLarge,
    ClientLeft,
    OverBudget,
    Receive,
    Scope,
    Send,
    arrived_body,
    holder,
    read_body,
)
from alloypy.net.server.http1.head import ORIGIN
from alloypy.profiles.ingest_name import ingest_labels
from alloypy.profiles.labels import InvalidLabels, with_service_name
from alloypy.profiles.model import (
    DeliveryError,
    IngestProfile,
    Labels,
    ProfilesReceiver,
    Push,
    RawSample,
    Series,
)
from alloypy.runtime.contract.component import Options
from alloypy.runtime.contract.events import Event, Failed, Received
from alloypy.tracing import SpanKind, Trace, Tracer

if TYPE_CHECKING:
    from alloypy.components.pyroscope.receiving.metrics import Metrics

INGEST = "/ingest"
PUSH_SERVICE = "/push.v1.PusherService/"
PUSH = f"{PUSH_SERVICE}Push"

_OK = empty(200)
_NO_METHOD = empty(405)
_BROKEN = empty(500, CLOSE)  # of a body that ends early, or does not come
_SHUTTING_DOWN = plain_text(503, "the receiver is shutting down", RETRY_LATER, CLOSE)
_EMPTY_MESSAGES = {"proto": b"", "json": b"{}"}

# Statuses of a backend that a Push client gets as they are; Connect has no code for some.
_PASSED_ON = frozenset({400, 401, 403, 404, 409, 413, 422, 429})
_QUIET = frozenset({502, 503})
_CLIENT_LEFT = 499
_LARGE_QUERY = 16 << 10
_QUERY_COPIES = 8  # decoded, with up to four bytes a character, and written again
_LONGEST_PATH = 256
_LONGEST_REASON = 1000
_BAD_ESCAPE = re.compile(b"%(?![0-9a-fA-F]{2})")


class Settings(NamedTuple):
    """What the application needs of the arguments.

    max_body_size: bytes, also of an unpacked body. forward_headers: lower-case names of request
    headers that are passed on. debug_info_upload_timeout: seconds.
    """

    max_body_size: int
    forward_headers: frozenset[bytes]
    debug_info_upload_timeout: float


class Application:
    """Receives profiles and forwards them; an ASGI application.

    settings and forwarding may be replaced at any time; a request keeps those it began with.
    """

    def __init__(
        self,
        settings: Settings,
        forwarding: Forwarding,
        metrics: Metrics,
        options: Options,
    ) -> None:
        self.settings = settings
        self.forwarding = forwarding
        self._metrics = metrics
        self.events = options.events
        self._id = options.global_id
        self._logger = options.logger
        self._tracer = options.tracer
        self._rest: App | None = None
        self.astray = Astray(options.logger)

    def server(self) -> ServerApplication:
        """The application for one server, which can be told that this server is closing."""
        return ServerApplication(self)

    def answer(self, scope: Scope, receive: Receive, send: Send, *, draining: bool) -> Awaitable[None]:
        """Answer one request, whatever it is. Not a coroutine itself: every one more costs each request."""
        method, path = scope["method"], scope["path"]
        hot = path in (INGEST, PUSH)
        if draining:
            return self._refuse(scope, send, _SHUTTING_DOWN)
        if hot and method == "POST":
            return self._answer_hot(scope, receive, send)
        if hot or path.startswith(PUSH_SERVICE):
            return self._refuse(scope, send, self.astray.answer(scope) if method == "POST" else _NO_METHOD)
        if path == "*" and method == "OPTIONS":
            return send_answer(_OK, scope, send)  # asks about the server, not about anything it serves
        if (clean := clean_path(path)) != path:
            self.astray.note(scope)
            return self._refuse(scope, send, _moved(scope, clean))
        return self._answer_rest(scope, receive, send)

    async def _answer_hot(self, scope: Scope, receive: Receive, send: Send) -> None:
        ingest = scope["path"] == INGEST
        record = self.record(scope, INGEST_ROUTE if ingest else PUSH_ROUTE)
        request = _Request(self, scope, receive, record.trace)
        try:
            answer = await (request.ingest() if ingest else request.push())
            record.status, record.body = answer.status, answer.body
            record.quiet = answer is _BROKEN
            if not written_at_once(answer, scope):
                await send_messages(answer, send)
        except ClientLeft:
            record.status = _CLIENT_LEFT
            raise
        except asyncio.CancelledError:
            record.status = _SHUTTING_DOWN.status
            self._drop(request.profiles)
            await send_answer(_SHUTTING_DOWN, scope, send)
            raise
        finally:
            record.received = request.received
            record.close()

    async def _answer_rest(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._rest is None:
            from alloypy.components.pyroscope.receiving.debuginfo import application

            self._rest = application(self, self._metrics, self._logger)
        await self._rest(scope, receive, send)

    async def _refuse(self, scope: Scope, send: Send, answer: Answer) -> None:
        record = self.record(scope, "other")
        record.status, record.body = answer.status, answer.body
        record.close()
        await send_answer(answer, scope, send)

    def record(self, scope: Scope, route: str) -> Record:
        """What is counted and logged about a request on a route; its `close` does it."""
        record = Record(self._metrics, self._logger, scope, route)
        if self._tracer.receiving:
            record.begin_trace(self._tracer)
        return record

    def _drop(self, profiles: int) -> None:
        if profiles:
            self._metrics.dropped("shutdown", profiles)
            fields = {"profiles": profiles}
            self._logger.warning("profiles dropped at shutdown", extra={"fields": fields})

    def lost(self, profiles: int) -> None:
        """Profiles were received that nobody wants."""
        self._metrics.dropped("no_destination", profiles)

    def publish(self, series: Sequence[Series], receivers: Sequence[ProfilesReceiver]) -> None:
        """Publish that profiles were received, and lost if there is no receiver for them."""
        self.events.publish_each(map(self._received, series), len(series))
        if not receivers:
            self.events.publish_each(map(self._unwanted, series), len(series))

    def _received(self, one: Series) -> Event:
        return Received(self._id, one.labels, [sample.profile for sample in one.samples])

    def _unwanted(self, one: Series) -> Event:
        body = [sample.profile for sample in one.samples]
        return Failed(self._id, one.labels, body, "forward_to is empty")

    def refused(self, message: str, reason: Exception) -> None:
        """Log why a request could not be served."""
        self._logger.warning(message, extra={"fields": {"err": str(reason)}})


class Record:
    """What is counted and logged about one request. Bytes: `received` of its body, `body` of the answer.

    quiet: whether the failure is the client's own, and has been told.
    trace: of what the request causes, None when nobody wants to know.
    """

    __slots__ = (
        "_began",
        "_counted",
        "_logger",
        "_metrics",
        "_outer",
        "_route",
        "_scope",
        "body",
        "quiet",
        "received",
        "sent",
        "status",
        "trace",
    )

    def __init__(self, metrics: Metrics, logger: logging.Logger, scope: Scope, route: str) -> None:
        self._metrics = metrics
        self._logger = logger
        self._scope = scope
        self._route = route
        self._counted = metrics.begin(scope["method"], route)
        self._began = monotonic()
        self.status = 500
        self.quiet = False
        self.received = 0
        self.sent = 0
        self.body = b""
        self.trace: Trace | None = None

    def begin_trace(self, tracer: Tracer) -> None:
        """Make the request a span of the client's trace or of a new one."""
        self._outer = tracer.receive(self._scope["headers"])
        self.trace = self._outer._replace(parent=tracer.span())

    def _end_trace(self, span: str, seconds: float) -> None:
        method = self._scope["method"]
        attributes = {
            "http.request.method": method,
            "http.response.status_code": self.status,
            "url.path": self._scope["path"],
        }
        error = "" if self.status >= 500 else None
        name = f"HTTP {method} - {self._route}"
        self._outer.record(name, SpanKind.SERVER, span, seconds, attributes, error)

    def close(self) -> None:
        """Count the request and write its line: a warning when it failed here, without the query."""
        seconds = monotonic() - self._began
        self._metrics.finish(self._counted, self.status, seconds, self.received, self.sent or len(self.body))
        if self.trace is not None and self.trace.recorder is not None:
            self._end_trace(self.trace.parent, seconds)
        failed = self.status >= 500 and self.status not in _QUIET and not self.quiet
        level = logging.WARNING if failed else logging.DEBUG
        if not self._logger.isEnabledFor(level):
            return
        took = format_duration(int(seconds * 1e9))
        line = f"{self._scope['method']} {brief(self._scope['path'], _LONGEST_PATH)} ({self.status}) {took}"
        if failed:
            line += f" Response: {quote(self.body.decode('utf-8', 'surrogateescape'))}"
        self._logger.log(level, "%s", line)


class ServerApplication:
    """The application as one server sees it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.draining = False

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self._application.answer(scope, receive, send, draining=self.draining)


class _Request:
    """A request on a hot route.

    received: bytes of its body.
    """

    __slots__ = (
        "_application",
        "_forwarding",
        "_receive",
        "_scope",
        "_series",
        "_settings",
        "_trace",
        "received",
    )

    def __init__(self, application: Application, scope: Scope, receive: Receive, trace: Trace | None) -> None:
        self._application = application
        self._settings = application.settings
        self._forwarding = application.forwarding
        self._scope = scope
        self._receive = receive
        self._trace = trace
        self._series: Sequence[Series] | None = ()  # on their way; None = an /ingest profile is
        self.received = 0

    @property
    def profiles(self) -> int:
        """How many profiles of it are on their way."""
        return 1 if self._series is None else sum(len(one.samples) for one in self._series)

    async def ingest(self) -> Answer:
        """Receive and forward an /ingest profile. Raises ClientLeft."""
        query = self._scope["query_string"]
        try:
            if len(query) > _LARGE_QUERY:
                holder(self._scope)(_QUERY_COPIES * len(query))
            labels = ingest_labels(name_parameter(query))
        except OverBudget as reason:
            return _unread(reason)
        except InvalidLabels as reason:
            self._application.refused("Failed to parse labels from name parameter", reason)
            return plain_text(400, f"name: {reason}")
        body = arrived_body(self._scope, self._settings.max_body_size)
        if body is None:
            try:
                body = await read_body(self._scope, self._receive, self._settings.max_body_size)
            except ClientLeft:
                raise
            except BodyError as reason:
                self._application.refused("Failed to read request body", reason)
                return _unread(reason)
        self.received = len(body)
        kinds, encoding, passed = self._headers()
        self._series = None
        if self._application.events.wanted:
            self._application.publish((Series(labels, (RawSample(body),)),), self._forwarding.receivers)
        try:
            if not self._forwarding.receivers:
                self._application.lost(1)
            await self._forwarding.ingest(
                IngestProfile(
                    (body,),
                    labels,
                    self._scope["path"],
                    query.decode("ascii", "surrogateescape"),
                    kinds,
                    encoding,
                    passed,
                    self._trace,
                )
            )
        except Failure as failure:
            self._application.refused("Failed to ingest profiles", failure)
            return _ingest_failed(failure.lead)
        return _OK

    def _headers(self) -> tuple[Sequence[str], str, Sequence[tuple[str, str]]]:
        """Content types, content encoding, and what is to be passed on besides."""
        kinds = []
        encoding = ""
        passed = []
        wanted = self._settings.forward_headers
        for name, value in self._scope["headers"]:
            if name == b"content-type":
                kinds.append(value.decode("utf-8", "surrogateescape"))
            elif name == b"content-encoding":
                encoding = encoding or value.decode("utf-8", "surrogateescape")
            elif wanted and name in wanted:
                passed.append((name.decode("ascii"), value.decode("utf-8", "surrogateescape")))
        return kinds, encoding, passed

    def push(self) -> Awaitable[Answer]:
        """Receive and forward a Push. Raises ClientLeft."""
        return answer_unary(self._scope, self._receive, self._push, self._settings.max_body_size)

    async def _push(self, request: UnaryRequest) -> bytes:
        self.received = len(request.message)
        series = await decode(request, with_service_name, holder(self._scope))
        self._series = series
        if series:
            if self._application.events.wanted:
                self._application.publish(series, self._forwarding.receivers)
            if not self._forwarding.receivers:
                self._application.lost(self.profiles)
            passed = self._headers()[2] if self._settings.forward_headers else ()
            push = Push(series, request.deadline, passed, self._trace)
            try:
                await self._forwarding.push(push, partial(self._sent_labels, request))
            except Failure as failure:
                self._application.refused("Failed to forward profiles requests", failure)
                raise _push_failed(failure) from None
        return _EMPTY_MESSAGES[request.codec]

    async def _sent_labels(self, request: UnaryRequest, positions: Sequence[int]) -> Sequence[Labels]:
        series = await decode(request, None, holder(self._scope))
        return [series[position].labels for position in positions]


def name_parameter(query: bytes) -> bytes:
    """The first `name` of a query, still encoded; empty when there is none or it cannot be read.

    Pieces that Go cannot read are passed over. Source: docs/spec/PYROSCOPE.md, section 3.4.
    """
    for piece in query.split(b"&"):
        key, _, value = piece.partition(b"=")
        if key != b"name" and (b"%" not in key or unquote_to_bytes(key) != b"name"):
            continue
        if b";" not in piece and not _BAD_ESCAPE.search(piece):
            return value
    return b""


def clean_path(path: str) -> str:
    """The path without empty, `.` and `..` parts, as Go's routers redirect to it."""
    if path.startswith("/") and "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    cleaned = "/" + "/".join(kept)
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned


def _moved(scope: Scope, path: str) -> Answer:
    location = quote_from_bytes(path.encode("utf-8", "surrogateescape"), safe="/$&+,:;=@")
    query = scope["query_string"]
    written = scope.get(ORIGIN, b"") + location.encode("ascii") + (b"?" + query if query else b"")
    return empty(301, (b"location", written))


def _unread(reason: BodyError) -> Answer:
    """The answer to an /ingest request whose body could not be received."""
    if isinstance(reason, BodyTooLarge):
        return plain_text(413, str(reason), CLOSE)
    if isinstance(reason, OverBudget):
        return plain_text(503, str(reason), RETRY_LATER, CLOSE)
    if isinstance(reason, BodyMalformed):
        return plain_text(400, str(reason), CLOSE)
    return _BROKEN


def _ingest_failed(error: DeliveryError) -> Answer:
    """The answer for a profile that was not delivered: the backend's own status and reason, if it had any."""
    status = error.status
    if status is not None and status >= 200:
        told = error.reason if status >= 400 else ""
        return plain_text(status, ": ".join(filter(None, (status_text(status), told))))
    if error.code == "invalid_argument":
        return plain_text(400, str(error))
    reason = hide(brief(" ".join(str(error).split()), _LONGEST_REASON))
    return plain_text(500, f"Failed to process request: {reason}")


def _push_failed(failure: Failure) -> ConnectError:
    code = failure.lead.code if failure.lead.code in CODES else "internal"
    status = failure.lead.status
    passed = status if code != "internal" and status in _PASSED_ON else None
    return ConnectError(code, str(failure), status=passed)
