"""The `Sender` that uses httpx: through proxies, over HTTP/2, and where our own transport cannot run.

httpx's transport is used without its client, which adds headers, cookies and redirects of its own.
Nothing is replayed here: httpx does not say whether a reply had begun.
Source: docs/spec/PYROSCOPE.md, section 5.1.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from ast import literal_eval
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import httpcore
import httpx

from alloypy.lang.go.text import quote
from alloypy.lang.secrecy import hide
from alloypy.net.client.connection import too_much_around
from alloypy.net.client.go_errors import broken_text, causing_error, dial_error, system_text
from alloypy.net.client.http2 import (
    MISSING,
    broken_http2_text,
    faults_of_replies,
    installed,
    without_hop_by_hop,
)
from alloypy.net.client.messages import (
    IDLE_SECONDS,
    MAX_IDLE,
    READ_LIMIT_BYTES,
    Headers,
    NoHTTP1,
    NotSent,
    Origin,
    Request,
    Response,
    SendError,
    SendTimeout,
    Taker,
    head_of,
    headers_of,
    origin_of,
)
from alloypy.net.client.proxy import ProxyRoute
from alloypy.net.client.tls import TLS
from alloypy.net.http_status import TOO_MUCH_AROUND, status_text
from alloypy.profiles.model import Buffer

_STATUS_LINE = re.compile(r"illegal status line: bytearray\((b.*)\)")
SOCKS_SCHEMES = ("socks5", "socks5h")
_KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
)
"""As in Go: a connection whose peer has vanished ends although nothing is sent on it."""
_CONNECT_SHARE = 0.9
"""httpcore must end a handshake itself, before our deadline: a cancelled one leaks its socket."""


_LEAST_AROUND_A_CHUNK = len(b"1\r\n\r\n")
_PARTS_IN_A_TURN = 500


class HttpxSender:
    """A `Sender` over httpx.

    tls: consulted for every request, so that changed certificate files take effect. With `http2`, nothing
        else may use it, because httpx changes the protocols that its context offers.
    proxy: the proxy to go through, or None.
    http2: also offer HTTP/2 over TLS, if the extra for it is installed.
    socket_path: a Unix socket to connect to instead of the request's host, or "".
    """

    def __init__(
        self, tls: TLS, proxy: ProxyRoute | None = None, *, http2: bool = False, socket_path: str = ""
    ) -> None:
        self._tls = tls
        self._proxy = proxy
        self._socket_path = socket_path
        self._http2 = http2 and installed()
        self._http2_missing = http2 and not self._http2
        self._carriers: dict[str, _Carrier] = {}
        self._retired: set[_Carrier] = set()

    @property
    def problem(self) -> str:
        """Why earlier certificates are still in use, or ""."""
        return self._tls.problem

    async def send(self, request: Request, read_limit: int = READ_LIMIT_BYTES) -> Response:
        """Send, and read at most `read_limit` bytes of the reply's body. Raises SendError."""
        return await self._send(request, headers_of(request), _Chunks(request.chunks), read_limit)

    async def stream(
        self, request: Request, body: AsyncIterable[bytes], read_limit: int = READ_LIMIT_BYTES
    ) -> Response:
        """Send a body of unknown length instead of the request's chunks. Raises SendError."""
        headers = [*headers_of(request, body=False), ("Transfer-Encoding", "chunked")]
        return await self._send(request, headers, _Streamed(body), read_limit)

    async def _send(
        self, request: Request, headers: Headers, body: httpx.AsyncByteStream, read_limit: int
    ) -> Response:
        if request.timeout <= 0:
            raise SendTimeout
        head_of(request)  # checks the headers
        if self._http2 and request.origin.scheme == "https":
            headers = without_hop_by_hop(headers)
        carrier = self._carrier(request.origin, await self._tls.context(request.timeout))
        exchange = _Exchange(request, headers, body, self._tls.server_name)
        carrier.busy += 1
        try:
            return await exchange.run(carrier.transport, read_limit)
        except httpx.TransportError as error:
            raise self._translate(request.origin, error, exchange) from error
        finally:
            carrier.busy -= 1
            exchange.end()
            if exchange.whole:
                carrier.last[request.origin] = exchange.connection
            elif exchange.http2:
                self._retire(request.origin.scheme, carrier)
            await self._close_retired()

    async def aclose(self) -> None:
        """Close every connection."""
        carriers = [*self._carriers.values(), *self._retired]
        self._carriers.clear()
        self._retired.clear()
        for carrier in carriers:
            await carrier.transport.aclose()

    def _carrier(self, origin: Origin, context: ssl.SSLContext) -> _Carrier:
        scheme = origin.scheme
        carrier = self._carriers.get(scheme)
        if carrier is not None and (carrier.context is not context or carrier.left_by(origin)):
            self._retire(scheme, carrier)
            carrier = None
        if carrier is None:
            carrier = self._carriers[scheme] = _Carrier(context, self._new_transport(scheme, context))
        return carrier

    def _retire(self, scheme: str, carrier: _Carrier) -> None:
        """Take no more requests; those in flight finish."""
        if self._carriers.get(scheme) is carrier:
            del self._carriers[scheme]
            self._retired.add(carrier)

    async def _close_retired(self) -> None:
        done = [carrier for carrier in self._retired if not carrier.busy]
        self._retired.difference_update(done)
        for carrier in done:
            await carrier.transport.aclose()

    def _new_transport(self, scheme: str, context: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(
            max_connections=None, max_keepalive_connections=MAX_IDLE, keepalive_expiry=IDLE_SECONDS
        )
        if self._proxy is not None and self._proxy.url.scheme in SOCKS_SCHEMES:
            from alloypy.net.client.socks import SocksTransport

            return SocksTransport(self._proxy.url, context, limits, self._http2)
        return httpx.AsyncHTTPTransport(
            verify=context,
            trust_env=False,
            http2=self._http2,
            limits=limits,
            proxy=self._httpx_proxy(scheme, context),
            uds=self._socket_path or None,
            socket_options=None if self._socket_path else _KEEP_ALIVE,
        )

    def _httpx_proxy(self, scheme: str, context: ssl.SSLContext) -> httpx.Proxy | None:
        if self._proxy is None:
            return None
        url = self._proxy.url
        auth = None if url.user is None else (url.user, url.password or "")
        plain = f"{url.scheme or 'http'}://{url.host}"
        try:
            return httpx.Proxy(
                plain,
                auth=auth,
                ssl_context=context if url.scheme == "https" else None,
                headers=list(self._proxy.connect_headers) if scheme == "https" else None,
            )
        except (ValueError, httpx.InvalidURL):
            raise NotSent(f'unsupported proxy scheme "{url.scheme}"') from None

    def _translate(self, origin: Origin, error: httpx.TransportError, exchange: _Exchange) -> SendError:
        reason = self._undialled(error, exchange) or _reason(origin, error, exchange)
        return SendError(MISSING) if self._http2_missing and isinstance(reason, NoHTTP1) else reason

    def _undialled(self, error: httpx.TransportError, exchange: _Exchange) -> SendError | None:
        """Why there is no connection to the proxy or the Unix socket, if that is what failed."""
        cause = causing_error(error)
        if exchange.connected or isinstance(error, httpx.ProxyError) or not isinstance(cause, OSError):
            return None
        if self._socket_path:
            return SendError(f"dial unix {self._socket_path}: connect: {system_text(cause)}")
        if self._proxy is None or self._proxy.url.scheme in SOCKS_SCHEMES:
            return None
        return SendError(f"proxyconnect tcp: {dial_error(origin_of(self._proxy.url), cause)}")


class _Carrier:
    """httpx's transport with the context it was made for.

    busy: how many requests are in flight. last: by origin, the HTTP/2 connection that served it last.
    """

    def __init__(self, context: ssl.SSLContext, transport: httpx.AsyncHTTPTransport) -> None:
        self.context = context
        self.transport = transport
        self.busy = 0
        self.last: dict[Origin, httpcore.AsyncNetworkStream | None] = {}

    def left_by(self, origin: Origin) -> bool:
        """Whether something arrived on an idle connection, most likely its end: httpcore does not check."""
        connection = None if self.busy else self.last.get(origin)
        return connection is not None and bool(connection.get_extra_info("is_readable"))


class _Exchange:
    """A request in flight.

    connected: whether there was a connection for it. http2: whether that speaks HTTP/2; if so, and a reply
    came, `connection` is that connection.
    whole: whether everything was sent and read; if not, httpcore leaves an HTTP/2 stream half open, and
    the connection must be closed soon.
    """

    def __init__(
        self, request: Request, headers: Headers, body: httpx.AsyncByteStream, server_name: str
    ) -> None:
        self.connected = False
        self.http2 = False
        self.connection: httpcore.AsyncNetworkStream | None = None
        self.whole = False
        self._deadline = asyncio.get_running_loop().time() + request.timeout
        self._taker = request.taker
        timeouts = {"connect": request.timeout * _CONNECT_SHARE, "read": None, "write": None, "pool": None}
        extensions: dict[str, Any] = {"timeout": timeouts, "trace": self._trace}
        if server_name:
            extensions["sni_hostname"] = server_name
        self._request = httpx.Request(
            request.method,
            _url(request.origin, request.target),
            headers=[(_raw(name), _raw(value.strip())) for name, value in headers],
            stream=body,
            extensions=extensions,
        )
        self._request.method = request.method  # which httpx has put in capitals

    async def run(self, transport: httpx.AsyncHTTPTransport, read_limit: int) -> Response:
        """Raises SendError, httpx.TransportError."""
        try:
            async with asyncio.timeout_at(self._deadline):
                response = await transport.handle_async_request(self._request)
        except (TimeoutError, httpx.ConnectTimeout):
            raise SendTimeout from None
        if self.http2:
            self.connection = response.extensions["network_stream"]
        parts: list[bytes] = []
        broken = ""
        try:
            if self._taker is not None and response.status_code == HTTPStatus.OK:
                broken = await self._pass_on(response, self._taker)
            else:
                async with asyncio.timeout_at(self._deadline):
                    broken = await self._read(response, parts, read_limit)
        except TimeoutError:
            broken = str(SendTimeout())
        finally:
            await response.aclose()
        headers = [
            (name.decode("latin-1").lower(), value.decode(errors="surrogateescape"))
            for name, value in response.headers.raw
        ]
        return Response(response.status_code, self._reason(response), headers, b"".join(parts), broken)

    def end(self) -> None:
        """Drop what was sent, whose extensions refer to us."""
        del self._request

    def _reason(self, response: httpx.Response) -> str:
        if self.http2:
            return status_text(response.status_code)
        reason: bytes = response.extensions.get("reason_phrase", b"")
        return reason.decode("latin-1")

    async def _read(self, response: httpx.Response, parts: list[bytes], limit: int) -> str:
        """Read as much of the body as is wanted into `parts`; returns what broke it off, or ""."""
        size = around = 0
        try:
            async for part in _paced(response):
                parts.append(part[: limit - size])
                size += len(part)
                around += _LEAST_AROUND_A_CHUNK
                if size > limit:
                    return ""
                if too_much_around(size + around, size):
                    return TOO_MUCH_AROUND
        except self._faults() as error:
            return self._broken_body(error)
        self.whole = True
        return ""

    async def _pass_on(self, response: httpx.Response, taker: Taker) -> str:
        """Pass the body on; returns what broke it off, or "". Raises TimeoutError."""
        stream = _paced(response)
        taker.begin()
        while True:
            try:
                async with asyncio.timeout(taker.idle_seconds):
                    part = await anext(stream, None)
            except self._faults() as error:
                return self._broken_body(error)
            if part is None:
                self.whole = True
                return ""
            await taker.take(part)

    def _faults(self) -> tuple[type[Exception], ...]:
        """What httpx raises for a body that does not arrive whole."""
        of_transport: tuple[type[Exception], ...] = (httpx.TransportError,)
        return of_transport + faults_of_replies() if self.http2 else of_transport

    def _broken_body(self, error: Exception) -> str:
        cause = causing_error(error)
        if cause is not None:
            return broken_text(cause)
        return broken_http2_text(error.__cause__ or error) if self.http2 else "unexpected EOF"

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            self.connected = True
            self.http2 = event.startswith("http2.")


async def _paced(response: httpx.Response) -> AsyncGenerator[bytes]:
    """The parts of a body; others have their turn between them, even if all have arrived at once."""
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 -- an async transport's reply
    number = 0
    async for part in stream:
        yield part
        number += 1
        if number % _PARTS_IN_A_TURN == 0:
            await asyncio.sleep(0)


class _Chunks(httpx.AsyncByteStream):
    def __init__(self, chunks: Sequence[Buffer]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield bytes(chunk)


class _Streamed(httpx.AsyncByteStream):
    def __init__(self, body: AsyncIterable[bytes]) -> None:
        self._body = body
        self._begun = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._begun:  # httpcore sends a request again if an HTTP/2 server says that it ignored it
            raise SendError("http2: the server is going away and the body cannot be sent again")
        self._begun = True
        async for part in self._body:
            if part:
                yield part


def _reason(origin: Origin, error: httpx.TransportError, exchange: _Exchange) -> SendError:
    cause = causing_error(error)
    if isinstance(error, httpx.ProxyError):
        code, _, reason = str(error).partition(" ")  # of the answer to CONNECT
        return SendError(hide(reason) if code.isdecimal() and reason else str(error))
    if exchange.http2:
        text = broken_http2_text(error.__cause__ or error) if cause is None else broken_text(cause)
        return SendError(text)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return NotSent(str(error))
    if not exchange.connected or isinstance(cause, ssl.SSLError | ssl.CertificateError):
        return dial_error(origin, cause or error)
    if isinstance(error, httpx.RemoteProtocolError):
        text = str(error)
        if "disconnected" in text:
            return SendError("EOF")
        line = _STATUS_LINE.fullmatch(text)
        what = f" {quote(hide(_plain(literal_eval(line[1]))))}" if line else f": {text}"
        return SendError(f"net/http: HTTP/1.x transport connection broken: malformed HTTP response{what}")
    return SendError(broken_text(cause))


def _plain(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _url(origin: Origin, target: str) -> httpx.URL:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    try:
        return httpx.URL(f"{origin.scheme}://{host}:{origin.port}{target}")
    except httpx.InvalidURL as reason:  # httpx accepts at most 64 KiB
        raise NotSent(f"the request's URL cannot be sent: {reason}") from None


def _raw(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
