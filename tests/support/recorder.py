"""An HTTP server on loopback that records every request, and answers it or passes it on."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

_PATIENCE = 60.0
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "content-length"})


class Received(NamedTuple):
    """One request: its target as sent, headers with lower-case names, body without its framing."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)


class Recorder:
    """The server; a context manager.

    forward_to: `host:port` of a server that also gets each request and whose answer is returned.
    status, content, kind: the answer if nothing is forwarded; without a kind it has the request's own
        content type, as an RPC server does.
    """

    def __init__(self, forward_to: str = "", status: int = 200, content: bytes = b"", kind: str = "") -> None:
        self.requests: list[Received] = []
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(forward_to, status, content, kind))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def _handler(
        self, forward_to: str, status: int, content: bytes, kind: str
    ) -> type[BaseHTTPRequestHandler]:
        record = self._record

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                headers = [(name.lower(), value) for name, value in self.headers.items()]
                request = Received(self.command, self.path, headers, _read_body(self))
                record(request)
                if forward_to:
                    status_, answered, body = _pass_on(forward_to, request)
                else:
                    status_, answered, body = (
                        status,
                        [("Content-Type", kind or request.header("content-type") or "")],
                        content,
                    )
                self.send_response_only(status_)
                for name, value in answered:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler

    def _record(self, request: Received) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """`host:port`."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def url(self) -> str:
        """The URL to send to."""
        return f"http://{self.address}"

    def wait_for(self, count: int, where: Callable[[Received], bool] = lambda _: True) -> list[Received]:
        """The first `count` requests that satisfy `where`, as soon as they have arrived."""
        deadline = time.monotonic() + _PATIENCE
        with self._changed:
            while True:
                found = [request for request in self.requests if where(request)]
                if len(found) >= count:
                    return found
                if time.monotonic() > deadline:
                    raise AssertionError(f"{len(found)} of {count} requests came: {self.requests}")
                self._changed.wait(0.1)


def _read_body(handler: BaseHTTPRequestHandler) -> bytes:
    if "chunked" not in handler.headers.get("Transfer-Encoding", "").lower():
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    parts = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    while handler.rfile.readline().strip():
        pass
    return b"".join(parts)


def _pass_on(address: str, request: Received) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection(address, timeout=_PATIENCE)
    try:
        connection.putrequest(request.method, request.target, skip_accept_encoding=True)
        for name, value in request.headers:
            if name not in _HOP_BY_HOP:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        response = connection.getresponse()
        headers = [(k, v) for k, v in response.getheaders() if k.lower() not in _HOP_BY_HOP]
        return response.status, headers, response.read()
    finally:
        connection.close()
