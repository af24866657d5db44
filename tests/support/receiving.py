"""pyroscope.receive_http alone in this process, with real sockets and a fake receiver as its destination."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry

from alloypy.components.pyroscope.receive_http import Arguments, ReceiveHTTP
from alloypy.components.pyroscope.receiving.blocks import HTTP
from alloypy.lang.go.duration import Duration
from alloypy.net.server.listener import Server
from alloypy.profiles.model import IngestProfile, Push, RawSample, Series
from alloypy.profiles.receiver import DebugInfoClient, ProfilesReceiver
from alloypy.runtime.contract.component import Metrics, Options, Stability
from alloypy.runtime.contract.events import Events
from alloypy.tracing import Tracer
from tests.support.metrics import metric
from tests.support.profiles import contents

PUSH = "/push.v1.PusherService/Push"


class Collected(ProfilesReceiver):
    """A receiver that records what it gets, and fails on request.

    fail: called with each delivery; may raise. gate: a delivery waits for it.
    """

    def __init__(self, fail: Callable[[Any], None] = lambda _: None) -> None:
        self.component = "test.collected"
        self.pushes: list[Push] = []
        self.ingests: list[IngestProfile] = []
        self.fail = fail
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.clients: Sequence[DebugInfoClient] = ()

    async def append(self, push: Push) -> None:
        self.entered.set()
        await self.gate.wait()
        self.fail(push)
        # Bodies are views into buffers that belong to the request.
        series = [
            Series(
                one.labels, [RawSample(bytes(each.profile), each.id) for each in one.samples], one.position
            )
            for one in push.series
        ]
        self.pushes.append(push.with_series(series))

    async def append_ingest(self, profile: IngestProfile) -> None:
        self.entered.set()
        await self.gate.wait()
        self.fail(profile)
        body = [bytes(part) for part in profile.body]
        self.ingests.append(IngestProfile(**{**contents(profile), "body": body}))

    def debug_info_clients(self) -> Sequence[DebugInfoClient]:
        return self.clients


class OpenSockets:
    """Returns duplicates of listening sockets on loopback, one listener for each address."""

    def __init__(self) -> None:
        self._listeners: dict[int, socket.socket] = {}

    async def claim(self, host: str, port: int) -> list[socket.socket]:
        if port not in self._listeners:
            opened = socket.create_server((host, port), backlog=2048)
            opened.setblocking(False)
            self._listeners[port] = opened
        copy = self._listeners[port].dup()
        copy.setblocking(False)
        return [copy]

    def close(self) -> None:
        for each in self._listeners.values():
            each.close()


class LogLines(logging.Handler):
    """Keeps log records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def lines(self) -> list[str]:
        """Level, message and fields of each record, as one text."""
        return [
            f"{each.levelname} {each.getMessage()} {getattr(each, 'fields', {})}"
            + (f" {each.exc_info[1]!r}" if each.exc_info else "")
            for each in self.records
        ]


class Receiving:
    """A running receiver. port: where it listens."""

    def __init__(
        self, component: ReceiveHTTP, registry: CollectorRegistry, log: LogLines, sockets: OpenSockets
    ) -> None:
        self.component = component
        self.sockets = sockets
        self.registry = registry
        self.log = log
        self.task: asyncio.Task[None] | None = None

    @property
    def server(self) -> Server:
        """Its listener."""
        serving = self.component._serving
        assert serving is not None
        return serving.server

    @property
    def port(self) -> int:
        return self.server.addresses[0][1]

    async def update(self, arguments: Arguments) -> None:
        """What a reload does."""
        await self.component.prepare_update(arguments)
        await self.component.update(arguments)

    async def stop(self) -> None:
        """What a shutdown does."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of a sample, summed over the labels not given."""
        return metric(self.registry.collect(), f"pyroscope_receive_http_{name}", **labels)


def arguments(*receivers: ProfilesReceiver, http: dict[str, Any] | None = None, **others: Any) -> Arguments:
    """Arguments that listen on loopback."""
    block = HTTP(**{"listen_address": "127.0.0.1", "listen_port": 0, **(http or {})})
    return Arguments(forward_to=receivers, http=block, **others)


def milliseconds(count: int) -> Duration:
    """A duration for the server's timeouts."""
    return Duration(count * 1_000_000)


def component_options(
    registry: Metrics | CollectorRegistry, logger: logging.Logger, **changes: Any
) -> Options:
    """The options that a process passes to a component."""
    values: dict[str, Any] = {
        "id": "pyroscope.receive_http.test",
        "path": "/",
        "logger": logger,
        "metrics": lambda: registry,
        "set_exports": lambda _: None,
        "sockets": None,
        "storage": Path("unused"),
        "environ": {},
        "alloy_id": "id",
        "minimum_stability": Stability.PUBLIC_PREVIEW,
        "shutdown_deadline": 600.0,
        "clock": time.monotonic,
        "random": random.random,
        "tracer": Tracer(),
        "events": Events(),
    }
    return Options(**{**values, **changes})


@asynccontextmanager
async def receiving(given: Arguments, **changes: Any) -> AsyncIterator[Receiving]:
    """Run a receiver while the block lasts."""
    registry = CollectorRegistry()
    log = LogLines()
    logger = logging.Logger("receiver", logging.DEBUG)
    logger.addHandler(log)
    sockets = OpenSockets()
    component = ReceiveHTTP(component_options(registry, logger, sockets=sockets, **changes), given)
    try:
        await component.prepare()
    except BaseException:
        sockets.close()
        raise
    running = Receiving(component, registry, log, sockets)
    running.task = asyncio.create_task(component.run())
    while component._serving is None:
        await asyncio.sleep(0)
    try:
        yield running
    finally:
        await running.stop()
        sockets.close()


class Reply(NamedTuple):
    """A response; header names in lower case, the body without its framing."""

    status: int
    headers: dict[str, str]
    body: bytes
    trailers: dict[str, str]
    reason: str


class Client:
    """A connection on which a test can write any bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        """Write bytes as they are."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def reply(self, method: str = "POST") -> Reply:
        """Read a response, skipping interim ones."""
        while True:
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("utf-8").split("\r\n")[:-2]
            _, status, reason = first.split(" ", 2)
            if status != "100":
                break
        headers = _fields(lines)
        body = b""
        trailers: dict[str, str] = {}
        if method == "HEAD" or status in {"204", "304"}:
            pass
        elif headers.get("transfer-encoding") == "chunked":
            body, trailers = await self._chunked()
        elif "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
        else:
            body = await self.reader.read()
        return Reply(int(status), headers, body, trailers, reason)

    async def _chunked(self) -> tuple[bytes, dict[str, str]]:
        body = b""
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        lines = []
        while (line := await self.reader.readline()) != b"\r\n":
            lines.append(line.decode().strip())
        return body, _fields(lines)

    async def ended(self) -> bool:
        """Whether the server closes the connection without sending another byte."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


@asynccontextmanager
async def connected(port: int, **options: Any) -> AsyncIterator[Client]:
    """A connection to a port on loopback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26, **options)
    client = Client(reader, writer)
    try:
        yield client
    finally:
        await client.close()


def request_bytes(
    target: str,
    body: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    method: str = "POST",
    *,
    length: bool = True,
) -> bytes:
    """A request with Host and, unless switched off, Content-Length."""
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: receiver",
        *(f"{name}: {value}" for name, value in headers),
    ]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


async def ask(
    port: int,
    target: str,
    body: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    method: str = "POST",
) -> Reply:
    """One request on its own connection."""
    async with connected(port) as client:
        await client.send(request_bytes(target, body, headers, method))
        return await client.reply(method)


def _fields(lines: Iterable[str]) -> dict[str, str]:
    fields = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return fields
