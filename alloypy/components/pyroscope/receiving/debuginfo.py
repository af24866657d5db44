"""The routes that are not hot: the debuginfo proxy, and the answers for unknown paths and methods.

Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.6.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping, MutableMapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from starlette.routing import Route, Router

from alloypy.components.pyroscope.receiving.metrics import Metrics
from alloypy.components.pyroscope.receiving.reception import Reception
from alloypy.components.pyroscope.receiving.record import Record
from alloypy.lang.server_urls import DEBUG_INFO_PATH as SERVICE
from alloypy.net.rpc.codes import CODES, ConnectError, no_json, undecodable
from alloypy.net.rpc.unary import UnaryRequest, answer_unary
from alloypy.net.server.answer import CLOSE, Answer, empty, plain_text, send_messages
from alloypy.net.server.body import (
    App,
    BodyError,
    BodyMalformed,
    ClientLeft,
    Receive,
    Scope,
    Send,
    extension,
)
from alloypy.profiles.allowance import Allowance, Overrun
from alloypy.profiles.json_tokens import JSONError
from alloypy.profiles.message_json import read_json
from alloypy.profiles.model import DeliveryError
from alloypy.profiles.pb import debuginfo_pb2 as pb
from alloypy.profiles.push_wire import INVALID_WIRE
from alloypy.profiles.receiver import DebugInfoClient

_MOST_CALL_BYTES = 64 << 10
_MOST_TOKENS = 2_000
"""The most tokens in a call's message, which names one file and is read in one go."""

_NO_CLIENT = "no downstream endpoints available"
_METHODS: dict[str, tuple[type[Message], type[Message]]] = {
    "ShouldInitiateUpload": (pb.ShouldInitiateUploadRequest, pb.ShouldInitiateUploadResponse),
    "UploadFinished": (pb.UploadFinishedRequest, pb.UploadFinishedResponse),
}

_ROUTES = {SERVICE + method: f"debuginfo_v1alpha1_debuginfoservice_{method.lower()}" for method in _METHODS}
_UPLOAD_ROUTE = "debuginfo_v1alpha1_debuginfoservice_upload_gnu_build_id"
_RECORD = "alloypy.record"


def application(reception: Reception) -> App:
    """All requests except those on the hot routes, routed by Starlette."""
    log = _Log(reception.metrics, reception.logger)
    routes = [Route(SERVICE + method, _Posted(_Call(method, reception, log))) for method in _METHODS]
    routes.append(Route(SERVICE + "Upload/{gnu_build_id}", _Posted(_Upload(reception, log))))

    async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
        await send_messages(reception.astray.answer(scope), send)

    return _Recorded(Router(routes, redirect_slashes=False, default=not_found), reception)


class _Posted:
    """Refuses methods other than POST; only unary calls answer which method is allowed."""

    def __init__(self, inner: App) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await self._inner(scope, receive, send)
            return
        allowed = ((b"allow", b"POST"),) if scope["path"] in _ROUTES else ()
        await send_messages(empty(405, *allowed), send)


class _Recorded:
    """Counts and logs the requests that pass through."""

    def __init__(self, inner: App, reception: Reception) -> None:
        self._inner = inner
        self._reception = reception

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = Record(self._reception, scope, _route_name(scope["method"], scope["path"]))
        scope[_RECORD] = record

        async def watch(message: MutableMapping[str, Any]) -> None:
            record.status = message.get("status", record.status)
            record.sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._inner(scope, receive, watch)
        finally:
            del scope[_RECORD]  # which refers to the scope: only the cycle collector would free the two
            record.close()


class _Log:
    """Counts and logs the calls that are passed on."""

    def __init__(self, metrics: Metrics, logger: logging.Logger) -> None:
        self._metrics = metrics
        self._logger = logger

    def called(self, method: str, fields: Mapping[str, str], failure: Exception | None) -> None:
        """Count and log a call that was passed on or has failed."""
        self._metrics.debuginfo_call(method, success=failure is None)
        known = {"pyroscope_proxy": "debuginfo", "method": f"{method} DS", **fields}
        if failure is None:
            self._logger.debug(method, extra={"fields": {**known, "result": "ok"}})
        else:
            self._logger.error(method, extra={"fields": {**known, "err": str(failure)}})


class _Call:
    """One unary method, passed on to the first destination; an ASGI application."""

    def __init__(self, method: str, reception: Reception, log: _Log) -> None:
        self._method = method
        self._reception = reception
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def call(request: UnaryRequest) -> bytes:
            scope[_RECORD].received = len(request.message)
            return await self._pass_on(request)

        limit = min(_MOST_CALL_BYTES, self._reception.settings.max_body_size)
        await send_messages(await answer_unary(scope, receive, call, limit), send)

    async def _pass_on(self, request: UnaryRequest) -> bytes:
        """The destination's answer, in the request's codec. Raises ConnectError."""
        asked, answered = _METHODS[self._method]
        message = _parse(request, asked)
        try:
            if isinstance(message, pb.ShouldInitiateUploadRequest) and not message.HasField("file"):
                raise ConnectError("invalid_argument", "file is required")
            client = _first_client(self._reception)
            if client is None:
                raise ConnectError("unavailable", _NO_CLIENT)
            within = None
            if request.deadline is not None:
                within = request.deadline - asyncio.get_running_loop().time()
            answer = await client.call(self._method, message.SerializeToString(), within)
        except DeliveryError as failure:
            self._log.called(self._method, _identity(message), failure)
            code = failure.code if failure.code in CODES else "unknown"
            raise ConnectError(code, str(failure)) from None
        except ConnectError as failure:
            self._log.called(self._method, _identity(message), failure)
            raise
        self._log.called(self._method, _identity(message), None)
        if request.codec == "proto":
            return answer
        values = json_format.MessageToDict(answered.FromString(answer))
        return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


class _Upload:
    """Streams a debug-info file to the first destination; an ASGI application."""

    def __init__(self, reception: Reception, log: _Log) -> None:
        self._reception = reception
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        build_id = scope["path_params"]["gnu_build_id"]
        await send_messages(await self._answer(scope, receive, build_id), send)

    async def _answer(self, scope: Scope, receive: Receive, build_id: str) -> Answer:
        fields = {"gnu_build_id": build_id}
        client = _first_client(self._reception)
        if client is None:
            self._log.called("Upload", fields, RuntimeError(_NO_CLIENT))
            return plain_text(503, _NO_CLIENT)
        within = self._reception.settings.debug_info_upload_timeout
        offered = extension(scope)
        if offered is not None:
            offered.extend_deadlines(within)
        try:
            await client.upload(build_id, _parts(scope, receive), within)
        except ClientLeft:
            raise
        except BodyMalformed as failure:
            self._log.called("Upload", fields, failure)
            return plain_text(400, str(failure), CLOSE)
        except (DeliveryError, BodyError) as failure:
            self._log.called("Upload", fields, failure)
            broken = (CLOSE,) if isinstance(failure, BodyError) else ()
            return plain_text(502, f"downstream upload: {failure}", *broken)
        self._log.called("Upload", fields, None)
        return empty(200)


async def _parts(scope: Scope, receive: Receive) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises BodyError."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientLeft("client disconnected")
        part = message.get("body", b"")
        scope[_RECORD].received += len(part)
        more = message.get("more_body", False)
        if part:
            yield part


def _first_client(reception: Reception) -> DebugInfoClient | None:
    return next(iter(reception.fanout.debug_info_clients()), None)


def _parse(request: UnaryRequest, kind: type[Message]) -> Message:
    """The request's message. Raises ConnectError."""
    try:
        if request.codec == "proto":
            return kind.FromString(bytes(request.message))
        if not request.message:
            raise no_json()
        return kind(**read_json(request.message, kind, Allowance(_MOST_TOKENS)))
    except DecodeError:
        reason = INVALID_WIRE
    except (JSONError, Overrun) as fault:
        reason = str(fault)
    raise undecodable(f"debuginfov1alpha1.{kind.DESCRIPTOR.name}", reason)


def _identity(message: Message) -> dict[str, str]:
    """The fields of a request that are logged."""
    if isinstance(message, pb.UploadFinishedRequest):
        return {"gnu_build_id": message.gnu_build_id}
    if isinstance(message, pb.ShouldInitiateUploadRequest):
        about = message.file
        return {
            "name": about.name,
            "gnu_build_id": about.gnu_build_id,
            "go_build_id": about.go_build_id,
            "otel_file_id": about.otel_file_id,
        }
    return {}


def _route_name(method: str, path: str) -> str:
    if path in _ROUTES:
        return _ROUTES[path]
    upload = path.removeprefix(SERVICE + "Upload/")
    matches = method == "POST" and upload != path and upload and "/" not in upload
    return _UPLOAD_ROUTE if matches else "other"
