"""The `Sender` over httpx: through proxies, and where the own transport cannot run.

httpx's transport is used without its client: that one adds headers, cookies and redirects of its own.
Nothing is replayed here: httpx does not tell whether a reply had begun.
Source: PYROSCOPE spec section 5.1.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from typing import Any

import httpx

from alloypy.net.dialing import broken_text, dial_error
from alloypy.net.proxy import ProxyRoute
from alloypy.net.sending import (
    READ_LIMIT,
    Headers,
    NotSent,
    Origin,
    Request,
    Response,
    SendError,
    SendTimeout,
    head_of,
    headers_of,
)
from alloypy.net.tls import TLS
from alloypy.profiles.model import Buffer

MAX_IDLE = 1000
IDLE_SECONDS = 300.0
_CONNECT_SHARE = 0.9
"""httpcore must end a handshake itself, before our deadline: one that is cancelled leaks its socket."""


class HttpxSender:
    """A `Sender` over httpx.

    tls: asked at every request, so that changed certificate files take effect.
    proxy: goes between, or None.
    """

    def __init__(self, tls: TLS, proxy: ProxyRoute | None = None) -> None:
        self._tls = tls
        self._proxy = proxy
        self._transports: dict[str, tuple[ssl.SSLContext, httpx.AsyncHTTPTransport]] = {}
        self._retired: list[httpx.AsyncHTTPTransport] = []

    async def send(self, request: Request, read_limit: int = READ_LIMIT) -> Response:
        """Send, and read at most `read_limit` bytes of the reply's body. Raises SendError."""
        return await self._send(request, headers_of(request), _Chunks(request.chunks), read_limit)

    async def stream(
        self, request: Request, body: AsyncIterable[bytes], read_limit: int = READ_LIMIT
    ) -> Response:
        """Send a body of unknown length, in place of the request's chunks. Raises SendError."""
        headers = [*headers_of(request._replace(method="")), ("Transfer-Encoding", "chunked")]
        return await self._send(request, headers, _Streamed(body), read_limit)

    async def _send(
        self, request: Request, headers: Headers, body: httpx.AsyncByteStream, read_limit: int
    ) -> Response:
        if request.timeout <= 0:
            raise SendTimeout
        head_of(request)  # checks the headers
        transport = self._transport(request.origin.scheme)
        exchange = _Exchange(request, headers, body, self._tls.server_name)
        try:
            return await exchange.run(transport, read_limit)
        except httpx.TransportError as error:
            raise _translate(request.origin, error, exchange.connected) from error

    async def aclose(self) -> None:
        """Close every connection."""
        current = [transport for _, transport in self._transports.values()]
        self._transports.clear()
        for transport in (*current, *self._retired):
            await transport.aclose()
        self._retired.clear()

    def _transport(self, scheme: str) -> httpx.AsyncHTTPTransport:
        context = self._tls.context()
        known = self._transports.get(scheme)
        if known is not None and known[0] is context:
            return known[1]
        if known is not None:
            self._retired.append(known[1])  # its requests in flight finish on it
        transport = self._new_transport(scheme, context)
        self._transports[scheme] = context, transport
        return transport

    def _new_transport(self, scheme: str, context: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=context,
            trust_env=False,
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=MAX_IDLE, keepalive_expiry=IDLE_SECONDS
            ),
            proxy=self._httpx_proxy(scheme, context),
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


class _Exchange:
    """A request under way. connected: whether a connection was had for it."""

    def __init__(
        self, request: Request, headers: Headers, body: httpx.AsyncByteStream, server_name: str
    ) -> None:
        self.connected = False
        self._deadline = asyncio.get_running_loop().time() + request.timeout
        timeouts = {"connect": request.timeout * _CONNECT_SHARE, "read": None, "write": None, "pool": None}
        extensions: dict[str, Any] = {"timeout": timeouts, "trace": self._trace}
        if server_name:
            extensions["sni_hostname"] = server_name
        self._request = httpx.Request(
            request.method,
            _url(request.origin, request.target),
            headers=[(_raw(name), _raw(value)) for name, value in headers],
            stream=body,
            extensions=extensions,
        )

    async def run(self, transport: httpx.AsyncHTTPTransport, read_limit: int) -> Response:
        """Raises SendTimeout, httpx.TransportError."""
        try:
            async with asyncio.timeout_at(self._deadline):
                response = await transport.handle_async_request(self._request)
        except (TimeoutError, httpx.ConnectTimeout):
            raise SendTimeout from None
        parts: list[bytes] = []
        broken = ""
        try:
            async with asyncio.timeout_at(self._deadline):
                broken = await _read(response, parts, read_limit)
        except TimeoutError:
            broken = str(SendTimeout())
        finally:
            await response.aclose()
        reason: bytes = response.extensions.get("reason_phrase", b"")
        headers = [
            (name.decode("latin-1").lower(), value.decode(errors="surrogateescape"))
            for name, value in response.headers.raw
        ]
        return Response(response.status_code, reason.decode("latin-1"), headers, b"".join(parts), broken)

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            self.connected = True


class _Chunks(httpx.AsyncByteStream):
    def __init__(self, chunks: Sequence[Buffer]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield bytes(chunk)


class _Streamed(httpx.AsyncByteStream):
    def __init__(self, body: AsyncIterable[bytes]) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            if part:
                yield part


async def _read(response: httpx.Response, parts: list[bytes], limit: int) -> str:
    """Read as much of the body as is wanted into `parts`; what broke it off, or ""."""
    size = 0
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 -- an async transport's reply
    try:
        async for part in stream:
            parts.append(part[: limit - size])
            size += len(part)
            if size > limit:
                break
    except httpx.TransportError as error:
        return _broken_body(error)
    return ""


def _broken_body(error: httpx.TransportError) -> str:
    cause = _cause(error)
    return "unexpected EOF" if cause is None else broken_text(cause)


def _translate(origin: Origin, error: httpx.TransportError, connected: bool) -> SendError:
    cause = _cause(error)
    if isinstance(error, httpx.ProxyError):
        return SendError(f"proxyconnect tcp: {error}")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return NotSent(str(error))
    if not connected:
        return dial_error(origin, cause or error)
    if isinstance(error, httpx.RemoteProtocolError):
        text = str(error)
        if "disconnected" in text:
            return SendError("EOF")
        return SendError(f"net/http: HTTP/1.x transport connection broken: malformed HTTP response: {text}")
    return SendError(broken_text(cause))


def _cause(error: BaseException) -> BaseException | None:
    """The system's or the TLS library's own error behind httpx's."""
    found: BaseException | None = None
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError | ssl.CertificateError | socket.gaierror):
            return seen
        if isinstance(seen, OSError) and (found is None or seen.errno is not None):
            found = seen
        if isinstance(seen, BaseExceptionGroup):
            seen = seen.exceptions[0]
        else:
            seen = seen.__cause__ or seen.__context__
    return found


def _url(origin: Origin, target: str) -> httpx.URL:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return httpx.URL(f"{origin.scheme}://{host}:{origin.port}{target}")


def _raw(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
