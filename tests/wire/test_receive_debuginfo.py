"""The debuginfo proxy of pyroscope.receive_http."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterable
from typing import Any

import pytest

from alloypy.lang.go.duration import Duration
from alloypy.profiles.model import DeliveryError
from alloypy.profiles.pb import debuginfo_pb2 as pb
from tests.support.receiving import Collected, arguments, ask, connected, receiving, request_bytes

pytestmark = pytest.mark.anyio

SERVICE = "/debuginfo.v1alpha1.DebuginfoService/"
JSON = [("Content-Type", "application/json")]
PROTO = [("Content-Type", "application/proto")]
ASK = b'{"file":{"gnuBuildId":"abc","name":"x"},"later":1}'


class Backend:
    """A destination's debuginfo service that remembers what it was asked."""

    def __init__(self, failure: DeliveryError | None = None) -> None:
        self.failure = failure
        self.calls: list[tuple[str, bytes, float | None]] = []
        self.uploads: list[tuple[str, bytes, float]] = []

    async def call(self, method: str, message: bytes, within: float | None) -> bytes:
        self.calls.append((method, message, within))
        if self.failure is not None:
            raise self.failure
        if method == "UploadFinished":
            return b""
        answer = pb.ShouldInitiateUploadResponse(should_initiate_upload=True, reason="é")
        return answer.SerializeToString()

    async def upload(self, build_id: str, body: AsyncIterable[bytes], within: float) -> None:
        content = b""
        async for part in body:
            content += part
        if self.failure is not None:
            raise self.failure
        self.uploads.append((build_id, content, within))


def with_backends(*backends: Backend) -> Collected:
    collected = Collected()
    collected.clients = backends
    return collected


async def test_calls_are_passed_on_to_the_first_destination() -> None:
    first, second = Backend(), Backend()
    given = arguments(Collected(), with_backends(first, second), with_backends(Backend()))
    async with receiving(given) as receiver:
        reply = await ask(receiver.port, SERVICE + "ShouldInitiateUpload", ASK, JSON)
        assert (reply.status, json.loads(reply.body)) == (200, {"shouldInitiateUpload": True, "reason": "é"})
        message = pb.UploadFinishedRequest(gnu_build_id="abc").SerializeToString()
        headers = [*PROTO, ("Connect-Timeout-Ms", "60000")]
        reply = await ask(receiver.port, SERVICE + "UploadFinished", message, headers)
        assert (reply.status, reply.body) == (200, b"")
        calls = "debuginfo_downstream_calls_total"
        assert receiver.metric(calls, method="ShouldInitiateUpload", result="success") == 1
        assert receiver.metric(calls, method="UploadFinished", result="success") == 1
        route = "debuginfo_v1alpha1_debuginfoservice_uploadfinished"
        assert receiver.metric("request_message_bytes_sum", method="POST", route=route) == len(message)
        answered = {"method": "POST", "route": route, "status_code": "200", "ws": "false"}
        assert receiver.metric("request_duration_seconds_count", **answered) == 1
    (method, asked, within), (finished, _, deadline) = first.calls
    assert (method, finished, within) == ("ShouldInitiateUpload", "UploadFinished", None)
    assert pb.ShouldInitiateUploadRequest.FromString(asked).file.gnu_build_id == "abc"
    assert deadline is not None
    assert 0 < deadline <= 60
    assert second.calls == []


@pytest.mark.parametrize("packed", [False, True])
async def test_a_call_of_unusual_size_is_refused(packed: bool) -> None:
    backend = Backend()
    body = b'{"x":[' + b"[]," * 30_000 + b"[]]}"
    headers = [*JSON, ("Content-Encoding", "gzip")] if packed else JSON
    async with receiving(arguments(with_backends(backend))) as receiver:
        sent = gzip.compress(body) if packed else body
        reply = await ask(receiver.port, SERVICE + "UploadFinished", sent, headers)
        assert (reply.status, json.loads(reply.body)["code"]) == (413, "resource_exhausted")
    assert not backend.calls


async def test_errors_of_the_destination_keep_their_code() -> None:
    backend = Backend(DeliveryError("no such tenant", code="permission_denied", status=403))
    async with receiving(arguments(with_backends(backend))) as receiver:
        reply = await ask(receiver.port, SERVICE + "ShouldInitiateUpload", ASK, JSON)
        assert (reply.status, json.loads(reply.body)) == (
            403,
            {"code": "permission_denied", "message": "no such tenant"},
        )
        calls = "debuginfo_downstream_calls_total"
        assert receiver.metric(calls, method="ShouldInitiateUpload", result="failure") == 1
        assert any("no such tenant" in line for line in receiver.log.lines)


@pytest.mark.parametrize("method", ["ShouldInitiateUpload", "UploadFinished"])
async def test_without_destination_calls_are_unavailable(method: str) -> None:
    async with receiving(arguments()) as receiver:
        reply = await ask(receiver.port, SERVICE + method, ASK, JSON)
        told = {"code": "unavailable", "message": "no downstream endpoints available"}
        assert (reply.status, json.loads(reply.body)) == (503, told)
        reply = await ask(receiver.port, SERVICE + "Upload/abc", b"elf")
        assert (reply.status, reply.body) == (503, b"no downstream endpoints available\n")


WRONG = "unmarshal message: unmarshal into *debuginfov1alpha1.ShouldInitiateUploadRequest: "
NO_STRING = "(line 1:17): invalid value for string field name: 1"


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (JSON, b"{}", "file is required"),
        (PROTO, b"", "file is required"),
        (JSON, b"", "unmarshal message: zero-length payload is not a valid JSON object"),
        (JSON, b"[" * 5000, WRONG + "proto:\u00a0syntax error (line 1:1): unexpected token ["),
        (JSON, b"{nope", WRONG + "proto:\u00a0syntax error (line 1:2): invalid value nope"),
        (
            JSON,
            b'{"file":{"name":1}}',
            WRONG + "proto:\u00a0(line 1:17): invalid value for string field name: 1",
        ),
        (JSON, b'{"x":[' + b"[]," * 10_000 + b"1]}", WRONG + "more than 2000 fields"),
        (PROTO, b"\xff\xff", WRONG + "proto:\u00a0cannot parse invalid wire-format data"),
    ],
)
async def test_calls_that_make_no_sense_are_refused(headers: Any, body: bytes, reason: str) -> None:
    async with receiving(arguments(with_backends(Backend()))) as receiver:
        reply = await ask(receiver.port, SERVICE + "ShouldInitiateUpload", body, headers)
    answer = json.loads(reply.body)
    assert (reply.status, answer["code"]) == (400, "invalid_argument")
    assert answer["message"] == reason


@pytest.mark.parametrize("size", [0, 3, 5_000_000])
async def test_files_are_streamed_to_the_destination(size: int) -> None:
    backend = Backend()
    content = bytes(range(250)) * (size // 250) + b"x" * (size % 250)
    # Far more than may be held or received in one piece.
    given = arguments(with_backends(backend), max_body_size=1000, max_bytes_in_flight=600_000)
    async with receiving(given) as receiver:
        reply = await ask(receiver.port, SERVICE + "Upload/ab%20c", content)
        assert (reply.status, reply.body) == (200, b"")
        route = "debuginfo_v1alpha1_debuginfoservice_upload_gnu_build_id"
        assert receiver.metric("request_message_bytes_sum", method="POST", route=route) == size
    assert backend.uploads == [("ab c", content, 120.0)]


async def test_an_upload_has_more_time_than_other_requests() -> None:
    backend = Backend()
    short = {f"server_{kind}_timeout": Duration(100_000_000) for kind in ("read", "write")}
    given = arguments(with_backends(backend), http=short)
    async with receiving(given) as receiver, connected(receiver.port) as client:
        raw = request_bytes(SERVICE + "Upload/abc", b"elf")
        await client.send(raw[:-1])
        await asyncio.sleep(0.2)
        await client.send(raw[-1:])
        assert (await client.reply()).status == 200


async def test_a_failed_upload_is_a_bad_gateway() -> None:
    backend = Backend(DeliveryError("upload: HTTP 404 (duration 1.5s)"))
    async with receiving(arguments(with_backends(backend))) as receiver:
        reply = await ask(receiver.port, SERVICE + "Upload/abc", b"elf")
        assert (reply.status, reply.body) == (502, b"downstream upload: upload: HTTP 404 (duration 1.5s)\n")
        assert receiver.metric("debuginfo_downstream_calls_total", method="Upload", result="failure") == 1


async def test_an_upload_whose_client_leaves_does_not_count_as_complete() -> None:
    backend = Backend()
    async with receiving(arguments(with_backends(backend))) as receiver:
        async with connected(receiver.port) as client:
            await client.send(request_bytes(SERVICE + "Upload/abc", b"x" * 300_000)[:-1])
        route = "debuginfo_v1alpha1_debuginfoservice_upload_gnu_build_id"
        while receiver.metric("inflight_requests", method="POST", route=route) != 0:
            await asyncio.sleep(0.001)
    assert backend.uploads == []
