"""Runs the server on the standard streams, or for one client on a socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import threading
from typing import BinaryIO

from alloypy.lsp.wire.errors import ParseError
from alloypy.lsp.wire.framing import FramingError, Stream, read_message
from alloypy.lsp.wire.server import Server
from alloypy.lsp.wire.writing import Sink, Writer

_SWITCH_SECONDS = 0.0005
"""After how long a thread that computes lets another one go on; Python's own 5 ms are felt in each answer."""
_LAST_WORDS_SECONDS = 2.0
"""How long a client that does not read may take until the process ends."""
_READ_AHEAD = 2
"""How many messages are read before the ones before them are handled."""


def serve_streams() -> int:
    """Serve the client on stdin and stdout; returns the exit code."""
    received, sent = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    sys.stdout = sys.stderr  # nothing else may come between the messages
    return asyncio.run(_serve(received, sent))


def serve_socket(host: str, port: int) -> int:
    """Serve one client that connects; port 0 is any free one. Raises OSError if it cannot listen."""
    with socket.create_server((host, port), family=_family(host)) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        sys.stderr.write(f"lsp: waiting for a client on {shown}:{port}\n")
        sys.stderr.flush()
        client, _ = listener.accept()
    with client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return asyncio.run(_serve(client.makefile("rb"), client.makefile("wb", buffering=0)))


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


async def _serve(received: BinaryIO, sent: Sink) -> int:
    server = Server()
    server.collecting.begin()
    sys.setswitchinterval(_SWITCH_SECONDS)
    loop = asyncio.get_running_loop()

    def failed() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(server.protocol.end)

    writer = Writer(sent, failed)
    ended = server.protocol.begin(writer.write)
    threading.Thread(
        target=_read, args=(received, server, loop), name="alloypy-lsp-read", daemon=True
    ).start()
    try:
        return await ended
    finally:
        await server.close()
        writer.close(_LAST_WORDS_SECONDS)


def _read(received: Stream, server: Server, loop: asyncio.AbstractEventLoop) -> None:
    """Hand messages to the loop, in a thread: reading a stream cannot be waited for everywhere."""
    room = threading.Semaphore(_READ_AHEAD)
    protocol = server.protocol

    def take(body: bytes | None, fault: str) -> None:
        try:
            if body is not None:
                protocol.receive(body)
            elif fault:
                protocol.refuse(None, ParseError(fault))
            else:
                protocol.end()
        finally:
            room.release()
            server.urgent.end()

    with contextlib.suppress(RuntimeError):  # the loop is closed
        while True:
            body, fault = None, ""
            try:
                body = read_message(received, server.urgent.begin)
            except FramingError as error:
                fault = str(error)
            except (OSError, ValueError):
                pass
            room.acquire()
            loop.call_soon_threadsafe(take, body, fault)
            if body is None and not fault:
                return
