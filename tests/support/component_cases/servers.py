"""Servers of recorded cases: scripted answers, ports at which nobody answers, a sink for profiles."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.component_cases import certificates
from tests.support.component_cases.case import Case
from tests.support.component_cases.profiles import body_of
from tests.support.running import free_port

_CHUNK = 1000


class Handler(BaseHTTPRequestHandler):
    """Reads a request and passes it to the server's owner."""

    protocol_version = "HTTP/1.1"
    server_version = "t"
    sys_version = ""
    server: Listening

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "x"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError):
            self.close_connection = True

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def any_method(self) -> None:
        """Have the owner answer."""
        self.server.owner.handle(self, self._body())

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_CONNECT = do_OPTIONS = any_method
    do_FETCH = do_get = any_method


class Listening(ThreadingHTTPServer):
    """A server that belongs to a `Scripted`."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256
    owner: Scripted

    def handle_error(self, *_: Any) -> None:
        """Connections may break."""


class _Unix(Listening):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "unix", 0

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, _ = self.socket.accept()
        return connection, ("unix", 0)


class Server:
    """A server of a case. port: 0 for a Unix socket. got: all requests."""

    def __init__(self, port: int, held: socket.socket | None = None) -> None:
        self.port = port
        self.got: list[dict[str, Any]] = []
        self._held = held

    def change(self, update: Mapping[str, Any]) -> None:
        """Answer differently from now on."""
        raise TypeError(f"this server answers nothing: {update}")

    def close(self) -> None:
        """Free the port."""
        if self._held is not None:
            self._held.close()


class Scripted(Server):
    """Answers by path. A list of answers is used one after the other, the last one again and again."""

    def __init__(self, case: Case, name: str, given: Mapping[str, Any]) -> None:
        self.case = case
        self.given = given
        self.stopping = False
        self._routes: dict[str, Any] = dict(given.get("routes", {}))
        self._counts: dict[str, int] = {}
        self.lock = threading.Lock()
        if given.get("unix"):
            path: Any = case.filled(given["unix"])
            self._listening: Listening = _Unix(path, Handler)
        else:
            self._listening = Listening(("127.0.0.1", 0), Handler)
        if given.get("tls"):
            self._listening.socket = _over_tls(
                self._listening.socket, case.folder / f".{name}.pem", given["tls"]
            )
        super().__init__(0 if given.get("unix") else self._listening.server_address[1])
        self._listening.owner = self
        threading.Thread(target=self._listening.serve_forever, args=(0.1,), daemon=True).start()

    def change(self, update: Mapping[str, Any]) -> None:
        with self.lock:
            if "routes" in update:
                self._routes, self._counts = dict(update["routes"]), {}
            for path, answer in update.get("merge", {}).items():
                self._routes[path] = answer
                self._counts.pop(path, None)

    def close(self) -> None:
        self.stopping = True
        threading.Thread(target=self._close, daemon=True).start()

    def _close(self) -> None:
        self._listening.shutdown()
        self._listening.server_close()

    def handle(self, request: Handler, body: bytes) -> None:
        """Answer a request."""
        url = urlsplit(request.path)
        seen = {
            "method": request.command,
            "path": url.path,
            "query": url.query,
            "target": request.path,
            "headers": list(request.headers.items()),
            "body": body,
        }
        with self.lock:
            self.got.append(seen)
        self.answer(request, url.path, url.query)

    def answer(self, request: Handler, path: str, query: str) -> None:
        """Send the answer for a path."""
        answer = self._next(re.sub(r"^/v1\.\d+", "", path) if self.given.get("docker") else path)
        if answer.get("proxy") and request.command != "CONNECT":
            _forward(request)
            return
        wanted = answer.get("echo_auth")
        if wanted and request.headers.get("Authorization") != wanted:
            answer = {"status": 401, "body": "unauthorised\n"}
        self.reply(request, answer)

    def _next(self, path: str) -> Mapping[str, Any]:
        with self.lock:
            stars = (each for each in self._routes if each.endswith("*") and path.startswith(each[:-1]))
            key = path if path in self._routes else next(stars, "")
            found: Any = self._routes.get(key)
            if isinstance(found, list):
                count = self._counts.get(key, 0)
                self._counts[key] = count + 1
                found = found[min(count, len(found) - 1)]
        if found is None:
            return {"status": 404, "headers": {"Content-Type": "text/plain"}, "body": "no route\n"}
        answer: Mapping[str, Any] = found
        return answer

    def reply(self, request: Handler, answer: Mapping[str, Any]) -> None:
        """Send an answer."""
        if answer.get("delay"):
            time.sleep(answer["delay"])
        if answer.get("close"):
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        if answer.get("raw") is not None:
            request.connection.sendall(self.case.filled(answer["raw"]).encode("latin-1"))
            request.close_connection = True
            request.connection.close()
            return
        body = body_of(answer, self.case.filled)
        request.send_response_only(answer.get("status", 200), answer.get("reason"))
        for name, values in answer.get("headers", {}).items():
            for value in values if isinstance(values, list) else [values]:
                request.send_header(name, self.case.filled(value))
        if answer.get("chunked"):
            _send_chunks(request, body)
        else:
            _send_whole(request, body, answer)


def _send_chunks(request: Handler, body: bytes) -> None:
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for at in range(0, len(body), _CHUNK):
        chunk = body[at : at + _CHUNK]
        request.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    request.wfile.write(b"0\r\n\r\n")


def _send_whole(request: Handler, body: bytes, answer: Mapping[str, Any]) -> None:
    size = answer.get("claim") or len(body)
    if answer.get("nolength"):
        request.send_header("Connection", "close")
    else:
        request.send_header("Content-Length", str(size))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)
    if size != len(body) or answer.get("nolength"):
        request.close_connection = True


def _forward(request: Handler) -> None:
    """Be a proxy."""
    url = urlsplit(request.path)
    assert url.hostname is not None
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "proxy-connection"}
    connection.request(request.command, url.path + (f"?{url.query}" if url.query else ""), headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    request.send_response(answer.status)
    request.send_header("Content-Type", answer.getheader("Content-Type") or "")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _over_tls(plain: socket.socket, path: Path, kind: str) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    path.write_text(certificates.SERVER + certificates.SERVER_KEY)
    context.load_cert_chain(path)
    if kind == "mutual":
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=certificates.CA)
    return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)


class _Sink(Scripted):
    """Accepts every profile."""

    def answer(self, request: Handler, path: str, query: str) -> None:
        self.reply(request, {"status": 200, "headers": {"Content-Type": "application/proto"}})


def serve(case: Case, name: str, given: Mapping[str, Any]) -> Server:
    """The server that a case describes."""
    kind = given.get("kind", "http")
    if kind == "reserve":
        return Server(free_port())
    if kind in {"refuse", "hole"}:
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        if kind == "hole":
            held.listen(64)
        return Server(held.getsockname()[1], held)
    if kind == "k8s":
        from tests.support.component_cases.kubernetes_api import KubernetesAPI

        return KubernetesAPI(case, name, given)
    return (_Sink if kind == "sink" else Scripted)(case, name, given)
