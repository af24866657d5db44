"""An HTTP/2 server on loopback, over TLS, that answers as a test wants it to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import ProtocolError

from tests.support.scripted import listening

HELLO_OFFERS_HTTP2 = b"\x02h2"
NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"
SETTINGS_AND_GOAWAY = (
    b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
)


class Stream:
    """One request. number: its stream's; headers: in wire order, with the pseudo ones."""

    def __init__(self, connection: Connection, number: int, headers: list[tuple[str, str]]) -> None:
        self.connection = connection
        self.number = number
        self.headers = headers
        self.body = b""
        self.complete = asyncio.Event()
        self.was_reset = False

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    async def answer(self, status: int = 200, body: bytes = b"ok", *more: tuple[str, str]) -> None:
        """Send the whole reply, once the request is complete."""
        await self.complete.wait()
        self.begin(status, *more)
        await self.say(body)
        self.connection.h2.end_stream(self.number)
        self.connection.flush()

    def begin(self, status: int, *more: tuple[str, str]) -> None:
        self.connection.h2.send_headers(self.number, [(":status", str(status)), *more])
        self.connection.flush()

    async def say(self, data: bytes) -> None:
        """Send data, as fast as the client's flow control allows."""
        state = self.connection.h2
        while data:
            size = min(state.local_flow_control_window(self.number), state.max_outbound_frame_size, len(data))
            if size:
                state.send_data(self.number, data[:size])
                data = data[size:]
                self.connection.flush()
                await self.connection.writer.drain()
            else:
                self.connection.window.clear()
                await self.connection.window.wait()

    def reset(self, code: ErrorCodes) -> None:
        self.connection.h2.reset_stream(self.number, code)
        self.connection.flush()


Script = Callable[[Stream], Awaitable[None]]


class Backend:
    """What a test sees of the server. agreed: the result of each handshake."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.open = 0
        self.agreed: list[str | None] = []
        self.requests: list[Stream] = []


class Connection:
    """One connection that speaks HTTP/2."""

    def __init__(
        self, backend: Backend, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, script: Script
    ) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.writer = writer
        self.window = asyncio.Event()
        self.number = backend.connections - 1
        self._backend = backend
        self._reader = reader
        self._script = script
        self._streams: dict[int, Stream] = {}
        self._reads = asyncio.Event()
        self._reads.set()

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def go_away(self) -> None:
        self.h2.close_connection()
        self.flush()

    def abort(self) -> None:
        self.writer.transport.abort()

    def read_no_more(self) -> None:
        self._reads.clear()

    async def run(self) -> None:
        self.h2.initiate_connection()
        self.flush()
        async with asyncio.TaskGroup() as tasks:
            try:
                while data := await self._reader.read(65536):
                    for event in self.h2.receive_data(data):
                        self._take(event, tasks)
                    self.flush()
                    await self._reads.wait()
            finally:
                self._backend.open -= 1
            raise ConnectionError  # ends the tasks that still answer

    def _take(self, event: object, tasks: asyncio.TaskGroup) -> None:
        if isinstance(event, RequestReceived):
            headers = [(str(name), str(value)) for name, value in event.headers]
            stream = self._streams[event.stream_id] = Stream(self, event.stream_id, headers)
            self._backend.requests.append(stream)
            tasks.create_task(self._serve(stream))
        elif isinstance(event, DataReceived):
            self._streams[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self._streams[event.stream_id].complete.set()
        elif isinstance(event, StreamReset):
            self._streams[event.stream_id].was_reset = True
        elif isinstance(event, WindowUpdated):
            self.window.set()

    async def _serve(self, stream: Stream) -> None:
        with suppress(ProtocolError):  # the stream or the connection is over
            await self._script(stream)


async def ok(stream: Stream) -> None:
    """A script that answers every request."""
    await stream.answer()


def server_context(
    authority: trustme.CA, *names: str, protocols: tuple[str, ...] = ("h2",)
) -> ssl.SSLContext:
    """A TLS context that agrees on one of the protocols, or on none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(protocols)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    return context


@asynccontextmanager
async def http2_server(
    context: ssl.SSLContext, script: Script = ok, refusal: bytes | None = b""
) -> AsyncIterator[Backend]:
    """Serve until the block is left.

    refusal: sent to a client that has not agreed on HTTP/2, before its connection is closed.
    None: its handshake is refused.
    """
    backend = Backend()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        backend.connections += 1
        backend.agreed.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        try:
            if backend.agreed[-1] == "h2":
                backend.open += 1
                await Connection(backend, reader, writer, script).run()
            else:
                await reader.read(65536)
                writer.write(refusal or b"")
                await writer.drain()
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass

    async with listening(talk, context) as port:
        backend.port = port
        if refusal is None:
            async with _refusing(port) as backend.port:
                yield backend
        else:
            yield backend


@asynccontextmanager
async def _refusing(port: int) -> AsyncIterator[int]:
    """A port in front of another one that only lets through handshakes that offer HTTP/2."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(65536)
        if HELLO_OFFERS_HTTP2 not in hello:
            writer.write(NO_APPLICATION_PROTOCOL)
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        inner_writer.write(hello)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass data on until it ends or fails, then close."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.transport.abort()
