"""The official Connect client against pyroscope.receive_http, and pyroscope.write against its server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alloypy.profiles.model import DeliveryError, Push
from alloypy.profiles.pb import push_pb2
from tests.support.pipeline import pipeline
from tests.support.receiving import Collected, arguments, receiving

pytest.importorskip("connectrpc", reason="the official Connect library, connectrpc, is not installed")

import uvicorn
from connectrpc.client import ConnectClient
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_codecs, google_protobuf_json_codec
from connectrpc.compression import Compression
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.protocol import ProtocolType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint

pytestmark = pytest.mark.anyio

METHOD = MethodInfo(
    name="Push",
    service_name="push.v1.PusherService",
    input=push_pb2.PushRequest,
    output=push_pb2.PushResponse,
    stream_type=StreamType.UNARY,
    idempotency_level=IdempotencyLevel.UNKNOWN,
)
CODECS = {"proto": google_protobuf_binary_codec(), "json": google_protobuf_json_codec()}
COMPRESSIONS = {"gzip": GzipCompression(), "plain": None}
PROTOCOLS = [ProtocolType.CONNECT, ProtocolType.GRPC_WEB]
LABELS = {"__name__": "process_cpu", "service_name": "shop", "zone": "ü-1"}
RAW = bytes(range(256)) * 300
SAMPLES = [(RAW, "one"), (b"", "two")]
FORWARDED = LABELS | {"app_name": "process_cpu", "env": "test"}
CONFIG = """
pyroscope.receive_http "default" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = RECV
  }
  forward_to = [pyroscope.write.backend.receiver]
}

pyroscope.write "backend" {
  endpoint {
    url                 = "http://127.0.0.1:PORT"
    remote_timeout      = "7s"
    min_backoff_period  = "1ms"
    max_backoff_period  = "1ms"
    max_backoff_retries = 3
    headers             = {"X-Team" = "red"}

    basic_auth {
      username = "shop"
      password = "hush"
    }
  }
  external_labels = {"env" = "test"}
}
"""


def push_request(*labels: dict[str, str], raw: bytes = RAW) -> push_pb2.PushRequest:
    """One series with two samples for each label set."""
    return push_pb2.PushRequest(
        series=[
            push_pb2.RawProfileSeries(
                labels=[push_pb2.LabelPair(name=name, value=value) for name, value in each.items()],
                samples=[
                    push_pb2.RawSample(raw_profile=raw, ID="one"),
                    push_pb2.RawSample(raw_profile=b"", ID="two"),
                ],
            )
            for each in labels or (LABELS,)
        ]
    )


async def send(port: int, request: push_pb2.PushRequest, **options: Any) -> push_pb2.PushResponse:
    """Push with the official client; our schema's messages unless a codec is given. Raises ConnectError."""
    options = {"codec": CODECS["proto"], **options}
    async with ConnectClient(f"http://127.0.0.1:{port}", **options) as client:
        return await client.execute_unary(request=request, method=METHOD)


class Call(NamedTuple):
    """What the official server saw: the message, its headers, and milliseconds until the deadline."""

    request: push_pb2.PushRequest
    headers: dict[str, str]
    timeout: float | None

    @property
    def series(self) -> list[tuple[dict[str, str], list[tuple[bytes, str]]]]:
        """Labels and samples of each series."""
        return [
            (
                {pair.name: pair.value for pair in series.labels},
                [(sample.raw_profile, sample.ID) for sample in series.samples],
            )
            for series in self.request.series
        ]


class Pusher:
    """The service behind the official server. answer: gets the number of each call from 1; may raise."""

    def __init__(self, answer: Callable[[int], None] = lambda _: None) -> None:
        self.calls: list[Call] = []
        self._answer = answer

    async def push(self, request: push_pb2.PushRequest, context: RequestContext) -> push_pb2.PushResponse:
        headers = dict(context.request_headers.allitems())
        self.calls.append(Call(request, headers, context.timeout_ms))
        self._answer(len(self.calls))
        return push_pb2.PushResponse()


class Application(ConnectASGIApplication[Pusher]):
    """The official server's application, as its code generator would write it."""

    def __init__(self, service: Pusher, **options: Any) -> None:
        super().__init__(
            service=service,
            endpoints=lambda service: {f"{self.path}/Push": Endpoint.unary(METHOD, service.push)},
            codecs=google_protobuf_codecs(),
            **options,
        )

    @property
    def path(self) -> str:
        return f"/{METHOD.service_name}"


@asynccontextmanager
async def served(service: Pusher, **options: Any) -> AsyncIterator[int]:
    """The official server on a port while the block lasts."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(Application(service, **options), ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def relay(service: Pusher, storage: Path, **options: Any) -> AsyncIterator[Any]:
    """Our receiver and sender before the official server."""
    async with (
        served(service, **options) as port,
        pipeline(CONFIG.replace("PORT", str(port)), storage) as running,
    ):
        yield running


# Its client, our server


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda each: each.name.lower())
async def test_pushes_arrive_whole(protocol: ProtocolType, codec: str, compression: str) -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver:
        answer = await send(
            receiver.port,
            push_request(LABELS, LABELS | {"zone": "b"}),
            protocol=protocol,
            codec=CODECS[codec],
            send_compression=COMPRESSIONS[compression],
        )
    assert answer == push_pb2.PushResponse()
    (push,) = collected.pushes
    assert [series.labels["zone"] for series in push.series] == ["ü-1", "b"]
    for series in push.series:
        assert series.labels.items() >= (LABELS | {"zone": series.labels["zone"]}).items()
        assert [(sample.profile, sample.id) for sample in series.samples] == SAMPLES


@pytest.mark.parametrize("accepted", [[], [GzipCompression()]], ids=["plain", "gzip"])
@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda each: each.name.lower())
async def test_answers_to_plain_requests_are_packed_as_it_accepts_them(
    protocol: ProtocolType, accepted: list[Compression]
) -> None:
    async with receiving(arguments(Collected())) as receiver:
        answer = await send(
            receiver.port,
            push_request(),
            protocol=protocol,
            accept_compression=accepted,
            send_compression=None,
        )
    assert answer == push_pb2.PushResponse()


@pytest.mark.parametrize("code", Code, ids=lambda each: each.value)
@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda each: each.name.lower())
async def test_it_understands_every_error(protocol: ProtocolType, code: Code) -> None:
    def fail(_: Push) -> None:
        raise DeliveryError('no: "ü" 100%', code=code.value)

    async with receiving(arguments(Collected(fail))) as receiver:
        with pytest.raises(ConnectError) as caught:
            await send(receiver.port, push_request(), protocol=protocol)
    assert caught.value.code is code
    assert 'no: "ü" 100%' in caught.value.message


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda each: each.name.lower())
async def test_it_is_told_what_is_wrong_with_a_request(protocol: ProtocolType) -> None:
    collected = Collected()
    async with receiving(arguments(collected, max_body_size=1 << 16)) as receiver:
        with pytest.raises(ConnectError) as too_large:
            await send(receiver.port, push_request(), protocol=protocol, send_compression=None)
        with pytest.raises(ConnectError) as unpacked_too_large:
            await send(receiver.port, push_request(), protocol=protocol)
        with pytest.raises(ConnectError) as unknown:
            await send(receiver.port, push_request(), protocol=protocol, send_compression=Reversed())
    assert too_large.value.code is Code.RESOURCE_EXHAUSTED
    assert unpacked_too_large.value.code is Code.RESOURCE_EXHAUSTED
    assert unknown.value.code is Code.UNIMPLEMENTED
    assert 'unknown compression "reversed"' in unknown.value.message
    assert collected.pushes == []


class Reversed(Compression):
    """An unknown compression."""

    def name(self) -> str:
        return "reversed"

    def compress(self, data: bytes | bytearray | memoryview) -> bytes:
        return bytes(data)[::-1]

    def decompress(self, data: bytes | bytearray | memoryview, read_max_bytes: int | None = None) -> bytes:
        return bytes(data)[::-1]


async def test_its_deadline_reaches_the_destinations() -> None:
    collected = Collected()
    async with receiving(arguments(collected)) as receiver:
        now = asyncio.get_running_loop().time()
        await send(receiver.port, push_request(), timeout_ms=60_000)
    deadline = collected.pushes[0].deadline
    assert deadline is not None
    assert now + 30 < deadline < now + 90


# Our client, its server


async def test_its_server_gets_what_its_client_sent(tmp_path: Path) -> None:
    service = Pusher()
    async with relay(service, tmp_path) as running:
        await send(running.port, push_request(LABELS, LABELS | {"zone": "b"}))
        assert running.metric("pyroscope_write_sent_profiles_total") == 4
    assert len(service.calls) == 2
    sent = sorted((call.series for call in service.calls), key=str)
    assert sent == sorted(([(FORWARDED, SAMPLES)], [(FORWARDED | {"zone": "b"}, SAMPLES)]), key=str)
    for call in service.calls:
        assert call.headers["authorization"] == "Basic c2hvcDpodXNo"
        assert call.headers["x-team"] == "red"
        assert call.headers["connect-protocol-version"] == "1"
        assert call.timeout is not None
        assert call.timeout <= 7000


@pytest.mark.parametrize("code", [Code.INVALID_ARGUMENT, Code.PERMISSION_DENIED, Code.UNAUTHENTICATED])
async def test_its_refusals_are_final_and_passed_on(code: Code, tmp_path: Path) -> None:
    def refuse(_: int) -> None:
        raise ConnectError(code, "not you")

    service = Pusher(refuse)
    async with relay(service, tmp_path) as running:
        with pytest.raises(ConnectError) as caught:
            await send(running.port, push_request())
        assert running.metric("pyroscope_write_dropped_profiles_total") == 2
    assert len(service.calls) == 1
    assert caught.value.code is code
    assert "not you" in caught.value.message


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.INTERNAL, Code.UNKNOWN, Code.ABORTED])
async def test_its_passing_faults_are_tried_again(code: Code, tmp_path: Path) -> None:
    def fail_twice(number: int) -> None:
        if number < 3:
            raise ConnectError(code, "later")

    service = Pusher(fail_twice)
    async with relay(service, tmp_path) as running:
        await send(running.port, push_request())
        assert running.metric("pyroscope_write_retries_total") == 2
    assert [call.series for call in service.calls] == [[(FORWARDED, SAMPLES)]] * 3


async def test_a_message_above_its_limit_is_reported_to_the_client(tmp_path: Path) -> None:
    service = Pusher()
    async with relay(service, tmp_path, read_max_bytes=1024) as running:
        with pytest.raises(ConnectError) as caught:
            await send(running.port, push_request())
    assert service.calls == []
    assert caught.value.code is Code.RESOURCE_EXHAUSTED
